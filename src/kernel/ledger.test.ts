import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { changedBy } from '../lifecycle/request-limits.ts'
import { peerName } from './layout.ts'
import { type Notes, tickMs } from './observe.ts'
import { scanMs, scene } from './scene.fake.ts'
import { noteAfterMs } from './schedule.ts'
import { sharedWords, Threads } from './threads.ts'

type Scene = ReturnType<typeof scene>

/** What a walk may be late by when a connection is found, and a look. */
const found = 3 * scanMs

test('a connection is found and is as old as the kernel says', () => {
  const { connect, pass, skip, record } = scene()
  pass(1_000)
  const fd = connect()
  skip(400)
  pass(found)
  assert.equal(record(fd)?.connection.state, 'accepted')
  assert.equal(record(fd)?.connection.since, 2_000)
})

test('sockets that are not connections of the listener are left alone', () => {
  const { kernel, listen, listeners, pass, ledger } = scene({ idleTimeoutMs: 1_000, headTimeoutMs: 1_000 })
  const listener = listen()
  const outgoing = kernel.accept({ host: '127.0.0.1', port: 50_000 }, { host: '127.0.0.1', port: 8_080 })
  pass(2_000)
  assert.equal(ledger.connections.size, 0)
  assert.deepEqual(listeners, [listener])
  assert.equal(kernel.sockets.get(outgoing)?.ended, null)
})

test('a connection that says nothing is closed at the head limit, without a word', () => {
  const { connect, pass, socket, reasons } = scene({ headTimeoutMs: 3_000 })
  const fd = connect()
  pass(2_950)
  assert.equal(socket(fd).ended, null)
  pass(100)
  assert.equal(socket(fd).ended, 'fin')
  assert.equal(socket(fd).said, '')
  assert.deepEqual(reasons, ['silent'])
})

test('half a head is answered 408, its clock runs from accept, and no later byte sets it back', () => {
  const { connect, pass, socket, kernel, reasons, state } = scene({ headTimeoutMs: 3_000 })
  const fd = connect()
  pass(500)
  for (let at = 500; at < 2_900; at += 300) {
    kernel.receive(fd, 1)
    pass(300)
    if (at < 2_600) assert.equal(state(fd), 'head')
  }
  assert.equal(socket(fd).ended, null)
  pass(150)
  assert.equal(socket(fd).ended, 'half')
  assert.match(socket(fd).said, /^HTTP\/1\.1 408 /)
  assert.deepEqual(reasons, ['head'])
})

test('under TLS nothing is written past the runtime', () => {
  const { connect, pass, socket, kernel, reasons } = scene({ headTimeoutMs: 3_000 }, { secure: true })
  const fd = connect()
  kernel.receive(fd, 500)
  kernel.send(fd, 3_000)
  pass(100)
  kernel.receive(fd, 80)
  kernel.send(fd, 500)
  pass(100)
  kernel.receive(fd, 20)
  pass(3_200)
  assert.deepEqual(reasons, ['head'])
  assert.equal(socket(fd).said, '')
  assert.equal(socket(fd).ended, 'fin')
})

test('a TLS handshake has its own limit, and what the server sends in it is no answer', () => {
  const { connect, pass, kernel, reasons, state } = scene({ handshakeTimeoutMs: 1_000 }, { secure: true })
  const fd = connect()
  kernel.receive(fd, 500)
  kernel.send(fd, 3_000)
  pass(900)
  assert.equal(state(fd), 'handshake')
  pass(150)
  assert.deepEqual(reasons, ['handshake'])
})

test('a head over TLS counts from its handshake, though what is found may be its latest byte, and no ticket was sent', () => {
  const { connect, pass, skip, kernel, reasons } = scene({ headTimeoutMs: 3_000 }, { secure: true })
  const fd = connect()
  kernel.receive(fd, 500)
  kernel.send(fd, 3_000)
  for (let sent = 0; sent < 4; sent++) {
    kernel.receive(fd, 80)
    skip(250)
  }
  pass(900)
  kernel.receive(fd, 80)
  pass(1_000)
  assert.deepEqual(reasons, [])
  pass(200)
  assert.deepEqual(reasons, ['head'])
})

test('idle ends at the idle limit, counted from when the last byte of the answer went out', () => {
  const { connect, pass, kernel, started, ledger, socket, reasons, state } = scene({ idleTimeoutMs: 2_000 })
  const fd = connect()
  pass(200)
  kernel.receive(fd, 100)
  const request = started()
  pass(300)
  assert.equal(state(fd), 'handling')
  kernel.send(fd, 50)
  ledger.finished(request)
  pass(200)
  assert.equal(state(fd), 'idle')
  pass(1_750)
  assert.equal(socket(fd).ended, null)
  pass(100)
  assert.equal(socket(fd).ended, 'fin')
  assert.deepEqual(reasons, ['idle'])
})

