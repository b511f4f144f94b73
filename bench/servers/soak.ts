/**
 * What a soak asks of: `soak.ts native|hangup plain|tls|leaky PORT`, with short limits, so that
 * each of them closes connections all the time. `leaky` forgets a descriptor at each GET /leak: a
 * soak that does not see it is worth nothing.
 */
import { createHash } from 'node:crypto'
import { openSync, readFileSync } from 'node:fs'
import { Hono } from 'hono'
import fixture, { websocket } from '../../test/fixtures/app.ts'
import { largeBytes } from '../soak/large.ts'
import { soakLimits } from '../soak/limits.ts'

const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'
const [engine, how, port] = [process.argv.at(-3), process.argv.at(-2), Number(process.argv.at(-1))]
const { serve } = await import(`../../runtimes/${runtime}.ts`)
const pem = (name: string) => readFileSync(new URL(`../../test/fixtures/tls/${name}.pem`, import.meta.url), 'utf8')
const large = new Uint8Array(largeBytes).fill(0x61)

const app = new Hono()
  .get('/large', (c) => c.body(large))
  .post('/digest', async (c) => {
    const body = new Uint8Array(await c.req.arrayBuffer())
    return c.text(createHash('sha1').update(body).digest('hex'))
  })
  .get('/leak', (c) => c.text(how === 'leaky' ? String(openSync('/dev/null', 'r')) : 'no'))
  .route('/', fixture)

await serve(app, {
  port,
  host: '127.0.0.1',
  engine,
  globals: 'replace',
  websocket,
  ...soakLimits,
  ...(how === 'tls' && { tls: { cert: pem('cert'), key: pem('key') } }),
})
