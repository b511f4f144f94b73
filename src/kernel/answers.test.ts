/**
 * What follows from an answer: the connection's last one, an early one, one that is made piece by
 * piece, one that is refused.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TCP_CLOSE_WAIT } from './layout.ts'
import { scanMs, scene } from './scene.fake.ts'

test('after its last answer a connection is ended, as soon as all of it is out', () => {
  const { connect, pass, started, ledger, kernel, socket } = scene({ idleTimeoutMs: 60_000 })
  const fd = connect()
  kernel.receive(fd, 100)
  pass(200)
  const peer = started()
  peer.last = true
  pass(3_000)
  assert.equal(socket(fd).ended, null)
  kernel.send(fd, 1_000)
  ledger.finished(peer)
  pass(400)
  assert.equal(socket(fd).ended, 'fin')
})

test('if the client is still sending when its last answer is out, only what we send ends', () => {
  const { connect, pass, started, ledger, kernel, socket } = scene({ idleTimeoutMs: 60_000, discardTimeoutMs: 5_000 })
  const fd = connect()
  kernel.receive(fd, 100)
  pass(200)
  const peer = started(undefined, { wanted: false, complete: false, content: 0 })
  peer.last = true
  kernel.send(fd, 1_000)
  ledger.finished(peer)
  pass(400)
  assert.equal(socket(fd).ended, 'half')
})

test('nothing comes after the last answer, until the client is another', () => {
  const { connect, pass, started, ledger, kernel } = scene()
  assert.equal(ledger.wasLast('127.0.0.1|40000'), false)
  connect()
  pass(200)
  const peer = started()
  peer.last = true
  assert.equal(ledger.wasLast(peer.name), true)
  ledger.finished(peer)
  pass(400)
  for (const [fd] of kernel.sockets) kernel.close(fd)
  pass(2_000)
  assert.equal(ledger.wasLast(peer.name), false)
})

test('a port that is used again right after a last answer is a new connection’s', () => {
  for (const foundBefore of [true, false]) {
    let walk = (): boolean => true
    const { connect, pass, skip, started, ledger, kernel } = scene({}, { discover: () => walk() })
    walk = () => {
      pass(scanMs)
      return true
    }
    pass(1_000)
    const fd = connect()
    if (foundBefore) pass(300)
    kernel.receive(fd, 100)
    const peer = started()
    ledger.lastAnswer(peer)
    ledger.finished(peer)
    kernel.send(fd, 50)
    skip(1)
    kernel.close(fd)
    const next = connect(40_000, fd)
    kernel.receive(next, 100)
    assert.equal(ledger.wasLast(peer.name), false)
    const own = started()
    assert.notEqual(own, peer)
    pass(300)
    kernel.send(next, 50)
    ledger.finished(own)
    pass(3_000)
    assert.equal(kernel.sockets.get(next)?.ended, null, 'it may go on')
  }
})

test('a request that was pipelined behind the last answer is of the same connection', () => {
  const { connect, pass, started, ledger, kernel } = scene()
  const fd = connect()
  pass(300)
  kernel.receive(fd, 200)
  const peer = started()
  ledger.lastAnswer(peer)
  ledger.finished(peer)
  kernel.send(fd, 50)
  assert.equal(ledger.wasLast(peer.name), true)
})

test('a client that has gone is seen before its connection is taken over', () => {
  const { connect, pass, started, ledger, kernel, socket } = scene()
  const fd = connect()
  pass(300)
  kernel.receive(fd, 200)
  const peer = started()
  assert.equal(ledger.isGone(peer), false)
  socket(fd).state = TCP_CLOSE_WAIT
  assert.equal(ledger.isGone(peer), true)
  const other = connect(40_001)
  pass(300)
  const second = started(40_001)
  kernel.close(other)
  assert.equal(ledger.isGone(second), true)
})

test('one that was reset and forgotten before its request was noted is gone, one that was not found yet is not', () => {
  let allAreKnown = true
  const { connect, pass, started, ledger, kernel } = scene({}, { discover: () => allAreKnown })
  const fd = connect(40_001)
  pass(300)
  kernel.close(fd)
  pass(300)
  assert.equal(ledger.isGone(started(40_001)), true)
  allAreKnown = false
  assert.equal(ledger.isGone(started(40_002)), false)
})

test('an answer that waits for the client of HTTP/2 is under the write limit, never under the idle one', () => {
  const { connect, pass, started, ledger, kernel, state, reasons } = scene(
    { idleTimeoutMs: 1_000, writeTimeoutMs: 4_000 },
    { secure: true },
  )
  const fd = connect()
  kernel.receive(fd, 500)
  kernel.send(fd, 3_000)
  pass(200)
  kernel.receive(fd, 300)
  const peer = started()
  peer.http2 = true
  ledger.began(peer)
  peer.held += 1
  kernel.send(fd, 65_535)
  pass(300)
  assert.equal(state(fd), 'writing')
  pass(3_500)
  assert.deepEqual(reasons, [])
  pass(700)
  assert.deepEqual(reasons, ['write'])
})

test('an early answer whose client then is silent had come with all of its request: it is idle since the answer', () => {
  const { connect, pass, started, ledger, kernel, record, socket } = scene({
    idleTimeoutMs: 20_000,
    discardTimeoutMs: 4_000,
  })
  const fd = connect()
  kernel.receive(fd, 100)
  pass(200)
  const peer = started(undefined, { wanted: false, complete: false, content: 0 })
  kernel.send(fd, 500)
  ledger.finished(peer)
  pass(500)
  assert.equal(record(fd)?.connection.state, 'discarding')
  const { since } = record(fd)!.connection
  pass(1_500)
  assert.equal(record(fd)?.connection.state, 'idle')
  assert.equal(record(fd)?.connection.since, since)
  pass(5_000)
  assert.equal(socket(fd).ended, null)
})

test('a client that goes on after an early answer is given up at discardTimeoutMs', () => {
  const { connect, pass, started, ledger, kernel, socket } = scene({ idleTimeoutMs: 20_000, discardTimeoutMs: 2_000 })
  const fd = connect()
  kernel.receive(fd, 100)
  pass(200)
  const peer = started(undefined, { wanted: false, complete: false, content: 0 })
  kernel.send(fd, 500)
  ledger.finished(peer)
  for (let at = 0; at < 1_800; at += 200) {
    kernel.receive(fd, 1)
    pass(200)
  }
  assert.equal(socket(fd).ended, null)
  kernel.receive(fd, 1)
  pass(600)
  assert.equal(socket(fd).ended, 'half')
})

test('an answer that is made piece by piece has begun when the application says so', () => {
  const { connect, pass, started, ledger, kernel, state, socket } = scene({ streamIdleTimeoutMs: 2_000 })
  const fd = connect()
  kernel.receive(fd, 100)
  pass(200)
  const peer = started()
  pass(500)
  assert.equal(state(fd), 'handling')
  ledger.began(peer)
  pass(200)
  assert.equal(state(fd), 'streaming')
  pass(1_500)
  assert.equal(socket(fd).ended, null)
  pass(600)
  assert.equal(socket(fd).ended, 'fin')
})

test('maxConnections: whoever speaks while all are in a request is surplus; else the longest waiting makes room', () => {
  const { connect, pass, started, kernel, socket } = scene({ maxConnections: 2, idleTimeoutMs: 60_000 })
  const waits = connect(40_001)
  kernel.receive(connect(40_002), 100)
  pass(2_000)
  const busy = started(40_002)
  assert.equal(busy.surplus, false)
  const third = started(40_003)
  assert.equal(third.surplus, false)
  assert.equal(socket(waits).ended, 'fin')
  kernel.close(waits)
  kernel.receive(connect(40_003), 100)
  pass(500)
  assert.equal(started(40_004).surplus, true)
})
