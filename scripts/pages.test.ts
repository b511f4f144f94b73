import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { brokenLinks, indexPath, parseIndex, parsePage, readPages, slugOf, targetOf } from './pages.ts'

const root = new URL('../', import.meta.url)
const pages = readPages(root)

test('every relative link on a page leads to a file, and its anchor to a heading', () => {
  assert.deepEqual(
    brokenLinks(pages, (path) => existsSync(new URL(path, root))),
    [],
  )
})

test('every page is in the index once, and the README links to the index', () => {
  const indexed = parseIndex(pages.get(indexPath)!)
    .flatMap((group) => group.pages)
    .map(({ href }) => targetOf(indexPath, href)!.path)
  const expected = [...pages.keys()].filter((path) => path !== indexPath && path !== 'README.md')
  assert.deepEqual(indexed.toSorted(), expected.toSorted())
  assert.ok(parsePage(pages.get('README.md')!).links.includes(indexPath))
})

test('anchors are those of GitHub', () => {
  assert.equal(slugOf('What it closes, and what it never touches'), 'what-it-closes-and-what-it-never-touches')
  assert.equal(slugOf('“502” from my ALB — why?'), '502-from-my-alb--why')
  assert.equal(slugOf('HTTP/2 & HTTP/3'), 'http2--http3')
  const { anchors } = parsePage('# The `serve()` of [it](x.md)\n## Flags\n## Flags\n<a id="old"></a>\n')
  assert.deepEqual([...anchors], ['the-serve-of-it', 'flags', 'flags-1', 'old'])
})

test('a link in code or in a comment is none', () => {
  const { anchors, links } = parsePage(
    '```sh\n# no heading\n[a](no)\n```\n`[b](no)` [c](yes.md) <!-- [d](no) -->\n  ```\n  [e](no)\n  ```\n[f](<also.md>)\n',
  )
  assert.deepEqual(links, ['yes.md', 'also.md'])
  assert.equal(anchors.size, 0)
})

test('a link to a missing file or heading is named with its page; one to another site is not looked at', () => {
  const some = new Map([
    ['README.md', '[a](docs/a.md#there) [b](docs/b.md) [c](docs/a.md#gone) [d](https://example.com/x.md) [e](LICENSE)'],
    ['docs/a.md', '## There\n[up](../README.md) [here](#there) [gone](#gone)'],
  ])
  assert.deepEqual(
    brokenLinks(some, (path) => path === 'LICENSE'),
    [
      'README.md: docs/b.md: there is no docs/b.md',
      'README.md: docs/a.md#gone: docs/a.md has no heading #gone',
      'docs/a.md: #gone: docs/a.md has no heading #gone',
    ],
  )
})

test('an index has its groups, from lists and from tables', () => {
  const index =
    '# Docs\n[not](this.md)\n## One\n- [a](a.md): first\n- plain\n## Two\n| | |\n|---|---|\n| [`b`](b.md) | see [c](c.md) |\n'
  assert.deepEqual(parseIndex(index), [
    { title: 'One', pages: [{ text: 'a', href: 'a.md' }] },
    { title: 'Two', pages: [{ text: 'b', href: 'b.md' }] },
  ])
})
