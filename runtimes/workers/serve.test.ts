import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Context, Hono } from 'hono'
import { getConnInfo } from 'hono/cloudflare-workers'
import type { Env } from '../../src/command/env.ts'
import { optionNames } from '../../src/policy/policy.ts'
import type { App } from '../../src/serve/contract.ts'
import { limits, withLimits } from '../../src/serve/limits.ts'
import { enforcement, workerOf as serve, serveWith } from './serve.ts'

const withVariables = (app: App, env: Env, print?: (text: string) => void) => serveWith(env, app, {}, print)

const hello = () => new Response('hello')
const get = (path = '/', init?: RequestInit) => new Request(`http://a${path}`, init)

test('serve() gives the app env and ctx as the platform made them', async () => {
  const env = { KV: {} }
  const ctx = { waitUntil() {}, passThroughOnException() {}, props: {} }
  const app = new Hono<{ Bindings: typeof env }>()
  app.get('/', (c) =>
    c.json([c.env === env, c.executionCtx === (ctx as unknown), getConnInfo(c as Context).remote.address]),
  )
  for (const handlerTimeoutMs of [0, 60_000]) {
    const { fetch } = serve(app, { handlerTimeoutMs })
    const response = await fetch(get('/', { headers: { 'cf-connecting-ip': '192.0.2.1' } }), env, ctx)
    assert.deepEqual(await response.json(), [true, true, '192.0.2.1'])
  }
})

test('serve() takes a fetch function', async () => {
  const response = await serve(hello).fetch(get())
  assert.equal(await response.text(), 'hello')
})

test('a handler over handlerTimeoutMs is answered 503, told by its signal, and logged', {
  timeout: 5_000,
}, async () => {
  let aborted = false
  const lines: string[] = []
  const never = (request: Request) =>
    new Promise<Response>(() => request.signal.addEventListener('abort', () => (aborted = true)))
  const { fetch } = serve(never, { handlerTimeoutMs: 20, log: ({ code }) => void lines.push(code) })
  assert.equal((await fetch(get())).status, 503)
  assert.equal(aborted, true)
  assert.deepEqual(lines, ['handlerTimeoutMs'])
})

test('enforcement says something of every option, and holds none but the handler’s itself', () => {
  assert.deepEqual(Object.keys(enforcement).sort(), [...optionNames].sort())
  assert.deepEqual(
    optionNames.filter((name) => !['platform', 'nobody'].includes(enforcement[name].by)),
    ['handlerTimeoutMs'],
  )
})

test('a set limit that is the platform’s or nobody’s is refused when the module is evaluated', () => {
  for (const name of ['idleTimeoutMs', 'maxRequestsPerConnection'] as const) {
    assert.throws(
      () => serve(hello, { [name]: 60 }),
      (error: Error & { code?: string }) => error.code === 'CONFIG_INVALID' && error.message.includes(name),
    )
  }
})

test('serveWith() reads the policy, and leaves what is not HANGUP_ to the app', async () => {
  const { policy, fetch } = withVariables(hello, { HANGUP_HANDLER_TIMEOUT: '20s', PORT: 'a name', DB: {} })
  assert.equal(policy.handlerTimeoutMs, 20_000)
  assert.equal((await fetch(get())).status, 200)
})

test('serveWith() refuses by the variable’s name what a Worker cannot hold, decide or know', () => {
  const refusals: [string, string, RegExp][] = [
    ['HANGUP_IDLE_TIMEOUT', '5s', /^HANGUP_IDLE_TIMEOUT 5s: .*Workers/],
    ['HANGUP_PRESET', 'aws-alb', /HANGUP_IDLE_TIMEOUT of preset aws-alb/],
    ['HANGUP_APP', './my-app.ts', /^HANGUP_APP .*main/],
    ['HANGUP_PORT', '80', /^HANGUP_PORT 80: .*wrangler dev --port/],
    ['HANGUP_TLS_CERT', 'a.pem', /^HANGUP_TLS_CERT .*--https-cert-path/],
    ['HANGUP_HANDLER_TIMOUT', '5s', /did you mean HANGUP_HANDLER_TIMEOUT/],
    ['HANGUP_HANDLER_TIMEOUT', '5', /no unit/],
  ]
  for (const [variable, value, message] of refusals) {
    assert.throws(() => withVariables(hello, { [variable]: value }), { message }, variable)
  }
})

