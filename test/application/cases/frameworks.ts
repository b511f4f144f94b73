import { H3, HTTPError } from 'h3'
import { AutoRouter, error as ittyError } from 'itty-router'
import { type Case, failure, secret } from '../case.ts'
import { runtime } from '../helpers.ts'

const encoder = new TextEncoder()
const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

const pieces = () =>
  new ReadableStream({
    async pull(controller) {
      await later(2)
      controller.enqueue(encoder.encode('streamed'))
      controller.close()
    },
  })

/** `/tcp/h3/text` → `/text` */
function moved(request: Request): Request {
  const { origin, pathname } = new URL(request.url)
  return new Request(`${origin}/${pathname.split('/').slice(3).join('/')}`, request)
}

const h3 = new H3({ silent: true } as any)
  .get('/text', () => 'text')
  .get('/json', () => ({ a: 1 }))
  .get('/stream', () => pieces())
  .get('/nothing', () => null)
  .post('/echo', async ({ req }) => req.text())
  .get('/teapot', () => {
    throw new HTTPError({ status: 418, statusText: 'teapot' })
  })
  .get('/fails', () => {
    throw failure()
  })

const itty = AutoRouter({ catch: (thrown) => ittyError(500, thrown instanceof Error ? 'failed' : 'other') })
  .get('/text', () => new Response('text'))
  .get('/json', () => ({ a: 1 }))
  .get('/stream', () => new Response(pieces()))
  .post('/echo', async (request) => new Response(await request.text()))
  .get('/teapot', () => ittyError(418, 'teapot'))
  .get('/fails', () => {
    throw failure()
  })

const elysia = runtime === 'bun' ? await elysiaApp() : null

async function elysiaApp(): Promise<(request: Request) => Response | Promise<Response>> {
  const { Elysia } = (await import('elysia')) as any
  const app = new Elysia({ aot: false })
    .get('/text', () => 'text')
    .get('/json', () => ({ a: 1 }))
    .get('/stream', () => new Response(pieces()))
    .post('/echo', ({ body }: { body: unknown }) => body)
    .get('/teapot', ({ status }: any) => status(418, 'teapot'))
    // Elysia shows the message of an error to the client.
    .get('/fails', () => {
      throw new Error('of the suite')
    })
  return (request) => app.fetch(request)
}

const steps: Case['steps'] = [
  { ask: { at: '/text' }, sees: { status: 200, body: 'text' }, times: 2 },
  {
    ask: { at: '/json' },
    sees: { status: 200, body: /^\{\s*"a":\s*1\s*\}$/, fields: { 'content-type': /^application\/json/ } },
  },
  { ask: { at: '/stream' }, sees: { status: 200, body: 'streamed' }, times: 2 },
  {
    ask: { method: 'POST', at: '/echo', body: 'echoed', fields: { 'Content-Type': 'text/plain' } },
    sees: { status: 200, body: 'echoed' },
  },
  {
    ask: { method: 'POST', at: '/echo', chunks: ['ech', 'oed'], fields: { 'Content-Type': 'text/plain' } },
    sees: { status: 200, body: 'echoed' },
  },
  { ask: { at: '/teapot' }, sees: { status: 418 } },
  { ask: { at: '/fails' }, sees: { status: 500 } },
  { ask: { at: '/missing' }, sees: { status: 404 } },
  { ask: { method: 'HEAD', at: '/text' }, sees: { status: [200, 404], body: '' }, times: 2 },
]

export default [
  {
    id: 'plain-fetch',
    title: 'A plain fetch handler',
    async fetches(request) {
      const path = new URL(request.url).pathname.split('/').slice(3).join('/')
      if (path === 'text') return new Response('text')
      if (path === 'json') return Response.json({ a: 1 })
      if (path === 'stream') return new Response(pieces())
      if (path === 'echo') return new Response(request.body)
      if (path === 'teapot') return new Response('teapot', { status: 418 })
      if (path === 'fails') throw failure()
      return new Response(null, { status: 404 })
    },
    steps,
    log: 'once',
  },
  {
    id: 'h3',
    title: 'An h3 app',
    see: ['https://h3.dev'],
    fetches: (request) => h3.fetch(moved(request) as any),
    steps,
    log: 'any',
  },
  {
    id: 'h3-nothing',
    title: 'An h3 handler that returns nothing',
    fetches: (request) => h3.fetch(moved(request) as any),
    steps: [{ ask: { at: '/nothing' }, sees: { status: [200, 204], body: '' }, times: 2 }],
  },
  {
    id: 'itty-router',
    title: 'An itty-router app',
    see: ['https://itty.dev'],
    fetches: (request) => itty.fetch(moved(request) as any),
    steps,
  },
  {
    id: 'elysia',
    title: 'An Elysia app on Bun',
    see: ['https://elysiajs.com'],
    on: ['bun'],
    fetches: (request) => elysia!(moved(request)),
    steps,
    log: 'any',
  },
  {
    id: 'mounted',
    title: 'An app of another framework under Hono’s mount()',
    see: ['https://hono.dev/docs/api/hono#mount'],
    routes: (app) =>
      app.mount(
        '/in',
        (request: Request) =>
          itty.fetch(
            new Request(`http://localhost/${new URL(request.url).pathname.split('/').pop()}`, request) as any,
          ) as any,
      ),
    steps: [
      { ask: { at: '/in/text' }, sees: { status: 200, body: 'text' } },
      {
        ask: { method: 'POST', at: '/in/echo', body: secret.slice(0, 6) },
        sees: { status: 200, body: secret.slice(0, 6) },
      },
    ],
  },
] satisfies Case[]
