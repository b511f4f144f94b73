import { compress } from 'hono/compress'
import { cors } from 'hono/cors'
import { streamSSE } from 'hono/streaming'
import { type Case, failure } from '../case.ts'
import { note } from '../journal.ts'

const encoder = new TextEncoder()
const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

export default [
  {
    id: 'report-appended-field-kept',
    title: 'A field that is appended to a raw Response stays when a middleware adds another',
    see: ['https://github.com/honojs/node-server/issues/304'],
    routes: (app) =>
      app.use(cors()).get('/', () => {
        const response = new Response('hello', { headers: { 'Content-Type': 'application/json' } })
        response.headers.append('Set-Cookie', 'session=abc; Path=/; HttpOnly')
        return response
      }),
    steps: [
      {
        ask: { fields: { Origin: 'http://a.example' } },
        sees: {
          status: 200,
          body: 'hello',
          fields: {
            'set-cookie': 'session=abc; Path=/; HttpOnly',
            'content-type': 'application/json',
            'access-control-allow-origin': '*',
          },
        },
      },
    ],
  },
  {
    id: 'report-cookies-of-response-set',
    title: 'c.res set with cookies, and then c.text(): each cookie once',
    see: ['https://github.com/honojs/hono/issues/2566'],
    returns(c) {
      c.res = new Response(null, {
        headers: [
          ['set-cookie', 'a'],
          ['set-cookie', 'b'],
          ['set-cookie', 'c'],
        ],
      })
      return c.text('Hi')
    },
    steps: [{ ask: {}, sees: { status: 200, body: 'Hi', fields: { 'set-cookie': ['a', 'b', 'c'] } } }],
  },
  {
    id: 'report-locked-by-compress',
    title: 'A stream under compress() whose client goes ends nothing',
    see: ['https://github.com/h3js/srvx/pull/158'],
    routes: (app) =>
      app.use(compress()).get('/', (c) =>
        c.body(
          new ReadableStream({
            async pull(controller) {
              await later(3)
              controller.enqueue(crypto.getRandomValues(new Uint8Array(20_000)))
            },
            cancel: () => note(c.req, 'cancelled'),
          }),
          200,
          { 'Content-Type': 'text/plain' },
        ),
      ),
    steps: [
      { abandons: { fields: { 'Accept-Encoding': 'gzip' } }, by: 'reset', after: { bytes: 1_000 } },
      { notes: ['cancelled'] },
    ],
  },
  {
    id: 'report-error-in-start-later',
    title: 'A start() that throws after it has written, through a TextEncoderStream',
    see: ['https://github.com/h3js/srvx/issues/92#issuecomment-3425673458'],
    returns: () =>
      new Response(
        new ReadableStream<string>({
          async start(controller) {
            await later(10)
            controller.enqueue('first')
            await later(10)
            throw failure()
          },
        }).pipeThrough(new TextEncoderStream()),
      ),
    steps: [{ ask: {}, sees: [{ status: 200, cut: true, begins: 'first' }, { status: 500 }] }],
    log: 'once',
  },
  {
    id: 'report-sse-throws-without-handler',
    title: 'An error in streamSSE() without a handler of its own does not end the process',
    see: ['https://github.com/honojs/hono/issues/2164'],
    returns: (c) =>
      streamSSE(c, async (out) => {
        await out.writeSSE({ data: 'Hello' })
        throw new Error('of the suite')
      }),
    steps: [
      {
        ask: {},
        sees: [
          { status: 200, body: /^data: Hello\n\n/ },
          { status: 200, cut: true },
        ],
        times: 2,
      },
    ],
    log: 'any',
  },
  {
    id: 'report-keep-alive-reused-at-once',
    title: 'A hundred requests on one connection, each right after the answer before it',
    see: ['https://github.com/oven-sh/bun/issues/42212'],
    fetches: () => new Response('ok'),
    steps: [{ ask: {}, sees: { status: 200, body: 'ok' }, times: 100 }],
  },
  {
    id: 'report-length-of-stream-kept',
    title: 'A stream with a Content-Length says it: progress bars and caches need it',
    see: ['https://github.com/oven-sh/bun/issues/10507', 'https://github.com/oven-sh/bun/issues/28186'],
    returns: () =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            await later(2)
            controller.enqueue(encoder.encode('twelve bytes'))
            controller.close()
          },
        }),
        { headers: { 'Content-Length': '12' } },
      ),
    steps: [
      {
        ask: {},
        sees: { status: 200, body: 'twelve bytes', fields: { 'content-length': '12', 'transfer-encoding': null } },
        times: 2,
      },
    ],
  },
  {
    id: 'report-body-lies-about-length',
    title:
      'A request whose client sends less than it says, and ends its side: the read rejects, the handler does not hang',
    see: ['https://github.com/denoland/deno/issues/22888'],
    over: ['tcp'],
    async fetches(request) {
      try {
        note(request, `read ${(await request.arrayBuffer()).byteLength}`)
      } catch {
        note(request, 'rejected')
      }
      return new Response('x')
    },
    steps: [
      { abandons: { method: 'POST', body: '{}', fields: { 'Content-Length': '3' } }, by: 'fin', after: { ms: 30 } },
      { notes: ['rejected'] },
    ],
    log: 'any',
  },
  {
    id: 'report-abort-after-first-look',
    title: 'A client that goes before the handler looks at the signal, with a stream under way, ends nothing',
    see: ['https://github.com/h3js/srvx/issues/142'],
    async fetches(request) {
      const body = request.clone().text()
      await later(600)
      note(request, `${request.signal.aborted}`)
      await body
      return new Response(
        new ReadableStream({
          async pull(controller) {
            await later(5)
            controller.enqueue(encoder.encode('x'))
          },
        }),
      )
    },
    steps: [{ abandons: { method: 'POST', body: 'x' }, by: 'reset', after: { ms: 40 } }, { notes: ['true'] }],
    log: 'any',
  },
  {
    id: 'report-double-length',
    title: 'What is no Response has one Content-Length in its answer',
    see: ['https://github.com/oven-sh/bun/pull/29715'],
    fetches: () => Symbol('of the suite'),
    steps: [{ ask: {}, sees: { status: 500, fields: { 'content-length': /^\d+$/ } } }],
    log: 'once',
  },
  {
    id: 'report-buffered-stream',
    title: 'An application/json stream is not held back until its end',
    why: 'An adapter that guesses from the type what is a stream holds back lines of JSON.',
    see: ['https://github.com/honojs/node-server/pull/28'],
    returns: (c) =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(encoder.encode('{"line":1}\n')),
          cancel: () => note(c.req, 'cancelled'),
        }),
        { headers: { 'Content-Type': 'application/json' } },
      ),
    steps: [{ abandons: {}, by: 'reset', after: { bytes: 11 } }, { notes: ['cancelled'] }],
  },
  {
    id: 'report-empty-chunked',
    title: 'An empty stream that the application calls chunked ends at once',
    see: ['https://github.com/denoland/std/issues/1601'],
    returns: () => new Response(new Blob([]).stream(), { headers: { 'Transfer-Encoding': 'chunked' } }),
    steps: [{ ask: {}, sees: { status: 200, body: '' }, times: 2 }],
  },
  {
    id: 'report-large-synchronous-stream',
    title: 'Two megabytes that a stream enqueues at once come whole',
    see: ['https://github.com/denoland/deno/issues/16567'],
    returns: () =>
      new Response(
        new ReadableStream({
          start(controller) {
            for (let left = 40; left > 0; left--) controller.enqueue(new Uint8Array(50_000).fill(97))
            controller.close()
          },
        }),
      ),
    steps: [{ ask: {}, sees: { status: 200, bytes: 2_000_000 } }],
  },
  {
    id: 'report-stream-body-of-post-answered-early',
    title: 'A stream that answers while the upload is still coming, and reads it meanwhile',
    see: ['https://github.com/denoland/deno/issues/36624'],
    async fetches(request) {
      await later(5)
      const source = request.body!.getReader()
      let bytes = 0
      return new Response(
        new ReadableStream({
          async pull(controller) {
            const { done, value } = await source.read()
            if (!done) {
              bytes += value.length
              controller.enqueue(encoder.encode('.'))
              return
            }
            controller.enqueue(encoder.encode(`${bytes}`))
            controller.close()
          },
        }),
      )
    },
    steps: [{ ask: { method: 'POST', upload: 100_000 }, sees: { status: 200, body: /^\.+100000$/ } }],
  },
] satisfies Case[]