test('an answer before its connection was found makes it idle, not half a head', () => {
  const { connect, pass, skip, kernel, started, ledger, state, reasons } = scene({ idleTimeoutMs: 2_000 })
  pass(1_000)
  const fd = connect()
  kernel.receive(fd, 100)
  const request = started()
  skip(5)
  kernel.send(fd, 50)
  ledger.finished(request)
  pass(500)
  assert.equal(state(fd), 'idle')
  pass(1_600)
  assert.deepEqual(reasons, ['idle'])
})

test('the head of a later request has a clock of its own, from its first byte', () => {
  const { connect, pass, kernel, started, ledger, reasons, state, record } = scene({
    idleTimeoutMs: 5_000,
    headTimeoutMs: 2_000,
  })
  const fd = connect()
  pass(200)
  kernel.receive(fd, 100)
  const request = started()
  kernel.send(fd, 50)
  ledger.finished(request)
  pass(4_800)
  kernel.receive(fd, 1)
  const firstByteAt = 6_000
  for (let at = 0; at < 1_900; at += 100) {
    pass(100)
    kernel.receive(fd, 1)
  }
  assert.equal(state(fd), 'head')
  assert.ok(Math.abs(record(fd)!.connection.since - firstByteAt) <= 2 * scanMs)
  assert.deepEqual(reasons, [])
  pass(250)
  assert.deepEqual(reasons, ['head'])
})

test('bytes without a request are looked at again within 200 ms', () => {
  const { connect, pass, kernel, started, ledger, record, now } = scene({ headTimeoutMs: 60_000 })
  const fd = connect()
  pass(200)
  kernel.receive(fd, 100)
  const request = started()
  kernel.send(fd, 50)
  ledger.finished(request)
  pass(1_000)
  kernel.receive(fd, 1)
  pass(2 * scanMs)
  const seenAt = record(fd)!.lookedAt
  pass(200)
  assert.ok(record(fd)!.lookedAt > seenAt, `at ${now()}`)
})

test('a head that begins right after an answer, before anybody has looked, is a head', () => {
  const { connect, pass, skip, kernel, started, ledger, state } = scene()
  const fd = connect()
  pass(200)
  kernel.receive(fd, 100)
  const request = started()
  kernel.send(fd, 50)
  ledger.finished(request)
  skip(20)
  kernel.receive(fd, 1)
  pass(300)
  assert.equal(state(fd), 'head')
})

test('a request in flight is left alone by every limit of the waiting, however long it takes', () => {
  const { connect, pass, kernel, started, reasons, state } = scene({ idleTimeoutMs: 1_000, headTimeoutMs: 1_000 })
  const fd = connect()
  kernel.receive(fd, 100)
  started()
  pass(60_000)
  assert.equal(state(fd), 'handling')
  assert.deepEqual(reasons, [])
})

test('of several requests in flight on one connection the last one to be finished makes it idle', () => {
  const { connect, pass, kernel, started, ledger, reasons, state } = scene({ idleTimeoutMs: 1_000 })
  const fd = connect()
  pass(200)
  kernel.receive(fd, 100)
  const first = started()
  const second = started()
  ledger.finished(first)
  kernel.send(fd, 10)
  pass(5_000)
  assert.notEqual(state(fd), 'idle')
  ledger.finished(second)
  kernel.send(fd, 10)
  pass(1_200)
  assert.deepEqual(reasons, ['idle'])
})

test('an answer and the request behind it, seen at one look, are no response that has begun', () => {
  const { connect, pass, kernel, started, ledger, state, reasons } = scene({ streamIdleTimeoutMs: 1_000 })
  const fd = connect()
  pass(100)
  kernel.receive(fd, 100)
  const first = started()
  pass(2_000)
  kernel.send(fd, 500)
  ledger.finished(first)
  kernel.receive(fd, 100)
  started()
  pass(3_000)
  assert.equal(state(fd), 'handling')
  assert.deepEqual(reasons, [])
})

test('an answer that the client does not take is reset, though the application is done', () => {
  const { connect, pass, kernel, started, ledger, reasons, state, socket } = scene({ writeTimeoutMs: 2_000 })
  const fd = connect()
  pass(200)
  kernel.receive(fd, 100)
  const request = started()
  kernel.send(fd, 1e6, 1e5)
  ledger.finished(request)
  pass(200)
  assert.equal(state(fd), 'writing')
  pass(1_700)
  assert.deepEqual(reasons, [])
  pass(300)
  assert.deepEqual(reasons, ['write'])
  assert.equal(socket(fd).ended, 'rst')
})

test('a request that no event told of is under its limits', () => {
  const { connect, pass, kernel, started, reasons, state, socket } = scene({ writeTimeoutMs: 2_000 })
  const fd = connect()
  pass(1_000)
  kernel.receive(fd, 100)
  started()
  kernel.send(fd, 1e6, 1e5)
  // Read by the runtime, and the socket full: the kernel has nothing to report any more.
  kernel.events()
  pass(500)
  assert.equal(state(fd), 'writing')
  pass(2_000)
  assert.deepEqual(reasons, ['write'])
  assert.equal(socket(fd).ended, 'rst')
})

