/**
 * An application that does everything wrong that one can do, on the hangup engine of the runtime
 * that runs this: `… test-engine-app.ts keep|replace`. Writes a line of JSON for its port and for
 * each report.
 */
import process from 'node:process'
import { runInNewContext } from 'node:vm'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { csrf } from 'hono/csrf'
import type { App, Running, ServeOptions } from '../../src/serve/contract.ts'

const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'
const globals = process.argv[2] === 'replace' ? 'replace' : 'keep'
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
for (const event of ['unhandledRejection', 'uncaughtException']) {
  process.on(event, (error) => say({ lost: `${event}: ${error?.stack ?? error}` }))
}

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const utf8 = (text: string) => new TextEncoder().encode(text)
type Give = (controller: ReadableStreamDefaultController) => void | Promise<void>
const stream = (start: Give) => new ReadableStream({ start })
/** There at once. */
const now = (...pieces: string[]) =>
  stream((controller) => {
    for (const piece of pieces) controller.enqueue(utf8(piece))
    controller.close()
  })
const later = (...pieces: (string | Error)[]) =>
  new ReadableStream({
    async pull(controller) {
      await wait(30)
      const piece = pieces.shift()
      if (piece === undefined) controller.close()
      else if (piece instanceof Error) throw piece
      else controller.enqueue(utf8(piece))
    },
  })
const sized = (body: BodyInit, length: number) => new Response(body, { headers: { 'content-length': `${length}` } })
const form = () => {
  const data = new FormData()
  data.set('a', 'b')
  return data
}
const bringing = (getResponse: () => unknown) => Object.assign(new Error('secret'), { getResponse })
const kept = new Response('kept', { headers: { 'x-kept': '1' } })

let signal: AbortSignal | null = null
const answered: AbortSignal[] = []

const answers: Record<string, (request: Request) => unknown> = {
  '/text': () => new Response('hello'),
  '/json': () => Response.json({ a: 1 }),
  '/bytes': () => new Response(utf8('hello')),
  '/view': () => new Response(utf8('say hello to').subarray(4, 9)),
  '/shared': () => {
    const view = new Uint8Array(new SharedArrayBuffer(9), 2, 5)
    view.set(utf8('hello'))
    return new Response(view as Uint8Array<any>)
  },
  '/buffer': () => new Response(utf8('hello').buffer),
  '/realm-buffer': () => new Response(runInNewContext('new Uint8Array([104, 101, 108, 108, 111]).buffer')),
  '/blob': () => new Response(new Blob(['hello'], { type: 'text/x' })),
  '/file': () => new Response(new File(['hello'], 'a.txt', { type: 'text/x' })),
  '/params': () => new Response(new URLSearchParams('a=b')),
  '/form': () => new Response(form()),
  '/long': () => new Response(utf8('x'.repeat(100_000)), { headers: { 'x-name': 'M\xfcller' } }),
  '/long-text': () => new Response('x'.repeat(100_000), { headers: { 'x-name': 'M\xfcller' } }),
  '/long-accents': () => new Response('\xe9'.repeat(100_000), { headers: { 'x-name': 'M\xfcller' } }),
  '/large': () => new Response('x'.repeat(300_000)),
  '/null': () => new Response(null),
  '/empty': () => new Response(''),
  '/ready': () => new Response(now('hel', 'lo')),
  '/passed-on': () => new Response(new Response('hello').body),
  '/iterable': () =>
    new Response(
      (async function* () {
        yield utf8('hel')
        yield utf8('lo')
      })() as any,
    ),
  '/later': () => new Response(later('hel', 'lo')),
  '/clone': () => {
    const response = new Response('hello')
    response.clone().text()
    return response
  },
  '/sub': () => new (class extends Response {})('hello'),
  '/of-other-class': () => ({
    status: 201,
    statusText: 'Made',
    headers: new Map([['x-a', '1']]),
    body: now('hello'),
  }),
  '/latin1': () => new Response('hello', { headers: { 'x-name': 'caf\xe9' } }),

  '/cut': () => sized(now('hello, HTTP/1.1 200 OK'), 5),
  '/cut-later': () => sized(later('hel', 'lo, HT', 'TP'), 5),
  '/cut-after': () => sized(later('hello', 'HTTP/1.1 200 OK'), 5),
  '/short': () => sized(now('hel'), 5),
  '/short-later': () => sized(later('h', 'el'), 5),
  '/right-later': () => sized(later('hel', 'lo'), 5),

  '/fails-first': () => new Response(stream((c) => c.error(new Error('secret')))),
  '/fails-second': () => new Response(later('hel', new Error('secret'))),
  '/fails-sized': () => sized(later('hel', new Error('secret')), 5),
  '/gives-objects': () =>
    new Response(later('hel').pipeThrough(new TransformStream({ transform: (_, c) => c.enqueue({ no: 'bytes' }) }))),

  '/undefined': () => undefined,
  '/null-itself': () => null,
  '/string': () => 'secret',
  '/throws': () => {
    throw new Error('secret')
  },
  '/throws-null': () => {
    throw null
  },
  '/throws-string': () => {
    throw 'secret'
  },
  '/rejects': async () => {
    await wait(5)
    throw new Error('secret')
  },
  '/resolves-to-nothing': () => wait(5),
  '/used': async () => {
    const response = new Response('secret')
    await response.text()
    return response
  },
  '/locked': () => {
    const response = new Response(later('secret'))
    response.body?.getReader()
    return response
  },
  '/error-response': () => Response.error(),
  '/twice': () => kept,
  '/brings-string': () => {
    throw bringing(() => 'secret')
  },
  '/brings-throw': () => {
    throw bringing(() => {
      throw new Error('secret')
    })
  },
  '/brings-teapot': () => {
    throw bringing(() => new Response('teapot', { status: 418 }))
  },
  '/getter': () => ({
    get status(): never {
      throw new Error('secret')
    },
  }),
  '/thenable': () =>
    Object.fromEntries([['then', (resolve: (response: Response) => void) => resolve(new Response('hello'))]]),
  '/too-late': () => wait(600),
  '/too-late-throws': async () => {
    await wait(600)
    throw new Error('late secret')
  },
  '/101': () =>
    runtime === 'node' && globals === 'keep'
      ? { status: 101, headers: [], body: null }
      : new Response(null, { status: 101 }),

  '/waits': async (request) => {
    signal = request.signal
    await wait(200)
    return new Response('hello')
  },
  '/signal': () => Response.json([signal?.aborted, signal?.reason?.name, signal?.reason instanceof DOMException]),
  '/follows': (request) =>
    new Promise((_, reject) => request.signal.addEventListener('abort', () => reject(request.signal.reason))),
  '/normal': (request) => {
    answered.push(request.signal)
    return new Response('hello')
  },
  '/aborted': () => Response.json(answered.map(({ aborted }) => aborted)),
  '/echo': async (request) => new Response(await request.text()),
}

