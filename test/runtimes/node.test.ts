/**
 * What the conformance suite does not see: HTTP/2, the API itself, and what happens inside the
 * process.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Hono } from 'hono'
import type { NodeServeOptions } from '../../runtimes/node/options.ts'
import { serve } from '../../runtimes/node.ts'
import type { App, Running } from '../../src/serve/contract.ts'
import type { LogLine } from '../../src/serve/log.ts'
import { run, startProgram } from '../lib/program.ts'
import { commandOn, tlsTexts } from '../lib/runtimes.ts'

const quiet = { port: 0, host: '127.0.0.1', signals: false } as const
const tls = tlsTexts()

const app = new Hono()
  .get('/', (c) => c.text('hello'))
  .get('/slow', async (c) => {
    await delay(700)
    return c.text('slow')
  })
  .post('/upload', async (c) => c.text(String((await c.req.arrayBuffer()).byteLength)))

/** A server that is gone when its test is, whatever came of it. */
async function started(t: TestContext, served: App, options: NodeServeOptions = {}): Promise<Running> {
  const server = await serve(served, { ...quiet, ...options })
  t.after(() => server.kill())
  return server
}

async function session(url: string): Promise<ClientHttp2Session & { goaways: number[] }> {
  const client = Object.assign(connectHttp2(url, { rejectUnauthorized: false }), { goaways: [] as number[] })
  client.on('goaway', (_, lastStream) => client.goaways.push(lastStream))
  client.on('error', () => {})
  await once(client, 'connect')
  return client
}

async function ask(client: ClientHttp2Session, path: string, body?: string): Promise<{ status: number; text: string }> {
  const stream = client.request({ ':path': path, ':method': body === undefined ? 'GET' : 'POST' })
  stream.on('error', () => {})
  stream.end(body)
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
  let text = ''
  for await (const chunk of stream) text += chunk
  return { status: Number(headers[':status']), text }
}

test('HTTP/2: an idle session gets GOAWAY at the idle limit, not before', async (t) => {
  const server = await started(t, app, { tls, idleTimeoutMs: 600 })
  const client = await session(server.url)
  assert.equal((await ask(client, '/')).text, 'hello')
  const answeredAt = performance.now()
  await once(client, 'close')
  const after = performance.now() - answeredAt
  assert.equal(client.goaways.length, 1)
  assert.ok(after >= 550 && after < 900, `closed after ${after} ms`)
  await delay(50)
  assert.equal(server.connections().open, 0)
})

test('HTTP/2: a slow handler outlives the idle limit, and pings do not', async (t) => {
  const server = await started(t, app, { tls, idleTimeoutMs: 300 })
  const client = await session(server.url)
  assert.equal((await ask(client, '/slow')).text, 'slow')
  const pings = setInterval(() => client.destroyed || client.ping(() => {}), 50)
  const began = performance.now()
  await once(client, 'close')
  clearInterval(pings)
  assert.ok(performance.now() - began < 700)
})

test('HTTP/2: a session that opens no stream is closed at the head limit', async (t) => {
  const server = await started(t, app, { tls, headTimeoutMs: 500 })
  const client = await session(server.url)
  const began = performance.now()
  await once(client, 'close')
  const after = performance.now() - began
  assert.ok(after > 400 && after < 900, `closed after ${after} ms`)
})

test('HTTP/2: the last request that a connection may make is answered, with GOAWAY', async (t) => {
  const server = await started(t, app, { tls, maxRequestsPerConnection: 2 })
  const client = await session(server.url)
  await ask(client, '/')
  assert.equal((await ask(client, '/')).status, 200)
  if (!client.destroyed) await once(client, 'close')
  assert.ok(client.goaways.length > 0)
})

test('HTTP/2: an upload that falls silent is answered 408', async (t) => {
  const server = await started(t, app, { tls, bodyTimeoutMs: 400, log: () => {} })
  const client = await session(server.url)
  const stream = client.request({ ':path': '/upload', ':method': 'POST' })
  stream.on('error', () => {})
  stream.write('some')
  const [headers] = await once(stream, 'response')
  assert.equal(headers[':status'], 408)
  client.destroy()
})