test('a client that stops reading is due from what it took last, whenever that was looked at', () => {
  const { connect, pass, skip, kernel, started, ledger, reasons } = scene({ writeTimeoutMs: 2_000 })
  const fd = connect()
  pass(200)
  kernel.receive(fd, 100)
  ledger.finished(started())
  kernel.send(fd, 1e6, 1e5)
  pass(100)
  kernel.take(fd, 1e5)
  skip(400)
  pass(1_550)
  assert.deepEqual(reasons, [])
  pass(100)
  assert.deepEqual(reasons, ['write'])
})

test('a client that had nothing to take for long is not blamed for that', () => {
  const { connect, pass, kernel, started, ledger, reasons } = scene({ writeTimeoutMs: 2_000, idleTimeoutMs: 60_000 })
  const fd = connect()
  kernel.receive(fd, 100)
  ledger.finished(started())
  kernel.send(fd, 1_000)
  pass(30_000)
  kernel.receive(fd, 100)
  const request = started()
  pass(5_000)
  // It can take none, so none goes out.
  const socket = kernel.sockets.get(fd)!
  socket.unsent = 1e5
  ledger.finished(request)
  pass(1_900)
  assert.deepEqual(reasons, [])
  pass(300)
  assert.deepEqual(reasons, ['write'])
})

test('what frames a body buys it no time', () => {
  const content = { wanted: true, complete: false, content: 0 }
  const policy = { minBodyBytesPerSec: 1_000, minRateGraceMs: 1_000, bodyTimeoutMs: 30_000 }
  const { connect, pass, kernel, started, reasons } = scene(policy, { refuse: () => {} })
  const fd = connect()
  kernel.receive(fd, 100)
  started(40_000, content)
  for (let sent = 0; sent < 12; sent++) {
    kernel.receive(fd, 200)
    content.content += 1
    pass(100)
  }
  assert.deepEqual(reasons, ['bodyRate'])
})

test('a client that takes too little of an answer is reset at the rate', () => {
  const { connect, pass, kernel, started, ledger, reasons } = scene({
    writeTimeoutMs: 30_000,
    minResponseBytesPerSec: 100,
    minRateGraceMs: 1_000,
  })
  const fd = connect()
  kernel.receive(fd, 100)
  ledger.finished(started())
  kernel.send(fd, 1e6, 1e5)
  for (let tick = 0; tick < 400 && reasons.length === 0; tick++) {
    pass(100)
    kernel.take(fd, 1)
  }
  assert.deepEqual(reasons, ['writeRate'])
})

test('a body that falls silent is refused by the engine, and ended without it when that does nothing', () => {
  const refused: string[] = []
  const { connect, pass, kernel, started, reasons, socket } = scene(
    { bodyTimeoutMs: 2_000 },
    { refuse: ({ name }, reason) => refused.push(`${name} ${reason}`) },
  )
  const fd = connect()
  kernel.receive(fd, 100)
  started(40_000, { wanted: true, complete: false })
  pass(2_300)
  assert.deepEqual(refused, ['127.0.0.1|40000 body'])
  assert.equal(socket(fd).ended, null)
  pass(1_200)
  assert.equal(socket(fd).ended, 'fin')
  assert.deepEqual(reasons, ['body'])
})

test('a body has the limits of its route, and the next one on the connection the server’s', () => {
  const refused: string[] = []
  const { connect, pass, kernel, started, ledger, reasons } = scene(
    { bodyTimeoutMs: 2_000, minBodyBytesPerSec: 0 },
    { refuse: ({ name }, reason) => refused.push(`${name} ${reason}`) },
  )
  const fd = connect()
  kernel.receive(fd, 100)
  const body = { wanted: true, complete: false }
  const request = started(40_000, body)
  const flight = {}
  ledger.limit(request, flight, changedBy(ledger.connections.limits, { bodyTimeoutMs: 10_000 }))
  pass(9_500)
  assert.deepEqual(refused, [])
  body.complete = true
  kernel.send(fd, 50)
  ledger.finished(request)
  pass(300)
  kernel.receive(fd, 100)
  started(40_000, { wanted: true, complete: false })
  pass(2_300)
  assert.deepEqual(refused, ['127.0.0.1|40000 body'])
  assert.deepEqual(reasons, ['body'])
})

