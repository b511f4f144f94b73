import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { FakeClock } from '../../lifecycle/clock.fake.ts'
import { type Clock, systemClock } from '../../lifecycle/clock.ts'
import { ConfigError } from '../../policy/problems.ts'
import type { GatewayFile } from '../config/schema.ts'
import { createWorkersGateway } from './app.ts'
import { gatewayFromBindings } from './bindings.ts'

interface Init {
  readonly method: string
  readonly headers: Headers
  readonly body: Uint8Array | ReadableStream<Uint8Array> | null
  readonly redirect: string
  readonly encodeResponseBody: string
  readonly signal: AbortSignal
}
type Upstream = (url: string, init: Init) => Response | Promise<Response>

/** A gateway whose upstreams are functions, by their origin. */
async function edge(
  upstreams: Readonly<Record<string, Upstream>>,
  config: GatewayFile = {},
  log: string[] = [],
  clock: Clock = systemClock,
) {
  const { plan } = await gatewayFromBindings({}, { to: Object.keys(upstreams), ...config })
  const asked: { url: string; init: Init }[] = []
  const forward = createWorkersGateway(plan.config, {
    clock,
    random: Math.random,
    async fetch(url, init) {
      asked.push({ url, init: init as Init })
      return upstreams[new URL(url).origin]!(url, init as Init)
    },
    fixedLength: () => new TransformStream<Uint8Array, Uint8Array>(),
    log: ({ code }) => void log.push(code),
  })
  const ask = async (path = '/', init: RequestInit = {}): Promise<Response> =>
    forward(new Request(`https://edge.example${path}`, { duplex: 'half', ...init } as RequestInit))
  return { ask, asked }
}

const lost: Upstream = () => Promise.reject(new Error('Network connection lost.'))
const ok: Upstream = () => new Response('ok')
const byEdge =
  (status: number): Upstream =>
  () =>
    new Response('<html>', { status, headers: { server: 'cloudflare' } })
const reasonOf = (response: Response) => `${response.status} ${response.headers.get('hangup-reason')}`
const post = (body: BodyInit = 'x') => ({ method: 'POST', body })

test('the platform neither follows, decodes nor sends what is not of the request', async () => {
  const { ask, asked } = await edge({ 'https://a.example': ok })
  const response = await ask('/x?y=1', { headers: { 'X-A': '1', Connection: 'x-hop', 'X-Hop': '1', Expect: '' } })
  assert.equal(await response.text(), 'ok')
  const { url, init } = asked[0]!
  assert.equal(url, 'https://a.example/x?y=1')
  assert.deepEqual([init.method, init.redirect, init.encodeResponseBody], ['GET', 'manual', 'manual'])
  assert.equal(init.headers.get('x-a'), '1')
  assert.equal(init.headers.get('host'), null)
  assert.equal(init.headers.get('x-forwarded-proto'), 'https')
})

describe('what is tried again', () => {
  const pair = (first: Upstream): Readonly<Record<string, Upstream>> => ({ 'http://a:1': first, 'http://b:2': ok })

  test('a lost connection: an idempotent method on the other upstream, no other method', async () => {
    const { ask } = await edge(pair(lost))
    assert.equal(reasonOf(await ask()), '200 null')
    assert.equal(reasonOf(await (await edge(pair(lost))).ask('/', post())), '502 ended')
  })

  for (const status of [521, 523, 525, 526]) {
    test(`${status} of the edge: nothing was sent, so any method`, async () => {
      const { ask, asked } = await edge(pair(byEdge(status)))
      assert.equal(await (await ask('/', post())).text(), 'ok')
      assert.equal(asked.length, 2)
    })
  }

  test('522 of the edge may come after the request went out, and 521 of an upstream is its own: both pass', async () => {
    assert.equal((await (await edge(pair(byEdge(522)))).ask()).status, 522)
    assert.equal((await (await edge(pair(() => new Response(null, { status: 521 })))).ask()).status, 521)
  })

  test('a time-out never', async () => {
    const { ask, asked } = await edge(
      pair(() => new Promise(() => {})),
      { upstreamFirstByteTimeoutMs: 30 },
    )
    assert.equal(reasonOf(await ask()), '504 first-byte-timeout')
    assert.equal(asked.length, 1)
    assert.equal(asked[0]!.init.signal.aborted, true)
  })
})

