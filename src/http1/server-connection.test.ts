import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { backgroundClock } from '../lifecycle/clock.ts'
import { Connections } from '../lifecycle/connections.ts'
import { LongLived } from '../lifecycle/long-lived.ts'
import { FakeTransport, latin1 } from '../net/transport.fake.ts'
import type { Transport } from '../net/transport.ts'
import { resolveOptions } from '../policy/resolve.ts'
import type { ServeOptions } from '../serve/contract.ts'
import { limitsOf } from './events.ts'
import type { RequestHead } from './head.ts'
import type { IncomingBody } from './incoming-body.ts'
import { type ConnectionContext, plainAnswer, ServerConnection } from './server-connection.ts'
import type { OutgoingResponse } from './web/response.ts'
import { connectionLines } from './writer.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

type Handler = (
  head: RequestHead,
  body: Uint8Array | IncomingBody | null,
) => OutgoingResponse | Promise<OutgoingResponse>

function scene(
  handler: Handler = () => plainAnswer(200),
  options: ServeOptions = {},
  clients?: ConnectionContext['clients'],
) {
  const { policy } = resolveOptions({ idleTimeoutMs: 5_000, ...options })
  const time = { now: 0, draining: false }
  const asked: { head: RequestHead; aborted: boolean; reason?: Error }[] = []
  const failures: unknown[] = []
  const clock = { ...backgroundClock, now: () => time.now }
  const connections = new Connections<ServerConnection>({
    policy,
    clock,
    onClosed: () => {},
    random: Math.random,
  })
  const context: ConnectionContext = {
    policy,
    limits: limitsOf(policy),
    clients,
    clock,
    connections,
    draining: () => time.draining,
    longLived: new LongLived(policy, Math.random),
    framed: (body) => body,
    connectionLines: {
      close: connectionLines(false, 1, 0),
      keep: connectionLines(true, 1, 4),
      keepOld: connectionLines(true, 0, 4),
    },
    failed: (error) => failures.push(error),
    ask(on, head, body) {
      const request = { head, aborted: false }
      asked.push(request)
      on.asked = request
      const given = handler(head, body)
      if (given instanceof Promise) {
        given.then(
          (late) => on.answer(late),
          () => on.answer(plainAnswer(500)),
        )
      } else on.answer(given)
    },
    abort(request, reason) {
      Object.assign(request, { aborted: true, reason })
    },
  }
  const transport = new FakeTransport()
  const connection = new ServerConnection(transport, false, context)
  const feed = (text: string) => connection.feed(latin1(text))
  const at = (now: number) => {
    time.now = now
    connections.sweep()
  }
  return { time, asked, failures, connections, transport, connection, feed, at }
}

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const post = (length: number) => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`
const given = (more: Partial<OutgoingResponse>): OutgoingResponse => ({ ...plainAnswer(200), ...more })

test('a small answer is one write, framed by its length, with Date and the hint', () => {
  const { transport, feed } = scene(() => given({ body: 'hello', fields: ['A', 'b'] }))
  feed(get)
  assert.match(
    transport.written,
    /^HTTP\/1\.1 200 OK\r\nA: b\r\nDate: [^\r]+ GMT\r\nContent-Length: 5\r\nConnection: keep-alive\r\nKeep-Alive: timeout=4\r\n\r\nhello$/,
  )
})

test('pipelined requests are answered in order, whatever time each takes', async () => {
  const { transport, feed } = scene(async (head) => {
    if (head.path === '/0') await turn()
    return given({ body: head.path })
  })
  feed(['/0', '/1', '/2'].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''))
  for (let i = 0; i < 5; i++) await turn()
  assert.deepEqual(transport.written.match(/\/\d$|\/\d(?=HTTP)/g), ['/0', '/1', '/2'])
})

test('a malformed pipelined request does not take the answer before it', async () => {
  const { transport, feed, asked } = scene(async () => {
    await turn()
    return given({ body: 'good' })
  })
  feed(`${get}GET / HTTP/1.1\r\nHost : a\r\n\r\n`)
  await turn()
  await turn()
  assert.deepEqual(transport.statuses, ['200', '400'])
  assert.equal(asked.length, 1)
  assert.ok(transport.acts.includes('end'))
})

test('what a client had pipelined before it ended its side is all answered, then the connection ends', async () => {
  const { transport, connection, feed, asked } = scene(async () => {
    await turn()
    return plainAnswer(204)
  })
  feed(get + get)
  connection.peerEnded()
  assert.equal(asked[0]?.aborted, true)
  for (let i = 0; i < 6; i++) await turn()
  assert.deepEqual(transport.statuses, ['204', '204'])
  assert.equal(transport.acts.filter((act) => act === 'end').length, 1)
})

test('a client that ends its side while its answer is being written gets all of it, then the end', () => {
  const { transport, connection, feed } = scene(() => given({ body: 'x'.repeat(100) }))
  transport.blocked = true
  feed(get)
  connection.peerEnded()
  assert.ok(!transport.acts.includes('end'))
  transport.unsent = 0
  connection.drained()
  assert.ok(transport.acts.includes('end'))
})

test('an idle connection ends at its limit, not before, and is out of the connections', () => {
  const { transport, feed, at, connections } = scene()
  feed(get)
  at(4_999)
  assert.ok(!transport.acts.includes('destroy'))
  at(5_000)
  assert.ok(transport.acts.includes('destroy'))
  assert.equal(connections.size, 0)
})

test('a head that is not finished is answered 408, silence only ended', () => {
  const partial = scene(undefined, { headTimeoutMs: 3_000 })
  partial.feed('GET / HT')
  partial.at(100)
  partial.at(3_000)
  assert.deepEqual(partial.transport.statuses, ['408'])
  const silent = scene(undefined, { headTimeoutMs: 3_000 })
  silent.at(3_000)
  assert.equal(silent.transport.written, '')
  assert.ok(silent.transport.acts.includes('destroy'))
})

test('half a head that came with the request before it has the time of a head, not of an idle connection', () => {
  const { transport, feed, at } = scene(undefined, { idleTimeoutMs: 1_000, headTimeoutMs: 3_000 })
  feed(`${get}GET / HT`)
  at(2_900)
  assert.deepEqual(transport.statuses, ['200'])
  assert.ok(!transport.acts.includes('destroy'))
  at(3_000)
  assert.deepEqual(transport.statuses, ['200', '408'])
})

test('a body that falls silent while it is read is answered 408, whatever the application says', async () => {
  const { transport, feed, at } = scene(
    async (_, body) => {
      await (body as IncomingBody).read()
      await (body as IncomingBody).read()
      return plainAnswer(200)
    },
    { bodyTimeoutMs: 1_000, minBodyBytesPerSec: 0 },
  )
  feed(`${post(10)}abc`)
  await turn()
  at(100)
  at(1_100)
  await turn()
  assert.deepEqual(transport.statuses, ['408'])
  assert.match(transport.written, /Connection: close/)
})

test('100 comes when the application reads, once, and only to who asked for it', async () => {
  const read: Handler = async (_, body) => {
    while ((await (body as IncomingBody).read()) !== null);
    return plainAnswer(200)
  }
  const asking = scene(read)
  asking.feed(post(3).replace('\r\n\r\n', '\r\nExpect: 100-Continue\r\n\r\n'))
  await turn()
  assert.deepEqual(asking.transport.statuses, ['100'])
  asking.feed('abc')
  await turn()
  assert.deepEqual(asking.transport.statuses, ['100', '200'])
  const quiet = scene(read)
  quiet.feed(post(3))
  await turn()
  assert.deepEqual(quiet.transport.statuses, [])
})

test('an early answer to a client that waits for 100 ends the connection: its body may come or not', () => {
  const { transport, feed } = scene(() => plainAnswer(413))
  feed(post(3).replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n'))
  assert.deepEqual(transport.statuses, ['413'])
  assert.match(transport.written, /Connection: close/)
})

test('the rest of a body that was answered early is read away, and the next request answered', () => {
  const { transport, feed } = scene((head) => plainAnswer(head.method === 'POST' ? 413 : 200))
  feed(`${post(6)}abc`)
  feed(`def${get}`)
  assert.deepEqual(transport.statuses, ['413', '200'])
})

test('too much of such a rest ends the connection after the answer, and never resets it', () => {
  const { transport, feed, at } = scene(() => plainAnswer(413), { discardBytes: 10, discardTimeoutMs: 2_000 })
  feed(`${post(1_000)}abc`)
  feed('x'.repeat(100))
  at(100)
  assert.ok(transport.acts.includes('end'))
  assert.ok(!transport.acts.includes('destroy'))
  at(1_900)
  assert.ok(!transport.acts.includes('destroy'), 'it has the time to read its answer')
  at(2_100)
  assert.ok(transport.acts.includes('destroy'))
})

test('an answer whose body fails never looks whole', async () => {
  let reads = 0
  const { transport, feed } = scene(() =>
    given({
      body: {
        length: null,
        read: async () => {
          if (reads++ > 0) throw new Error('broken')
          return latin1('first')
        },
        cancel() {},
      },
    }),
  )
  feed(get)
  await turn()
  assert.match(transport.written, /Transfer-Encoding: chunked[\s\S]*\r\n5\r\nfirst\r\n$/)
  assert.ok(transport.acts.includes('reset'))
})

test('an answer shorter than the length it announced is cut, not left hanging', async () => {
  const { transport, feed } = scene(() =>
    given({
      fields: ['Content-Length', '9'],
      body: { length: null, read: async () => null, cancel() {} },
    }),
  )
  feed(get)
  await turn()
  assert.ok(transport.acts.includes('reset'))
})

test('HEAD says the length that GET would, and the connection stays in step', () => {
  const { transport, feed } = scene(() => given({ body: 'hello' }))
  feed(get.replace('GET', 'HEAD') + get)
  assert.match(
    transport.written,
    /^HTTP\/1\.1 200 OK\r\nDate[\s\S]*Content-Length: 5\r\n[\s\S]*\r\n\r\nHTTP\/1\.1 200[\s\S]*hello$/,
  )
})

test('204, 205 and 304 have no body, whatever the application gave', () => {
  for (const status of [204, 205, 304]) {
    const { transport, feed } = scene(() => given({ status, body: 'no' }))
    feed(get)
    assert.ok(transport.written.endsWith('\r\n\r\n'), String(status))
    assert.equal(
      /Content-Length: (\d+)/.exec(transport.written)?.[1],
      status === 205 ? '0' : status === 304 ? '2' : undefined,
    )
  }
})

test('a field that would split the answer is the application’s fault: 500, and none of it is sent', () => {
  const { transport, feed } = scene(() => given({ fields: ['X', 'a\r\nSet-Cookie: b'] }))
  feed(get)
  assert.deepEqual(transport.statuses, ['500'])
  assert.doesNotMatch(transport.written, /Set-Cookie/)
})

test('while the client takes nothing it is writing, and reset at its limit; what it takes sets the clock back', () => {
  const { transport, connection, feed, at } = scene(() => given({ body: 'x'.repeat(1_000) }), {
    writeTimeoutMs: 2_000,
    minResponseBytesPerSec: 0,
  })
  transport.blocked = true
  feed(get)
  at(100)
  assert.equal(connection.connection.state, 'writing')
  transport.unsent = 500
  at(2_000)
  at(3_900)
  assert.ok(!transport.acts.includes('reset'))
  at(4_000)
  assert.ok(transport.acts.includes('reset'))
})

test('in a drain the answer that is not out yet is the last', async () => {
  const { transport, time, feed } = scene(async () => {
    await turn()
    return plainAnswer(204)
  })
  feed(get)
  time.draining = true
  await turn()
  await turn()
  assert.match(transport.written, /Connection: close/)
  assert.ok(transport.acts.includes('end'))
})

test('the last of maxRequestsPerConnection says so, and what is pipelined behind it does not run', () => {
  const { transport, feed, asked } = scene(undefined, { maxRequestsPerConnection: 2 })
  feed(get + get + get)
  assert.equal(asked.length, 2)
  assert.match(transport.written, /keep-alive[\s\S]*Connection: close/)
})

test('when the connection is gone the signal fires and the stream is let go', async () => {
  let cancelled = false
  const { connection, feed, connections, asked } = scene(() =>
    given({
      body: {
        length: null,
        read: () => new Promise(() => {}),
        cancel: () => {
          cancelled = true
        },
      },
    }),
  )
  feed(get)
  await turn()
  connection.gone()
  assert.equal(cancelled, true)
  assert.equal(asked[0]?.aborted, true)
  assert.equal(connections.size, 0)
  assert.equal(asked.length, 1)
})

test('random bytes never throw, whatever the split, and what is answered is an answer', () => {
  const piece = fc.oneof(
    fc.constantFrom(get, post(3), 'abc', '\r\n', 'GET ', 'Host: a\r\n', '0\r\n\r\n', ' HTTP/1.1\r\n', '\0', ':'),
    fc.string({ maxLength: 20 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const { transport, connection, feed, at } = scene(() => plainAnswer(204))
      pieces.forEach((text, index) => {
        feed(text)
        at(index * 700)
      })
      connection.peerEnded()
      at(100_000)
      for (const status of transport.statuses) assert.match(status, /^(204|4\d\d|501|505)$/)
    }),
  )
})

test('one too many of its client is counted from accept on, closed if it is silent, and answered 503 if it asks', () => {
  const counted: string[] = []
  let admits = false
  const clients = {
    connected: (address: string) => counted.push(`+${address}`) === 0,
    admits: () => admits,
    disconnected: (address: string) => void counted.push(`-${address}`),
  }
  const silent = scene(undefined, {}, clients)
  silent.at(999)
  assert.deepEqual([silent.transport.acts, counted], [[], ['+127.0.0.1']])
  silent.at(1_000)
  assert.deepEqual([silent.transport.acts, counted], [['destroy'], ['+127.0.0.1', '-127.0.0.1']])

  const trickling = scene(undefined, {}, clients)
  trickling.feed('GET / HT')
  trickling.at(1_000)
  assert.deepEqual(trickling.transport.acts, ['destroy'])

  const asking = scene(undefined, {}, clients)
  asking.feed(get)
  assert.deepEqual(asking.transport.statuses, ['503'])
  admits = true
  const lucky = scene(undefined, {}, clients)
  lucky.feed(get)
  lucky.at(1_500)
  assert.deepEqual([lucky.transport.statuses, lucky.transport.acts.includes('destroy')], [['200'], false])
})

test('a client that is announced after accept is counted instead of the peer that announces it', () => {
  const counted: string[] = []
  const { transport, connection, feed } = scene(
    undefined,
    {},
    {
      connected: (address) => counted.push(`+${address}`) > 0,
      admits: () => true,
      disconnected: (address) => void counted.push(`-${address}`),
    },
  )
  ;(transport as { peer: Transport['peer'] }).peer = { address: '192.0.2.1', port: 1, family: 'IPv4' }
  feed(get)
  connection.gone()
  assert.deepEqual(counted, ['+127.0.0.1', '-127.0.0.1', '+192.0.2.1', '-192.0.2.1'])
})

/** Pieces of an application's stream; a Promise is waited for. */
function streamOf(...pieces: (string | Promise<string>)[]) {
  const made = {
    length: null,
    ofApplication: true,
    cancelled: false,
    async read() {
      const piece = pieces.shift()
      return piece === undefined ? null : latin1(await piece)
    },
    cancel() {
      made.cancelled = true
    },
  }
  return made
}

const turns = async () => {
  for (let i = 0; i < 5; i++) await turn()
}

test('a stream that is there already is one write with its length, also for HTTP/1.0, which keeps its connection', async () => {
  const { transport, feed } = scene(() => given({ body: streamOf('hel', 'lo') }))
  feed('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
  await turns()
  assert.match(transport.written, /Content-Length: 5\r\nConnection: keep-alive\r\n[\s\S]*\r\n\r\nhello$/)
  assert.deepEqual(transport.acts.includes('end'), false)
})

test('the head of a stream that waits goes out before its first byte', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const { transport, feed } = scene(() => given({ body: streamOf(promise) }))
  feed(get)
  await turns()
  assert.match(transport.written, /Transfer-Encoding: chunked\r\n[\s\S]*\r\n\r\n$/)
  resolve('hello')
  await turns()
  assert.match(transport.written, /5\r\nhello\r\n0\r\n\r\n$/)
})

test('not a byte goes beyond the Content-Length: the answer is cut there, told, and the last', async () => {
  const late = () => new Promise<string>((resolve) => setTimeout(resolve, 20, 'HTTP/1.1 200 OK'))
  for (const makePieces of [() => ['hello!'], () => ['hel', 'lo!'], () => ['hello', '!'], () => ['hello', late()]]) {
    const pieces = makePieces()
    const body = streamOf(...pieces)
    const { transport, feed, failures } = scene(() => given({ body, fields: ['Content-Length', '5'] }))
    feed(get + get)
    await turns()
    await new Promise((resolve) => setTimeout(resolve, 30))
    assert.match(transport.written, /Content-Length: 5\r\n[\s\S]*\r\n\r\nhello$/)
    assert.equal(body.cancelled, true)
    assert.ok(transport.acts.includes('end') && !transport.acts.includes('reset'))
    // Where it is known before the head goes out, the client hears that it is the last.
    const isKnown = typeof pieces.at(-1) === 'string'
    assert.match(transport.written, isKnown ? /\r\nConnection: close\r\n/ : /\r\nConnection: keep-alive\r\n/)
    assert.match(String(failures), /^BodyLengthError: the body has \d+ or more bytes instead of the 5/)
  }
})

test('a length without a body is set right, so that nobody waits for it', () => {
  for (const left of [null, { length: 7, drop() {} }]) {
    const { transport, feed } = scene(() => given({ left, fields: ['Content-Length', '7'] }))
    feed(get)
    assert.match(transport.written, /Content-Length: 0\r\n/)
  }
})

test('a stream with a Content-Length of 0 that is still to come is the last answer, and says so', async () => {
  const body = streamOf(new Promise((resolve) => setTimeout(resolve, 20, 'hello')))
  const { transport, feed, failures } = scene(() => given({ body, fields: ['Content-Length', '0'] }))
  feed(get)
  await new Promise((resolve) => setTimeout(resolve, 40))
  assert.match(transport.written, /Content-Length: 0\r\nConnection: close\r\n\r\n$/)
  assert.equal(failures.length, 1)
})

test('a stream that fails after all that was said costs a report, not the connection', async () => {
  const body = streamOf('hello', Promise.reject(new Error('late')))
  const { transport, feed, failures } = scene(() => given({ body, fields: ['Content-Length', '5'] }))
  feed(get)
  await turns()
  assert.deepEqual(
    [transport.acts.includes('reset'), transport.acts.includes('end'), failures.length],
    [false, false, 1],
  )
})

test('an answer with fewer bytes than its Content-Length is reset, and told', async () => {
  const { transport, feed, failures } = scene(() => given({ body: streamOf('hel'), fields: ['Content-Length', '5'] }))
  feed(get)
  await turns()
  assert.ok(transport.acts.includes('reset'))
  assert.match(String(failures), /^BodyLengthError: the body has only 3 bytes/)
})

test('a stream may fail with anything, also with what can’t be looked at', async () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const broken = { ...streamOf(), ofApplication: true, read: () => Promise.reject(proxy) }
  const { feed, transport, failures } = scene(() => given({ body: broken }))
  feed(get)
  await turns()
  assert.deepEqual([transport.statuses, failures.length], [['500'], 1])
})

test('a stream that fails before the head is out costs a 500; one of the engine’s own is nobody’s fault', async () => {
  const failing = (ofApplication: boolean) => ({
    ...streamOf(),
    ofApplication,
    read: () => Promise.reject(new Error('broke')),
  })
  const first = scene(() => given({ body: failing(true) }))
  first.feed(get)
  await turns()
  assert.deepEqual([first.transport.statuses, String(first.failures)], [['500'], 'Error: broke'])
  const upstream = scene(() => given({ body: failing(false) }))
  upstream.feed(get)
  await turns()
  assert.deepEqual([upstream.transport.statuses, upstream.failures], [['200'], []])
  assert.ok(upstream.transport.acts.includes('reset'))
})

test('HEAD says the length that is known, and none for a body that it would have to read or that is left out', () => {
  const head = 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n'
  const said = (answer: OutgoingResponse) => {
    const { transport, feed } = scene(() => answer)
    feed(head)
    return /Content-Length: \d+|Transfer-Encoding: chunked/.exec(transport.written)?.[0]
  }
  assert.equal(said(given({ body: 'hello' })), 'Content-Length: 5')
  assert.equal(said(given({ fields: ['Content-Length', '7'] })), 'Content-Length: 7')
  assert.equal(said(given({ left: { length: 6, drop() {} } })), 'Content-Length: 6')
  assert.equal(said(given({ body: streamOf('x') })), 'Transfer-Encoding: chunked')
  assert.equal(said(given({})), undefined)
})

test('the signal of a request is aborted with one AbortError when the client goes, and not after its answer', async () => {
  const pending = scene(() => new Promise<OutgoingResponse>(() => {}))
  pending.feed(get)
  pending.connection.peerEnded()
  pending.connection.gone()
  assert.deepEqual([pending.asked[0]!.aborted, pending.asked[0]!.reason?.name], [true, 'AbortError'])
  assert.ok(pending.connection.isLeaving(pending.asked[0]!.reason))
  const answered = scene()
  answered.feed(get)
  answered.connection.gone()
  assert.equal(answered.asked[0]!.aborted, false)
})

test('bytes of an earlier answer do not begin the present one', async () => {
  let handled = 0
  const { connection, transport, feed, at } = scene(
    () => (handled++ === 0 ? plainAnswer(200) : new Promise<OutgoingResponse>(() => {})),
    { streamIdleTimeoutMs: 1_000, handlerTimeoutMs: 0 },
  )
  feed(get)
  feed(get)
  for (let now = 100; now < 5_000; now += 100) at(now)
  assert.equal(connection.connection.state, 'handling')
  assert.deepEqual(
    transport.acts.filter((act) => act === 'destroy'),
    [],
  )
  connection.upgrade()
  assert.equal(connection.connection.state, 'upgraded')
})

test('a stream that takes over a client that has ended its side is told so', async () => {
  const { connection, feed } = scene(() => new Promise<OutgoingResponse>(() => {}))
  feed(get)
  connection.peerEnded()
  assert.equal(connection.open, false)
  const stream = connection.upgrade()
  let ended = false
  stream.on('end', () => {
    ended = true
  })
  stream.resume()
  await turns()
  assert.equal(ended, true)
})