test('a response that the runtime has whole is under the limits of its route until it is out', () => {
  const { connect, pass, kernel, started, ledger, reasons, record, socket } = scene({ writeTimeoutMs: 2_000 })
  const fd = connect()
  pass(100)
  kernel.receive(fd, 100)
  const request = started()
  ledger.limit(request, {}, changedBy(ledger.connections.limits, { writeTimeoutMs: 0, minResponseBytesPerSec: 0 }))
  ledger.finished(request)
  socket(fd).unsent = 50_000
  pass(20_000)
  assert.deepEqual(reasons, [])
  assert.equal(record(fd)?.connection.state, 'writing')
  socket(fd).unsent = 0
  kernel.send(fd, 50_000)
  pass(300)
  assert.equal(record(fd)?.connection.limits, ledger.connections.limits)
  pass(5_000)
  assert.deepEqual(reasons, ['idle'])
})

test('after a blocked event loop a body is judged by what was read then, and who was silent meanwhile is refused', () => {
  for (const sends of [true, false]) {
    const body = { wanted: true, complete: false, content: 0 }
    const limits = { bodyTimeoutMs: 2_000, minBodyBytesPerSec: 1, minRateGraceMs: 1_000 }
    const { connect, pass, skip, kernel, started, reasons } = scene(limits, { refuse: () => {} })
    const fd = connect()
    kernel.receive(fd, 100)
    started(40_000, body)
    pass(300)
    skip(3_000)
    if (sends) kernel.receive(fd, 10_000)
    pass(scanMs)
    assert.deepEqual(reasons, [], 'nobody has had the time to read')
    if (sends) body.content += 10_000
    pass(200)
    assert.deepEqual(reasons, sends ? [] : ['body'])
    pass(2_200)
    assert.deepEqual(reasons, ['body'])
  }
})

test('a body whose connection is found after a block is silent since its latest byte', () => {
  const body = { wanted: true, complete: false }
  const { connect, pass, skip, kernel, started, reasons } = scene({ bodyTimeoutMs: 2_000 }, { refuse: () => {} })
  const fd = connect()
  kernel.receive(fd, 100)
  started(40_000, body)
  skip(3_000)
  kernel.receive(fd, 10)
  pass(1_500)
  assert.deepEqual(reasons, [])
  pass(800)
  assert.deepEqual(reasons, ['body'])
})

test('bytes of a body that wait to be read are no silence', () => {
  const body = { wanted: true, complete: false, content: 0 }
  const { connect, pass, kernel, started, reasons, socket } = scene({ bodyTimeoutMs: 1_000 }, { refuse: () => {} })
  const fd = connect()
  kernel.receive(fd, 100)
  started(40_000, body)
  pass(900)
  kernel.receive(fd, 10)
  socket(fd).queued = 10
  pass(400)
  assert.deepEqual(reasons, [])
  socket(fd).queued = 0
  body.content += 10
  pass(900)
  assert.deepEqual(reasons, [])
  pass(300)
  assert.deepEqual(reasons, ['body'])
})

test('a head that begins a tick after an answer has its clock from then, though it goes on a second later', () => {
  const { connect, pass, skip, kernel, started, ledger, reasons } = scene({ headTimeoutMs: 3_000 })
  const fd = connect()
  pass(200)
  kernel.receive(fd, 100)
  const request = started()
  kernel.send(fd, 50)
  ledger.finished(request)
  skip(1)
  kernel.receive(fd, 10)
  for (let line = 0; line < 2; line++) {
    pass(1_000)
    kernel.receive(fd, 10)
  }
  pass(850)
  assert.deepEqual(reasons, [])
  pass(250)
  assert.deepEqual(reasons, ['head'])
})

test('a body that nobody waits for, and one that has come whole, are nobody’s fault', () => {
  const { connect, pass, kernel, started, reasons, state } = scene({ bodyTimeoutMs: 1_000 })
  const body = { wanted: false, complete: false }
  const fd = connect()
  kernel.receive(fd, 100)
  started(40_000, body)
  pass(5_000)
  assert.equal(state(fd), 'body')
  body.complete = true
  body.wanted = true
  pass(5_000)
  assert.equal(state(fd), 'handling')
  assert.deepEqual(reasons, [])
})

test('after an early answer the rest of the body is discarded for a while, then our side of it ends', () => {
  const { connect, pass, kernel, started, ledger, reasons, state, socket } = scene({ discardTimeoutMs: 1_000 })
  const fd = connect()
  pass(200)
  kernel.receive(fd, 100)
  const request = started(40_000, { wanted: false, complete: false })
  kernel.send(fd, 50)
  ledger.finished(request)
  for (let at = 0; at < 900; at += 100) {
    pass(100)
    kernel.receive(fd, 10)
  }
  assert.equal(state(fd), 'discarding')
  pass(300)
  assert.deepEqual(reasons, ['discard'])
  assert.equal(socket(fd).ended, 'half')
  pass(1_200)
  assert.equal(socket(fd).ended, 'rst')
})

test('an upgraded connection has no limit of HTTP', () => {
  const { connect, pass, kernel, started, ledger, reasons, state } = scene({ idleTimeoutMs: 1_000 })
  const fd = connect()
  kernel.receive(fd, 100)
  const request = started()
  ledger.upgraded(request)
  ledger.finished(request)
  pass(60_000)
  assert.equal(state(fd), 'upgraded')
  assert.deepEqual(reasons, [])
})

