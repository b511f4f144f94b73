/**
 * The gateway on workerd, as `wrangler dev --env gateway` runs it, in front of servers of this
 * process.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { WebSocket, WebSocketServer } from 'ws'
import { freePort } from '../lib/free-port.ts'
import { type Lifetime, launch, run, suiteLifetime } from '../lib/program.ts'
import { startWorker, type Worker } from '../lib/worker.ts'

/**
 * `script`: instead of the entry in wrangler.toml. Rejects with what wrangler said if the Worker
 * does not start.
 */
const startEdge = (t: Lifetime, variables: Readonly<Record<string, string>>, script?: string): Promise<Worker> =>
  startWorker(t, { script, env: 'gateway', variables: { HANGUP_REPORT: 'json', ...variables } })

interface Heard {
  readonly method: string
  readonly url: string
  readonly fields: Readonly<Record<string, string[]>>
  readonly bytes: number
}

async function answer(incoming: IncomingMessage, outgoing: ServerResponse, seen: Backend['seen']): Promise<void> {
  const { pathname } = new URL(incoming.url ?? '/', 'http://a')
  let bytes = 0
  incoming.on('data', (piece: Buffer) => {
    bytes += piece.length
    seen.bytes += piece.length
  })
  if (pathname === '/events' || pathname === '/falls-silent') {
    outgoing.writeHead(200, { 'content-type': pathname === '/events' ? 'text/event-stream' : 'text/plain' })
    outgoing.write('data: 1\n\n')
    await delay(pathname === '/events' ? 1_500 : 20_000, undefined, { ref: false })
    outgoing.end('data: 2\n\n')
    return
  }
  if (pathname === '/cut') {
    outgoing.writeHead(200, { 'content-length': 100 }).write('short')
    await delay(50)
    outgoing.destroy()
    return
  }
  if (pathname === '/silent') return
  if (pathname === '/redirect') return void outgoing.writeHead(302, { location: '/elsewhere' }).end()
  if (pathname === '/gzip') return void outgoing.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('hello'))
  if (pathname === '/empty') return void outgoing.writeHead(204).end()
  if (pathname === '/large') return void outgoing.end(Buffer.alloc(1_000_000, 7))
  await once(incoming, 'end')
  outgoing.setHeader('set-cookie', ['a=1', 'b=2'])
  outgoing.setHeader('keep-alive', 'timeout=77')
  const { method, url, headersDistinct: fields } = incoming
  const heard = JSON.stringify({ method, url, fields, bytes })
  outgoing.setHeader('content-length', heard.length)
  outgoing.end(heard)
}

interface Backend {
  readonly port: number
  /** Body bytes of all requests. */
  readonly seen: { bytes: number }
  stop(): void
}

async function startBackend(): Promise<Backend> {
  const seen = { bytes: 0 }
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing, seen))
  const echo = new WebSocketServer({ server, handleProtocols: () => 'chat' })
  echo.on('connection', (socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}

async function until(holds: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + 5_000; !holds(); await delay(20)) {
    assert.ok(performance.now() < end, `${what}, and that did not come`)
  }
}

