import { type Case, handlerTimeoutMs } from '../case.ts'
import { note } from '../journal.ts'

const encoder = new TextEncoder()
const backend = (): string => (globalThis as any).process.env['APPLICATION_BACKEND']
const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Of a reason: its class and name. */
const named = (reason: unknown): string =>
  `${reason instanceof DOMException ? 'DOMException' : reason?.constructor?.name} ${(reason as Error)?.name}`

const watch = (request: Request): void =>
  request.signal.addEventListener('abort', () => note(request, `aborted ${named(request.signal.reason)}`))

/**
 * Makes copies until 600 ms have passed, and notes the first that is aborted. One would not do:
 * Node's own fetch holds the signal of a copy weakly, and a collection ends it with its listeners.
 */
async function watchCopies(request: Request, copied: () => Request): Promise<void> {
  let noted = false
  for (let made = 0; made < 30; made++) {
    if (!request.signal.aborted) {
      const { signal } = copied()
      signal.addEventListener('abort', () => {
        if (!noted) note(request, `copied ${named(signal.reason)}`)
        noted = true
      })
    }
    await later(20)
  }
}

export default [
  {
    id: 'signal-of-reset',
    title: 'A client that resets while the handler works aborts the signal, with an AbortError',
    see: ['https://dom.spec.whatwg.org/#abortcontroller', 'issue 10.12'],
    async fetches(request) {
      watch(request)
      await later(600)
      return new Response('late')
    },
    steps: [{ abandons: {}, by: 'reset', after: { ms: 60 } }, { notes: ['aborted DOMException AbortError'] }],
  },
  {
    id: 'signal-of-reset-post',
    title: 'The same while a POST that was read is worked on',
    see: ['https://github.com/honojs/node-server/issues/217', 'https://github.com/sveltejs/kit/pull/16793'],
    async fetches(request) {
      await request.text()
      watch(request)
      await later(600)
      return new Response('late')
    },
    steps: [
      { abandons: { method: 'POST', body: 'a body' }, by: 'reset', after: { ms: 80 } },
      { notes: ['aborted DOMException AbortError'] },
    ],
  },
  {
    id: 'signal-of-fin',
    title: 'A client that ends its side while the handler works aborts the signal',
    see: ['docs/engines.md'],
    over: ['tcp', 'tls'],
    async fetches(request) {
      watch(request)
      await later(400)
      return new Response('late')
    },
    steps: [{ abandons: {}, by: 'fin', after: { ms: 60 } }, { notes: ['aborted DOMException AbortError'] }],
  },
  {
    id: 'signal-seen-late',
    title: 'A signal that is first looked at after the client has gone is aborted',
    async fetches(request) {
      await later(600)
      note(request, `${request.signal.aborted} ${named(request.signal.reason)}`)
      return new Response('late')
    },
    steps: [{ abandons: {}, by: 'reset', after: { ms: 60 } }, { notes: ['true DOMException AbortError'] }],
  },
  {
    id: 'signal-while-streaming',
    title: 'A client that resets while it reads a stream aborts the signal',
    fetches(request) {
      watch(request)
      return new Response(
        new ReadableStream({
          async pull(controller) {
            await later(10)
            controller.enqueue(encoder.encode('on and on\n'))
          },
        }),
      )
    },
    steps: [{ abandons: {}, by: 'reset', after: { bytes: 20 } }, { notes: ['aborted DOMException AbortError'] }],
  },
  {
    id: 'signal-of-raw',
    title: 'Hono’s c.req.raw.signal is the same',
    async returns(c) {
      const { raw } = c.req
      raw.signal.addEventListener('abort', () => note(raw, named(raw.signal.reason)))
      await later(600)
      return c.text('late')
    },
    steps: [{ abandons: {}, by: 'reset', after: { ms: 60 } }, { notes: ['DOMException AbortError'] }],
  },
  {
    id: 'signal-throws-if-aborted',
    title: 'throwIfAborted() after the client has gone throws the AbortError, and ends nothing',
    async fetches(request) {
      await later(600)
      try {
        request.signal.throwIfAborted()
        note(request, 'nothing thrown')
      } catch (error) {
        note(request, `thrown ${(error as Error).name}`)
        throw error
      }
      return new Response('late')
    },
    steps: [{ abandons: {}, by: 'reset', after: { ms: 60 } }, { notes: ['thrown AbortError'] }],
    log: 'any',
  },
  {
    id: 'signal-of-copy',
    title: 'new Request(request) follows the signal of the first',
    see: ['https://fetch.spec.whatwg.org/#dom-request'],
    async fetches(request) {
      await watchCopies(request, () => new Request(request))
      return new Response('late')
    },
    steps: [{ abandons: {}, by: 'reset', after: { ms: 60 } }, { notes: ['copied DOMException AbortError'] }],
  },
  {
    id: 'signal-of-clone',
    title: 'request.clone() follows the signal of the first',
    async fetches(request) {
      await watchCopies(request, () => request.clone())
      return new Response('late')
    },
    steps: [{ abandons: {}, by: 'reset', after: { ms: 60 } }, { notes: ['copied DOMException AbortError'] }],
  },
  {
    id: 'signal-aborts-fetch',
    title: 'A fetch under the request’s signal ends with its client, and its rejection ends nothing else',
    see: ['https://github.com/denoland/deno/issues/28632', 'https://github.com/veryfront/veryfront-code/issues/4257'],
    async fetches(request) {
      try {
        await fetch(`${backend()}/never`, { signal: request.signal })
      } catch (error) {
        note(request, `fetch ${(error as Error).name}`)
        throw error
      }
      return new Response('never')
    },
    steps: [{ abandons: {}, by: 'reset', after: { ms: 120 } }, { notes: ['fetch AbortError'] }],
    log: 'any',
  },
  {
    id: 'signal-quiet-after-answer',
    title: 'An answer that was given does not abort the signal',
    see: ['https://github.com/denoland/deno/issues/27005', 'https://github.com/h3js/srvx/issues/152'],
    fetches(request) {
      watch(request)
      return new Response('x')
    },
    steps: [{ ask: {}, sees: { status: 200 } }, { wait: 150 }, { notes: null }],
  },
  {
    id: 'signal-quiet-after-stream',
    title: 'A stream that came whole does not abort the signal',
    see: ['https://github.com/denoland/deno/issues/27005'],
    fetches(request) {
      watch(request)
      let left = 3
      return new Response(
        new ReadableStream({
          async pull(controller) {
            await later(5)
            if (left-- > 0) controller.enqueue(encoder.encode('x'))
            else controller.close()
          },
        }),
      )
    },
    steps: [{ ask: {}, sees: { status: 200, body: 'xxx' } }, { wait: 150 }, { notes: null }],
  },
  {
    id: 'signal-quiet-after-post',
    title: 'A POST that was read and answered does not abort the signal',
    see: ['https://github.com/honojs/node-server/pull/172', 'https://github.com/h3js/srvx/issues/152'],
    async fetches(request) {
      watch(request)
      return new Response(await request.text())
    },
    steps: [
      { ask: { method: 'POST', body: 'a body' }, sees: { status: 200, body: 'a body' } },
      { ask: { method: 'POST', chunks: ['a ', 'body'] }, sees: { status: 200, body: 'a body' } },
      { wait: 150 },
      { notes: null },
    ],
  },
  {
    id: 'signal-quiet-after-close',
    title: 'A client that goes after its answer does not abort the signal',
    fetches(request) {
      watch(request)
      return new Response('x')
    },
    over: ['tcp', 'tls'],
    steps: [
      { ask: { fields: { Connection: 'close' } }, sees: { status: 200, connection: 'closed' } },
      { wait: 150 },
      { notes: null },
    ],
  },
  {
    id: 'signal-quiet-after-cancel',
    title: 'Cancelling the body of the request does not abort its signal',
    see: ['https://github.com/h3js/srvx/issues/160', 'https://github.com/h3js/h3/issues/1275'],
    async fetches(request) {
      watch(request)
      const reader = request.body!.getReader()
      await reader.read()
      await reader.cancel()
      await later(80)
      return new Response(`${request.signal.aborted}`)
    },
    steps: [
      { ask: { method: 'POST', chunks: ['one', 'two', 'three'] }, sees: { status: 200, body: 'false' } },
      { wait: 100 },
      { notes: null },
    ],
  },
  {
    id: 'signal-is-one',
    title: 'signal is one object, not aborted, of the runtime’s own class',
    fetches(request) {
      const { signal } = request
      return Response.json([signal === request.signal, signal.aborted, signal instanceof AbortSignal])
    },
    steps: [{ ask: {}, sees: { status: 200, body: '[true,false,true]' } }],
  },
  {
    id: 'signal-of-handler-timeout',
    title: 'handlerTimeoutMs aborts the signal with a TimeoutError',
    under: 'handler-timeout',
    over: ['tcp'],
    async fetches(request) {
      request.signal.addEventListener('abort', () => note(request, `aborted ${(request.signal.reason as Error).name}`))
      await later(handlerTimeoutMs + 500)
      return new Response('late')
    },
    steps: [{ ask: {}, sees: { status: 503 } }, { notes: ['aborted TimeoutError'] }],
    log: 'any',
  },
] satisfies Case[]