test('a connection that is found late is as old as its first request', () => {
  const { connect, pass, skip, kernel, started, ledger, reasons } = scene({
    maxConnectionAgeMs: 3_000,
    keepAliveHintMs: 0,
  })
  const fd = connect()
  const busyFor = (ms: number, wait: (ms: number) => void) => {
    for (let done = 0; done < ms; done += 200) {
      kernel.receive(fd, 100)
      const request = started()
      kernel.send(fd, 100)
      ledger.finished(request)
      wait(200)
    }
  }
  busyFor(1_000, skip)
  busyFor(1_800, pass)
  pass(1_300)
  assert.deepEqual(reasons, ['age'])
})

test('age ends an idle connection', () => {
  const { connect, pass, kernel, started, ledger, reasons } = scene({
    idleTimeoutMs: 60_000,
    maxConnectionAgeMs: 3_000,
    keepAliveHintMs: 0,
  })
  const fd = connect()
  kernel.receive(fd, 100)
  kernel.send(fd, 50)
  ledger.finished(started())
  pass(2_900)
  assert.deepEqual(reasons, [])
  pass(200)
  assert.deepEqual(reasons, ['age'])
})

test('what comes while its connection is ended is a request lost, and counted', () => {
  const { connect, pass, kernel, ledger } = scene({ headTimeoutMs: 1_000 })
  connect()
  pass(500)
  kernel.racing = 100
  pass(700)
  assert.equal(ledger.closeRaces, 1)
  kernel.aborts = 3
  assert.equal(ledger.abortsOnData(), 3)
})

test('a request that waits to be read spares its connection, and is no hang-up', () => {
  const { connect, pass, socket, reasons } = scene({ headTimeoutMs: 1_000 })
  const fd = connect()
  pass(500)
  socket(fd).queued = 100
  pass(1_000)
  assert.equal(socket(fd).ended, null)
  assert.deepEqual(reasons, [])
  socket(fd).queued = 0
  pass(100)
  assert.deepEqual(reasons, ['silent'])
})

test('pressure spares a connection that has just got a request', () => {
  const { connect, pass, ledger, kernel, started, reasons, now } = scene()
  const fd = connect()
  pass(3_000)
  kernel.receive(fd, 100)
  const request = started()
  ledger.connections.makeRoom(now())
  assert.deepEqual(reasons, [])
  kernel.send(fd, 10)
  ledger.finished(request)
  pass(3_000)
  ledger.connections.makeRoom(now())
  assert.deepEqual(reasons, ['pressure'])
})

test('a runtime that does not close what was ended has it reset in the end', () => {
  const { connect, pass, socket } = scene({ headTimeoutMs: 1_000, discardTimeoutMs: 2_000 })
  const fd = connect()
  pass(1_200)
  assert.equal(socket(fd).ended, 'fin')
  pass(2_500)
  assert.equal(socket(fd).ended, 'rst')
})

test('one that was closed to make room, long before it was due, is reset no later', () => {
  const { connect, pass, socket, ledger, now, kernel, started } = scene({
    idleTimeoutMs: 60_000,
    discardTimeoutMs: 2_000,
  })
  const fd = connect()
  kernel.receive(fd, 100)
  const request = started()
  kernel.send(fd, 10)
  ledger.finished(request)
  pass(3_000)
  ledger.connections.makeRoom(now())
  assert.equal(socket(fd).ended, 'fin')
  pass(2_300)
  assert.equal(socket(fd).ended, 'rst')
})

/** A connection whose last answer the runtime has, and has sent nothing of. */
function lastAnswer() {
  const played = scene()
  const fd = played.connect()
  played.pass(200)
  played.kernel.receive(fd, 100)
  const request = played.started()
  request.last = true
  played.ledger.finished(request)
  return { ...played, fd, request }
}

test('a last answer ends its connection as soon as nothing has gone out for long enough, not at the second look', () => {
  const { pass, skip, socket, kernel, fd } = lastAnswer()
  skip(10)
  kernel.send(fd, 40)
  skip(40)
  pass(50)
  assert.equal(socket(fd).ended, null, 'the runtime may hold more of it')
  pass(50)
  assert.equal(socket(fd).ended, 'fin')
})

test('a last answer that is wanted out soon ends its connection when nothing has gone out between two looks', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { socket, ledger, kernel, fd, request } = lastAnswer()
  ledger.finishSoon(request)
  t.mock.timers.tick(2)
  t.mock.timers.tick(2)
  assert.equal(socket(fd).ended, null, 'nothing has gone out yet')
  kernel.send(fd, 40, 30)
  t.mock.timers.tick(2)
  t.mock.timers.tick(2)
  assert.equal(socket(fd).ended, null, 'the client has not taken all of it')
  kernel.take(fd, 10)
  t.mock.timers.tick(2)
  assert.equal(socket(fd).ended, null)
  t.mock.timers.tick(2)
  assert.equal(socket(fd).ended, 'fin')
})

