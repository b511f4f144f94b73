import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { Connection, type TimelineEvent } from '../../src/probe/client/client.ts'
import { condense, timelineOf } from '../../src/probe/judge/timeline.ts'

const received = (atMs: number, bytes = 10): TimelineEvent => ({ atMs, what: 'received', bytes })

test('few events stay as they are', () => {
  const events = [received(0), received(0.1), received(5)]
  assert.equal(condense(events, 3), events)
})

test('what is close in time is put together first, and no byte is lost', () => {
  const burst = Array.from({ length: 100 }, (_, at) => received(at * 0.5))
  const kept = condense([...burst, received(1_000), received(2_000)], 5)
  assert.deepEqual(kept, [
    { atMs: 0, what: 'received', bytes: 1_000, untilMs: 49.5, times: 100 },
    received(1_000),
    received(2_000),
  ])
})

test('sends and receipts that take turns are put together each for itself', () => {
  const turns = Array.from({ length: 50 }, (_, at): TimelineEvent[] => [
    { atMs: at, what: 'sent', bytes: 1 },
    received(at + 0.5),
  ]).flat()
  assert.deepEqual(condense(turns, 10), [
    { atMs: 0, what: 'sent', bytes: 50, untilMs: 49, times: 50 },
    { atMs: 0.5, what: 'received', bytes: 500, untilMs: 49.5, times: 50 },
  ])
})

test('nothing is put together across a pause, and the ends are kept', () => {
  const flood = Array.from({ length: 80 }, (_, at) => received(at))
  const kept = condense([...flood, { atMs: 79.2, what: 'paused' }, received(79.5), { atMs: 82, what: 'fin' }], 10)
  assert.deepEqual(
    kept.map(({ what, times }) => [what, times ?? 1]),
    [
      ['received', 80],
      ['paused', 1],
      ['received', 1],
      ['fin', 1],
    ],
  )
})

test('a long download is a short timeline with all its bytes, and its end', async () => {
  const size = 4 * 2 ** 20
  const server = createServer((socket) => {
    for (let sent = 0; sent < size; sent += 2_048) socket.write(Buffer.alloc(2_048))
    socket.end()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  const connection = await Connection.open({ host: '127.0.0.1', port, tls: false })
  try {
    await connection.until(() => connection.end !== 'open', performance.now() + 5_000)
    const timeline = timelineOf(connection, connection.connectedMs, performance.now())
    assert.equal(timeline.end, 'fin')
    assert.ok(timeline.events.length <= 48, `${timeline.events.length} events`)
    assert.deepEqual([timeline.events[0]?.what, timeline.events.at(-1)?.what], ['connected', 'fin'])
    assert.equal(
      timeline.events.reduce((sum, { bytes = 0 }) => sum + bytes, 0),
      size,
    )
    assert.ok(connection.timeline.length <= 201)
  } finally {
    connection.destroy()
    server.close()
  }
})
