/** What the ledger makes of HTTP/2, whose frames are not all of a request. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PolicyInput } from '../policy/policy.ts'
import { scene } from './scene.fake.ts'

const ping = 41
const windowUpdate = 35

/** A session on which one request has been answered just now. */
function session(more: PolicyInput = {}) {
  const all = scene({ idleTimeoutMs: 5_000, headTimeoutMs: 8_000, ...more }, { secure: true })
  const { kernel, ledger, connect, started, pass } = all
  const fd = connect()
  kernel.receive(fd, 500)
  kernel.send(fd, 1_000)
  kernel.receive(fd, 200)
  pass(50)
  const request = () => {
    kernel.receive(fd, 60)
    const peer = started()
    peer.http2 = true
    return peer
  }
  const peer = request()
  pass(50)
  kernel.send(fd, 300)
  ledger.finished(peer)
  return { ...all, fd, request }
}

for (const everyMs of [50, 400, 4_000]) {
  test(`PINGs every ${everyMs} ms do not keep an idle session`, () => {
    const { kernel, fd, pass, now, reasons, end } = session()
    const answeredAt = now()
    while (reasons.length === 0 && now() - answeredAt < 20_000) {
      pass(everyMs)
      if (reasons.length > 0) break
      kernel.receive(fd, ping)
      kernel.send(fd, ping)
    }
    assert.deepEqual(reasons, ['idle'])
    assert.ok(now() - answeredAt >= 5_000 && now() - answeredAt <= 5_250 + everyMs, `${now() - answeredAt} ms`)
    end()
  })
}

test('PINGs whose answers the client acknowledges late do not keep an idle session either', () => {
  const { kernel, fd, pass, now, reasons, end } = session()
  const answeredAt = now()
  for (let turn = 0; reasons.length === 0 && now() - answeredAt < 20_000; turn++) {
    kernel.receive(fd, ping)
    // A busy machine: nothing is acknowledged between two looks, and then all at once.
    if (turn % 3 === 2) kernel.send(fd, 3 * ping)
    pass(150)
  }
  assert.deepEqual(reasons, ['idle'])
  assert.ok(now() - answeredAt >= 5_000 && now() - answeredAt <= 5_400, `${now() - answeredAt} ms`)
  end()
})

test('PINGs whose answers are on their way at each look do not keep an idle session either', () => {
  const { kernel, fd, pass, now, reasons, end } = session()
  const answeredAt = now()
  while (reasons.length === 0 && now() - answeredAt < 20_000) {
    kernel.receive(fd, ping)
    kernel.send(fd, ping, 0)
    pass(40)
    kernel.take(fd, ping)
    pass(110)
  }
  assert.deepEqual(reasons, ['idle'])
  assert.ok(now() - answeredAt >= 5_000 && now() - answeredAt <= 5_400, `${now() - answeredAt} ms`)
  end()
})

test('a request that came with the last bytes before the limit is not closed', () => {
  const { kernel, ledger, fd, pass, skip, reasons, started, end } = session()
  pass(4_900)
  skip(140)
  kernel.receive(fd, 60)
  // The runtime has read it, and hands it over in its next turn.
  pass(10)
  assert.deepEqual(reasons, [])
  const peer = started()
  pass(10_000)
  assert.deepEqual(reasons, [])
  ledger.finished(peer)
  end()
})

test('an answer that waits for the client’s window is not idle while the client opens it', () => {
  const { kernel, fd, pass, now, reasons, end } = session()
  for (let turn = 0; turn < 10; turn++) {
    pass(3_000)
    assert.deepEqual(reasons, [], `after ${turn} windows`)
    kernel.receive(fd, windowUpdate)
    kernel.send(fd, 16_384)
  }
  const lastAt = now()
  while (reasons.length === 0 && now() - lastAt < 20_000) pass(50)
  assert.deepEqual(reasons, ['idle'])
  assert.ok(now() - lastAt >= 5_000 && now() - lastAt <= 5_250, `${now() - lastAt} ms`)
  end()
})

test('an upload before it does not make an answer that waits for the client’s window look idle', () => {
  const { kernel, ledger, fd, pass, reasons, request, end } = session()
  const peer = request()
  kernel.receive(fd, 1_000_000)
  pass(50)
  kernel.send(fd, 300)
  ledger.finished(peer)
  for (let turn = 0; turn < 5; turn++) {
    pass(3_000)
    assert.deepEqual(reasons, [], `after ${turn} windows`)
    kernel.receive(fd, windowUpdate)
    kernel.send(fd, 16_384)
  }
  end()
})

test('a body that falls silent is cut as well where its stream has joined another', () => {
  const { kernel, ledger, fd, pass, reasons, request, started, end } = session({ bodyTimeoutMs: 2_000 })
  const peer = request()
  pass(50)
  kernel.receive(fd, 60)
  started(undefined, { complete: false, wanted: true, content: 0 })
  pass(100)
  ledger.finished(peer)
  pass(1_000)
  assert.deepEqual(reasons, [])
  pass(1_200)
  assert.deepEqual(reasons, ['body'])
  end()
})
