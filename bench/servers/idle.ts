/**
 * One engine with one idle limit, or what it stands on without any: `idle.ts native|hangup|bare|raw
 * IDLE_MS PORT`. `bare` is the runtime's own server, `raw` its sockets and a constant response.
 */
import { app, port } from './hello.ts'

interface Serves {
  serve(options: object, handler?: unknown): unknown
}
declare const Bun: Serves & { listen(options: object): unknown }
declare const Deno: Serves

const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'
const [who, idleTimeoutMs] = [process.argv.at(-3), Number(process.argv.at(-2))]
const hostname = '127.0.0.1'
const response = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n'

async function bare(): Promise<unknown> {
  if (runtime === 'bun') return Bun.serve({ fetch: app.fetch, port, hostname, idleTimeout: 0 })
  if (runtime === 'deno') return Deno.serve({ port, hostname }, app.fetch)
  const { serve } = await import('@hono/node-server')
  return serve({ fetch: app.fetch, port, hostname, serverOptions: { keepAliveTimeout: 0 } })
}

async function raw(): Promise<unknown> {
  if (runtime === 'bun') {
    const socket = { data: (socket: { write(text: string): number }) => socket.write(response) }
    return Bun.listen({ hostname, port, socket })
  }
  const { createServer } = await import('node:net')
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', () => socket.write(response, 'latin1')).on('error', () => {})
  })
  return server.listen({ port, host: hostname, backlog: 511 })
}

async function ours(): Promise<unknown> {
  const { serve } = await import(`../../runtimes/${runtime}/index.ts`)
  return serve(app, { port, host: hostname, engine: who, globals: 'replace', idleTimeoutMs })
}

await (who === 'bare' ? bare() : who === 'raw' ? raw() : ours())