describe('hangup gateway on workerd, by HANGUP_TO', { timeout: 120_000 }, () => {
  let backend: Backend
  const suite = suiteLifetime()
  let edge: Worker
  before(async () => {
    backend = await startBackend()
    edge = await startEdge(suite, {
      HANGUP_TO: `http://127.0.0.1:${backend.port}`,
      HANGUP_UPSTREAM_FIRST_BYTE_TIMEOUT: '1s',
      HANGUP_UPSTREAM_READ_TIMEOUT: '1s',
    })
  })
  after(async () => {
    backend?.stop()
  })
  const ask = (path: string, init: RequestInit = {}) => fetch(`${edge.url}${path}`, { redirect: 'manual', ...init })

  test('the report says who holds the limits of upstreams, and of connections', () => {
    const report = JSON.parse(/^\{.*\}$/m.exec(edge.said())?.[0] ?? '')
    assert.equal(report.upstreamEnforcement.upstreamFirstByteTimeoutMs.by, 'us')
    assert.equal(report.upstreamEnforcement.upstreamIdleTimeoutMs.by, 'platform')
    assert.equal(report.upstreamEnforcement.spoolMaxBytes.by, 'nobody')
    assert.equal(report.enforcement.idleTimeoutMs.by, 'platform')
    assert.equal(report.upstream.options.upstreamReadTimeoutMs, 1_000)
  })

  test('a request goes on with who asked, and its answer comes back without what is of the connection', async () => {
    const headers = { 'X-Forwarded-For': '203.0.113.9', Forwarded: 'for=203.0.113.9', 'X-Thing': 'a', a_b: 'c' }
    const response = await ask('/path?q=%20x', { headers: { ...headers, 'CF-Connecting-IP': '192.0.2.7' } })
    const { method, url, fields } = (await response.json()) as Heard
    assert.equal(`${method} ${url}`, 'GET /path?q=%20x')
    assert.deepEqual(fields['x-forwarded-for'], ['192.0.2.7'])
    assert.match(fields['forwarded']?.join() ?? '', /^for=192\.0\.2\.7;host="127\.0\.0\.1:\d+";proto=http;by=_hangup$/)
    assert.deepEqual(fields['x-forwarded-host'], [`127.0.0.1:${edge.port}`])
    assert.deepEqual(fields['host'], [`127.0.0.1:${backend.port}`])
    assert.deepEqual(fields['via'], ['1.1 hangup'])
    assert.deepEqual(fields['x-thing'], ['a'])
    assert.equal(fields['a_b'], undefined)
    assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2'])
    assert.equal(response.headers.get('keep-alive')?.includes('77') ?? false, false)
    assert.match(response.headers.get('via') ?? '', /1\.1 hangup/)
  })

  test('a body of known length keeps it, one of unknown length is in chunks', async () => {
    const known = (await (await ask('/', { method: 'POST', body: Buffer.alloc(1_000_000) })).json()) as Heard
    assert.equal(known.bytes, 1_000_000)
    assert.deepEqual(known.fields['content-length'], ['1000000'])
    const body = new ReadableStream({
      async start(controller) {
        for (let i = 0; i < 10; i++) controller.enqueue(Buffer.alloc(10_000))
        controller.close()
      },
    })
    const unknown = (await (await ask('/', { method: 'PUT', body, duplex: 'half' } as RequestInit)).json()) as Heard
    assert.equal(unknown.bytes, 100_000)
    assert.deepEqual(unknown.fields['transfer-encoding'], ['chunked'])
  })

  test('a body reaches the upstream while it is still coming', async () => {
    const before = backend.seen.bytes
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const outgoing = request(`${edge.url}/`, { method: 'POST' }, resolve).on('error', reject)
    outgoing.write(Buffer.alloc(1_000))
    await until(() => backend.seen.bytes === before + 1_000, 'the first piece was to arrive before the rest was sent')
    outgoing.end(Buffer.alloc(500))
    const response = await promise
    assert.equal((JSON.parse(`${(await response.toArray()).join('')}`) as Heard).bytes, 1_500)
  })

  test('an answer of known length keeps it', async () => {
    const head = await rawHead(edge.port, 'GET /large HTTP/1.1\r\nHost: a\r\nAccept-Encoding: identity\r\n\r\n')
    assert.match(head, /^content-length: 1000000\r$/im)
    assert.equal((await (await ask('/large')).bytes()).length, 1_000_000)
  })

  test('events come as they are sent, and quiet between them is no failure', async () => {
    const response = await ask('/events')
    const reader = response.body!.getReader()
    const started = performance.now()
    assert.equal(`${Buffer.from((await reader.read()).value!)}`, 'data: 1\n\n')
    assert.ok(performance.now() - started < 1_000, 'the first event waited for the second')
    assert.equal(`${Buffer.from((await reader.read()).value!)}`, 'data: 2\n\n')
    assert.equal((await reader.read()).done, true)
  })

  for (const [path, why] of [
    ['/cut', 'was cut short'],
    ['/falls-silent', 'fell silent'],
  ] as const) {
    test(`an answer that ${why} never looks whole`, async () => {
      const response = await ask(path)
      assert.equal(response.status, 200)
      await assert.rejects(response.text())
    })
  }

  test('an upstream that does not begin its answer is a 504', async () => {
    const response = await ask('/silent', { method: 'POST', body: 'x' })
    assert.equal(response.status, 504)
    assert.equal(response.headers.get('hangup-reason'), 'first-byte-timeout')
  })

  test('redirects and content codings pass', async () => {
    const redirect = await ask('/redirect')
    assert.deepEqual([redirect.status, redirect.headers.get('location')], [302, '/elsewhere'])
    const coded = await ask('/gzip', { headers: { 'Accept-Encoding': 'gzip' } })
    assert.equal(coded.headers.get('content-encoding'), 'gzip')
    assert.equal(await coded.text(), 'hello')
  })

  test('HEAD and 204 have no body', async () => {
    const head = await ask('/', { method: 'HEAD' })
    assert.deepEqual([head.status, await head.text()], [200, ''])
    const empty = await ask('/empty')
    assert.deepEqual([empty.status, await empty.text()], [204, ''])
  })

  test('WebSockets pass, text and binary, and their end', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${edge.port}/`, ['chat'])
    await once(socket, 'open')
    assert.equal(socket.protocol, 'chat')
    socket.send('text')
    assert.deepEqual(await once(socket, 'message'), [Buffer.from('text'), false])
    const large = Buffer.alloc(300_000, 9)
    socket.send(large)
    assert.deepEqual(await once(socket, 'message'), [large, true])
    socket.close(1000)
    assert.equal((await once(socket, 'close'))[0], 1000)
  })
})

describe('hangup gateway on workerd, one of two upstreams dead', { timeout: 120_000 }, () => {
  let backend: Backend
  const suite = suiteLifetime()
  let edge: Worker
  before(async () => {
    backend = await startBackend()
    edge = await startEdge(suite, {
      HANGUP_TO: `http://127.0.0.1:${await freePort()} http://127.0.0.1:${backend.port}`,
    })
  })
  after(async () => {
    backend?.stop()
  })

  test('what is idempotent is tried on the other; the dead one is ejected, and so all else finds the living', async () => {
    const post = await fetch(edge.url, { method: 'POST', body: 'x' })
    assert.equal(post.status, 502)
    assert.equal(post.headers.get('hangup-reason'), 'ended')
    const gets = await Promise.all(Array.from({ length: 20 }, async () => (await fetch(edge.url)).status))
    assert.deepEqual([...new Set(gets)], [200])
    const posts = await Promise.all(
      Array.from({ length: 10 }, async () => (await fetch(edge.url, { method: 'POST', body: 'x' })).status),
    )
    assert.deepEqual([...new Set(posts)], [200])
  })
})

