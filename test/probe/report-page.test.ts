/** The page in a real browser: it has to hold up without scripts, at any width, in both schemes. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { toHtml } from '../../src/probe/reports/html.ts'
import { idleCell, sampleReport } from '../../src/probe/reports/sample.ts'
import { run } from '../lib/program.ts'

const browser = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
const flags = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync', '--hide-scrollbars'],
]

/**
 * Measures, in the page's own layout: a script of the test's, so the page's policy is left out for
 * it.
 */
const measuring = `<script>
const pictures = [...document.querySelectorAll('article svg')]
const inside = pictures.every((svg) => {
  const box = svg.closest('.cell').getBoundingClientRect()
  return [...svg.querySelectorAll('text')].every((text) => {
    const { left, right } = text.getBoundingClientRect()
    return left >= box.left - 1 && right <= box.right + 1
  })
})
const band = pictures[0].querySelector('.due rect').getBoundingClientRect()
const end = pictures[0].querySelector('use.end').getBoundingClientRect()
const middle = (end.left + end.right) / 2
document.title = JSON.stringify({
  pictures: pictures.length, inside,
  overflows: document.documentElement.scrollWidth > window.innerWidth,
  inBand: middle > band.left && middle < band.right,
})
</script>`

for (const width of [1_280, 500]) {
  test(`at ${width} pixels nothing sticks out, and the end lies in its band`, { timeout: 40_000 }, async (t) => {
    if (!browser) return t.skip('NOT TESTED: there is no chromium here (Debian: chromium)')
    const directory = await mkdtemp(join(tmpdir(), 'hangup-page-'))
    try {
      const cells = [idleCell(), idleCell({ transport: 'tls' }), idleCell({ server: 'b'.repeat(60) })]
      const page = toHtml(sampleReport(cells)).replace(/<meta http-equiv[^>]*>/, '')
      const file = join(directory, 'page.html')
      await writeFile(file, page.replace('</body>', `${measuring}</body>`))
      const { stdout } = await run(t, [
        browser,
        ...flags,
        `--user-data-dir=${directory}/profile`,
        `--window-size=${width},2000`,
        '--dump-dom',
        `file://${file}`,
      ])
      const title = /<title>(\{.*?\})<\/title>/.exec(stdout)?.[1]
      assert.deepEqual(JSON.parse(title ?? 'null'), { pictures: 3, inside: true, overflows: false, inBand: true })
    } finally {
      await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    }
  })
}
