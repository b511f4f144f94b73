import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Hono } from 'hono'
import type { GatewayStatus, MemberStatus } from '../../gateway/status.ts'
import { serveInMemory, settled } from '../../serve/in-memory.fake.ts'
import { limits } from '../../serve/limits.ts'
import { withoutOtherRoutes } from '../../serve/route-limits.fake.ts'
import { pageRoutes } from './page.ts'

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

async function shown(t: TestContext, { outlivesDrain = true, at = '/' } = {}) {
  const server = await serveInMemory(t, () => new Response('hello'), { idleTimeoutMs: 5_000 })
  const { clock, running } = server
  running.observer.descriptors = () => ({ used: 20 + running.observer.open, limit: 1_024 })
  const app = new Hono().route(at, pageRoutes(running, { clock, outlivesDrain }))
  const post = (form: string, headers: Record<string, string> = {}) =>
    app.request(at, {
      method: 'POST',
      body: form,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: 'http://localhost', ...headers },
    })
  const text = async (path = at) => (await app.request(path)).text()
  return { ...server, app, post, text }
}

test('the document is whole without scripts: connections, their next limit, the budget, and what ended and why', async (t) => {
  const { clock, connect, text } = await shown(t)
  const [idle, gone] = [connect(), connect()]
  await idle.send(get)
  clock.pass(1_000)
  await gone.send(get)
  gone.transport.destroy()
  const page = await text()
  assert.match(page, /id="connection-1"/)
  assert.doesNotMatch(page, /id="connection-2"/)
  assert.match(page, /<span>4\.0 s<\/span>.*idleTimeoutMs/)
  assert.match(page, /<b>21<\/b> of 1,024/)
  assert.match(page, /id="end-2"/)
  clock.pass(4_100)
  assert.match(await text(), /id="end-1".*it was idle/)
})

test('a form closes one connection, closes the idle ones, and starts the drain, and leads back to the page', async (t) => {
  const { connect, post, running } = await shown(t)
  const clients = [connect(), connect(), connect()]
  for (const client of clients) await client.send(get)
  const isOpen = () => clients.map(({ transport }) => transport.acts.at(-1) !== 'destroy')
  const answer = await post('close=2', { Accept: 'text/html,*/*' })
  assert.deepEqual([answer.status, answer.headers.get('location')], [303, './'])
  assert.deepEqual(isOpen(), [true, false, true])
  assert.match(await (await post('close=2')).text(), /has ended already/)
  assert.match(await (await post('idle=1')).text(), /^2 idle connections/)
  assert.deepEqual(isOpen(), [false, false, false])
  assert.equal((await post('nothing=1')).status, 400)
  assert.equal((await post('drain=1', { Origin: 'http://evil.example' })).status, 403)
  assert.equal(running.phase, 'serving')
  await post('drain=1')
  assert.notEqual(running.phase, 'serving')
})

test('what a client sends is text on the page, never markup', async (t) => {
  let answer = (_: Response): void => {}
  const { running, connect, clock } = await serveInMemory(t, () => new Promise((resolve) => (answer = resolve)))
  await connect().send('GET /<script>alert(1)</script>"x HTTP/1.1\r\nHost: a\r\n\r\n')
  const page = await (await pageRoutes(running, { clock }).request('/')).text()
  assert.doesNotMatch(page, /<script>alert/)
  answer(new Response(''))
})

test('one group of states is shown alone', async (t) => {
  const { connect, text } = await shown(t)
  await connect().send(get)
  connect()
  const page = await text('/?show=arriving')
  assert.match(page, /id="connection-2"/)
  assert.doesNotMatch(page, /id="connection-1"/)
  assert.match(page, /data-events="\.\/events\?show=arriving"/)
})

test('mounted at a path, with or without a slash at its end, its files are found', async (t) => {
  const { app, text } = await shown(t, { at: '/ops' })
  const [, href] = /href="([^"]*page\.css)"/.exec(await text('/ops')) ?? []
  const { pathname } = new URL(href!, 'http://localhost/ops')
  assert.equal(pathname, '/ops/page.css')
  assert.equal((await app.request(pathname)).status, 200)
})

