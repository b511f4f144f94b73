import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../lifecycle/clock.fake.ts'
import type { App } from '../serve/contract.ts'
import { serveInMemory, settled } from '../serve/in-memory.fake.ts'
import { recordedEnds } from './flight-recorder.ts'
import { Observer } from './observer.ts'

const get = 'GET /a?secret=1 HTTP/1.1\r\nHost: a\r\n\r\n'
const hello: App = () => new Response('hello')
const whys = (ends: readonly { by: string; phase: string; why: string }[]) =>
  ends.map(({ by, phase, why }) => `${by} ${phase} ${why}`)

test('open connections are listed one by one, with the limit that closes each next', async (t) => {
  let answer = (_: Response): void => {}
  const app: App = ({ url }) =>
    url.includes('slow') ? new Promise((resolve) => (answer = resolve)) : hello(null as never)
  const { clock, connect, running } = await serveInMemory(t, app, { idleTimeoutMs: 5_000, headTimeoutMs: 60_000 })
  const idle = connect()
  await idle.send(get)
  clock.pass(1_000)
  const busy = connect()
  await busy.send('GET /slow?q=1 HTTP/1.1\r\nHost: a\r\n\r\n')
  clock.pass(500)
  const [first, second] = running.observer.list()
  assert.deepEqual(
    { ...first, openedAt: null },
    {
      id: 1,
      peer: first?.peer,
      state: 'idle',
      forMs: 1_500,
      openedAt: null,
      requests: 1,
      received: get.length,
      sent: idle.transport.written.length,
      route: null,
      dueInMs: 3_500,
      dueBy: 'idleTimeoutMs',
      changedLimits: null,
    },
  )
  assert.equal(second?.route, 'GET /slow')
  assert.deepEqual([second?.state, second?.dueBy, second?.dueInMs], ['handling', null, null])
  assert.deepEqual(
    running.observer.list({ state: 'idle' }).map(({ id }) => id),
    [1],
  )
  assert.equal(running.observer.list({ limit: 1 }).length, 1)
  answer(new Response('late'))
})

test('one observer is told of all listeners, and each listener of its own connections', async (t) => {
  const whole = new Observer(new FakeClock())
  const first = await serveInMemory(t, hello, {}, whole)
  const second = await serveInMemory(t, hello, {}, whole)
  const [one, other] = [first.running.observer, second.running.observer]
  await first.connect().send(get)
  const client = second.connect()
  await client.send(get)
  const ids = (observer: Observer) => observer.list().map(({ id }) => id)
  assert.deepEqual([ids(one), ids(other), ids(whole)], [[1], [2], [1, 2]])
  assert.deepEqual([whole.open, whole.openedCount, whole.states()], [2, 2, { idle: 2 }])
  assert.ok(whole.close(2))
  assert.equal(client.transport.acts.at(-1), 'destroy')
  assert.deepEqual([one.ends().length, other.ends().length, whole.ends().length], [0, 1, 1])
  assert.equal(whole.closeIdle(), 1)
})

test('each end has its cause, in the words of the lifecycle', async (t) => {
  const { clock, connect, running } = await serveInMemory(t, hello, { idleTimeoutMs: 5_000, headTimeoutMs: 60_000 })
  const { observer } = running
  const told: string[] = []
  const stop = observer.onEnd((ended) => told.push(...whys([ended])))
  await connect().send(get)
  clock.pass(5_100)
  const left = connect()
  await left.send(get)
  left.end()
  connect().transport.onClosed?.()
  await connect().send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  clock.pass(10_000)
  await connect().send('nonsense\r\n\r\n')
  clock.pass(10_000)
  const expected = [
    'server idle idle',
    'client idle fin',
    'client accepted reset',
    'server idle last',
    'server accepted malformed',
  ]
  assert.deepEqual(told, expected)
  assert.deepEqual(whys(observer.ends()), expected.toReversed())
  assert.deepEqual(whys(observer.lifetimes()).toSorted(), expected.toSorted())
  assert.equal(observer.openedCount, 5)
  stop()
})

