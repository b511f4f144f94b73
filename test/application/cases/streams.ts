import { type Answer, type Case, failure, secret } from '../case.ts'
import { note } from '../journal.ts'

const encoder = new TextEncoder()
const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Before a byte has gone: a 500, or an answer that is cut. */
const early: readonly Answer[] = [{ status: 500 }, { status: 200, cut: true, begins: '' }]
/** After some; a 500 as long as none of them has gone. */
const cut: readonly Answer[] = [{ status: 200, cut: true, begins: 'first' }, ...early.slice(0, 1)]

const stream = (source: UnderlyingDefaultSource<any>, init?: ResponseInit) =>
  new Response(new ReadableStream(source), init)

const eventStream = { 'content-type': 'text/event-stream' }

/** `first`, and then what goes wrong. */
const afterFirst = (
  wrong: (controller: ReadableStreamDefaultController<any>) => unknown,
): UnderlyingDefaultSource<any> => {
  let asked = 0
  return {
    async pull(controller) {
      if (asked++ === 0) {
        controller.enqueue(encoder.encode('first'))
        return
      }
      await later(15)
      await wrong(controller)
    },
  }
}

export default [
  {
    id: 'stream-throws-in-start',
    title: 'A stream whose start() throws is a handler that throws',
    fetches: () =>
      stream({
        start() {
          throw failure()
        },
      }),
    steps: [{ ask: {}, sees: { status: 500 } }],
    log: 'once',
  },
  {
    id: 'stream-rejects-in-start',
    title: 'A stream whose start() rejects is a 500 or cut, logged once',
    see: ['issue 10.11'],
    returns: () =>
      stream({
        async start() {
          await later(5)
          throw failure()
        },
      }),
    steps: [{ ask: {}, sees: [...early] }],
    log: 'once',
  },
  {
    id: 'stream-throws-at-first-pull',
    title: 'A stream that fails before its first byte is a 500 or cut, logged once',
    see: ['issue 10.11'],
    returns: () =>
      stream({
        pull() {
          throw failure()
        },
      }),
    steps: [{ ask: {}, sees: [...early] }],
    log: 'once',
  },
  {
    id: 'stream-errored-before',
    title: 'A stream that has failed when it is returned is a 500 or cut, logged once',
    see: ['issue 10'],
    returns: () => stream({ start: (controller) => controller.error(failure()) }),
    steps: [{ ask: {}, sees: [...early] }],
    log: 'once',
  },
  {
    id: 'stream-fails-midway',
    title: 'A stream that fails after its first bytes never looks whole, logged once',
    see: ['RFC 9112 8', 'issue 10.11', 'https://github.com/oven-sh/bun/pull/32842'],
    returns: () => stream(afterFirst((controller) => controller.error(failure()))),
    steps: [{ ask: {}, sees: [...cut] }],
    log: 'once',
  },
  {
    id: 'stream-of-events-fails-midway',
    title: 'An event stream that fails after its first event is the same: no end that looks like one',
    see: ['RFC 9112 8'],
    returns: () =>
      stream(
        afterFirst((controller) => controller.error(failure())),
        { headers: eventStream },
      ),
    steps: [{ ask: {}, sees: [...cut] }],
    log: 'once',
  },
  {
    id: 'stream-throws-midway',
    title: 'A pull() that throws after the first bytes is the same',
    see: ['https://github.com/h3js/srvx/issues/92'],
    returns: () =>
      stream(
        afterFirst(() => {
          throw failure()
        }),
      ),
    steps: [{ ask: {}, sees: [...cut] }],
    log: 'once',
  },
  {
    id: 'stream-fails-midway-with-length',
    title: 'A stream with a length that fails midway never looks whole',
    see: ['RFC 9112 8'],
    returns: () =>
      stream(
        afterFirst((controller) => controller.error(failure())),
        { headers: { 'Content-Length': '50' } },
      ),
    steps: [{ ask: {}, sees: [...cut] }],
    log: 'once',
  },
  {
    id: 'stream-fails-at-the-end',
    title: 'A stream that fails in the place of its end never looks whole',
    returns: () => {
      let asked = 0
      return stream({
        pull(controller) {
          if (asked++ < 3) controller.enqueue(encoder.encode('first'))
          else throw failure()
        },
      })
    },
    steps: [{ ask: {}, sees: [{ status: 200, cut: true, begins: 'firstfirstfirst' }, { status: 500 }] }],
    log: 'once',
  },
  {
    id: 'stream-fails-beyond-length',
    title: 'A stream that fails after all bytes of its length has been answered: logged once',
    returns: () =>
      stream(
        afterFirst((controller) => controller.error(failure())),
        { headers: { 'Content-Length': '5' } },
      ),
    steps: [{ ask: {}, sees: [{ status: 200, body: 'first', connection: 'either' }, ...cut] }],
    log: 'once',
  },
  ...([undefined, null, 'a string', 0] as const).map(
    (thrown): Case => ({
      id: `stream-fails-with-${thrown === 'a string' ? 'string' : thrown}`,
      title: `A stream that fails with ${thrown === 'a string' ? 'a string' : thrown} never looks whole, logged once`,
      returns: () => stream(afterFirst((controller) => controller.error(thrown === 'a string' ? secret : thrown))),
      steps: [{ ask: {}, sees: [...cut] }],
      log: 'once',
    }),
  ),
  {
    id: 'stream-of-strings',
    title: 'A stream of strings never looks whole: a 500 or cut, logged once; or it is taken',
    see: ['https://github.com/denoland/deno/issues/17291'],
    returns: () =>
      stream({
        start(controller) {
          controller.enqueue('a string')
          controller.close()
        },
      }),
    steps: [{ ask: {}, sees: [...early, { status: 200, body: 'a string' }] }],
    log: 'if 500',
  },
  {
    id: 'stream-of-numbers',
    title: 'A stream of numbers is a 500 or cut, logged once, and the process lives',
    see: ['https://github.com/denoland/deno/issues/23849'],
    returns: () =>
      stream({
        async start(controller) {
          await later(10)
          controller.enqueue(1)
        },
      }),
    steps: [{ ask: {}, sees: [...early] }],
    log: 'once',
  },
  {
    id: 'stream-of-generator-throws',
    title: 'An async generator that throws midway never looks whole',
    on: ['node', 'deno'],
    returns: () =>
      new Response(
        (ReadableStream as any).from(
          (async function* () {
            yield encoder.encode('first')
            await later(10)
            throw failure()
          })(),
        ),
      ),
    steps: [{ ask: {}, sees: [...cut] }],
    log: 'once',
  },
  {
    id: 'stream-transform-fails',
    title: 'A transform that fails midway never looks whole',
    returns: () => {
      let pieces = 0
      const broken = new TransformStream({
        async transform(chunk, controller) {
          if (pieces++ > 0) {
            await later(10)
            throw failure()
          }
          controller.enqueue(chunk)
        },
      })
      const source = new ReadableStream({
        pull(controller) {
          controller.enqueue(encoder.encode('first'))
        },
      })
      return new Response(source.pipeThrough(broken))
    },
    steps: [{ ask: {}, sees: [...cut] }],
    log: 'once',
  },
  {
    id: 'stream-fails-to-http10',
    title: 'To HTTP/1.0 a stream that fails is reset: a FIN would make it whole',
    see: ['RFC 9112 8'],
    over: ['tcp'],
    returns: () => stream(afterFirst((controller) => controller.error(failure()))),
    steps: [{ ask: { version: '1.0' }, sees: [...cut] }],
    log: 'once',
  },
  {
    id: 'stream-cancelled-by-reset',
    title: 'A client that resets cancels the stream that it was reading',
    see: ['https://github.com/denoland/deno/issues/10829'],
    returns: (c) =>
      stream({
        async pull(controller) {
          await later(10)
          controller.enqueue(encoder.encode('on and on\n'))
        },
        cancel: () => note(c.req, 'cancelled'),
      }),
    steps: [{ abandons: {}, by: 'reset', after: { bytes: 20 } }, { notes: ['cancelled'] }],
  },
  {
    id: 'stream-cancelled-while-quiet',
    title: 'A client that resets cancels a stream that has nothing to say',
    returns: (c) =>
      stream({
        start: (controller) => controller.enqueue(encoder.encode('hello\n')),
        cancel: () => note(c.req, 'cancelled'),
      }),
    steps: [{ abandons: {}, by: 'reset', after: { bytes: 6 } }, { notes: ['cancelled'] }],
  },
  {
    id: 'stream-cancel-throws',
    title: 'A cancel() that throws when the client goes does not end the process',
    returns: (c) =>
      stream({
        async pull(controller) {
          await later(10)
          controller.enqueue(encoder.encode('on and on\n'))
        },
        cancel() {
          note(c.req, 'cancelled')
          throw failure()
        },
      }),
    steps: [{ abandons: {}, by: 'reset', after: { bytes: 20 } }, { notes: ['cancelled'] }, { wait: 30 }],
    log: 'any',
  },
  {
    id: 'stream-cancel-rejects',
    title: 'A cancel() that rejects when the client goes does not end the process',
    returns: (c) =>
      stream({
        async pull(controller) {
          await later(10)
          controller.enqueue(encoder.encode('on and on\n'))
        },
        async cancel() {
          note(c.req, 'cancelled')
          await later(5)
          throw failure()
        },
      }),
    steps: [{ abandons: {}, by: 'reset', after: { bytes: 20 } }, { notes: ['cancelled'] }, { wait: 50 }],
    log: 'any',
  },
  {
    id: 'stream-fails-after-the-client',
    title: 'A stream that fails because its client has gone ends nothing else',
    see: ['https://github.com/h3js/srvx/issues/142'],
    returns: (c) =>
      stream({
        async start(controller) {
          controller.enqueue(encoder.encode('hello\n'))
          await later(120)
          note(c.req, 'failing')
          try {
            controller.enqueue(encoder.encode('more\n'))
          } catch {}
          controller.error(failure())
        },
      }),
    steps: [{ abandons: {}, by: 'reset', after: { bytes: 6 } }, { notes: ['failing'] }, { wait: 50 }],
    log: 'any',
  },
  {
    id: 'stream-of-head-cancelled',
    title: 'HEAD cancels the stream that nobody will read',
    why: 'What a stream holds open, a file or a query, stays open for ever otherwise.',
    fetches: (request) =>
      stream({
        start: (controller) => controller.enqueue(encoder.encode('hello\n')),
        cancel: () => note(request, 'cancelled'),
      }),
    steps: [{ ask: { method: 'HEAD' }, sees: { status: 200, body: '' } }, { notes: ['cancelled'] }],
  },
  {
    id: 'stream-flushed',
    title: 'What a stream has said is with the client before it says more',
    why: 'Events that wait for the next event come too late.',
    returns: (c) => {
      const { promise: gone, resolve: go } = Promise.withResolvers<void>()
      return stream({
        start(controller) {
          controller.enqueue(encoder.encode('now\n'))
          c.req.raw.signal.addEventListener('abort', () => go())
        },
        pull: () => gone,
        cancel: () => go(),
      })
    },
    steps: [{ abandons: {}, by: 'reset', after: { bytes: 4 } }],
  },
  {
    id: 'stream-async-pipe',
    title: 'A stream written by a task of its own, which fails, never looks whole',
    why: 'A TransformStream whose writer is aborted is how many proxies and renderers stream.',
    returns: () => {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
      const writer = writable.getWriter()
      void (async () => {
        await writer.write(encoder.encode('first'))
        await later(10)
        await writer.abort(failure())
      })().catch(() => {})
      return new Response(readable)
    },
    steps: [{ ask: {}, sees: [...cut] }],
    log: 'once',
  },
] satisfies Case[]
