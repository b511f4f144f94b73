import { type Answer, type Case, failure, secret } from '../case.ts'
import { note } from '../journal.ts'

const encoder = new TextEncoder()
const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

const internal = { status: 500, body: /^Internal Server Error\n?$/ } satisfies Answer
const one = { status: 200, body: 'one' } satisfies Answer
const after = { status: 200, body: 'after' } satisfies Answer

const says = (name: keyof Response, value: unknown): Response =>
  Object.defineProperty(new Response('one'), name, { value })

/** What Node's adapter gives beside the request; nothing where another engine serves. */
const outgoingOf = (env: any): any => env?.outgoing

/** What the application gives, and what the client may get for it. */
interface Odd {
  readonly name: string
  readonly what: string
  give(): unknown
  readonly sees: Answer | Answer[]
}

const promises: readonly Odd[] = [
  {
    name: 'answering-twice',
    what: 'a promise of its own class that answers twice',
    give() {
      class Own extends Promise<unknown> {
        // biome-ignore lint/suspicious/noThenProperty: that is what it is about
        override then(settle: any): any {
          settle(new Response('one'))
          settle(new Response(secret))
        }
      }
      return Own.resolve()
    },
    sees: one,
  },
  {
    name: 'answering-and-failing',
    what: 'a promise whose then() answers, and fails after it',
    give: () =>
      Object.assign(Promise.resolve(), {
        // biome-ignore lint/suspicious/noThenProperty: that is what it is about
        then(settle: any, fail: any) {
          settle(new Response('one'))
          fail(failure())
        },
      }),
    sees: one,
  },
  {
    name: 'whose-then-throws',
    what: 'a promise whose then() throws',
    give: () =>
      Object.assign(Promise.resolve(), {
        // biome-ignore lint/suspicious/noThenProperty: that is what it is about
        then() {
          throw failure()
        },
      }),
    sees: internal,
  },
  {
    name: 'proxied',
    what: 'a Proxy of a promise',
    give: () => new Proxy(Promise.resolve(new Response('one')), {}),
    sees: internal,
  },
  {
    name: 'hollow',
    what: 'what has only the prototype of a promise',
    give: () => Object.create(Promise.prototype),
    sees: internal,
  },
]

const pieces: readonly Odd[] = [
  {
    name: 'given-away',
    what: 'a piece whose memory was given away',
    give() {
      const piece = encoder.encode('one')
      structuredClone(piece, { transfer: [piece.buffer] })
      return piece
    },
    sees: { status: 200, body: 'tail' },
  },
  {
    name: 'longer-in-word',
    what: 'a piece that says it is longer than it is',
    give: () => Object.defineProperty(encoder.encode('one '), 'length', { value: 100_000 }),
    sees: { status: 200, body: 'one tail' },
  },
  {
    name: 'shared',
    what: 'a piece of shared memory',
    give: () => new Uint8Array(new SharedArrayBuffer(3)).fill(0x61),
    sees: [{ status: 200, body: 'aaatail' }, { status: 500 }, { status: 200, cut: true }],
  },
  {
    name: 'proxied',
    what: 'a Proxy of a piece',
    give: () => new Proxy(encoder.encode('one'), {}),
    sees: [{ status: 200, cut: true, begins: '' }, { status: 500 }],
  },
]

