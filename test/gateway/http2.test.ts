/** HTTP/2 before the gateway: Node's own server speaks it, upstreams never hear of it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2'
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { frame, headers, preface, reset } from '../lib/http2-frames.ts'
import { startProgram } from '../lib/program.ts'
import { hangupOn } from '../lib/runtimes.ts'
import { descriptorsOf } from '../lib/sockets.ts'
import { eventually } from '../lib/wait.ts'
import { startGateway } from './process.ts'

const tls = ['--tls-cert', 'test/fixtures/tls/cert.pem', '--tls-key', 'test/fixtures/tls/key.pem']

/** What an upstream says byte by byte, to the end of its connection. */
const exact: Readonly<Record<string, string>> = {
  '/cut': 'HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\nshort',
  '/cut-chunks': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n',
  '/odd-status': 'HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok',
  '/trailers': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n',
  '/hints': 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  '/of-connection':
    'HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nProxy-Connection: a\r\nETag: "a"\r\nETag: "b"\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok',
}

const large = 30_000_000

interface Seen {
  /** Requests to `/waits` that have come, and those whose client has gone. */
  waiting: number
  gone: number
  /** Of `/large`, taken by the gateway. */
  written: number
  atOnce: number
  mostAtOnce: number
}

async function answer(incoming: IncomingMessage, outgoing: ServerResponse, seen: Seen): Promise<void> {
  const { url = '', socket } = incoming
  const said = exact[url]
  if (said !== undefined) return void socket.end(said, 'latin1')
  if (url === '/waits') {
    seen.waiting += 1
    outgoing.on('close', () => (seen.gone += 1))
    return
  }
  if (url === '/large') {
    outgoing.writeHead(200, { 'content-length': large })
    const piece = Buffer.alloc(100_000, 1)
    for (; seen.written < large; seen.written += piece.length) {
      if (!outgoing.write(piece)) await once(outgoing, 'drain')
    }
    outgoing.end()
    return
  }
  seen.atOnce += 1
  seen.mostAtOnce = Math.max(seen.mostAtOnce, seen.atOnce)
  let bytes = 0
  for await (const piece of incoming) bytes += (piece as Buffer).length
  if (url.startsWith('/slow')) await delay(200)
  seen.atOnce -= 1
  const { method, headersDistinct: fields, httpVersion, trailers } = incoming
  outgoing.end(JSON.stringify({ method, url, fields, httpVersion, bytes, trailers }))
}

