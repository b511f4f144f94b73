import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  brokenLinks,
  indexPath,
  indexProblems,
  missingFiles,
  pageProblems,
  parseIndex,
  parsePage,
  readPages,
  slugOf,
} from './pages.ts'

const root = new URL('../', import.meta.url)

test('every link on a page leads somewhere, and every page is in the index', () => {
  assert.deepEqual(pageProblems(root), [])
  assert.ok(parsePage(readPages(root).get('README.md')!).links.includes(indexPath))
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

test('a file that is named in the prose and has gone is told with its page', () => {
  const some = new Map([
    [
      'docs/a.md',
      '`src/here.ts` `src/gone.ts` `src/<name>.ts` `npm run src/x` `docs/site/dist`\n```\n`test/in-code.ts`\n```\n',
    ],
  ])
  assert.deepEqual(
    missingFiles(some, (path) => path === 'src/here.ts'),
    ['docs/a.md: there is no src/gone.ts'],
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

test('an index that lacks a page, names one twice or names none is told so', () => {
  const some = new Map([
    [indexPath, '## One\n- [a](a.md)\n- [a](a.md)\n- [gone](gone.md)\n'],
    ['README.md', ''],
    ['docs/a.md', ''],
    ['docs/b.md', ''],
  ])
  assert.deepEqual(indexProblems(some), [
    'docs/README.md: docs/b.md is missing',
    'docs/README.md: docs/a.md is there twice',
    'docs/README.md: docs/gone.md is not a page of its own',
  ])
})