test('a gateway shows its upstreams with their health', async (t) => {
  const { running, clock } = await serveInMemory(t, () => new Response('hello'))
  const member = { name: 'http://10.0.0.2:80', state: 'ejected', inFlight: 0, weight: 2, share: 0, failuresInRow: 5 }
  const failed = { ...member, lastFailure: 'connect', ejectedForMs: 4_000, checkPassed: null }
  const upstreams = (): GatewayStatus => ({
    groups: { api: [{ ...failed, pool: { idle: 1, busy: 2, queued: 3 } } as MemberStatus] },
    tunnels: 1,
    spooledBytes: 2_000,
  })
  const gateway = Object.assign(Object.create(running) as typeof running, { upstreams })
  const page = await (await pageRoutes(gateway, { clock }).request('/')).text()
  assert.match(page, /http:\/\/10\.0\.0\.2:80.*>ejected<\/span> for 4\.0 s/)
  assert.match(page, /1 tunnel, 2\.0 kB/)
})

test('requests that our closes lost are shown by the network of their client', async (t) => {
  const { running, text } = await shown(t)
  assert.doesNotMatch(await text(), /requests lost|Lost requests/, 'where nothing is known, nothing is said')
  running.observer.countLost(() => ({
    source: 'socket',
    total: 3,
    counts: [{ phase: 'idle', why: 'idle', network: '10.0.3.0/24', count: 3 }],
    unwatched: 0,
  }))
  assert.match(await text(), /requests lost<\/dt><dd>3 .*id="lost".*10\.0\.3\.0\/24.*it was idle/s)
})

test('live, only what has changed is sent; nobody looks, and no timer runs for it', async (t) => {
  const { app, clock, connect } = await shown(t)
  const before = clock.pending
  const events = (await app.request('/events')).body!.getReader()
  const next = async () => new TextDecoder().decode((await events.read()).value)
  assert.match(await next(), /^data: <section id="state"/)
  assert.equal(clock.pending, before + 1)
  const client = connect()
  await client.send(get)
  clock.pass(1_000)
  const changed = await next()
  assert.match(changed, /id="connection-1"/)
  assert.doesNotMatch(changed, /id="ends"/)
  clock.pass(60_000)
  assert.doesNotMatch(await next(), /id="ends"/, 'one event waits for whoever does not read, and no more')
  clock.pass(1_000)
  assert.match(await next(), /id="ends".*id="end-1"/s, 'the next tells of all that has changed since')
  await events.cancel()
  await settled()
  client.end()
  assert.equal(clock.pending, before)
})

test('on the server itself the page is not live during a drain, which would wait for it', async (t) => {
  const { app, clock, running } = await shown(t, { outlivesDrain: false })
  const events = (await app.request('/events')).body!.getReader()
  await events.read()
  void running.drain()
  clock.pass(1_000)
  assert.equal((await events.read()).done, true)
  assert.equal((await app.request('/events')).status, 503)
})

test('its policy allows its own files and nothing else, and all its scripts and styles are files', async (t) => {
  const { app } = await shown(t)
  const response = await app.request('/')
  assert.match(response.headers.get('content-security-policy')!, /default-src 'none'.*frame-ancestors 'none'/)
  assert.doesNotMatch(await response.text(), /<style| style=|<script>| on[a-z]+=/)
})

test('a request under limits of its route shows them', async (t) => {
  withoutOtherRoutes(t)
  const patient = limits({ bodyTimeoutMs: '5m', handlerTimeoutMs: 'off' })
  const app = new Hono().post('/upload', patient, async (c) => c.text(await c.req.text()))
  const { connect, running } = await serveInMemory(t, app, { handlerTimeoutMs: 60_000 })
  await connect().send('POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab')
  const page = await (await new Hono().route('/', pageRoutes(running, {})).request('/')).text()
  assert.match(page, /<code>POST \/upload<\/code> <span class="soft">bodyTimeoutMs 5m, handlerTimeoutMs off<\/span>/)
})
