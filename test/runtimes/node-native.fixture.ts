/**
 * The native engine of Node in a process of its own, told by messages what to serve. What nobody
 * catches ends it with status 70, which the tests take for what it is: a client, or a careless
 * application, that ended a server.
 */
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { WebSocketServer } from 'ws'
import type { NodeServeOptions } from '../../runtimes/node/options.ts'
import { serve } from '../../runtimes/node.ts'
import type { Running } from '../../src/serve/contract.ts'

for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error) => {
    console.error(event, error)
    process.exit(70)
  })
}

/** Another copy of the package, as an application has that was installed for itself. */
const copy = (await import(`${import.meta.resolve('@hono/node-server')}?copy`)) as typeof import('@hono/node-server')
const { upgradeWebSocket } = copy

const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const bytes = (text: string) => new TextEncoder().encode(text)

/** Pieces that come one by one, each after a while; an Error among them is the end. */
function stream(pieces: readonly (string | Error)[], waitMs = 0): ReadableStream<Uint8Array> {
  const left = [...pieces]
  return new ReadableStream({
    async pull(controller) {
      if (waitMs > 0) await delay(waitMs)
      const piece = left.shift()
      if (piece === undefined) controller.close()
      else if (typeof piece === 'string') controller.enqueue(bytes(piece))
      else controller.error(piece)
    },
  })
}

const signals: Record<string, unknown>[] = []

const echo = upgradeWebSocket(() => ({ onMessage: (event, socket) => socket.send(`echo ${event.data}`) }))

const hono = new Hono()
  .get('/sse', (c) =>
    streamSSE(c, async (events) => {
      await events.writeSSE({ data: 'one' })
      await events.writeSSE({ data: 'two' })
    }),
  )
  .get('/ws', echo)
  .get(
    '/ws-late',
    async (c, next) => {
      await delay(200)
      await next()
      c.header('X-Seen', 'late')
    },
    echo,
  )
  .get('/ws-refused', (c) => c.text('not you', 401))

type Handler = (request: Request, url: URL) => unknown

const length = (n: number) => ({ headers: { 'Content-Length': `${n}` } })

const careless: Readonly<Record<string, Handler>> = {
  '/hello': () => new Response('hello'),
  '/field': (_, url) => new Response('x', { headers: { 'X-Name': url.searchParams.get('v')! } }),
  '/field-late': async (_, url) => new Response('x', { headers: { 'X-Name': url.searchParams.get('v')! } }),
  '/disposition': () => new Response('x', { headers: { 'Content-Disposition': 'inline; filename="Übersicht"' } }),
  '/trailer': () => new Response('x', { headers: { Trailer: 'X-Sum' } }),
  '/of-connection': () =>
    new Response('x', {
      headers: {
        'Transfer-Encoding': 'chunked',
        Connection: 'keep-alive, Upgrade',
        'Keep-Alive': 'timeout=99',
        'Proxy-Connection': 'x',
        Upgrade: 'x',
        TE: 'gzip',
      },
    }),
  '/status': (_, url) => new Response('x', { status: Number(url.searchParams.get('v')) }),
  '/204': () => new Response('x', { status: 204 }),
  '/more': () => new Response(stream(['hello', ' HTTP/1.1 200 OK']), length(5)),
  '/more-late': () => new Response(stream(['hello', ' HTTP/1.1 200 OK'], 20), length(5)),
  '/fewer': () => new Response(stream(['hel']), length(5)),
  '/fewer-late': () => new Response(stream(['hel'], 20), length(5)),
  '/fails-first': () => new Response(stream([new Error('secret')])),
  '/fails-later': () => new Response(stream(['begun', 'more', 'more', new Error('secret')], 10)),
  '/short-stream': () => new Response(stream(['all', ' of', ' it'])),
  '/one-piece': () => new Response(stream(['piece'])),
  '/string': () => 'a string',
  '/nothing': () => undefined,
  '/nothing-late': async () => undefined,
  '/throws': () => {
    throw new Error('secret')
  },
  '/rejects': async () => {
    throw new Error('secret')
  },
  '/throws-null': () => {
    throw null
  },
  '/bad-get-response': () => {
    throw Object.assign(new Error('secret'), { getResponse: () => 'rubbish' })
  },
  '/used': async () => {
    const response = new Response('x')
    await response.text()
    return response
  },
  '/error': () => Response.error(),
  '/blob': () => new Response(new Blob(['<p>'], { type: 'text/html' })),
  '/late': async () => {
    await delay(200)
    return new Response('late')
  },
  '/post-late': async (request) => {
    const text = await request.text()
    await delay(50)
    return new Response(`got ${text.length}`)
  },
  '/unread': async () => {
    await delay(50)
    return new Response('unread')
  },
  '/cancelled': async (request) => {
    const reader = request.body!.getReader()
    await reader.read()
    await delay(50)
    await reader.cancel()
    return new Response('cancelled')
  },
  '/form': () => {
    const form = new FormData()
    for (let i = 0; i < 200; i++) form.set(`field ${i}`, 'x'.repeat(100_000))
    return new Response(form)
  },
  '/signal': async (request) => {
    request.signal.addEventListener('abort', () => {
      const { reason } = request.signal
      signals.push({ name: reason?.name, dom: reason instanceof DOMException })
    })
    await delay(300)
    return new Response('done')
  },
  '/block': (_, url) => {
    const until = performance.now() + Number(url.searchParams.get('ms'))
    while (performance.now() < until);
    return new Response('blocked')
  },
  '/pour': () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) })),
}

const app = (request: Request, env: object): any => {
  const url = new URL(request.url)
  const handler = careless[url.pathname]
  return handler === undefined ? hono.fetch(request, env) : handler(request, url)
}

const servers = new Map<number, Running>()
const errors: string[] = []
const lines: string[] = []

const commands: Record<string, (argument: any) => unknown> = {
  async serve({ websocket, ...options }: NodeServeOptions) {
    const server = await serve(app, {
      port: 0,
      host: '127.0.0.1',
      signals: false,
      log: ({ code, message }) => lines.push(`${code} ${message}`),
      onError: (error, request) => {
        errors.push(`${new URL(request.url).pathname} ${(error as Error | null)?.message}`)
      },
      ...options,
      ...(websocket && { websocket: { server: new WebSocketServer({ noServer: true }) } }),
    })
    const port = Number(new URL(server.url).port)
    servers.set(port, server)
    return port
  },
  connections: (port: number) => servers.get(port)!.connections(),
  async drain(port: number) {
    const began = performance.now()
    const { cut } = await servers.get(port)!.drain()
    return { cut, afterMs: performance.now() - began }
  },
  errors: () => errors.splice(0),
  lines: () => lines.splice(0),
  signals: () => signals.splice(0),
}

process.on('message', async ({ id, command, argument }: { id: number; command: string; argument: unknown }) => {
  process.send!({ id, result: await commands[command]!(argument) })
})
process.on('disconnect', () => process.exit(0))
process.send!({ id: 0, result: 'ready' })