test('an upstream that fails again and again is ejected, and comes back with a request after its time', async () => {
  const log: string[] = []
  const clock = new FakeClock()
  let broken = true
  const { ask, asked } = await edge(
    { 'http://a:1': (...all) => (broken ? lost : ok)(...all), 'http://b:2': ok },
    {},
    log,
    clock,
  )
  for (let i = 0; i < 20; i++) assert.equal((await ask()).status, 200)
  assert.deepEqual(log, ['UPSTREAM_EJECTED'])
  const before = asked.length
  for (let i = 0; i < 10; i++) await ask('/', post())
  assert.equal(
    asked.slice(before).every(({ url }) => url.startsWith('http://b:2')),
    true,
  )
  broken = false
  clock.pass(600_000)
  for (let i = 0; i < 40; i++) await ask()
  assert.deepEqual(log, ['UPSTREAM_EJECTED', 'UPSTREAM_UP'])
  assert.equal(
    asked.slice(-20).some(({ url }) => url.startsWith('http://a:1')),
    true,
  )
})

test('content that a status can’t have is left behind, and its upstream let go', async () => {
  const reset = () => {
    const response = new Response('no such thing', { headers: { 'content-length': '13' } })
    return Object.defineProperty(response, 'status', { value: 205 })
  }
  const { ask, asked } = await edge({ 'http://a:1': reset })
  const response = await ask()
  assert.deepEqual([response.status, await response.text()], [205, ''])
  assert.equal(asked[0]!.init.signal.aborted, true)
})

test('an answer with two framings is a 502', async () => {
  const both = { 'content-length': '2', 'transfer-encoding': 'chunked' }
  const { ask } = await edge({ 'http://a:1': () => new Response('ok', { headers: both }) })
  assert.equal(reasonOf(await ask()), '502 bad-answer')
})

test('a client that goes is told to the upstream, before the answer and inside it', async () => {
  const never = await edge({ 'http://a:1': () => new Promise(() => {}) })
  const first = new AbortController()
  void never.ask('/', { signal: first.signal })
  first.abort()
  assert.equal(never.asked[0]!.init.signal.aborted, true)

  const endless = new ReadableStream({ pull: async (controller) => controller.enqueue(Buffer.from('more')) })
  const second = await edge({ 'http://a:1': () => new Response(endless) })
  const response = await second.ask()
  const reader = response.body!.getReader()
  await reader.read()
  await reader.cancel()
  assert.equal(second.asked[0]!.init.signal.aborted, true)
})

test('an answer that breaks off fails its reader, and one that falls silent does so in time', async () => {
  const broken = new ReadableStream({
    start: (controller) => controller.enqueue(Buffer.from('a')),
    pull: () => Promise.reject(new Error('Network connection lost.')),
  })
  const { ask } = await edge({ 'http://a:1': () => new Response(broken) })
  await assert.rejects((await ask()).text(), { code: 'cut-short' })
  const silent = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('a')) })
  const other = await edge({ 'http://a:1': () => new Response(silent) }, { upstreamReadTimeoutMs: 30 })
  await assert.rejects((await other.ask()).text(), { code: 'read-timeout' })
})

test('an upstream that is read slowly is not read ahead of its client', async () => {
  let pulled = 0
  const endless = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        pulled += 1
        controller.enqueue(Buffer.alloc(10_000))
      },
    },
    { highWaterMark: 0 },
  )
  const { ask } = await edge({ 'http://a:1': () => new Response(endless) })
  const response = await ask()
  await delay(50)
  assert.ok(pulled < 20, `${pulled} pieces of 10 kB`)
  await response.body?.cancel()
})

test('a body streams; the time for an answer begins when all of it is out', async () => {
  const taken: number[] = []
  const { ask } = await edge(
    {
      'http://a:1': async (_, { body }) => {
        for await (const piece of body as ReadableStream<Uint8Array>) taken.push(piece.length)
        return new Response('ok')
      },
    },
    { upstreamFirstByteTimeoutMs: 60 },
  )
  const slow = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await delay(40)
      if (taken.length < 4) controller.enqueue(Buffer.alloc(5))
      else controller.close()
    },
  })
  assert.equal(await (await ask('/', post(slow))).text(), 'ok')
  assert.deepEqual(taken, [5, 5, 5, 5])
})

test('an upstream that has the whole body and does not begin its answer is a 504', async () => {
  const takes: Upstream = async (_, { body }) => {
    for await (const _piece of body as ReadableStream<Uint8Array>);
    return new Promise(() => {})
  }
  const { ask } = await edge({ 'http://a:1': takes }, { upstreamFirstByteTimeoutMs: 30 })
  assert.equal(reasonOf(await ask('/', post('abc'))), '504 first-byte-timeout')
})