test('an end tells the moves that led to it, with their times', async (t) => {
  const { clock, connect, running } = await serveInMemory(t, hello, { idleTimeoutMs: 5_000 })
  const client = connect()
  clock.pass(200)
  await client.send('GET / HTTP/1.1\r\nHo')
  clock.pass(100)
  await client.send('st: a\r\n\r\n')
  clock.pass(5_100)
  const [ended] = running.observer.ends()
  assert.deepEqual(
    ended?.moves.map(({ mark }) => mark),
    ['bytes', 'request', 'answered', 'gone'],
  )
  assert.deepEqual(
    ended?.moves.slice(0, 3).map(({ atMs }) => atMs >= 200 && atMs <= 350),
    [true, true, true],
  )
  assert.equal(ended?.movesLeftOut, 0)
  assert.equal(ended?.requests, 1)
  assert.ok(ended !== undefined && ended.endedAt - ended.openedAt >= 5_300)
})

test('the recorder keeps the last ends, and of each the last moves', async (t) => {
  const { connect, running } = await serveInMemory(t, hello)
  for (let i = 0; i < recordedEnds + 10; i++) connect().end()
  const busy = connect()
  for (let i = 0; i < 40; i++) await busy.send(get)
  busy.end()
  const ends = running.observer.ends()
  assert.equal(ends.length, recordedEnds)
  assert.equal(ends[0]?.id, recordedEnds + 11)
  assert.deepEqual(
    ends.map(({ id }) => id),
    Array.from(ends, (_, back) => recordedEnds + 11 - back),
  )
  assert.equal(ends[0]?.moves.length, 32)
  assert.ok((ends[0]?.movesLeftOut ?? 0) > 32)
})

test('an operator closes one: at once while it waits, with its response while it owes one', async (t) => {
  let answer = (_: Response): void => {}
  const app: App = ({ url }) =>
    url.includes('slow') ? new Promise((resolve) => (answer = resolve)) : hello(null as never)
  const { clock, connect, running } = await serveInMemory(t, app)
  const { observer } = running
  const idle = connect()
  await idle.send(get)
  const busy = connect()
  await busy.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal(observer.close(99), false)
  assert.equal(observer.close(1), true)
  assert.equal(idle.transport.acts.at(-1), 'destroy')
  assert.equal(observer.close(2), true)
  assert.equal(busy.transport.acts.includes('destroy'), false)
  answer(new Response('late'))
  await settled()
  assert.match(busy.transport.written, /Connection: close[\s\S]*late$/)
  clock.pass(10_000)
  assert.deepEqual(whys(observer.ends()), ['operator handling operator', 'operator idle operator'])
  const others = [connect(), connect()]
  for (const other of others) await other.send(get)
  connect()
  assert.equal(observer.closeIdle(), 2)
  assert.equal(observer.open, 1)
})

test('requests are counted by method and status, with how long they took', async (t) => {
  const app: App = ({ method }) => (method === 'POST' ? new Response('no', { status: 404 }) : hello(null as never))
  const { connect, running } = await serveInMemory(t, app)
  const client = connect()
  await client.send(get)
  await client.send(get)
  await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')
  await client.send('MADEUP / HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.deepEqual(
    running.observer.requests.read().map(({ method, status, duration }) => [method, status, duration.count]),
    [
      ['GET', 200, 2],
      ['POST', 404, 1],
      ['_OTHER', 200, 1],
    ],
  )
})

test('how late limits are executed is measured', async (t) => {
  const { clock, connect, running } = await serveInMemory(t, hello, { idleTimeoutMs: 1_000 })
  await connect().send(get)
  clock.pass(1_200)
  const { count, sum } = running.observer.lateness()
  assert.equal(count, 1)
  assert.ok(sum >= 0 && sum < 0.2, `${sum}`)
})