export default [
  ...promises.map(
    ({ name, what, give, sees }): Case => ({
      id: `promise-${name}`,
      title: `A handler that returns ${what} gets one answer or a 500, and the next request its own`,
      fetches: ({ url }) => (url.endsWith('?next') ? new Response('next') : give()),
      steps: [
        { ask: {}, sees },
        { ask: { at: '?next' }, sees: { status: 200, body: 'next' } },
      ],
      log: 'if 500',
    }),
  ),
  ...[100, 103, 99, 1000].map(
    (status): Case => ({
      id: `response-that-says-${status}`,
      title: `A Response that says its status is ${status} is an answer or a 500, never an interim one`,
      see: ['RFC 9110 15.2'],
      fetches: () => says('status', status),
      steps: [{ ask: {}, sees: [{ status: 200, body: 'one' }, { status: 500 }], times: 2 }],
      log: 'if 500',
    }),
  ),
  {
    id: 'request-defaced',
    title: 'A handler that makes its Request useless and throws is a 500',
    why: 'Who reports the error looks at the request’s method and URL.',
    async fetches(request) {
      for (const name of ['url', 'method', 'signal']) {
        Object.defineProperty(request, name, {
          get() {
            throw failure()
          },
        })
      }
      await later(3)
      throw failure()
    },
    steps: [{ ask: {}, sees: internal, times: 2 }],
    log: 'any',
  },
  {
    id: 'request-defaced-stream',
    title: 'The same with a stream that fails midway never looks whole',
    fetches(request) {
      Object.defineProperty(request, 'url', {
        get() {
          throw failure()
        },
      })
      return new Response(
        new ReadableStream({
          async start(controller) {
            controller.enqueue(encoder.encode('first'))
            await later(20)
            controller.error(failure())
          },
        }),
      )
    },
    steps: [{ ask: {}, sees: [{ status: 200, cut: true, begins: 'first' }, internal] }],
    log: 'any',
  },
  ...pieces.map(
    ({ name, what, give, sees }): Case => ({
      id: `piece-${name}`,
      title: `A stream with ${what} has no byte that is not its own`,
      fetches: () =>
        new Response(
          new ReadableStream({
            async start(controller) {
              await later(3)
              controller.enqueue(give())
              controller.enqueue(encoder.encode('tail'))
              controller.close()
            },
          }),
        ),
      steps: [{ ask: {}, sees }],
      log: 'if 500',
    }),
  ),
  {
    id: 'request-answered-while-read',
    title: 'A body that is still being read when the answer is done is read to its end, or rejected: never by half',
    see: ['https://github.com/oven-sh/bun/pull/33524', 'https://github.com/denoland/deno/issues/36624'],
    fetches(request) {
      request.text().then(
        (text) => note(request, `read ${text}`),
        (error) => note(request, `rejected ${error instanceof Error}`),
      )
      return new Response('early')
    },
    steps: [
      { ask: { method: 'POST', chunks: ['first ', 'second ', 'third'] }, sees: { status: 200, body: 'early' } },
      { notes: [/^(read first second third|rejected true)$/] },
    ],
  },
  {
    id: 'request-answered-then-cut',
    title: 'The same where the client goes after it has got its answer: the read is rejected, it does not hang',
    over: ['tcp', 'tls'],
    fetches(request) {
      request.text().then(
        (text) => note(request, `read ${text}`),
        (error) => note(request, `rejected ${error instanceof Error}`),
      )
      return new Response('early')
    },
    steps: [
      {
        abandons: { method: 'POST', body: 'only some', fields: { 'Content-Length': '100' } },
        by: 'reset',
        after: { bytes: 5 },
      },
      { notes: ['rejected true'] },
    ],
  },
  {
    id: 'outgoing-written',
    title: 'c.env.outgoing that is written to beside a returned Response is cut and logged once, not left open',
    see: ['https://github.com/honojs/node-server/blob/main/README.md'],
    over: ['tcp', 'tls'],
    fetches(_, env) {
      outgoingOf(env)?.write('direct')
      return new Response('after')
    },
    steps: [{ ask: {}, sees: [{ status: 200, cut: true, begins: 'direct' }, after] }],
    log: 'if 500',
  },
  {
    id: 'outgoing-written-then-throws',
    title: 'c.env.outgoing that is written to by a handler that throws is cut and logged once',
    over: ['tcp', 'tls'],
    async fetches(_, env) {
      outgoingOf(env)?.write('direct')
      await later(3)
      throw failure()
    },
    steps: [{ ask: {}, sees: [{ status: 200, cut: true, begins: 'direct' }, internal] }],
    log: 'once',
  },
  {
    id: 'outgoing-ended',
    title: 'c.env.outgoing that is ended beside a returned Response is the answer, and the connection goes on',
    over: ['tcp', 'tls'],
    fetches(_, env) {
      outgoingOf(env)?.end('direct')
      return new Response('after')
    },
    steps: [{ ask: {}, sees: [{ status: 200, body: 'direct' }, after], times: 2 }],
    log: 'any',
  },
  {
    id: 'outgoing-corked',
    title: 'A stream behind a corked c.env.outgoing is whole, and no byte of it is in the next answer',
    over: ['tcp', 'tls'],
    fetches(_, env) {
      outgoingOf(env)?.cork()
      let asked = 0
      return new Response(
        new ReadableStream({
          async pull(controller) {
            await later(5)
            if (asked++ < 2) controller.enqueue(encoder.encode('piece '))
            else controller.close()
          },
        }),
      )
    },
    steps: [{ ask: {}, sees: { status: 200, body: 'piece piece ' }, times: 2 }],
  },
] satisfies Case[]
