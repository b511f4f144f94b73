/**
 * Event streams under a drain and behind a client that has ended its side, on the socket engine.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { draining } from '../streams/draining.ts'
import { serveInMemory, settled } from './in-memory.fake.ts'

const ask = (method = 'GET') => `${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`

/** An application with one stream, fed by the test. */
function streaming(headers: Record<string, string> = { 'content-type': 'text/event-stream' }) {
  let controller!: ReadableStreamDefaultController<string>
  const cancelled: string[] = []
  const app = () =>
    new Response(
      new ReadableStream({
        start(given) {
          controller = given
        },
        cancel: (reason) => void cancelled.push(reason.message),
      }),
      { headers },
    )
  return {
    app,
    cancelled,
    async send(text: string) {
      controller.enqueue(text)
      await settled()
    },
    close: () => controller.close(),
  }
}

test('a drain ends an event stream at its moment of drainSpreadMs, and then its connection', async (t) => {
  const { app, send, cancelled } = streaming()
  const { clock, connect, running } = await serveInMemory(t, app, { drainSpreadMs: 1_000, minIdleMs: 500 })
  const client = connect()
  await client.send(ask())
  await send('data: a\n\n')
  const drained = running.drain()
  clock.pass(450)
  await settled()
  assert.deepEqual(cancelled, [])
  clock.pass(100)
  await settled()
  // In memory each moment is the middle of the spread, and each time to wait that of 1 to 3 s.
  assert.ok(
    /\r\ndata: a\n\n\r\nd\r\nretry: \d{4}\n\n\r\n0\r\n\r\n$/.test(client.transport.written),
    client.transport.written,
  )
  assert.deepEqual(cancelled, ['the server is draining'])
  clock.pass(1_000)
  assert.deepEqual(client.transport.acts.at(-1), 'destroy')
  assert.deepEqual(await drained, { cut: 0, eventStreams: { ended: 1, cut: 0 } })
})

test('what answers a POST, says its length or is compressed is let finish', async (t) => {
  const type = { 'content-type': 'text/event-stream' }
  for (const [method, headers] of [
    ['POST', type],
    ['GET', { ...type, 'content-length': '18' }],
    ['GET', { ...type, 'content-encoding': 'gzip' }],
    ['GET', { 'content-type': 'application/x-ndjson' }],
  ] as const) {
    const { app, send, close } = streaming(headers)
    const { clock, connect, running } = await serveInMemory(t, app, { minIdleMs: 0 })
    const client = connect()
    await client.send(ask(method))
    await send('data: a\n\n')
    clock.pass(0)
    await settled()
    const drained = running.drain()
    clock.pass(5_000)
    await send('data: b\n\n')
    close()
    await settled()
    client.end()
    clock.pass(100)
    assert.doesNotMatch(client.transport.written, /retry/)
    assert.match(client.transport.written, /data: b/)
    assert.deepEqual(await drained, { cut: 0 }, method)
  }
})

test('a client that has ended its side is told a comment in a quiet event stream, between two events', async (t) => {
  const { app, send } = streaming()
  const { clock, connect } = await serveInMemory(t, app)
  const client = connect()
  await client.send(ask())
  await send('data: a')
  clock.pass(0)
  await settled()
  client.end()
  await settled()
  assert.match(client.transport.written, /data: a\r\n$/)
  await send('\n\n')
  assert.match(client.transport.written, /\r\n\n\n\r\n3\r\n:\n\n\r\n$/)
})

test('the application hears of the drain at its start', async (t) => {
  const signals: AbortSignal[] = []
  const app = (request: Request) => {
    signals.push(draining(request))
    return new Response()
  }
  const servers = [await serveInMemory(t, app, { drainDelayMs: 1_000 }), await serveInMemory(t, app)]
  for (const { connect } of servers) await connect().send(ask())
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [false, false],
  )
  void servers[0]!.running.drain()
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [true, false],
  )
})
