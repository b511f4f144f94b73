/**
 * What users start: `dist/`, as the npm package has it, or the runtime's own server alone; with the
 * same app: `built.ts native|hangup|bare PORT`.
 */
import { Hono } from 'hono'

interface Serves {
  serve(options: object, handler?: unknown): unknown
}
declare const Bun: Serves
declare const Deno: Serves

const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'
const [who, port] = [process.argv.at(-2), Number(process.argv.at(-1))]
const hostname = '127.0.0.1'
const app = new Hono().get('/', (c) => c.text('hello\n'))

async function bare(): Promise<unknown> {
  if (runtime === 'bun') return Bun.serve({ fetch: app.fetch, port, hostname })
  if (runtime === 'deno') return Deno.serve({ port, hostname }, app.fetch)
  const { serve } = await import('@hono/node-server')
  return serve({ fetch: app.fetch, port, hostname })
}

async function ours(): Promise<unknown> {
  const { serve } = await import(`../../dist/runtimes/${runtime}/index.js`)
  return serve(app, { port, host: hostname, engine: who, globals: 'replace' })
}

await (who === 'bare' ? bare() : ours())