interface Answered {
  readonly head: Readonly<Record<string, string | string[] | undefined>>
  readonly interim: readonly (string | number | undefined)[]
  readonly trailers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

async function answerTo(stream: ClientHttp2Stream): Promise<Answered> {
  const interim: (string | number | undefined)[] = []
  let head: Answered['head'] = {}
  let trailers: Answered['trailers'] = {}
  stream.on('headers', (headers) => interim.push(headers[':status'], String(headers['link'])))
  stream.on('response', (headers) => (head = { ...headers, ':status': String(headers[':status']) }))
  stream.on('trailers', (headers) => (trailers = { ...headers }))
  const body = (await stream.toArray()).join('')
  return { head, interim, trailers, body }
}

describe('hangup gateway --http2 on Node', { timeout: 60_000 }, () => {
  const seen: Seen = { waiting: 0, gone: 0, written: 0, atOnce: 0, mostAtOnce: 0 }
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing, seen))
  const cleanups: (() => unknown)[] = []
  const t: Pick<TestContext, 'after'> = { after: (cleanup) => void cleanups.push(cleanup as () => unknown) }
  let port = 0
  let session: ClientHttp2Session
  before(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const backend = { port: (server.address() as AddressInfo).port }
    const flags = [...tls, '--http2', '--buffer', 'request', '--idle-timeout', '2s']
    port = (await startGateway(t, 'node', [backend], flags)).port
    session = await opened()
  })
  after(async () => {
    session?.destroy()
    for (const cleanup of cleanups) await cleanup()
    server.closeAllConnections()
    server.close()
  })

  async function opened(): Promise<ClientHttp2Session> {
    const made = connect(`https://localhost:${port}`, { rejectUnauthorized: false })
    await once(made, 'connect')
    return made
  }
  const ask = (path: string, headers: OutgoingHttpHeaders = {}, body?: Buffer) =>
    answerTo(session.request({ ':path': path, ...headers }).end(body) as ClientHttp2Stream)

  test('a request goes on as HTTP/1.1, with what HTTP/2 said of it', async () => {
    const { head, body } = await ask('/path?q=1', { 'x-thing': 'a', cookie: ['a=1', 'b=2'] })
    const heard = JSON.parse(body)
    assert.deepEqual([head[':status'], heard.method, heard.url, heard.httpVersion], ['200', 'GET', '/path?q=1', '1.1'])
    assert.deepEqual(heard.fields.host, [`localhost:${port}`])
    assert.deepEqual(heard.fields.via, ['2 hangup'])
    assert.deepEqual(heard.fields['x-forwarded-proto'], ['https'])
    assert.deepEqual(heard.fields.cookie, ['a=1; b=2'])
    assert.equal(head['via'], '1.1 hangup')
    assert.equal(head['content-type'], undefined)
  })

  test('what is of the connection is not sent on HTTP/2; lines of one name are one, but for cookies', async () => {
    const { head } = await ask('/of-connection')
    for (const name of ['connection', 'keep-alive', 'x-hop', 'proxy-connection'])
      assert.equal(head[name], undefined, name)
    assert.equal(head['etag'], '"a", "b"')
    assert.deepEqual(head['set-cookie'], ['a=1', 'b=2'])
  })

  test('a body of 1 MB arrives whole', async () => {
    const { body } = await ask('/', { ':method': 'POST' }, Buffer.alloc(1_000_000))
    const heard = JSON.parse(body)
    assert.equal(heard.bytes, 1_000_000)
    assert.deepEqual(heard.fields['content-length'], ['1000000'])
  })

  test('20 streams are 20 requests at once', async () => {
    seen.mostAtOnce = 0
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(`/slow?${i}`)))
    assert.deepEqual(
      answers.map(({ body }) => JSON.parse(body).url),
      answers.map((_, i) => `/slow?${i}`),
    )
    assert.ok(seen.mostAtOnce > 10, `${seen.mostAtOnce} at once`)
  })

  test('trailers of a request are dropped with no harm, those of an answer arrive', async () => {
    const stream = session.request({ ':path': '/', ':method': 'POST' }, { waitForTrailers: true } as object)
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }))
    stream.end('abc')
    assert.equal(JSON.parse((await answerTo(stream)).body).bytes, 3)
    const { body, trailers } = await ask('/trailers', { te: 'trailers' })
    assert.equal(body, 'ok')
    assert.equal(trailers['x-sum'], '7')
  })

  test('an interim answer comes before the answer', async () => {
    const { interim, head } = await ask('/hints')
    assert.deepEqual(interim, [103, '</a.css>'])
    assert.equal(head[':status'], '200')
  })

  for (const path of ['/cut', '/cut-chunks']) {
    test(`an answer that was cut short never looks whole: ${path}`, async () => {
      await assert.rejects(ask(path), { code: 'ERR_HTTP2_STREAM_ERROR' })
      assert.equal((await ask('/')).head[':status'], '200')
    })
  }

  test('a status that HTTP/2 has no form for is a 502, and the session lives', async () => {
    assert.equal((await ask('/odd-status')).head[':status'], '502')
    assert.equal((await ask('/')).head[':status'], '200')
  })

  test('a stream that its client resets frees the upstream, and no other stream', async () => {
    const stream = session.request({ ':path': '/waits' })
    stream.on('error', () => {})
    await until(() => seen.waiting === 1)
    const other = ask('/slow')
    stream.close(8)
    await until(() => seen.gone === 1)
    assert.equal((await other).head[':status'], '200')
  })

  test('an upstream waits for a client that does not read', async () => {
    const stream = session.request({ ':path': '/large' })
    await once(stream, 'response')
    await settled(() => seen.written)
    assert.ok(seen.written < large / 2, `${seen.written} bytes were taken of an answer that nobody reads`)
    let bytes = 0
    for await (const piece of stream) bytes += (piece as Buffer).length
    assert.equal(bytes, large)
  })

  test('HEAD has what GET would say, and no body', async () => {
    const { head, body } = await ask('/', { ':method': 'HEAD' })
    assert.deepEqual([head[':status'], body], ['200', ''])
  })

  test('who offers no h2 gets HTTP/1.1 on the same port', async () => {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
    await once(socket, 'secureConnect')
    assert.equal(socket.alpnProtocol, 'http/1.1')
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    const text = (await (socket as Socket).toArray()).join('')
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
    assert.match(text, /"via":\["1\.1 hangup"\]/)
  })

  test('a session that is idle is closed by the policy', async () => {
    const idle = await opened()
    const stream = idle.request({ ':path': '/' })
    await answerTo(stream)
    const began = performance.now()
    await once(idle, 'close')
    const after = performance.now() - began
    assert.ok(after > 1_500 && after < 4_000, `closed after ${after} ms`)
  })
})