test('HTTP/2: a body over the limit is answered 413, with and without a length', async (t) => {
  const server = await started(t, app, { tls, maxBodyBytes: 10, log: () => {} })
  const client = await session(server.url)
  assert.equal((await ask(client, '/upload', 'ten bytes!')).text, '10')
  assert.equal((await ask(client, '/upload', 'eleven byte')).status, 413)
  client.destroy()
})

test('HTTP/2: a drain lets open streams finish and then ends the session', async (t) => {
  const server = await started(t, app, { tls })
  const client = await session(server.url)
  const slow = ask(client, '/slow')
  await delay(100)
  const drained = server.drain()
  assert.equal((await slow).text, 'slow')
  assert.deepEqual(await drained, { cut: 0 })
  assert.ok(client.goaways.length > 0)
})

test('a client that ends its side fires the signal of the request, and still gets its answer', async (t) => {
  let fired = 0
  const server = await started(
    t,
    new Hono().get('/', async (c) => {
      c.req.raw.signal.addEventListener('abort', () => {
        fired += 1
      })
      await delay(300)
      return c.text('still here')
    }),
  )
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  let text = ''
  for await (const chunk of socket) text += chunk
  assert.match(text, /still here/)
  assert.equal(fired, 1)
})

test('what we answer in the application’s place is a line in the log, one a second with the count', async (t) => {
  const lines: LogLine[] = []
  const server = await started(t, app, { headTimeoutMs: 300, log: (line) => lines.push(line) })
  for (let i = 0; i < 5; i++)
    connect(Number(new URL(server.url).port), '127.0.0.1')
      .on('error', () => {})
      .write('GET')
  await delay(800)
  assert.equal(server.connections().hungUp['headTimeoutMs'], 5)
  await server.kill()
  assert.ok(lines.length >= 1 && lines.length <= 3, `${lines.length} lines`)
  assert.equal(
    lines.reduce((sum, { count }) => sum + count, 0),
    5,
  )
  assert.equal(lines[0]?.code, 'headTimeoutMs')
})

test('a request line of HTTP/1.1 that says HTTP/2.0 is no HTTP/2 and harms nobody', async (t) => {
  const server = await started(t, app)
  const port = Number(new URL(server.url).port)
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.resume().end('POST / HTTP/2.0\r\nHost: a\r\nContent-Length: 1\r\n\r\na')
  await once(socket, 'close')
  assert.equal(await (await fetch(server.url)).text(), 'hello')
})

test('a port in use is an error that names it', async (t) => {
  const server = await started(t, app)
  const port = Number(new URL(server.url).port)
  await assert.rejects(serve(app, { ...quiet, port }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'EADDRINUSE')
    assert.match(error.message, new RegExp(`${port}.*in use`))
    return true
  })
})

test('an option that does not exist, and an app that is none, are refused', async () => {
  await assert.rejects(serve(app, { ...quiet, idleTimeout: '5s' } as object), /idleTimeoutMs/)
  await assert.rejects(serve({} as never, quiet), /fetch/)
})

test('embedded in a program, a drain by signal ends the listener and never the process', async (t) => {
  const code = `
    import { serve } from './runtimes/node.ts'
    const server = await serve(() => new Response('hello'), { port: 0, host: '127.0.0.1' })
    console.log(server.url)
    process.on('exit', () => console.log('exit', server.phase))
    setTimeout(() => console.log('went on'), 400)`
  const program = await startProgram(t, commandOn('node', '--input-type=module', '-e', code))
  program.signal('SIGTERM')
  const { code: status, stdout: out } = await program.exited
  assert.equal(status, 0)
  assert.match(out, /went on\nexit closed/)
})

test('the entry refuses a bad flag with status 2 and one line', async (t) => {
  const { code, stderr } = await run(t, commandOn('node', 'runtimes/node.ts', '--idle-timeout', '5'))
  assert.equal(code, 2)
  assert.match(stderr, /^hangup: --idle-timeout: "5" has no unit.*\n$/)
})
