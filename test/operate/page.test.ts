/**
 * The page of the connections in a browser, on every runtime. `TEST_SCREENSHOTS=1` writes those of
 * the README to docs/images.
 */
import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { freePort } from '../lib/free-port.ts'
import { runtimeCommands } from '../lib/runtimes.ts'
import { type Listening, startListener } from '../lib/server.ts'
import { barriers, launch, noBrowser } from './browser.ts'
import { Crowd } from './crowd.ts'

if (noBrowser) console.error(`\n*** ${noBrowser} ***\n`)

let browser: Browser

/** What a test has opened is closed in the opposite order: the page before its server. */
function closing(t: TestContext): Pick<TestContext, 'after'> {
  const acts: (() => unknown)[] = []
  t.after(async () => {
    for (const act of acts.reverse()) await act()
  })
  return { after: (act) => void acts.push(act as () => unknown) }
}

const fewDescriptors = ['sh', '-c', 'ulimit -n 256 && exec "$0" "$@"', ...runtimeCommands.node] as const
const commands = { ...runtimeCommands, 'node with few descriptors': fewDescriptors } as const

type Closing = ReturnType<typeof closing>

async function serving(t: Closing, runtime: keyof typeof commands, options: object) {
  const admin = await freePort()
  const server = await startListener(t, commands[runtime], { admin, ...options })
  const crowd = new Crowd(server.port)
  t.after(() => crowd.leave())
  return { server, crowd, url: `http://127.0.0.1:${admin}/` }
}

/** Whatever the browser complains of fails the test. */
async function look(t: Closing, url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1_200, height: 900 }, ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', ({ message }) => complaints.push(message))
  await page.goto(url)
  t.after(async () => {
    await context.close()
    assert.deepEqual(complaints, [])
  })
  return page
}

const limit = { timeout: 60_000 }

const rows = (page: Page) => page.locator('#connections tbody tr')
const untilRows = (page: Page, count: number) =>
  page.waitForFunction((count) => document.querySelectorAll('#connections tbody tr').length === count, count)

async function crowded(crowd: Crowd, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => crowd.get('/')))
}

const openOn = async (server: Listening): Promise<number> => JSON.parse(await server.say('connections')).open

