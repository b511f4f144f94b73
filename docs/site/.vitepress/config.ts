/** The site: the Markdown pages of the repository as they are, in the order of docs/README.md. */
import { cp, mkdir } from 'node:fs/promises'
import { dirname, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig, type MarkdownOptions } from 'vitepress'
import { indexPath, parseIndex, readPages, slugOf, targetOf } from '../../../scripts/pages.ts'

const root = new URL('../../../', import.meta.url)
const pages = readPages(root)

/** GitHub shows README.md for a folder; a web server shows index.html. */
const addressOf = (path: string) => path.replace(/(^|\/)README\.md$/, '$1index.md')

/** Files beside the pages that a page links to, and where they are on the site: what a browser shows by its own name, a source as text. */
const files = new Map<string, string>()
const isShown = /\.(html|json|svg|png|txt)$/

function fileAddress(path: string): string {
  const address = `files/${path}${isShown.test(path) ? '' : '.txt'}`
  files.set(path, address)
  return address
}

const rewriteLinks: NonNullable<MarkdownOptions['config']> = (markdown) => {
  markdown.core.ruler.push('links-of-the-repository', ({ tokens, env }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' ? token.attrGet('href') : null
      const target = href === null ? null : targetOf(sourceOf(env.relativePath), href)
      if (href === null || target === null || href.startsWith('#')) continue
      const anchor = target.anchor === '' ? '' : `#${target.anchor}`
      if (target.path.endsWith('/')) {
        token.attrs = null // GitHub lists a folder; the site has no such page.
        continue
      }
      const isPage = pages.has(target.path)
      const to = isPage ? addressOf(target.path) : fileAddress(target.path)
      if (!isPage) token.attrSet('target', '_self') // the browser opens it, not the router of the pages
      token.attrSet('href', `${posix.relative(posix.dirname(env.relativePath), to)}${anchor}`)
    }
  })
}

const drawDiagrams: NonNullable<MarkdownOptions['config']> = ({ renderer }) => {
  const { fence } = renderer.rules
  renderer.rules.fence = (tokens, index, ...rest) => {
    const { info = '', content = '' } = tokens[index] ?? {}
    if (info.trim() !== 'mermaid') return fence?.(tokens, index, ...rest) ?? ''
    return `<Diagram source="${encodeURIComponent(content)}" />`
  }
}

const sourceOf = (address: string) => [...pages.keys()].find((path) => addressOf(path) === address) ?? address

const extendMarkdown: MarkdownOptions['config'] = (markdown) => {
  rewriteLinks(markdown)
  drawDiagrams(markdown)
}

const sidebar = parseIndex(pages.get(indexPath)!).map(({ title, pages }) => ({
  text: title,
  items: pages.map(({ text, href }) => ({ text, link: `/${addressOf(targetOf(indexPath, href)!.path)}` })),
}))

export default defineConfig({
  title: 'hangup',
  description: 'HTTP servers that hang up: one connection policy on Node, Bun, Deno and Workers',
  base: process.env['SITE_BASE'] ?? '/',
  head: [['link', { rel: 'icon', href: 'data:,' }]], // none, and no request for one
  srcDir: '../..',
  srcExclude: ['{.*,bench,dist,node_modules,runtimes,scripts,src,test}/**', 'docs/{bench,site}/**'],
  rewrites: Object.fromEntries([...pages.keys()].map((path) => [path, addressOf(path)])),
  ignoreDeadLinks: [(url) => url.includes('/files/')], // scripts/pages.test.ts looks at those
  markdown: { anchor: { slugify: slugOf }, config: extendMarkdown },
  vite: {
    // The pages lie outside this folder, where no Vue is installed.
    resolve: { alias: { vue: fileURLToPath(new URL('../node_modules/vue', import.meta.url)) } },
    esbuild: { tsconfigRaw: '{}' },
    build: { chunkSizeWarningLimit: 2_000 }, // Mermaid, which only the pages with a diagram load
  },
  themeConfig: {
    nav: [
      { text: 'Docs', link: '/docs/' },
      { text: 'FAQ', link: '/docs/faq' },
    ],
    sidebar,
    outline: [2, 3],
    search: { provider: 'local' },
  },
  async buildEnd({ outDir }) {
    for (const [from, to] of files) {
      await mkdir(dirname(`${outDir}/${to}`), { recursive: true })
      await cp(fileURLToPath(new URL(from, root)), `${outDir}/${to}`)
    }
  },
})