test('the report is printed when HANGUP_REPORT asks for it, and only then', () => {
  const printed: string[] = []
  const print = (text: string) => void printed.push(text)
  withVariables(hello, {}, print)
  assert.deepEqual(printed, [])
  withVariables(hello, { HANGUP_REPORT: 'json', HANGUP_HANDLER_TIMEOUT: '20s' }, print)
  assert.equal(JSON.parse(printed[0]!).policy.handlerTimeoutMs, 20_000)
  assert.equal(JSON.parse(printed[0]!).origins.handlerTimeoutMs, 'environment')
  withVariables(hello, { HANGUP_REPORT: 'text' }, print)
  assert.match(printed[1]!, /idle-timeout .* platform/)
})

test('variables are over the options, and a preset among them over that of the options', () => {
  const options = { handlerTimeoutMs: 1_000, minBodyBytesPerSec: 0 }
  const { policy } = serveWith({ HANGUP_HANDLER_TIMEOUT: '20s' }, hello, options)
  assert.deepEqual([policy.handlerTimeoutMs, policy.minBodyBytesPerSec], [20_000, 0])
  assert.equal(serveWith({}, hello, options).policy.handlerTimeoutMs, 1_000)
  assert.throws(() => serveWith({ HANGUP_PRESET: 'heroku' }, hello, { preset: 'aws-alb' }), /of preset heroku/)
  assert.throws(() => serveWith({}, hello, { idleTimeoutMs: '5s' }), /^ConfigError: idleTimeoutMs/)
})

test('what the app does wrong is a 500, and told to onError, else logged in one line', async () => {
  const wrongs: readonly App[] = [
    () => {
      throw new Error('secret')
    },
    () => Promise.reject(new Error('secret')),
    () => 'secret' as unknown as Response,
  ]
  for (const app of wrongs) {
    const told: unknown[] = []
    const lines: string[] = []
    const log = ({ code, message }: { code: string; message: string }) => void lines.push(`${code} ${message}`)
    const quiet = await serve(app, { log, onError: (error, { url }) => void told.push([error, url]) }).fetch(get('/a'))
    assert.deepEqual([quiet.status, await quiet.text()], [500, 'Internal Server Error\n'])
    assert.deepEqual([told.length, lines.length], [1, 0])
    await serve(app, { log }).fetch(get('/a?b'))
    assert.equal(lines.length, 1)
    assert.match(lines[0]!, /^APPLICATION_ERROR GET \/a: /)
  }
})

test('a route may change the time of its handler, and asking for any other limit stops the start', async () => {
  const slow = (request: Request) =>
    new Promise<Response>((resolve) => {
      const timer = setTimeout(() => resolve(new Response('slow')), 60)
      request.signal.addEventListener('abort', () => clearTimeout(timer))
    })
  const app = new Hono()
    .get('/short', limits({ handlerTimeoutMs: 10 }), (c) => slow(c.req.raw))
    .get('/own', (c) => slow(c.req.raw))
  const { fetch } = serve(app, { log: () => {} })
  assert.deepEqual([(await fetch(get('/short'))).status, (await fetch(get('/own'))).status], [503, 200])
  for (const given of [{ streamIdleTimeoutMs: '1m' }, { maxBodyBytes: '1kb' }, { bodyTimeoutMs: '5s' }]) {
    assert.throws(() => withLimits(given, hello), /withLimits\(\{ \w+ \}\) \w+: on Workers a route can’t change it/)
  }
})