describe('hangup gateway on workerd, by a module', { timeout: 120_000 }, () => {
  let backend: Backend
  const suite = suiteLifetime()
  let edge: Worker
  before(async () => {
    backend = await startBackend()
    edge = await startEdge(
      suite,
      { HANGUP_CLIENT_REQUESTS_PER_SEC: '1', HANGUP_CLIENT_BURST: '4', UPSTREAM: `http://127.0.0.1:${backend.port}` },
      'test/fixtures/edge-gateway.ts',
    )
  })
  after(async () => {
    backend?.stop()
  })
  const ask = (path: string, client: string, init: RequestInit = {}) =>
    fetch(`${edge.url}${path}`, { ...init, headers: { ...init.headers, 'CF-Connecting-IP': client } })

  test('its routes rewrite, change fields and limit bodies', async () => {
    const response = await ask('/api/things?x=1', '192.0.2.1')
    const { url, fields } = (await response.json()) as Heard
    assert.equal(url, '/things?x=1')
    assert.deepEqual(fields['x-gateway'], ['1'])
    assert.equal(response.headers.get('x-answered-by'), 'edge')
    assert.equal((await ask('/other', '192.0.2.1')).status, 404)
    const large = await ask('/api', '192.0.2.1', { method: 'POST', body: Buffer.alloc(2_000) })
    assert.deepEqual([large.status, large.headers.get('hangup-reason')], [413, 'body-too-large'])
  })

  test('one client address has its requests counted, and another is another', async () => {
    const statuses: number[] = []
    for (let i = 0; i < 5; i++) statuses.push((await ask('/api', '192.0.2.2')).status)
    assert.deepEqual(statuses, [200, 200, 200, 200, 429])
    assert.equal((await ask('/api', '192.0.2.3')).status, 200)
  })
})