const hono = new Hono()
  .use('/guarded/*', bodyLimit({ maxSize: 1000 }), csrf())
  .post('/guarded/form', async (c) => c.text(`changed by ${await c.req.text()}`))
  .all('/copied', async (c) => {
    const copy = new Request(c.req.raw, { headers: { 'x-b': '2' } })
    const { method, url } = copy
    return c.json([method, new URL(url).pathname, copy.headers.get('x-a'), copy.headers.get('x-b'), await copy.text()])
  })
  .get('/hono', (c) => c.text('hello'))

if (runtime === 'bun') {
  const { file } = (globalThis as any).Bun
  const headers = { etag: '"a"' }
  answers['/bun-file'] = () => new Response(file(import.meta.filename), { headers })
  answers['/bun-missing'] = () => new Response(file('/nowhere/at/all'))
}

const websocket: Record<string, unknown> = {}
if (runtime === 'node') {
  const { upgradeWebSocket } = await import('@hono/node-server')
  const { WebSocketServer } = await import('ws')
  websocket['websocket'] = { server: new WebSocketServer({ noServer: true }) }
  hono.get('/ws', authenticated, upgradeWebSocket(events))
} else {
  const { upgradeWebSocket } = await import(`hono/${runtime}`)
  hono.get('/ws', authenticated, upgradeWebSocket(events))
}
async function authenticated(c: { req: { query(name: string): string | undefined } }, next: () => Promise<void>) {
  const ms = Number(c.req.query('ms') ?? 0)
  if (ms > 0) await wait(ms)
  await next()
}
function events(): any {
  return {
    onOpen: () => say({ upgraded: true }),
    onMessage: (event: { data: string }, socket: { send(text: string): void }) => socket.send(`echo ${event.data}`),
  }
}
hono.get('/ws-late', async (c) => {
  await wait(300)
  return c.text('no')
})

const app: App = (request, env) => {
  const answer = answers[new URL(request.url).pathname]
  return answer === undefined ? hono.fetch(request, env) : (answer(request) as Response)
}

const { serve } = (await import(`../../runtimes/${runtime}.ts`)) as {
  serve(app: App, options: ServeOptions): Promise<Running>
}
const running = await serve(app, {
  ...websocket,
  engine: 'hangup',
  globals,
  port: 0,
  host: '127.0.0.1',
  handlerTimeoutMs: 500,
  onError(error, request) {
    say({ error: `${error}`, path: new URL(request.url).pathname })
  },
})
say({ port: Number(new URL(running.url).port) })
