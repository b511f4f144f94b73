/**
 * Streams of every kind, and how many of their producers live; under each runtime. Told what to do
 * by lines of JSON on standard input, it answers each with a line: see `Order`.
 */
import process from 'node:process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { GatewayFile, GatewayServer } from '../../runtimes/gateway.ts'
import type { App, Running, ServeOptions } from '../../src/serve/contract.ts'
import type { draining as drainingOf } from '../../src/streams/draining.ts'
import type { heartbeat as heartbeatOf } from '../../src/streams/heartbeat.ts'
import { upgradeWebSocket, websocket } from '../application/helpers.ts'

export type Order =
  | { readonly serve: ServeOptions }
  | { readonly gateway: GatewayFile }
  /** By the port of what was started. */
  | { readonly drain: number }
  | { readonly close: number }
  /** Producers that live, by route. */
  | { readonly live: true }

const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'
const { serve, draining, heartbeat } = (await import(`../../runtimes/${runtime}/index.ts`)) as {
  serve(app: App, options: ServeOptions): Promise<Running>
  draining: typeof drainingOf
  heartbeat: typeof heartbeatOf
}

const live: Record<string, number> = {}
const begun = (route: string): void => {
  live[route] = (live[route] ?? 0) + 1
}
const over = (route: string): void => {
  live[route]! -= 1
}

const events = { 'content-type': 'text/event-stream' }
const encoder = new TextEncoder()

type Controller = ReadableStreamDefaultController<Uint8Array>

/** A stream that counts itself until it is cancelled. */
function counted(
  route: string,
  how: { start?(controller: Controller): unknown; pull?(controller: Controller): unknown },
) {
  let stop: unknown
  begun(route)
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stop = how.start?.(controller)
      },
      ...(how.pull && { pull: (controller: Controller) => how.pull?.(controller) as undefined }),
      cancel() {
        over(route)
        if (typeof stop === 'function') stop()
      },
    },
    { highWaterMark: 1 },
  )
}

function everyMs(ms: number, text: string) {
  return (controller: Controller) => {
    const timer = setInterval(() => controller.enqueue(encoder.encode(text)), ms)
    return () => clearInterval(timer)
  }
}

const block = new Uint8Array(65_536).fill(97)

const app = new Hono()
  .get('/events', () => new Response(counted('events', { start: everyMs(20, 'data: tick\n\n') }), { headers: events }))
  .on(['GET', 'POST'], '/silent', () => new Response(counted('silent', {}), { headers: events }))
  .get('/quiet', (c) => {
    const ms = Number(c.req.query('every'))
    return new Response(counted('quiet', { start: everyMs(ms, 'data: tick\n\n') }), { headers: events })
  })
  .get('/flood', () => new Response(counted('flood', { pull: (controller) => controller.enqueue(block) })))
  .get('/beating', heartbeat('50ms'), () => new Response(counted('beating', {}), { headers: events }))
  .get('/hono', (c) =>
    streamSSE(c, async (stream) => {
      begun('hono')
      stream.onAbort(() => over('hono'))
      while (!stream.aborted) {
        await stream.writeSSE({ data: 'tick' })
        await stream.sleep(20)
      }
    }),
  )
  // Not answered while its client is there.
  .get('/waits', async (c) => {
    begun('waits')
    await new Promise<void>((resolve) => c.req.raw.signal.addEventListener('abort', () => resolve(), { once: true }))
    over('waits')
    return c.text('nobody reads it')
  })
  // An event whose second half comes later.
  .get('/half', () => {
    const pieces = ['data: a\n', 'data: b\n\n']
    const stream = new ReadableStream({
      async pull(controller) {
        const piece = pieces.shift()
        if (pieces.length === 0) await sleep(piece === undefined ? 60_000 : 300)
        controller.enqueue(encoder.encode(piece))
      },
    })
    return new Response(stream, { headers: events })
  })
  // As of a language model: the answer to this one request.
  .post('/answer', () => {
    const pieces = ['data: a\n\n', 'data: b\n\n', 'data: [DONE]\n\n']
    const stream = new ReadableStream({
      async pull(controller) {
        const piece = pieces.shift()
        if (piece === undefined) {
          controller.close()
          return
        }
        await sleep(150)
        controller.enqueue(encoder.encode(piece))
      },
    })
    return new Response(stream, { headers: events })
  })
  // Says its own last word.
  .get('/farewell', (c) => {
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(encoder.encode('data: hello\n\n'))
        draining(c).addEventListener('abort', () => controller.enqueue(encoder.encode('data: moved\n\n')))
      },
    })
    return new Response(stream, { headers: events })
  })
  .get('/told', async (c) => {
    const signal = draining(c)
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    return c.text('draining\n')
  })
  .get(
    '/ws',
    upgradeWebSocket(() => ({ onMessage: ({ data }, socket) => socket.send(data as string) })),
  )
  .get('/', (c) => c.text('hello\n'))

const servers = new Map<number, Running>()
const gateways = new Map<number, GatewayServer>()

async function obey(order: Order): Promise<unknown> {
  if ('serve' in order) {
    const own = runtime === 'deno' ? {} : { websocket }
    const options = { port: 0, host: '127.0.0.1', signals: false, log: () => {}, ...own, ...order.serve }
    const server = await serve(app, options)
    servers.set(server.address.port, server)
    return server.address.port
  }
  if ('gateway' in order) {
    const { gateway } = await import('../../runtimes/gateway.ts')
    const server = await gateway(order.gateway, { signals: false, log: () => {} })
    const port = Number(new URL(server.urls[0]!).port)
    gateways.set(port, server)
    return port
  }
  if ('drain' in order) return (servers.get(order.drain) ?? gateways.get(order.drain))!.drain()
  if ('close' in order) return servers.get(order.close)!.close()
  return live
}

for await (const line of createInterface(process.stdin)) {
  const { id, order } = JSON.parse(line) as { id: number; order: Order }
  obey(order).then(
    (result) => process.stdout.write(`${JSON.stringify({ id, result })}\n`),
    (error) => process.stdout.write(`${JSON.stringify({ id, error: String(error) })}\n`),
  )
}
process.exit(0)
