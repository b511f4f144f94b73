/** The socket engine as it is served, over sockets in memory and a clock that the test moves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from './contract.ts'
import { serveInMemory, settled } from './in-memory.fake.ts'

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const hello = () => new Response('hello')

test('a day of limits passes in a moment, each at its own time', async (t) => {
  const { clock, connect, running } = await serveInMemory(t, hello, { idleTimeoutMs: 5_000, headTimeoutMs: 60_000 })
  const silent = connect()
  const idle = connect()
  const trickling = connect()
  await idle.send(get)
  assert.match(idle.transport.written, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nhello$/)
  await trickling.send('GET / HT')
  clock.pass(4_900)
  assert.deepEqual(idle.transport.acts.includes('destroy'), false)
  clock.pass(200)
  assert.deepEqual(idle.transport.acts.at(-1), 'destroy')
  clock.pass(54_800)
  assert.deepEqual(
    [silent, trickling].map(({ transport }) => transport.statuses),
    [[], []],
  )
  clock.pass(200)
  assert.equal(silent.transport.acts.at(-1), 'destroy')
  assert.deepEqual(trickling.transport.statuses, ['408'])
  assert.deepEqual(running.connections().states, { closing: 1 })
  clock.pass(86_400_000)
  assert.deepEqual(running.connections().hungUp, { idleTimeoutMs: 1, headTimeoutMs: 2 })
  assert.equal(running.connections().open, 0)
  assert.equal(clock.pending, 0, 'no timer is left')
})

test('a client that does not end its side is dropped when its linger is over', async (t) => {
  const { clock, connect } = await serveInMemory(t, hello, { headTimeoutMs: 1_000, discardTimeoutMs: 3_000 })
  const { transport, send } = connect()
  await send('GET / HT')
  clock.pass(1_100)
  assert.deepEqual(transport.acts, ['end', 'resume'])
  clock.pass(2_800)
  assert.deepEqual(transport.acts, ['end', 'resume'])
  clock.pass(200)
  assert.equal(transport.acts.at(-1), 'destroy')
})

test('a drain answers what is in flight, says so, and ends what is idle after minIdleMs', async (t) => {
  let answer = (_: Response): void => {}
  const app: App = ({ url }) => (url.endsWith('/slow') ? new Promise((resolve) => (answer = resolve)) : hello())
  const { clock, connect, running, isListening } = await serveInMemory(t, app, { minIdleMs: 1_000, drainDelayMs: 500 })
  const idle = connect()
  await idle.send(get)
  const busy = connect()
  await busy.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
  const drained = running.drain()
  assert.equal(isListening(), true)
  clock.pass(500)
  assert.equal(isListening(), false)
  assert.deepEqual(idle.transport.acts.includes('destroy'), false)
  clock.pass(600)
  assert.equal(idle.transport.acts.at(-1), 'destroy')
  answer(new Response('late'))
  await settled()
  assert.match(busy.transport.written, /\r\nConnection: close\r\n[\s\S]*late$/)
  busy.end()
  clock.pass(100)
  assert.deepEqual(await drained, { cut: 0 })
})

test('a newcomer above maxConnections is answered 503 and let go', async (t) => {
  const { clock, connect } = await serveInMemory(t, () => new Promise(() => {}), { maxConnections: 1 })
  await connect().send(get)
  const newcomer = connect()
  await newcomer.send(get)
  assert.match(newcomer.transport.written, /^HTTP\/1\.1 503 [\s\S]*\r\nConnection: close\r\n/)
  assert.deepEqual(newcomer.transport.acts, ['end', 'resume'])
  clock.pass(300)
  assert.equal(newcomer.transport.acts.at(-1), 'destroy')
})

test('a body that is read later is the one that was sent, also of requests that came in one piece', async (t) => {
  const app: App = async (request) => {
    await null
    return new Response(await request.text())
  }
  const post = (body: string) => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  for (const globals of ['replace', 'keep'] as const) {
    const { connect } = await serveInMemory(t, app, { globals })
    const { transport, send } = connect()
    await send(post('first') + post('second') + post('third'))
    await send(post('fourth'))
    const bodies = transport.written.split(/HTTP\/1\.1 200 [\s\S]*?\r\n\r\n/)
    assert.deepEqual(bodies, ['', 'first', 'second', 'third', 'fourth'])
  }
})