test('an early answer passes, and the rest of the body is not taken', async () => {
  let cancelled = false
  const slow = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(Buffer.alloc(5)),
    cancel() {
      cancelled = true
    },
  })
  const { ask } = await edge({ 'http://a:1': () => new Response('no', { status: 403 }) })
  const response = await ask('/', post(slow))
  assert.deepEqual([response.status, await response.text()], [403, 'no'])
  assert.equal(cancelled, true)
})

describe('what a Worker can’t hold is a start-up error', () => {
  const to = 'http://a:1'
  const refused: readonly (readonly [Record<string, string>, GatewayFile | null, RegExp])[] = [
    [{ HANGUP_PORT: '80' }, { to }, /HANGUP_PORT 80: not on Workers: address, port/],
    [{ HANGUP_HTTP2: 'yes', HANGUP_TLS_CERT: 'a', HANGUP_TLS_KEY: 'b' }, { to }, /HANGUP_TLS_CERT.*not on Workers/],
    [{ HANGUP_REDIRECT_HTTP: '80' }, { to }, /HANGUP_REDIRECT_HTTP 80: not on Workers: .*Always Use HTTPS/],
    [{ HANGUP_CHECK_PATH: '/up' }, { to }, /HANGUP_CHECK_PATH.*nothing runs between requests/],
    [{ HANGUP_CLIENT_MAX_CONNECTIONS: '5' }, { to }, /HANGUP_CLIENT_MAX_CONNECTIONS 5: not on Workers/],
    [{ HANGUP_HOST_HEADER: 'keep' }, { to }, /HANGUP_HOST_HEADER keep: not on Workers.*accepted: upstream/],
    [{ HANGUP_SPOOL_DIR: '/tmp' }, { to }, /HANGUP_SPOOL_DIR.*there is no spool/],
    [{ HANGUP_TO: 'unix:/run/a' }, null, /HANGUP_TO unix:\/run\/a: not on Workers/],
    [{ HANGUP_TO: 'http://a;proxy-protocol=v2' }, null, /HANGUP_TO.*not on Workers: fetch announces nobody/],
    [
      { HANGUP_UPSTREAM_MAX_CONNECTIONS: '5' },
      { to },
      /HANGUP_UPSTREAM_MAX_CONNECTIONS 5: on Workers the platform sets it/,
    ],
    [{ HANGUP_BUFFER_MEMORY: '1mb' }, { to }, /HANGUP_BUFFER_MEMORY 1mb: on Workers nothing enforces it/],
    [{}, { to, abortGraceMs: 5_000 }, /abortGraceMs 5s: on Workers nothing enforces it/],
    [{}, { groups: { g: { to, upstreamIdleTimeoutMs: '2s' } } }, /groups\.g\.upstreamIdleTimeoutMs 2s: on Workers/],
    [{}, { groups: { g: { to, check: { path: '/' } } } }, /groups\.g\.check\.path \/: not on Workers/],
    [{}, { to, compress: true }, /compress true: not on Workers/],
    [{}, { groups: { g: to }, routes: [{ to: 'g', buffer: 'both' }] }, /routes\[0\]\.buffer both: not on Workers/],
    [{}, { groups: { g: [{ url: 'https://a', verify: false }] } }, /groups\.g\[0\]\.verify false: not on Workers/],
    [{}, { to, upgrades: ['foo'] }, /upgrades: not on Workers: .*WebSockets only/],
  ]
  for (const [env, module, message] of refused) {
    test(`${message.source}`, () =>
      assert.rejects(gatewayFromBindings(env, module), (error: Error) => {
        assert.ok(error instanceof ConfigError)
        assert.match(error.message, message)
        return true
      }))
  }

  test('everything at once, in one error', async () => {
    const env = { HANGUP_TO: 'unix:/a', HANGUP_PORT: '1', HANGUP_UPSTREAM_IDLE_TIMEOUT: '2s' }
    await assert.rejects(gatewayFromBindings(env), /HANGUP_UPSTREAM_IDLE_TIMEOUT[\s\S]*HANGUP_TO[\s\S]*HANGUP_PORT/)
  })

  test('what is off asks for nothing, and HSTS needs no TLS of our own', async () => {
    const env = { HANGUP_TO: 'http://a', HANGUP_ABORT_GRACE: 'off', HANGUP_BUFFER: 'off', HANGUP_HSTS: 'max-age=9' }
    const { plan } = await gatewayFromBindings(env)
    assert.equal(plan.config.hsts, 'max-age=9')
    assert.deepEqual([plan.config.routes[0]?.buffer, plan.config.routes[0]?.hostHeader], ['off', 'upstream'])
  })
})
