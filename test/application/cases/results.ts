import { HTTPException } from 'hono/http-exception'
import { type Answer, type Case, failure, handlerTimeoutMs, secret } from '../case.ts'

const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const shared = new Map<string, Response>()

const internal = { status: 500, body: /^Internal Server Error\n?$/ } satisfies Answer

interface Odd {
  readonly name: string
  readonly what: string
  give(): unknown
}

/** What is no usable response. */
const returned: readonly Odd[] = [
  { name: 'undefined', what: 'undefined', give: () => undefined },
  { name: 'null', what: 'null', give: () => null },
  { name: 'string', what: 'a string', give: () => secret },
  { name: 'number', what: 'a number', give: () => 204 },
  { name: 'object', what: 'an object', give: () => ({ status: 200, body: secret }) },
  { name: 'function', what: 'a function', give: () => () => new Response('x') },
  { name: 'error', what: 'an error', give: () => failure() },
  { name: 'request', what: 'a Request', give: () => new Request('http://localhost/') },
  {
    name: 'used',
    what: 'a Response that was read',
    async give() {
      const response = new Response(secret)
      await response.text()
      return response
    },
  },
  {
    name: 'locked',
    what: 'a Response whose body is locked',
    give() {
      const response = new Response(secret)
      response.body!.getReader()
      return response
    },
  },
  {
    name: 'half-read',
    what: 'a Response that was read by half and let go of',
    async give() {
      const response = new Response(new Blob([secret, secret]).stream())
      const reader = response.body!.getReader()
      await reader.read()
      reader.releaseLock()
      return response
    },
  },
  { name: 'response-error', what: 'Response.error()', give: () => Response.error() },
  { name: 'response-class', what: 'the class Response', give: () => Response },
  {
    name: 'proxy-that-throws',
    what: 'an object whose getters throw',
    give: () => ({
      get status() {
        throw failure()
      },
    }),
  },
]

const thrown: readonly Odd[] = [
  { name: 'error', what: 'an error', give: () => failure() },
  { name: 'string', what: 'a string', give: () => secret },
  { name: 'null', what: 'null', give: () => null },
  { name: 'undefined', what: 'undefined', give: () => undefined },
  { name: 'object', what: 'an object', give: () => ({ message: secret }) },
  { name: 'response', what: 'a Response', give: () => new Response(secret) },
  { name: 'symbol', what: 'a symbol', give: () => Symbol(secret) },
  { name: 'bare-object', what: 'an object without a prototype', give: () => Object.create(null) },
  {
    name: 'proxy-that-throws',
    what: 'a Proxy that can’t be looked at',
    give() {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return proxy
    },
  },
  {
    name: 'error-without-stack',
    what: 'an error without a stack',
    give: () => Object.assign(failure(), { stack: undefined }),
  },
  {
    name: 'error-that-throws',
    what: 'an error whose message throws',
    give: () =>
      Object.defineProperty(new Error('x'), 'message', {
        get() {
          throw failure()
        },
      }),
  },
  {
    name: 'get-response-string',
    what: 'an error whose getResponse returns a string',
    give: () => Object.assign(failure(), { getResponse: () => secret }),
  },
  {
    name: 'get-response-throws',
    what: 'an error whose getResponse throws',
    give: () =>
      Object.assign(failure(), {
        getResponse() {
          throw failure()
        },
      }),
  },
  {
    name: 'get-response-rejects',
    what: 'an error whose getResponse rejects',
    give: () => Object.assign(failure(), { getResponse: () => Promise.reject(failure()) }),
  },
  {
    name: 'get-response-nothing',
    what: 'an error whose getResponse returns nothing',
    give: () => Object.assign(failure(), { getResponse() {} }),
  },
  {
    name: 'get-response-error',
    what: 'an error whose getResponse returns Response.error()',
    give: () => Object.assign(failure(), { getResponse: () => Response.error() }),
  },
]

