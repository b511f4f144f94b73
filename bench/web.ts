/**
 * What Request and Response cost under a Hono app, native against ours, without sockets: µs a
 * request from a parsed head to the fields and the body that are to be written. `node
 * bench/web.ts`, `bun bench/web.ts`, `deno run -A bench/web.ts`
 */
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { secureHeaders } from 'hono/secure-headers'
import { installGlobals } from '../src/http1/web/globals.ts'
import { WebRequest } from '../src/http1/web/request.ts'
import { answerOf } from '../src/http1/web/response.ts'
import { urlOf } from '../src/http1/web/url.ts'

const raw = ['Host', '127.0.0.1:3000', 'User-Agent', 'wrk', 'Accept', '*/*', 'Accept-Encoding', 'gzip', 'Cookie', 'a=b']

const app = new Hono()
  .get('/hello', (c) => c.text('hello\n'))
  .get('/async', async (c) => {
    await null
    return c.text('hello\n')
  })
  .get('/json', (c) => c.json({ hello: c.req.header('user-agent') }))
  .get('/header', (c) => {
    c.header('x-a', 'b')
    return c.text('hello\n')
  })
  .post('/echo', async (c) => c.body(await c.req.arrayBuffer()))
app.use('/middleware/*', cors(), secureHeaders())
app.get('/middleware/hello', (c) => c.text('hello\n'))

interface Way {
  request(method: string, path: string, body: Uint8Array<ArrayBuffer> | null): Request
  /** Everything that a writer needs. */
  answer(response: Response): unknown
}

const native: Way = {
  request(method, path, body) {
    const headers = new Headers()
    for (let i = 0; i < raw.length; i += 2) headers.append(raw[i]!, raw[i + 1]!)
    return new Request(`http://127.0.0.1:3000${path}`, { method, headers, body })
  },
  async answer(response) {
    const fields: string[] = []
    for (const [name, value] of response.headers) fields.push(name, value)
    return { status: response.status, fields, body: await response.arrayBuffer() }
  },
}

const ours: Way = {
  request: (method, path, body) =>
    new WebRequest({ method, raw }, urlOf('http', '127.0.0.1:3000', path)!, body) as unknown as Request,
  answer: answerOf,
}

/** A handler that makes nothing: what the loop and Hono's routing cost anyway. */
const constant = new Hono().get('/hello', () => answered)
const answered = new Response('hello\n')
const bare: Way = { request: ours.request, answer: () => null }

const body = new Uint8Array(10_000).fill(0x61)
const cases = ['GET /hello', 'GET /async', 'GET /json', 'GET /header', 'GET /middleware/hello', 'POST /echo'] as const

async function microseconds(way: Way, on: Hono<any, any>, what: string): Promise<number> {
  const [method = '', path = ''] = what.split(' ')
  const rounds: number[] = []
  const requests = 20_000
  for (let round = 0; round < 7; round++) {
    const from = performance.now()
    for (let i = 0; i < requests; i++) {
      let response = on.fetch(way.request(method, path, method === 'POST' ? body : null))
      if (response instanceof Promise) response = await response
      const answer = way.answer(response)
      if (answer instanceof Promise) await answer
    }
    rounds.push(((performance.now() - from) * 1000) / requests)
  }
  return rounds.slice(2).sort((a, b) => a - b)[2]!
}

console.log(`${'Bun' in globalThis ? 'Bun' : 'Deno' in globalThis ? 'Deno' : 'Node'}: µs a request`)
console.log(`${'handler alone'.padEnd(24)}${(await microseconds(bare, constant, 'GET /hello')).toFixed(2).padStart(8)}`)
console.log(`${''.padEnd(24)}${'native'.padStart(8)}${'ours'.padStart(8)}`)
for (const what of cases) {
  const before = await microseconds(native, app, what)
  const uninstall = installGlobals()
  const after = await microseconds(ours, app, what)
  uninstall()
  console.log(`${what.padEnd(24)}${before.toFixed(2).padStart(8)}${after.toFixed(2).padStart(8)}`)
}