test('a descriptor that has become another connection is not closed for the one before', () => {
  const { connect, pass, kernel, socket, started, ledger, reasons } = scene({
    idleTimeoutMs: 2_000,
    headTimeoutMs: 9_000,
  })
  const fd = connect(40_000)
  pass(200)
  kernel.receive(fd, 100)
  kernel.send(fd, 50)
  ledger.finished(started(40_000))
  pass(1_900)
  kernel.close(fd)
  assert.equal(connect(40_001), fd)
  pass(3_000)
  assert.equal(socket(fd).ended, null)
  assert.deepEqual(reasons, [])
  pass(6_100)
  assert.deepEqual(reasons, ['silent'])
})

test('a descriptor that has become another connection is found out long before the one before was due', () => {
  const { connect, pass, kernel, started, ledger, reasons } = scene({ idleTimeoutMs: 60_000, headTimeoutMs: 2_000 })
  const fd = connect(40_000)
  kernel.receive(fd, 100)
  kernel.send(fd, 50)
  ledger.finished(started(40_000))
  pass(3_000)
  kernel.close(fd)
  assert.equal(connect(40_001), fd)
  pass(1_900)
  assert.deepEqual(reasons, [])
  pass(350)
  assert.deepEqual(reasons, ['silent'])
})

test('a connection that takes the place of another and speaks is found at once', () => {
  const { connect, pass, kernel, started, state, record } = scene()
  const fd = connect(40_000)
  pass(3_000)
  kernel.close(fd)
  connect(40_001)
  const { cookie } = kernel.sockets.get(fd)!
  kernel.receive(fd, 100)
  started(40_001)
  pass(2 * scanMs)
  assert.equal(record(fd)?.cookie, cookie)
  assert.equal(state(fd), 'handling')
})

test('a port that has become another connection’s does not inherit the request of the one before', () => {
  const { connect, pass, kernel, socket, started, ledger } = scene({ headTimeoutMs: 2_000 })
  const fd = connect(40_000)
  kernel.receive(fd, 100)
  const old = started(40_000)
  pass(1_000)
  kernel.close(fd)
  const next = connect(40_000)
  pass(1_000)
  const own = started(40_000)
  kernel.receive(next, 100)
  pass(100)
  ledger.finished(old)
  pass(3_000)
  assert.equal(socket(next).ended, null, 'its own request is in flight')
  kernel.send(next, 10)
  ledger.finished(own)
  const silent = connect(40_001)
  pass(2_200)
  assert.equal(socket(silent).ended, 'fin')
})

test('a silent successor on the port of a request in flight is closed', () => {
  const { connect, pass, kernel, socket, started } = scene({ headTimeoutMs: 2_000 })
  const fd = connect(40_000)
  kernel.receive(fd, 100)
  started(40_000)
  pass(1_000)
  kernel.close(fd)
  pass(500)
  const next = connect(40_000)
  pass(2_200)
  assert.equal(socket(next).ended, 'fin')
})

function threads() {
  const words = new BigInt64Array(sharedWords)
  return { ours: new Threads(words, 0, 1_000), other: new Threads(words, 0, 1_000) }
}

test('a connection that another thread has a request of is that thread’s, until it is let go', () => {
  const { ours, other } = threads()
  const limits = { headTimeoutMs: 1_000, idleTimeoutMs: 1_000 }
  const { connect, pass, kernel, reasons, ledger, now } = scene(limits, { threads: ours, notes: 'late' })
  const fd = connect(40_000)
  kernel.receive(fd, 100)
  pass(300)
  assert.equal(ledger.connections.size, 1)
  other.claim('127.0.0.1|40000')
  other.beat(now(), 1)
  pass(15_000)
  assert.deepEqual([reasons, ledger.connections.size], [[], 0])
  kernel.send(fd, 10)
  other.release('127.0.0.1|40000')
  other.beat(now(), 0)
  pass(12_000)
  assert.deepEqual(reasons, ['idle'])
})

test('what another thread may have and has not noted yet is left alone until it has', () => {
  const { ours, other } = threads()
  const limits = { headTimeoutMs: 1_000, idleTimeoutMs: 1_000 }
  const { connect, pass, kernel, reasons, now } = scene(limits, { threads: ours, notes: 'late' })
  connect(40_001)
  pass(500)
  other.beat(now(), 0)
  const fd = connect(40_000)
  kernel.receive(fd, 100)
  pass(5_000)
  assert.deepEqual(reasons, ['silent'])
  assert.ok(other.wasAsked())
  other.beat(now(), 0)
  pass(100)
  assert.deepEqual(reasons, ['silent', 'head'])
})

