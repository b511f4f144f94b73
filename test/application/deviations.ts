/** What each engine is known to do otherwise. An entry that no longer holds turns red. */
import type { EngineName } from './columns.ts'
import type { Deviation } from './deviation.ts'

/** What Node's fetch does, whoever serves. */
const undici: readonly Deviation[] = [
  {
    cases: ['request-chunked-passed-to-fetch'],
    over: ['tcp', 'tls'],
    what: 'fetch refuses a Request that has a Transfer-Encoding field, as a chunked one has',
    see: 'https://github.com/vercel/next.js/issues/48214',
  },
]

/** What Bun's own classes do, whoever serves. */
const bunForms: readonly Deviation[] = [
  {
    cases: ['request-form-data'],
    what: 'a file of a form gets the type of its name’s ending, not the one that its part says',
    see: 'https://github.com/oven-sh/bun/issues/39884',
  },
]

/** What Node's engines do with a handler that returns at once. */
const lentBytes: Deviation = {
  cases: ['body-bytes-later-changed'],
  starts: ['command'],
  over: ['tcp'],
  what: 'bytes of a handler that returns at once are written from where they lie: what it does to them before it returns goes out',
  see: 'docs/speed.md',
}

export const deviations: Readonly<Record<EngineName, readonly Deviation[]>> = {
  node: [
    ...undici,
    lentBytes,
    {
      cases: ['field-type-removed'],
      starts: ['code', 'guarded'],
      what: 'the Response of @hono/node-server does not tell a type that was taken away from one that was never there',
      see: 'https://github.com/honojs/node-server/blob/main/src/response.ts',
    },
    {
      cases: ['body-bytes-later-changed'],
      starts: ['code', 'guarded'],
      what: 'the Response of @hono/node-server keeps the bytes it is given, and makes no copy',
      see: 'https://github.com/honojs/node-server/blob/main/src/response.ts',
    },
  ],
  'node-hangup': [
    ...undici,
    lentBytes,
    {
      cases: ['signal-of-clone'],
      starts: ['guarded'],
      what: 'under handlerTimeoutMs the signal is a property of the Request itself, and a clone has none of it',
      see: 'https://github.com/nodejs/undici/blob/main/lib/web/fetch/request.js',
    },
  ],
  bun: [
    ...bunForms,
    {
      cases: ['body-bytes', 'body-blob-untyped', 'field-type-removed'],
      what: 'a body that has no type is given one',
      see: 'https://github.com/oven-sh/bun/issues/21193',
    },
    {
      cases: ['body-stream-with-length'],
      what: 'a stream is chunked, whatever length the application says',
      see: 'https://github.com/oven-sh/bun/issues/10507',
    },
    {
      cases: ['request-form-malformed'],
      what: 'a malformed form is an Error, not a TypeError',
      see: 'https://github.com/oven-sh/bun/pull/34364',
    },
    {
      cases: ['request-clone-of-read'],
      what: 'clone() of a request that was read gives an empty one',
      see: 'https://github.com/oven-sh/bun/pull/33129',
    },
    {
      cases: ['request-kinds'],
      what: 'blob() of a request has a type of its own',
      see: 'https://github.com/oven-sh/bun/issues/19603',
    },
    {
      cases: ['pipelined', 'pipelined-late-failures'],
      what: 'two or more pipelined requests to an asynchronous handler get no answer, but FIN',
      see: 'https://github.com/oven-sh/bun/issues/38128',
    },
    {
      cases: ['http10-keep-alive', 'http10-keep-alive-of-bytes'],
      what: 'HTTP/1.0 is kept where it asks for it, and not told so',
      see: 'https://www.rfc-editor.org/rfc/rfc9112#appendix-C.2.2',
    },
    {
      cases: ['http10-without-host'],
      what: 'the URL of a request without Host is its path alone',
      see: 'https://github.com/oven-sh/bun/pull/33721',
    },
    {
      cases: ['request-read-after-answer'],
      what: 'a body that is still being read when the answer is done is rejected',
      see: 'https://github.com/oven-sh/bun/pull/33524',
    },
  ],
  'bun-hangup': [
    ...bunForms,
    {
      cases: ['request-kinds'],
      starts: ['code'],
      what: 'blob() of a request has no type of its own',
      see: 'https://github.com/oven-sh/bun/issues/19603',
    },
    {
      cases: ['request-copy'],
      starts: ['code'],
      what: 'a request that was copied does not say that its body was used',
      see: 'https://github.com/oven-sh/bun/pull/33129',
    },
  ],
  deno: [
    {
      cases: ['body-blob', 'body-blob-untyped', 'body-blob-slice', 'body-file'],
      what: 'a Blob is sent as a stream, without its length',
      see: 'https://github.com/denoland/deno/blob/main/ext/http/00_serve.ts',
    },
    {
      cases: ['request-clone-of-read'],
      what: 'clone() of a request that was read gives another that was',
      see: 'https://github.com/denoland/deno/blob/main/ext/fetch/23_request.js',
    },
    {
      cases: ['request-is-one'],
      what: 'redirect of a request is null',
      see: 'https://github.com/denoland/deno/blob/main/ext/fetch/23_request.js',
    },
    {
      cases: [
        'signal-quiet-after-answer',
        'signal-quiet-after-stream',
        'signal-quiet-after-post',
        'signal-quiet-after-close',
        'signal-quiet-after-cancel',
      ],
      what: 'the signal is aborted by each answer that was given',
      see: 'https://github.com/denoland/deno/issues/27005',
    },
    {
      cases: ['signal-seen-late', 'signal-throws-if-aborted'],
      what: 'a signal that is first looked at after the client has gone is not aborted',
      see: 'https://github.com/denoland/deno/issues/21653',
      sometimes: true,
    },
    {
      cases: ['http10-head'],
      what: 'HEAD over HTTP/1.0 of an answer that says no length is kept, it says, and then closed',
      see: 'https://github.com/denoland/deno/blob/98f9507aff/libs/http_h1/conn.rs#L626',
    },
  ],
  'deno-hangup': [],
}
