/**
 * The Markdown pages as GitHub and the site show them: which they are, their headings, links and
 * index.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** Folders whose Markdown files are pages; `docs/bench` holds what benches printed. */
const folders = ['', 'docs/', 'deploy/', 'examples/']

/** Every page under `root`, by its path there. */
export function readPages(root: URL): Map<string, string> {
  const pages = new Map<string, string>()
  for (const folder of folders) {
    if (!existsSync(new URL(folder, root))) continue
    for (const name of readdirSync(new URL(folder, root)).sort()) {
      if (name.endsWith('.md')) pages.set(folder + name, readFileSync(new URL(folder + name, root), 'utf8'))
    }
  }
  return pages
}

export const indexPath = 'docs/README.md'

/** A heading's anchor, as GitHub makes it; `docs/site` is told to make the same. */
export const slugOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-')

export interface Page {
  /** The anchors that a link may name. */
  readonly anchors: ReadonlySet<string>
  readonly links: readonly string[]
  /** The files and folders of this repository that its prose names. */
  readonly named: readonly string[]
}

/** Code shows links and headings that are none. */
const withoutCode = (markdown: string): string =>
  markdown.replaceAll(/^( *)(`{3,}|~{3,}).*\n[\s\S]*?^\1\2.*$/gm, '').replaceAll(/<!--[\s\S]*?-->/g, '')

/** What a reader sees of inline Markdown. */
const textOf = (markdown: string): string => markdown.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, '')

export function parsePage(markdown: string): Page {
  const prose = withoutCode(markdown)
  const anchors = new Set<string>()
  for (const [, heading = ''] of prose.matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const slug = slugOf(textOf(heading))
    let anchor = slug
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`
    anchors.add(anchor)
  }
  for (const [, id = ''] of prose.matchAll(/<[a-z]+ [^>]*\bid="([^"]+)"/g)) anchors.add(id)
  const links = [...prose.replaceAll(/`[^`\n]*`/g, '').matchAll(/\[[^\]]*\]\(<?([^)\s>]+)>?\)/g)]
  const named = [...prose.matchAll(/`((?:bench|deploy|docs|examples|runtimes|scripts|src|test)\/[\w./-]*)`/g)]
  return { anchors, links: links.map(([, href = '']) => href), named: named.map(([, path = '']) => path) }
}

export interface IndexGroup {
  readonly title: string
  readonly pages: readonly { readonly text: string; readonly href: string }[]
}

/**
 * The groups of an index page: a `##` heading, and below it one list item or table row for each
 * page, which begins with its link.
 */
export function parseIndex(markdown: string): IndexGroup[] {
  const [, ...sections] = withoutCode(markdown).split(/^## +/m)
  return sections.map((section) => ({
    title: section.slice(0, section.indexOf('\n')).trim(),
    pages: [...section.matchAll(/^[-|] *\[([^\]]+)\]\(([^)]+)\)/gm)].map(([, text = '', href = '']) => ({
      text: textOf(text),
      href,
    })),
  }))
}

const isElsewhere = (href: string): boolean => /^([a-z][a-z+.-]*:|\/\/)/i.test(href)

/**
 * The file that `href` on the page `from` leads to, and its anchor; null where it leads to another
 * site.
 */
export function targetOf(from: string, href: string): { path: string; anchor: string } | null {
  if (isElsewhere(href)) return null
  const url = new URL(href, `file:///${from}`)
  return { path: decodeURIComponent(url.pathname.slice(1)), anchor: decodeURIComponent(url.hash.slice(1)) }
}

/** One line for each link of `pages` (by path) that leads nowhere. */
export function brokenLinks(pages: ReadonlyMap<string, string>, exists: (path: string) => boolean): string[] {
  const parsed = new Map([...pages].map(([path, markdown]) => [path, parsePage(markdown)]))
  return [...parsed].flatMap(([from, { links }]) =>
    links.flatMap((href) => {
      const target = targetOf(from, href)
      if (target === null) return []
      const page = parsed.get(target.path)
      if (page === undefined) return exists(target.path) ? [] : [`${from}: ${href}: there is no ${target.path}`]
      if (target.anchor === '' || page.anchors.has(target.anchor)) return []
      return [`${from}: ${href}: ${target.path} has no heading #${target.anchor}`]
    }),
  )
}

/** What a command writes is not in a fresh clone. */
const isBuilt = (path: string): boolean => /\/dist(\/|$)/.test(path)

/**
 * One line for each file that the prose of `pages` names and that has gone; the changelog tells of
 * the past.
 */
export function missingFiles(pages: ReadonlyMap<string, string>, exists: (path: string) => boolean): string[] {
  return [...pages].flatMap(([from, markdown]) =>
    from === 'CHANGELOG.md'
      ? []
      : parsePage(markdown)
          .named.filter((path) => !isBuilt(path) && !exists(path))
          .map((path) => `${from}: there is no ${path}`),
  )
}

/**
 * One line for each page that the index lacks or names twice, and for each of its links that is no
 * page.
 */
export function indexProblems(pages: ReadonlyMap<string, string>): string[] {
  const indexed = parseIndex(pages.get(indexPath) ?? '')
    .flatMap((group) => group.pages)
    .map(({ href }) => targetOf(indexPath, href)?.path ?? href)
  const counted = [...pages.keys()].filter((path) => path !== indexPath && path !== 'README.md')
  return [
    ...counted.filter((path) => !indexed.includes(path)).map((path) => `${indexPath}: ${path} is missing`),
    ...indexed.filter((path, at) => indexed.indexOf(path) !== at).map((path) => `${indexPath}: ${path} is there twice`),
    ...indexed
      .filter((path) => !counted.includes(path))
      .map((path) => `${indexPath}: ${path} is not a page of its own`),
  ]
}

/** What is wrong with the pages under `root`. */
export function pageProblems(root: URL): string[] {
  const pages = readPages(root)
  const exists = (path: string) => existsSync(new URL(path, root))
  return [...brokenLinks(pages, exists), ...missingFiles(pages, exists), ...indexProblems(pages)]
}