test('what a blocked event loop has not handed over yet is left alone until it has', () => {
  let notedUntil = 1_000
  const limits = { headTimeoutMs: 1_000, idleTimeoutMs: 1_000 }
  const { connect, pass, skip, kernel, reasons, started, ledger, state, now } = scene(limits, {
    notes: 'late',
    notedUntil: () => notedUntil,
  })
  const fd = connect(40_000)
  kernel.receive(fd, 100)
  skip(3_000)
  pass(100)
  assert.deepEqual(reasons, [])
  const peer = started(40_000)
  notedUntil = now()
  pass(2_000)
  assert.deepEqual([reasons, state(fd)], [[], 'handling'])
  kernel.send(fd, 10)
  ledger.finished(peer)
  notedUntil = now() + 5_000
  pass(1_500)
  assert.deepEqual(reasons, ['idle'])
})

test('the connections of other threads count where connections are counted', () => {
  const { ours, other } = threads()
  const { connect, pass, ledger } = scene({ maxConnections: 3 }, { threads: ours })
  other.beat(1_000, 3)
  connect(40_000)
  pass(100)
  assert.ok(ledger.started('127.0.0.1|40000').surplus)
})

test('noted late, a short exchange is told by its bytes', () => {
  const { connect, pass, kernel, state, reasons } = scene({ idleTimeoutMs: 2_000 }, { notes: 'late' })
  const fd = connect()
  pass(200)
  for (let turn = 0; turn < 5; turn++) {
    kernel.receive(fd, 100)
    kernel.send(fd, 50)
    pass(1_500)
    assert.equal(state(fd), 'idle')
  }
  assert.deepEqual(reasons, [])
  pass(600)
  assert.deepEqual(reasons, ['idle'])
})

test('noted late, a 100 Continue is no answer: a body that never comes is refused', () => {
  const refused: string[] = []
  const { connect, pass, kernel, started, state } = scene(
    { bodyTimeoutMs: 2_000 },
    { notes: 'late', refuse: ({ name }, reason) => refused.push(`${name} ${reason}`) },
  )
  const fd = connect()
  pass(200)
  kernel.receive(fd, 100)
  kernel.send(fd, 25)
  pass(scanMs)
  assert.equal(state(fd), 'handling')
  started(40_000, { wanted: true, complete: false })
  pass(400)
  assert.equal(state(fd), 'body')
  pass(2_300)
  assert.deepEqual(refused, ['127.0.0.1|40000 body'])
})

test('noted late, an answer in the same tick as its accept is an answer', () => {
  const { connect, pass, kernel, state } = scene({}, { notes: 'late' })
  const fd = connect()
  kernel.receive(fd, 100)
  kernel.send(fd, 50)
  pass(300)
  assert.equal(state(fd), 'idle')
})

test('noted late, a head that is finished at the last moment is no unfinished head', () => {
  const flying: (() => void)[] = []
  const { connect, pass, kernel, started, state, reasons } = scene(
    { headTimeoutMs: 2_000 },
    { notes: 'late', noteNow: () => flying.splice(0).forEach((note) => void note()) },
  )
  const fd = connect()
  pass(1_950)
  kernel.receive(fd, 100)
  flying.push(() => started())
  pass(500)
  assert.deepEqual(reasons, [])
  assert.equal(state(fd), 'handling')
})

test('a connection that the kernel does not watch is looked at instead', () => {
  const { connect, pass, kernel, state } = scene()
  kernel.watch = () => false
  const fd = connect()
  pass(2_000)
  kernel.receive(fd, 1)
  pass(600)
  assert.equal(state(fd), 'head')
})

test('a connection that its runtime has closed is forgotten, though nobody told of it', () => {
  const { connect, pass, kernel, ledger } = scene({ idleTimeoutMs: 60_000, headTimeoutMs: 60_000 })
  const fd = connect()
  pass(2_000)
  assert.equal(ledger.connections.size, 1)
  kernel.close(fd)
  pass(200)
  assert.equal(ledger.connections.size, 0)
})

test('2,000 idle connections cost nothing between their deadlines but a walk now and then', () => {
  const { connect, pass, kernel, ledger } = scene({ idleTimeoutMs: 60_000, headTimeoutMs: 60_000 })
  for (let index = 0; index < 2_000; index++) connect(40_000 + index)
  pass(3_000)
  assert.equal(ledger.connections.size, 2_000)
  kernel.calls = 0
  pass(9_000)
  assert.ok(kernel.calls <= 2_000, `${kernel.calls} calls for 2,000 connections in 9 s`)
})

type Step =
  | { readonly do: 'connect' | 'receive' | 'start' | 'answer' | 'close'; readonly port: number }
  | { readonly do: 'pass'; readonly ms: number }

const port = fc.constantFrom(40_000, 40_001)
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constantFrom('connect', 'receive', 'start', 'answer', 'close'), port }),
    fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(0, 7, 60, 400, 1_100, 2_600) }),
  ),
  { maxLength: 40, size: 'max' },
) as fc.Arbitrary<Step[]>