describe('the page of the connections', { skip: noBrowser, concurrency: 2 }, () => {
  before(async () => {
    browser = await launch()
  })
  after(() => browser.close())

  for (const [runtime, engine] of [
    ['node', 'hangup'],
    ['node', 'native'],
    ['bun', 'native'],
    ['deno', 'native'],
  ] as const) {
    test(`${runtime} ${engine}: 50 idle clients are seen, and a click closes one of them`, limit, async (context) => {
      const t = closing(context)
      const { crowd, url } = await serving(t, runtime, { engine, idleTimeoutMs: 60_000 })
      const page = await look(t, url)
      await crowded(crowd, 50)
      await untilRows(page, 50)
      const row = rows(page).nth(30)
      // The ledger takes a tenth of a second to be sure that a response is out.
      await row.filter({ hasText: 'idle' }).waitFor()
      assert.match(await row.innerText(), /127\.0\.0\.1:\d+\s+idle.*idleTimeoutMs/s)
      await row.getByRole('button').click()
      await page.getByText(/^Connection \d+ is being closed\.$/).waitFor()
      await untilRows(page, 49)
      assert.equal(crowd.size, 49)
      assert.match(await page.locator('#ends tbody tr').innerText(), /an operator closed it/)
    })
  }

  test('50 idle clients are seen leaving at the limit, and how each of them lived', limit, async (context) => {
    const t = closing(context)
    const { crowd, url } = await serving(t, 'node', { idleTimeoutMs: 5_000 })
    const page = await look(t, url)
    await crowded(crowd, 50)
    await page.locator('#connections tbody tr').first().waitFor()
    await page.getByText('No connection is open.').waitFor()
    assert.equal(crowd.size, 0)
    assert.match(await page.locator('#causes').innerText(), /it was idle\s+server · idleTimeoutMs\s+50/)
    await page.locator('#ends summary').first().click()
    assert.match(
      await page.locator('#ends details[open]').innerText(),
      /0 ms opened.*the response is out.*it was idle/s,
    )
  })

  test('nothing in it keeps anybody from using it, light or dark, wide or narrow', limit, async (context) => {
    const t = closing(context)
    const { crowd, url } = await serving(t, 'node', { idleTimeoutMs: 60_000, maxConnections: 20 })
    await crowded(crowd, 5)
    crowd.leave()
    await crowd.get('/quiet')
    await crowded(crowd, 5)
    for (const [colorScheme, width] of [
      ['light', 1_200],
      ['dark', 390],
    ] as const) {
      const page = await look(t, url, { colorScheme, viewport: { width, height: 800 } })
      await page.waitForSelector('body.connected')
      await page.locator('#ends summary').first().click()
      await page.locator('#drain summary').click()
      assert.deepEqual(await barriers(page), [])
      const isWider = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
      assert.equal(isWider, false, `at ${width} nothing is cut off`)
    }
  })

  test('the keyboard closes one after the other, and focus is never lost', limit, async (context) => {
    const t = closing(context)
    const { crowd, url } = await serving(t, 'node', { idleTimeoutMs: 60_000 })
    await crowded(crowd, 3)
    const page = await look(t, url)
    await page.waitForSelector('body.connected')
    await rows(page).first().getByRole('button').focus()
    for (const left of [2, 1]) {
      await page.keyboard.press('Enter')
      await untilRows(page, left)
      assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Close')
    }
    await page.keyboard.press('Enter')
    await page.getByText('No connection is open.').waitFor()
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'connections')
  })

  test('paused it stands still; a page in the background costs the server nothing', limit, async (context) => {
    const t = closing(context)
    const { crowd, url } = await serving(t, 'node', { idleTimeoutMs: 60_000 })
    const page = await look(t, url)
    await page.waitForSelector('body.connected')
    await page.getByRole('button', { name: 'Pause' }).click()
    await crowded(crowd, 2)
    await page.waitForTimeout(1_500)
    assert.equal(await rows(page).count(), 0)
    await page.getByRole('button', { name: 'Go on' }).click()
    await untilRows(page, 2)
  })

  test('without scripts it is a plain page of tables and forms', limit, async (context) => {
    const t = closing(context)
    const { server, crowd, url } = await serving(t, 'node', { idleTimeoutMs: 60_000, drainDelayMs: 0 })
    await crowded(crowd, 3)
    const page = await look(t, url, { javaScriptEnabled: false })
    assert.equal(await rows(page).count(), 3)
    await rows(page).first().getByRole('button').click()
    await page.waitForURL(url)
    assert.equal(await openOn(server), 2)
    await page.getByRole('link', { name: 'handling' }).click()
    await page.getByText('No connection is handling.').waitFor()
    await page.getByRole('button', { name: 'Close idle' }).click()
    await page.waitForURL(`${url}?show=handling`)
    assert.equal(await openOn(server), 0)
    void crowd.get('/slow')
    await page.locator('#drain summary').click()
    await page.getByRole('button', { name: 'Drain now' }).click()
    await page.locator('.phase.closing').waitFor()
  })

  test('screenshots', { skip: !process.env['TEST_SCREENSHOTS'], timeout: 120_000 }, async (context) => {
    const t = closing(context)
    const app = new URL('page-app.ts', import.meta.url).href
    const { crowd, url } = await serving(t, 'node with few descriptors', {
      app,
      idleTimeoutMs: 8_000,
      headTimeoutMs: 6_000,
    })
    const lived = crowd.live(100_000)
    await new Promise((resolve) => setTimeout(resolve, 80_000))
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await look(t, url, { colorScheme, viewport: { width: 1_200, height: 860 } })
      await page.waitForSelector('body.connected')
      await page.waitForTimeout(2_500)
      await page.screenshot({ path: `docs/images/page-${colorScheme}.png` })
      await page.getByRole('button', { name: 'Pause' }).click()
      await page.locator('#ends summary').nth(2).click()
      await page.locator('#ends').evaluate((ends) => ends.scrollIntoView())
      await page.screenshot({
        path: `docs/images/ends-${colorScheme}.png`,
        clip: { x: 20, y: 0, width: 1_160, height: 520 },
      })
    }
    await lived
  })
})
