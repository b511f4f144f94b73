import { type Case, failure } from '../case.ts'
import { getConnInfo } from '../helpers.ts'
import { note } from '../journal.ts'

const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const encoder = new TextEncoder()

function block(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; );
}

const stream = () =>
  new Response(
    new ReadableStream({
      async pull(controller) {
        await later(5)
        controller.enqueue(encoder.encode('streamed'))
        controller.close()
      },
    }),
  )

const keep = { Connection: 'keep-alive' }

export default [
  {
    id: 'conn-info',
    title: 'Hono’s getConnInfo() says who asks',
    returns(c) {
      const { remote } = getConnInfo(c as any)
      return c.json([remote.address, typeof remote.port, (remote.port ?? 0) > 1024])
    },
    steps: [{ ask: {}, sees: { status: 200, body: '["127.0.0.1","number",true]' }, times: 2 }],
  },
  {
    id: 'conn-info-later',
    title: 'getConnInfo() says the same after the handler has waited and read the body',
    async returns(c) {
      await c.req.text()
      await later(20)
      return c.text(getConnInfo(c as any).remote.address ?? 'nobody')
    },
    steps: [{ ask: { method: 'POST', body: 'x' }, sees: { status: 200, body: '127.0.0.1' } }],
  },
  {
    id: 'http10',
    title: 'HTTP/1.0 is answered and closed',
    see: ['RFC 9112 9.3'],
    returns: (c) => c.text('old'),
    steps: [
      {
        ask: { version: '1.0' },
        sees: { status: 200, body: 'old', fields: { 'transfer-encoding': null }, connection: 'closed' },
        times: 2,
      },
    ],
  },
  {
    id: 'http10-keep-alive',
    title: 'HTTP/1.0 with keep-alive is kept, and told so',
    see: ['RFC 9112 C.2.2', 'issue 10.10'],
    returns: (c) => c.text('old'),
    steps: [
      {
        ask: { version: '1.0', fields: keep },
        sees: {
          status: 200,
          body: 'old',
          fields: { 'content-length': '3', connection: /^keep-alive$/i },
          connection: 'kept',
        },
        times: 2,
      },
    ],
  },
  {
    id: 'http10-keep-alive-of-bytes',
    title: 'HTTP/1.0 with keep-alive and a body of bytes or JSON is kept',
    see: ['issue 10.10'],
    routes: (app) => app.get('/bytes', () => new Response(Uint8Array.of(1, 2))).get('/json', () => Response.json([1])),
    steps: ['/bytes', '/json'].map((at) => ({
      ask: { at, version: '1.0' as const, fields: keep },
      sees: { status: 200, fields: { connection: /^keep-alive$/i }, connection: 'kept' as const },
    })),
  },
  {
    id: 'http10-stream',
    title: 'A stream to HTTP/1.0 is framed by the close',
    see: ['RFC 9112 6.3'],
    returns: stream,
    steps: [
      {
        ask: { version: '1.0' },
        sees: { status: 200, body: 'streamed', fields: { 'transfer-encoding': null }, connection: 'closed' },
      },
      {
        ask: { version: '1.0', fields: keep },
        sees: { status: 200, body: 'streamed', fields: { 'transfer-encoding': null }, connection: 'either' },
      },
    ],
  },
  {
    id: 'http10-large-stream',
    title: 'A large byte stream to HTTP/1.0 has no field in the midst of it',
    see: ['https://github.com/oven-sh/bun/issues/28019'],
    returns: () => {
      let left = 2_000
      return new Response(
        new ReadableStream({
          type: 'bytes',
          pull(controller) {
            if (left-- > 0) controller.enqueue(encoder.encode('x'.repeat(50)))
            else controller.close()
          },
        }),
      )
    },
    steps: [{ ask: { version: '1.0' }, sees: { status: 200, body: /^x{100000}$/, connection: 'closed' } }],
  },
  {
    id: 'http10-post',
    title: 'A POST over HTTP/1.0 with keep-alive',
    returns: async (c) => c.text(await c.req.text()),
    steps: [
      {
        ask: { method: 'POST', version: '1.0', fields: keep, body: 'old body' },
        sees: { status: 200, body: 'old body' },
        times: 2,
      },
    ],
  },
  {
    id: 'http10-head',
    title: 'HEAD over HTTP/1.0 with keep-alive',
    returns: (c) => c.text('old'),
    steps: [
      {
        ask: { method: 'HEAD', version: '1.0', fields: keep },
        sees: { status: 200, body: '', connection: 'either' },
        times: 2,
      },
    ],
  },
  {
    id: 'http10-fails',
    title: 'A handler that fails is a 500 over HTTP/1.0 as well',
    fetches() {
      throw failure()
    },
    steps: [
      { ask: { version: '1.0' }, sees: { status: 500, connection: 'closed' } },
      { ask: { version: '1.0', fields: keep }, sees: { status: 500 } },
    ],
    log: 'if 500',
  },
  {
    id: 'http10-without-host',
    title: 'HTTP/1.0 without Host has a URL all the same',
    see: ['RFC 9112 3.3'],
    over: ['tcp', 'tls'],
    fetches: (request) => new Response(new URL(request.url).pathname.slice(-19)),
    steps: [
      {
        sends: 'GET {path} HTTP/1.0\r\n\r\n',
        sees: [{ status: 200, body: 'http10-without-host', connection: 'closed' }],
      },
    ],
  },
  {
    id: 'close-asked',
    title: 'Connection: close is kept to for each kind of answer',
    see: ['RFC 9112 9.6'],
    over: ['tcp', 'tls'],
    routes: (app) =>
      app
        .get('/text', (c) => c.text('x'))
        .get('/stream', stream)
        .get('/empty', (c) => c.body(null, 204))
        .get('/fails', () => {
          throw failure()
        })
        .get('/late', async (c) => {
          await later(10)
          return c.text('x')
        }),
    steps: ['/text', '/stream', '/empty', '/fails', '/late'].map((at) => ({
      ask: { at, fields: { Connection: 'close' } },
      sees: { status: [200, 204, 500], connection: 'closed' as const },
    })),
    log: 'any',
  },
  {
    id: 'pipelined',
    title: 'Pipelined requests of several kinds are answered in order',
    see: ['RFC 9112 9.3.2'],
    over: ['tcp', 'tls'],
    routes: (app) =>
      app
        .get('/now', (c) => c.text('now'))
        .get('/late', async (c) => {
          await later(20)
          return c.text('late')
        })
        .get('/stream', stream)
        .post('/post', async (c) => c.text(await c.req.text()))
        .get('/empty', (c) => c.body(null, 204)),
    steps: [
      {
        pipelines: [
          { at: '/late' },
          { at: '/now' },
          { method: 'POST', at: '/post', body: 'posted' },
          { method: 'HEAD', at: '/now' },
          { at: '/stream' },
          { at: '/empty' },
          { at: '/now' },
        ],
        sees: [
          { status: 200, body: 'late' },
          { status: 200, body: 'now' },
          { status: 200, body: 'posted' },
          { status: 200, body: '' },
          { status: 200, body: 'streamed' },
          { status: 204 },
          { status: 200, body: 'now' },
        ],
      },
    ],
  },
  {
    id: 'pipelined-now',
    title: 'Pipelined requests to handlers that answer at once are answered in order',
    see: ['RFC 9112 9.3.2'],
    over: ['tcp', 'tls'],
    returns: (c) => c.text(c.req.query('n') ?? ''),
    steps: [
      {
        pipelines: Array.from({ length: 20 }, (_, place) => ({ at: `?n=${place}` })),
        sees: Array.from({ length: 20 }, (_, place) => ({ status: 200, body: `${place}` })),
      },
    ],
  },
  {
    id: 'pipelined-behind-cut',
    title: 'What is pipelined behind an answer that is cut gets no answer, and none is mixed up',
    see: ['RFC 9112 9.3.2'],
    over: ['tcp', 'tls'],
    routes: (app) =>
      app
        .get(
          '/cut',
          () =>
            new Response(
              new ReadableStream({
                async pull(controller) {
                  controller.enqueue(encoder.encode('first'))
                  await later(10)
                  controller.error(failure())
                },
              }),
            ),
        )
        .get('/now', (c) => {
          note(c.req, 'asked')
          return c.text('now')
        }),
    steps: [
      { pipelines: [{ at: '/cut' }], sees: [[{ status: 200, cut: true, begins: 'first' }, { status: 500 }]] },
      { ask: { at: '/now' }, sees: { status: 200, body: 'now' } },
    ],
    log: 'once',
  },
  {
    id: 'blocked',
    title: 'Code that blocks the loop for a while costs nobody an answer',
    see: ['issue 11.6'],
    routes: (app) =>
      app
        .get('/block', (c) => {
          block(250)
          return c.text('blocked')
        })
        .get('/now', (c) => c.text('now'))
        .post('/post', async (c) => c.text(`${(await c.req.text()).length}`)),
    steps: [
      {
        together: [
          { ask: { at: '/block' }, sees: { status: 200, body: 'blocked' } },
          { ask: { at: '/now' }, sees: { status: 200, body: 'now' } },
          { ask: { method: 'POST', at: '/post', body: 'x'.repeat(1_000) }, sees: { status: 200, body: '1000' } },
          { ask: { method: 'POST', at: '/post', chunks: ['ab', 'cd'] }, sees: { status: 200, body: '4' } },
        ],
        ms: 15,
      },
    ],
  },
  {
    id: 'blocked-in-stream',
    title: 'Code that blocks the loop in the midst of a stream costs it nothing',
    returns: () => {
      let left = 3
      return new Response(
        new ReadableStream({
          async pull(controller) {
            await later(1)
            block(40)
            if (left-- > 0) controller.enqueue(encoder.encode('piece '))
            else controller.close()
          },
        }),
      )
    },
    steps: [{ ask: {}, sees: { status: 200, body: 'piece piece piece ' } }],
  },
  {
    id: 'many-at-once',
    title: 'Answers that end out of order reach their own clients',
    async returns(c) {
      const n = Number(c.req.query('n'))
      await later(40 - n * 3)
      return c.text(`n=${n}`)
    },
    steps: [
      {
        together: Array.from({ length: 10 }, (_, n) => ({
          ask: { at: `?n=${n}` },
          sees: { status: 200, body: `n=${n}` },
        })),
        ms: 0,
      },
    ],
  },
] satisfies Case[]
