import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Context, Hono } from 'hono'
import { getConnInfo } from 'hono/cloudflare-workers'
import { optionNames } from '../src/policy.ts'
import { enforcement, fromVariables, serve } from './workers.ts'

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
      (error: Error & { code?: string }) => error.code === 'POLICY_INVALID' && error.message.includes(name),
    )
  }
})

test('fromVariables() reads the policy, and leaves what is not HANGUP_ to the app', async () => {
  const { policy, fetch } = fromVariables(hello, { HANGUP_HANDLER_TIMEOUT: '20s', PORT: 'a name', DB: {} })
  assert.equal(policy.handlerTimeoutMs, 20_000)
  assert.equal((await fetch(get())).status, 200)
})

test('fromVariables() refuses by the variable’s name what a Worker cannot hold, decide or know', () => {
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
    assert.throws(() => fromVariables(hello, { [variable]: value }), { message }, variable)
  }
})

test('the report is printed when HANGUP_REPORT asks for it, and only then', () => {
  const printed: string[] = []
  const print = (text: string) => void printed.push(text)
  fromVariables(hello, {}, print)
  assert.deepEqual(printed, [])
  fromVariables(hello, { HANGUP_REPORT: 'json', HANGUP_HANDLER_TIMEOUT: '20s' }, print)
  assert.equal(JSON.parse(printed[0]!).policy.handlerTimeoutMs, 20_000)
  assert.equal(JSON.parse(printed[0]!).origins.handlerTimeoutMs, 'environment')
  fromVariables(hello, { HANGUP_REPORT: 'text' }, print)
  assert.match(printed[1]!, /idle-timeout .* platform/)
})
