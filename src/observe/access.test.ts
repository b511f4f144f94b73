import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../lifecycle/clock.fake.ts'
import { serveInMemory } from '../serve/in-memory.fake.ts'
import { type AccessEntry, AccessFeed } from './access.ts'

function kept() {
  const entries: AccessEntry[] = []
  const failures: unknown[] = []
  const clock = new FakeClock()
  const feed = new AccessFeed(
    (entry) => {
      entries.push(entry)
      if (entry.kind === 'request' && entry.target === '/throw') throw new Error('full')
    },
    clock,
    (error) => failures.push(error),
  )
  return { entries, failures, clock, feed }
}

test('each response is told with its bytes, and the end of its connection with the cause', async (t) => {
  const { entries, feed } = kept()
  const { connect, running, clock } = await serveInMemory(t, () => new Response('hello'), { idleTimeoutMs: 5_000 })
  running.observer.access = feed
  const client = connect()
  await client.send('GET /a?q=1 HTTP/1.1\r\nHost: a\r\nUser-Agent: me\r\n\r\n')
  const first = client.transport.written.length
  await client.send('HEAD /b HTTP/1.1\r\nHost: a\r\n\r\n')
  clock.pass(5_100)
  const [a, b, end] = entries
  assert.ok(a?.kind === 'request' && b?.kind === 'request' && end?.kind === 'end')
  assert.deepEqual(
    [a.connection, a.method, a.target, a.protocol, a.status, a.bytes],
    [1, 'GET', '/a?q=1', 'HTTP/1.1', 200, first],
  )
  assert.equal(a.header('user-agent'), 'me')
  assert.deepEqual([b.target, b.protocol, b.bytes], ['/b', 'HTTP/1.1', client.transport.written.length - first])
  assert.deepEqual(
    [end.id, end.peer, end.by, end.why, end.requests, end.unanswered],
    [1, a.peer, 'server', 'idle', 2, null],
  )
  assert.equal(entries.length, 3)
})

test('an end names the request that got no response', async (t) => {
  const { entries, feed } = kept()
  const { connect, running } = await serveInMemory(t, () => new Promise<Response>(() => {}))
  running.observer.access = feed
  const client = connect()
  await client.send('GET /slow?q=1 HTTP/1.1\r\nHost: a\r\n\r\n')
  client.transport.onClosed?.()
  const [end, ...more] = entries
  assert.deepEqual(more, [])
  assert.ok(end?.kind === 'end')
  assert.deepEqual([end.by, end.phase, end.unanswered], ['client', 'handling', 'GET /slow'])
})

test('a runtime’s own server tells what it knows of a request', async () => {
  const { entries, clock, feed } = kept()
  const served = feed.ofHandler(
    async () => {
      clock.pass(20)
      return new Response('late', { status: 201 })
    },
    (_: Request, port: number) => ({ host: '::ffff:10.0.0.1', port }),
  )
  assert.equal(await (await served(new Request('http://a/x?y'), 81)).text(), 'late')
  const [entry] = entries
  assert.ok(entry?.kind === 'request')
  const { peer, target, status, ms, connection, protocol, bytes } = entry
  assert.deepEqual([peer, target, status, ms], ['10.0.0.1:81', '/x?y', 201, 20])
  assert.deepEqual([connection, protocol, bytes], [null, null, null])
})

test('what a log of its own throws is told, and costs no client anything', async (t) => {
  const { failures, feed } = kept()
  const { connect, running } = await serveInMemory(t, () => new Response('hello'))
  running.observer.access = feed
  const client = connect()
  await client.send('GET /throw HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.match(client.transport.written, /hello$/)
  assert.match(String(failures[0]), /full/)
})