/**
 * `wrangler dev` has a server of its own in front, which keeps to itself what becomes of its
 * clients.
 */
test('workerd alone: a client that resets its connection frees the upstream', { timeout: 60_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'hangup-edge-'))
  t.after(() => rm(folder, { recursive: true }))
  const outdir = ['deploy', '--dry-run', '--env', 'gateway', '--outdir', folder]
  assert.equal((await run(t, ['wrangler', ...outdir])).code, 0)
  const { promise: came, resolve: arrived } = Promise.withResolvers<Socket>()
  const upstream = createTcpServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => arrived(socket))
  })
  await once(upstream.listen(0, '127.0.0.1'), 'listening')
  t.after(() => upstream.close())
  const port = await freePort()
  await writeFile(
    join(folder, 'workerd.capnp'),
    capnp(port, `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`),
  )
  launch(t, ['workerd', 'serve', join(folder, 'workerd.capnp')])
  const client = await connected(port)
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const socket = await came
  await delay(200)
  assert.equal(socket.closed, false)
  client.resetAndDestroy()
  await once(socket, 'close', { signal: AbortSignal.timeout(3_000) })
})

const capnp = (port: number, to: string): string => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "gateway", worker = (
      modules = [(name = "worker", esModule = embed "workers-gateway-entry.js")],
      bindings = [(name = "HANGUP_TO", text = "${to}")],
      compatibilityDate = "2026-10-23",
      compatibilityFlags = ["enable_request_signal", "nodejs_compat"],
    )),
    (name = "internet", network = (allow = ["local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "gateway")],
);
`

/** As soon as somebody listens. */
async function connected(port: number): Promise<Socket> {
  for (const end = performance.now() + 10_000; ; await delay(50)) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return socket
    } catch (error) {
      if (performance.now() > end) throw error
    }
  }
}

test('a Worker that could not hold what is asked of it does not start, and says by name what it is', async (t) => {
  const started = startEdge(t, {
    HANGUP_TO: 'http://127.0.0.1:1',
    HANGUP_BUFFER: 'both',
    HANGUP_UPSTREAM_IDLE_TIMEOUT: '2s',
  })
  await assert.rejects(
    started,
    /HANGUP_UPSTREAM_IDLE_TIMEOUT 2s: on Workers the platform sets it[\s\S]*HANGUP_BUFFER both: not on Workers/,
  )
})

async function rawHead(port: number, text: string): Promise<string> {
  const socket: Socket = connect(port, '127.0.0.1')
  socket.write(text)
  let got = ''
  for await (const piece of socket) {
    got += (piece as Buffer).toString('latin1')
    if (got.includes('\r\n\r\n')) break
  }
  return got.slice(0, got.indexOf('\r\n\r\n') + 2)
}
