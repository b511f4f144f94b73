import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BodySource } from '../../http1/web/payload.ts'
import { FakeTransport } from '../../net/transport.fake.ts'
import { isSafeToRetry } from '../errors.ts'
import { UpstreamConnection } from './connection.ts'
import type { Ask } from './upstream.ts'

/** Whose messages wait for the end of the turn. */
class GatheringTransport extends FakeTransport {
  waits = true
  withdraw(): boolean {
    const waited = this.waits
    this.waits = false
    return waited
  }
}

function asked(body: Ask['body']) {
  const transport = new GatheringTransport()
  transport.blocked = true
  const removed: UpstreamConnection[] = []
  const connection = new UpstreamConnection(
    transport,
    { now: () => 0, release() {}, remove: (one) => void removed.push(one), surplus() {} },
    0,
  )
  const failures: string[] = []
  connection.send({
    asker: { onFailure: ({ code }) => void failures.push(code) } as Ask['asker'],
    method: 'POST',
    target: '/',
    host: 'a',
    fields: [],
    body,
    room: 0,
    framing: body === null ? 0 : 'chunked',
    upgrade: null,
    firstByteTimeoutMs: 0,
    readTimeoutMs: 0,
  })
  return { transport, connection, failures, removed }
}

for (const [how, hangUp] of [
  ['FIN', (connection: UpstreamConnection) => connection.peerEnded()],
  ['a reset', (connection: UpstreamConnection) => connection.gone()],
] as const) {
  test(`${how} before a request was written: it comes back unsent, its body untouched`, () => {
    const touched: string[] = []
    const body: BodySource = {
      async read() {
        touched.push('read')
        return null
      },
      cancel: () => void touched.push('cancel'),
    }
    const { connection, failures, removed, transport } = asked(body)
    hangUp(connection)
    assert.deepEqual(failures, ['unsent'])
    assert.deepEqual(touched, [])
    assert.deepEqual(removed, [connection])
    transport.onClosed()
    connection.gone()
    assert.deepEqual(failures, ['unsent'], 'once')
  })

  test(`${how} behind a request that was written may have crossed it`, () => {
    const { connection, failures, transport } = asked(null)
    transport.waits = false
    hangUp(connection)
    assert.deepEqual(failures, ['ended'])
  })
}

test('what was not sent is sent once more, whatever it is', () => {
  assert.equal(isSafeToRetry('unsent', { isStale: false, isIdempotent: false, isKept: false }), true)
  assert.equal(isSafeToRetry('ended', { isStale: false, isIdempotent: false, isKept: true }), false)
})