export default [
  ...returned.flatMap(({ name, what, give }): Case[] => [
    {
      id: `returns-${name}`,
      title: `A handler that returns ${what} is a 500, logged once, and the client sees no word of it`,
      see: ['issue 10.11', 'issue 11.2'],
      fetches: () => give(),
      steps: [{ ask: {}, sees: internal, times: 2 }],
      log: 'if 500',
    },
    {
      id: `resolves-to-${name}`,
      title: `A handler that resolves later to ${what} is a 500, logged once`,
      see: ['issue 11.2'],
      async fetches() {
        await later(3)
        return give()
      },
      steps: [{ ask: {}, sees: internal }],
      log: 'once',
    },
  ]),
  ...thrown.flatMap(({ name, what, give }): Case[] => [
    {
      id: `throws-${name}`,
      title: `A handler that throws ${what} is a 500, logged once, and the client sees no word of it`,
      see: ['issue 10.11', 'issue 11.2'],
      fetches() {
        throw give()
      },
      steps: [{ ask: {}, sees: internal, times: 2 }],
      log: 'if 500',
    },
    {
      id: `rejects-with-${name}`,
      title: `A handler that rejects with ${what} is a 500, logged once`,
      see: ['issue 11.2'],
      async fetches() {
        await later(3)
        throw give()
      },
      steps: [{ ask: {}, sees: internal }],
      log: 'once',
    },
  ]),
  {
    id: 'throws-get-response',
    title: 'An error that brings its own response is that response, and no error',
    see: ['https://hono.dev/docs/api/exception'],
    fetches() {
      throw new HTTPException(403, { message: 'not here' })
    },
    steps: [{ ask: {}, sees: { status: 403, body: 'not here' } }],
  },
  {
    id: 'rejects-with-get-response',
    title: 'The same later',
    async fetches() {
      await later(3)
      throw new HTTPException(401, {
        res: new Response('who?', { status: 401, headers: { 'WWW-Authenticate': 'Basic' } }),
      })
    },
    steps: [{ ask: {}, sees: { status: 401, body: 'who?', fields: { 'www-authenticate': 'Basic' } } }],
  },
  {
    id: 'hono-http-exception',
    title: 'Hono’s HTTPException is its response',
    returns() {
      throw new HTTPException(418, { message: 'teapot' })
    },
    steps: [{ ask: {}, sees: { status: 418, body: 'teapot' } }],
  },
  {
    id: 'hono-throws-error',
    title: 'An error in a handler of Hono is Hono’s own 500, and not told twice',
    returns() {
      throw failure()
    },
    steps: [{ ask: {}, sees: internal }],
  },
  {
    id: 'hono-throws-string',
    title: 'A string that is thrown in a handler of Hono is a 500, logged once',
    why: 'Hono passes on what is no Error.',
    returns() {
      throw secret
    },
    steps: [{ ask: {}, sees: internal }],
    log: 'once',
  },
  {
    id: 'hono-throws-null',
    title: 'null that is thrown in an asynchronous handler of Hono is a 500, logged once',
    async returns() {
      await later(2)
      throw null
    },
    steps: [{ ask: {}, sees: internal }],
    log: 'once',
  },
  {
    id: 'hono-returns-nothing',
    title: 'A handler of Hono that returns nothing is Hono’s 404 or 500, and the connection goes on',
    returns: () => undefined,
    steps: [{ ask: {}, sees: { status: [404, 500] } }],
    log: 'any',
  },
  {
    id: 'hono-returns-string',
    title: 'A handler of Hono that returns a string is a 500',
    returns: () => secret,
    steps: [{ ask: {}, sees: internal }],
    log: 'once',
  },
  {
    id: 'hono-on-error-throws',
    title: 'Hono’s onError that throws is a 500',
    routes: (app) =>
      app
        .onError(() => {
          throw failure()
        })
        .get('/', () => {
          throw failure()
        }),
    steps: [{ ask: {}, sees: internal }],
    log: 'any',
  },
  {
    id: 'hono-on-error',
    title: 'What Hono’s onError answers is the answer',
    routes: (app) =>
      app
        .onError((error, c) => c.json({ code: error.name }, 502))
        .get('/', () => {
          throw failure()
        }),
    steps: [{ ask: {}, sees: { status: 502, body: '{"code":"Error"}' } }],
  },
  {
    id: 'returns-shared',
    title: 'The same Response returned twice is the same answer or a 500, never a broken one',
    why: 'A constant Response at the top of a module is an ordinary mistake: it works once.',
    see: ['https://github.com/denoland/deno/pull/24811'],
    fetches({ url }) {
      const path = new URL(url).pathname
      const kept = shared.get(path) ?? new Response('shared')
      shared.set(path, kept)
      return kept
    },
    steps: [
      { ask: {}, sees: { status: 200, body: 'shared' } },
      { ask: {}, sees: [{ status: 200, body: 'shared' }, internal] },
      { ask: {}, sees: [{ status: 200, body: 'shared' }, internal] },
    ],
    log: 'if 500',
  },
  {
    id: 'returns-shared-stream',
    title: 'The same streamed Response returned twice is a 500 the second time',
    fetches({ url }) {
      const path = new URL(url).pathname
      const kept = shared.get(path) ?? new Response(new Blob(['shared']).stream())
      shared.set(path, kept)
      return kept
    },
    steps: [
      { ask: {}, sees: { status: 200, body: 'shared' } },
      { ask: {}, sees: internal },
    ],
    log: 'once',
  },
  {
    id: 'returns-shared-empty',
    title: 'A Response without a body may be returned again and again',
    fetches({ url }) {
      const path = new URL(url).pathname
      const kept = shared.get(path) ?? new Response(null, { status: 204, headers: { 'X-A': '1' } })
      shared.set(path, kept)
      return kept
    },
    steps: [{ ask: {}, sees: { status: 204, fields: { 'x-a': '1' } }, times: 3 }],
  },
  {
    id: 'returns-subclass',
    title: 'A subclass of Response is a Response',
    fetches() {
      class Own extends Response {
        readonly own = true
      }
      return new Own('subclass', { status: 201, headers: { 'X-A': '1' } })
    },
    steps: [{ ask: {}, sees: { status: 201, body: 'subclass', fields: { 'x-a': '1' } }, times: 2 }],
  },
  {
    id: 'returns-native',
    title: 'A Response of the runtime’s own class is taken where the global is another',
    see: ['issue 10'],
    async fetches() {
      const Native = (await fetch('data:text/plain,x')).constructor as typeof Response
      return new Native('native', { status: 202, headers: { 'X-A': '1' } })
    },
    steps: [{ ask: {}, sees: { status: 202, body: 'native', fields: { 'x-a': '1' } }, times: 2 }],
  },
  {
    id: 'returns-foreign',
    title: 'A Response of another package’s class is taken by its shape',
    see: ['issue 10', 'https://github.com/node-fetch/node-fetch'],
    fetches() {
      const inner = new Response('foreign', { headers: { 'X-A': '1' } })
      return {
        get [Symbol.toStringTag]() {
          return 'Response'
        },
        status: 203,
        statusText: '',
        ok: true,
        type: 'default',
        headers: new Headers({ 'X-A': '1' }),
        body: inner.body,
        bodyUsed: false,
        arrayBuffer: () => inner.arrayBuffer(),
        text: () => inner.text(),
      }
    },
    steps: [{ ask: {}, sees: { status: 203, body: 'foreign', fields: { 'x-a': '1' } }, times: 2 }],
  },
  {
    id: 'returns-thenable',
    title: 'Something that is only like a promise is waited for',
    // biome-ignore lint/suspicious/noThenProperty: that is what it is about
    fetches: () => ({ then: (done: (response: Response) => void) => done(new Response('thenable')) }),
    steps: [{ ask: {}, sees: { status: 200, body: 'thenable' } }],
  },
  {
    id: 'returns-of-post',
    title: 'A POST whose handler returns nothing is a 500, and its connection is not lost',
    see: ['issue 11.2'],
    fetches: () => undefined,
    steps: [
      { ask: { method: 'POST', body: 'a body that nobody reads' }, sees: internal },
      { ask: { method: 'POST', chunks: ['a ', 'chunked ', 'one'] }, sees: internal },
    ],
    log: 'if 500',
  },
  {
    id: 'throws-after-body',
    title: 'A POST whose handler throws after it has read the body is a 500',
    async fetches(request) {
      await request.text()
      throw failure()
    },
    steps: [
      { ask: { method: 'POST', body: 'a body' }, sees: internal },
      { ask: { method: 'POST', chunks: ['a ', 'chunked ', 'one'] }, sees: internal },
    ],
    log: 'if 500',
  },
  {
    id: 'throws-on-head',
    title: 'A HEAD whose handler throws is a 500 without a body',
    fetches() {
      throw failure()
    },
    steps: [{ ask: { method: 'HEAD' }, sees: { status: 500, body: '' }, times: 2 }],
    log: 'if 500',
  },
  {
    id: 'throws-once-of-many',
    title: 'Handlers that fail side by side are each told of once',
    async fetches() {
      await later(5)
      throw failure()
    },
    steps: [{ together: Array.from({ length: 4 }, () => ({ ask: {}, sees: internal })), ms: 0 }],
    log: 'if 500',
  },
  {
    id: 'pipelined-failures',
    title: 'Pipelined requests to a handler that fails are answered in order',
    see: ['RFC 9112 9.3.2'],
    over: ['tcp', 'tls'],
    fetches({ url }) {
      if (url.endsWith('?fail')) throw failure()
      return new Response(url.slice(-1))
    },
    steps: [
      {
        pipelines: [{ at: '?fail' }, { at: '?1' }, { at: '?fail' }, { at: '?2' }],
        sees: [internal, { status: 200, body: '1' }, internal, { status: 200, body: '2' }],
      },
    ],
    log: 'if 500',
  },
  {
    id: 'pipelined-late-failures',
    title: 'Pipelined requests to a handler that fails later are answered in order',
    see: ['RFC 9112 9.3.2'],
    over: ['tcp', 'tls'],
    async fetches({ url }) {
      await later(5)
      if (url.endsWith('?fail')) throw failure()
      return new Response(url.slice(-1))
    },
    steps: [
      {
        pipelines: [{ at: '?fail' }, { at: '?1' }, { at: '?fail' }, { at: '?2' }],
        sees: [internal, { status: 200, body: '1' }, internal, { status: 200, body: '2' }],
      },
    ],
    log: 'if 500',
  },
  {
    id: 'timeout-stuck',
    title: 'handlerTimeoutMs: a handler that never answers is a 503',
    under: 'handler-timeout',
    over: ['tcp'],
    fetches: () => new Promise(() => {}),
    steps: [{ ask: {}, sees: { status: 503, fields: { 'retry-after': '1' } } }],
    log: 'any',
  },
  ...(
    [
      ['nothing', 'resolves to nothing', () => undefined],
      ['string', 'resolves to a string', () => secret],
      ['error', 'rejects', () => Promise.reject(failure())],
      ['null', 'rejects with null', () => Promise.reject(null)],
      ['response', 'answers', () => new Response(new Blob([secret]).stream())],
    ] as const
  ).map(
    ([name, what, give]): Case => ({
      id: `timeout-then-${name}`,
      title: `handlerTimeoutMs: a handler that ${what} after its 503 ends nothing`,
      see: ['issue 11.2'],
      under: 'handler-timeout',
      over: ['tcp'],
      async fetches() {
        await later(handlerTimeoutMs + 200)
        return give()
      },
      steps: [{ ask: {}, sees: { status: 503 } }, { wait: 400 }],
      log: 'any',
    }),
  ),
  {
    id: 'timeout-stream',
    title: 'handlerTimeoutMs: a stream may take longer than the limit on its handler',
    under: 'handler-timeout',
    over: ['tcp'],
    fetches: () =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            await later(handlerTimeoutMs + 200)
            controller.enqueue(new TextEncoder().encode('late'))
            controller.close()
          },
        }),
      ),
    steps: [{ ask: {}, sees: { status: 200, body: 'late' } }],
  },
] satisfies Case[]
