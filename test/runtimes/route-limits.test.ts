/** Limits of routes on Node's own server, where requests of one connection are in hand together. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type ClientHttp2Session, connect as connect2 } from 'node:http2'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Context, Hono } from 'hono'
import { limits, type Running, serve } from '../../runtimes/node/index.ts'

const pem = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')

const upload = async (c: Context) => c.text(`${(await c.req.arrayBuffer()).byteLength}`)
const slow = async (c: Context) => {
  await delay(Number(c.req.query('ms')))
  return c.text('slow')
}
const app = new Hono()
  .post('/upload', upload)
  .post('/patient', limits({ bodyTimeoutMs: 'off', maxBodyBytes: 2_000 }), upload)
  .get('/slow', slow)
  .get('/patient', limits({ bodyTimeoutMs: 'off' }), slow)

const own = { port: 0, host: '127.0.0.1', engine: 'native', signals: false, log: () => {} } as const
const policy = { bodyTimeoutMs: 600, minBodyBytesPerSec: 0, maxBodyBytes: 1_000 } as const

describe('over HTTP/2', () => {
  let server: Running
  let session: ClientHttp2Session
  before(async () => {
    server = await serve(app, { ...own, ...policy, tls: { cert: pem('cert'), key: pem('key') } })
    session = connect2(server.url, { rejectUnauthorized: false })
  })
  after(async () => {
    session.destroy()
    await server.kill()
  })

  /** A POST that has sent this much of its body; resolves to its status and when that came. */
  function post(path: string, body: string, fields: Record<string, string> = {}) {
    const stream = session.request({ ':method': 'POST', ':path': path, ...fields }, { endStream: false })
    stream.write(body)
    stream.on('error', () => {})
    const startedAt = performance.now()
    const status = new Promise<{ status: number; ms: number }>((resolve) => {
      stream.once('response', ({ ':status': status = 0 }) => resolve({ status, ms: performance.now() - startedAt }))
    })
    return { stream, status }
  }

  test('streams of one session share its clocks, and the laxest holds for as long as its stream is open', async () => {
    const patient = post('/patient', 'ab')
    const other = post('/upload', 'ab')
    await delay(1_200)
    assert.equal(server.connections().changedLimits, 1)
    patient.stream.end('cd')
    assert.equal((await patient.status).status, 200)
    const { status, ms } = await other.status
    assert.equal(status, 408)
    assert.ok(ms > 1_200 && ms < 2_500, `${ms} ms`)
    assert.equal(server.connections().changedLimits, 0)
  })

  test('the size of a body is of its stream alone', async () => {
    const large = 'x'.repeat(1_500)
    const streams = [
      post('/patient', large),
      post('/upload', large),
      post('/upload', large, { 'content-length': '1500' }),
    ]
    for (const { stream } of streams) stream.end()
    assert.deepEqual(await Promise.all(streams.map(async ({ status }) => (await status).status)), [200, 413, 413])
  })
})

test('a pipelined body is under the server’s limit once the patient request before it is answered', async (t) => {
  const server = await serve(app, { ...own, ...policy })
  t.after(() => server.kill())
  const socket = connect(server.address.port, '127.0.0.1')
  let received = ''
  const at: Record<string, number> = {}
  const startedAt = performance.now()
  socket.on('data', (data) => {
    received += data
    for (const status of ['200', '408'])
      if (received.includes(`1.1 ${status}`)) at[status] ??= performance.now() - startedAt
  })
  socket.write('GET /patient?ms=1200 HTTP/1.1\r\nHost: a\r\n\r\n')
  socket.write('POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab')
  await new Promise((resolve) => socket.once('close', resolve))
  assert.match(received, /^HTTP\/1\.1 200 [\s\S]*slow[\s\S]*HTTP\/1\.1 408 /)
  assert.ok(at['200']! >= 1_150 && at['408']! < 2_500, JSON.stringify(at))
})