/** A port passes to another connection no faster than the kernel's figures can tell. */
const reuseMs = 2 * tickMs

interface Client {
  readonly fd: number
  readonly cookie: number
  readonly flying: { readonly at: number; request: ReturnType<Scene['started']> | null }[]
  /** When it fell silent: since its accept, its answer, or the first byte of a head. */
  silentAt: number
  /** It has been answered, and has sent nothing since. */
  idle: boolean
  inHead: boolean
  /**
   * A head began so soon after an answer that the kernel's figures do not tell the two apart:
   * either limit may end it.
   */
  blurred: boolean
  readonly connectedAt: number
  /**
   * It spoke before it was found, under the name of one whose handler still runs: as long as that
   * does, it is taken for its own.
   */
  shared: boolean
}

/**
 * Two clients that reuse their ports and the server's descriptors, in any order; what holds is
 * checked at every scan.
 */
function play(all: readonly Step[], notes: Notes): void {
  const [idleMs, headMs] = [1_500, 2_000]
  const open = new Map<number, Client>()
  /** Ports of clients that are gone while what works for them is not. */
  const orphaned = new Set<number>()
  const noteNow = () => {
    for (const [port, { flying }] of open) for (const flight of flying) note(port, flight)
  }
  const limits = { idleTimeoutMs: idleMs, headTimeoutMs: headMs, minIdleMs: 200 }
  const stage = scene(limits, { notes, noteNow })
  const { kernel, ledger, now } = stage
  const note = (port: number, flight: Client['flying'][number]) => {
    flight.request ??= ledger.started(peerName('127.0.0.1', port), null, flight.at)
  }
  const scan = (ms: number) => {
    for (const [port, { flying }] of open) {
      for (const flight of flying) if (now() - flight.at >= noteAfterMs(stage.policy)) note(port, flight)
    }
    stage.pass(ms)
    for (const [port, { fd, cookie, flying, silentAt, idle, blurred, shared }] of open) {
      const socket = kernel.sockets.get(fd)
      const silentMs = now() - silentAt
      const [leastMs, mostMs] = [idle || blurred ? idleMs : headMs, idle ? idleMs : headMs]
      assert.equal(socket?.cookie, cookie)
      if (flying.length > 0) assert.equal(socket?.ended, null, `${port}: ended with a request in flight`)
      else if (socket?.ended !== null)
        assert.ok(silentMs >= leastMs - 2 * scanMs, `${port}: ended after ${silentMs} ms`)
      else if (!shared) assert.ok(silentMs <= mostMs + 250, `${port}: open after ${silentMs} ms`)
    }
    for (const [port, { fd }] of open) {
      if (kernel.sockets.get(fd)?.ended === null) continue
      kernel.close(fd)
      open.delete(port)
      stage.skip(reuseMs)
    }
  }
  for (const step of all) {
    if (step.do === 'pass') {
      for (let left = step.ms; left > 0; left -= scanMs) scan(Math.min(left, scanMs))
      continue
    }
    const client = open.get(step.port)
    if (step.do === 'connect') {
      if (client !== undefined) continue
      const fd = stage.connect(step.port)
      const { cookie } = stage.socket(fd)
      const at = { silentAt: now(), connectedAt: now() }
      open.set(step.port, { fd, cookie, flying: [], ...at, idle: false, inHead: false, blurred: false, shared: false })
    } else if (client === undefined) {
      // Not there to do anything.
    } else if (step.do === 'close') {
      // The client is gone, and what works for it is not: it never ends.
      kernel.close(client.fd)
      open.delete(step.port)
      if (client.flying.length > 0) orphaned.add(step.port)
      stage.skip(reuseMs)
    } else if (step.do === 'start') {
      kernel.receive(client.fd, 100)
      const flight = { at: now(), request: null }
      client.flying.push(flight)
      client.shared ||= orphaned.has(step.port) && now() - client.connectedAt <= 200
      if (notes === 'every') note(step.port, flight)
      client.idle = false
      client.inHead = false
      client.blurred = false
    } else if (step.do === 'answer') {
      const flight = client.flying.pop()
      if (flight === undefined) continue
      kernel.send(client.fd, 50)
      if (flight.request !== null) ledger.finished(flight.request)
      client.silentAt = now()
      client.idle = client.flying.length === 0
    } else if (client.flying.length === 0 && !client.inHead) {
      kernel.receive(client.fd, 1)
      client.blurred = client.idle && now() - client.silentAt <= tickMs
      if (client.idle) client.silentAt = now()
      client.inHead = true
      client.idle = false
    }
  }
  stage.end()
}

for (const notes of ['every', 'late'] as const) {
  test(`in any order, noted ${notes}: no request in flight is closed, no silence outlasts its limit`, () => {
    fc.assert(
      fc.property(steps, (all) => play(all, notes)),
      { numRuns: 300 },
    )
  })
}