describe('one client of hangup gateway --http2 that asks for everything at once', { timeout: 60_000 }, () => {
  const slow = async (t: TestContext) => {
    const server = createServer(async (_, outgoing) => {
      await delay(100)
      outgoing.end('ok')
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    return { port: (server.address() as AddressInfo).port }
  }
  const sessionTo = async (t: TestContext, port: number, headers: OutgoingHttpHeaders = {}) => {
    const session = connect(`https://localhost:${port}`, { rejectUnauthorized: false })
    t.after(() => session.destroy())
    await once(session, 'connect')
    return () => answerTo(session.request({ ':path': '/', ...headers }).end()).then(({ head }) => head[':status'])
  }
  const many = (ask: () => Promise<unknown>) => Promise.all(Array.from({ length: 80 }, ask))

  test('has as many requests at once as it may have connections', async (t) => {
    const gateway = await startGateway(t, 'node', [await slow(t)], [...tls, '--http2', '--client-max-connections', '2'])
    const ask = await sessionTo(t, gateway.port)
    const statuses = await many(ask)
    assert.deepEqual([statuses.filter((status) => status === '200').length, new Set(statuses).size], [2, 2])
    assert.ok(statuses.includes('503'))
    // What is over counts no more, and neither does what its client has given up.
    assert.equal(await ask(), '200')
  })

  test('is told how many streams it may have on one connection', async (t) => {
    const flags = [...tls, '--http2', '--max-concurrent-streams', '90']
    const gateway = await startGateway(t, 'node', [await slow(t)], flags)
    const session = connect(`https://localhost:${gateway.port}`, { rejectUnauthorized: false })
    await once(session, 'remoteSettings')
    assert.equal(session.remoteSettings.maxConcurrentStreams, 90)
    session.destroy()
  })

  test('leaves the others their turn in the queue', async (t) => {
    const flags = ['--upstream-max-connections', '4', '--upstream-max-queued', '40', '--trust', '127.0.0.1,::1']
    const gateway = await startGateway(t, 'node', [await slow(t)], [...tls, '--http2', ...flags])
    const greedy = await sessionTo(t, gateway.port, { 'x-forwarded-for': '192.0.2.1' })
    const modest = await sessionTo(t, gateway.port, { 'x-forwarded-for': '192.0.2.2' })
    const all = many(greedy)
    await delay(50)
    const began = performance.now()
    assert.equal(await modest(), '200')
    const tookMs = performance.now() - began
    // Behind the forty others it would have been a second.
    assert.ok(tookMs < 500, `${tookMs} ms`)
    const statuses = await all
    assert.ok(statuses.filter((status) => status === '200').length >= 43, statuses.join())
  })
})

test('--http2: streams and connections that are reset in odd moments end no process and leave nothing', {
  timeout: 60_000,
}, async (t) => {
  const server = createServer((incoming, outgoing) => {
    incoming.resume()
    setTimeout(() => outgoing.end(Buffer.alloc(incoming.url === '/large' ? 500_000 : 2)), 10)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const backend = { port: (server.address() as AddressInfo).port }
  // What a client leaves that opens no window any more is the write limit's.
  const flags = [...tls, '--http2', '--upstream-idle-timeout', '200ms', '--write-timeout', '1s']
  const gateway = await startGateway(t, 'node', [backend], flags)
  const descriptors = () => descriptorsOf(gateway.pid)
  const before = descriptors()
  await Promise.all(
    Array.from({ length: 24 }, async (_, client) => {
      const tcp = connectTcp({ port: gateway.port, host: '127.0.0.1' })
      const socket = connectTls({ socket: tcp, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
      for (const one of [tcp, socket]) one.on('error', () => {})
      await once(socket, 'secureConnect')
      socket.resume().write(preface, 'latin1')
      for (let stream = 1; stream < 40; stream += 6) {
        const text =
          headers(stream, { ':method': 'POST', ':path': '/upload' }, false) +
          headers(stream + 2, { ':method': 'GET', ':path': '/large', expect: '100-continue' }) +
          (client % 2 === 0 ? reset(stream + 2) : '') +
          headers(stream + 4, { ':method': client % 3 === 0 ? 'HEAD' : 'GET', ':path': '/large' }) +
          (client % 3 === 0 ? frame(0, 1, stream, 'abc') : reset(stream))
        socket.write(text, 'latin1')
        await delay(client % 8)
      }
      if (client % 4 === 0) tcp.resetAndDestroy()
      if (client % 4 === 1) socket.end()
      if (client % 4 === 2) socket.write(frame(9, 0, 1, 'junk'), 'latin1')
      await delay(300)
      tcp.destroy()
    }),
  )
  const left = await eventually(descriptors, (count) => count <= before, 15_000)
  assert.ok(left <= before, `${left} descriptors, ${before} before`)
  const client = connect(`https://localhost:${gateway.port}`, { rejectUnauthorized: false })
  t.after(() => client.destroy())
  assert.equal((await answerTo(client.request({ ':path': '/' }))).head[':status'], '200')
  client.destroy()
  assert.doesNotMatch(gateway.stderr(), /^\s+at /m)
  const began = performance.now()
  gateway.signal('SIGTERM')
  await gateway.exited
  assert.ok(performance.now() - began < 3_000, 'a session that is gone holds up the drain')
})

describe('--http2 is refused before anything starts', { timeout: 60_000 }, () => {
  const to = ['--to', 'http://127.0.0.1:1', '--port', '0', '--http2']
  const refusals = [
    [
      'node',
      [...to, ...tls, '--proxy-protocol', '127.0.0.1'],
      /--proxy-protocol.*HTTP\/2.*can’t read the PROXY protocol/,
    ],
    ['node', to, /--http2.*TLS/],
    ['bun', [...to, ...tls], /http2.*bun.*Node, or HTTP\/1\.1/],
    ['deno', [...to, ...tls], /http2.*deno.*Node, or HTTP\/1\.1/],
    [
      'deno',
      [...to.slice(0, 4), '--engine', 'native', '--client-max-connections', '5'],
      /client-max-connections.*native engine on deno/,
    ],
  ] as const
  for (const [runtime, flags, message] of refusals) {
    test(`on ${runtime}: ${message.source}`, (t) =>
      assert.rejects(startProgram(t, hangupOn(runtime, 'gateway', ...flags)), message))
  }
})

async function until(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 5_000; !holds(); await delay(20))
    assert.ok(performance.now() < end, 'it did not come')
}

/** Resolves when a number has stopped growing. */
async function settled(value: () => number): Promise<void> {
  for (let last = -1; last !== value(); await delay(300)) last = value()
}
