import type { Answer, Case, HostRuntime } from '../case.ts'

const encoder = new TextEncoder()
const backend = (): string => (globalThis as any).process.env['APPLICATION_BACKEND']

interface Kind {
  readonly name: string
  readonly what: string
  readonly on?: readonly HostRuntime[]
  make(): Response | Promise<Response>
  readonly sees: Omit<Answer, 'status'>
  /** Bytes; null: nobody knows before they have come. */
  readonly length: number | null
}

const larger = Uint8Array.from({ length: 12 }, (_, place) => 97 + place)

function pieces(...texts: readonly string[]): ReadableStream<Uint8Array> {
  const left = texts.values()
  return new ReadableStream({
    pull(controller) {
      const { done, value } = left.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
  })
}

function slowly(...texts: readonly string[]): ReadableStream<Uint8Array> {
  const left = texts.values()
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      const { done, value } = left.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
  })
}

async function* generated(): AsyncGenerator<Uint8Array> {
  yield encoder.encode('one ')
  await new Promise((resolve) => setTimeout(resolve, 2))
  yield encoder.encode('two')
}

const text = /^text\/plain; ?charset=utf-8$/i
const bunFile = (): Blob => (globalThis as any).Bun.file(new URL('../../fixtures/tls/cert.pem', import.meta.url))
const certificate = /^-----BEGIN CERTIFICATE-----[\s\S]*-----END CERTIFICATE-----\s*$/

const kinds: readonly Kind[] = [
  {
    name: 'string',
    what: 'A string goes out as UTF-8 with its type and length',
    make: () => new Response('hällo wörld ✓'),
    sees: { body: 'hällo wörld ✓', fields: { 'content-type': text } },
    length: 17,
  },
  {
    name: 'string-lone-surrogate',
    what: 'A lone surrogate goes out as U+FFFD',
    make: () => new Response('a\ud800b'),
    sees: { body: 'a\ufffdb' },
    length: 5,
  },
  {
    name: 'empty-string',
    what: 'An empty string has a length of 0',
    make: () => new Response(''),
    sees: { body: '', fields: { 'transfer-encoding': null } },
    length: 0,
  },
  {
    name: 'null',
    what: 'null has a length of 0, and no type',
    make: () => new Response(null),
    sees: { body: '', fields: { 'content-type': null, 'transfer-encoding': null } },
    length: 0,
  },
  {
    name: 'bytes',
    what: 'Bytes go out as they are, without a type',
    make: () => new Response(Uint8Array.of(0, 13, 10, 128, 255)),
    sees: { hex: '000d0a80ff', fields: { 'content-type': null } },
    length: 5,
  },
  {
    name: 'view',
    what: 'A view over a larger buffer goes out as the view',
    make: () => new Response(larger.subarray(2, 5)),
    sees: { body: 'cde' },
    length: 3,
  },
  {
    name: 'data-view',
    what: 'A DataView over a larger buffer goes out as the view',
    make: () => new Response(new DataView(larger.buffer, 3, 4)),
    sees: { body: 'defg' },
    length: 4,
  },
  {
    name: 'wide-view',
    what: 'A view of 16-bit numbers goes out in bytes, not in numbers',
    make: () => new Response(new Uint16Array(larger.buffer, 2, 3)),
    sees: { body: 'cdefgh' },
    length: 6,
  },
  {
    name: 'array-buffer',
    what: 'An ArrayBuffer goes out whole',
    make: () => new Response(larger.slice().buffer),
    sees: { body: 'abcdefghijkl' },
    length: 12,
  },
  {
    name: 'bytes-later-changed',
    what: 'Bytes that are changed after the response was made go out as they were',
    make: () => {
      const bytes = encoder.encode('before')
      const response = new Response(bytes)
      bytes.fill(120)
      return response
    },
    sees: { body: 'before' },
    length: 6,
  },
  {
    name: 'bytes-changed-behind-return',
    what: 'Bytes that are changed once the handler has returned go out as they were',
    make: () => {
      const bytes = encoder.encode('before')
      setImmediate(() => bytes.fill(120))
      return new Response(bytes)
    },
    sees: { body: 'before' },
    length: 6,
  },
  {
    name: 'blob',
    what: 'A Blob says its own type',
    make: () => new Response(new Blob(['ab', encoder.encode('cd')], { type: 'application/x-own' })),
    sees: { body: 'abcd', fields: { 'content-type': 'application/x-own' } },
    length: 4,
  },
  {
    name: 'blob-untyped',
    what: 'A Blob without a type has none',
    make: () => new Response(new Blob(['abcd'])),
    sees: { body: 'abcd', fields: { 'content-type': null } },
    length: 4,
  },
  {
    name: 'blob-slice',
    what: 'A slice of a Blob is the slice',
    make: () => new Response(new Blob(['abcdef'], { type: 'a/b' }).slice(1, 4, 'c/d')),
    sees: { body: 'bcd', fields: { 'content-type': 'c/d' } },
    length: 3,
  },
  {
    name: 'file',
    what: 'A File is a Blob',
    make: () => new Response(new File(['file'], 'ü.csv', { type: 'text/csv' })),
    sees: { body: 'file', fields: { 'content-type': /^text\/csv/ } },
    length: 4,
  },
  {
    name: 'form-data',
    what: 'FormData is multipart with the boundary that its type names',
    make: () => {
      const form = new FormData()
      form.append('a', '1')
      form.append('f', new File(['xyz'], 'f.txt', { type: 'text/plain' }))
      return new Response(form)
    },
    sees: {
      body: /^--(\S+)\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--\1\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\nContent-Type: text\/plain\S*\r\n\r\nxyz\r\n--\1--\s*$/i,
      fields: { 'content-type': /^multipart\/form-data; ?boundary=\S+$/ },
    },
    length: null,
  },
  {
    name: 'search-params',
    what: 'URLSearchParams say their type',
    make: () => new Response(new URLSearchParams({ a: '1', b: 'é &' })),
    sees: {
      body: 'a=1&b=%C3%A9+%26',
      fields: { 'content-type': /^application\/x-www-form-urlencoded; ?charset=utf-8$/i },
    },
    length: 16,
  },
  {
    name: 'stream',
    what: 'A stream comes whole and says no length that it does not know',
    make: () => new Response(pieces('one ', 'two ', 'three')),
    sees: { body: 'one two three', fields: { 'content-type': null } },
    length: null,
  },
  {
    name: 'stream-slow',
    what: 'A stream that takes its time comes whole',
    make: () => new Response(slowly('one ', 'two ', 'three')),
    sees: { body: 'one two three' },
    length: null,
  },
  {
    name: 'stream-empty',
    what: 'A stream that ends at once is an empty body',
    make: () => new Response(pieces()),
    sees: { body: '' },
    length: null,
  },
  {
    name: 'stream-empty-slow',
    what: 'A stream that ends later without a byte is an empty body',
    make: () => new Response(slowly()),
    sees: { body: '' },
    length: null,
  },
  {
    name: 'stream-empty-chunk',
    what: 'An empty piece in a stream does not end it',
    make: () => new Response(pieces('one ', '', 'two', '', 'three')),
    sees: { body: 'one twothree' },
    length: null,
  },
  {
    name: 'stream-with-length',
    what: 'A stream with its right length says it',
    make: () => new Response(slowly('one ', 'two'), { headers: { 'Content-Length': '7' } }),
    sees: { body: 'one two' },
    length: 7,
  },
  {
    name: 'stream-large',
    what: 'A megabyte in pieces of 64 KiB comes whole',
    make: () => {
      let left = 16
      return new Response(
        new ReadableStream({
          pull(controller) {
            if (left-- > 0) controller.enqueue(new Uint8Array(65_536).fill(120))
            else controller.close()
          },
        }),
      )
    },
    sees: { bytes: 1_048_576 },
    length: null,
  },
  {
    name: 'stream-of-bytes',
    what: 'A byte stream comes whole',
    make: () =>
      new Response(
        new ReadableStream({
          type: 'bytes',
          start(controller) {
            controller.enqueue(encoder.encode('bytes'))
            controller.close()
          },
        }),
      ),
    sees: { body: 'bytes' },
    length: null,
  },
  {
    name: 'stream-through',
    what: 'A stream through a TransformStream comes whole',
    make: () =>
      new Response(
        new Blob(['abc']).stream().pipeThrough(
          new TransformStream({
            transform(chunk, controller) {
              controller.enqueue(chunk)
              controller.enqueue(encoder.encode('.'))
            },
          }),
        ),
      ),
    sees: { body: 'abc.' },
    length: null,
  },
  {
    name: 'stream-of-generator',
    what: 'ReadableStream.from() of an async generator comes whole',
    on: ['node', 'deno'],
    make: () => new Response((ReadableStream as any).from(generated())),
    sees: { body: 'one two' },
    length: null,
  },
  {
    name: 'async-iterable',
    what: 'An async generator as the body comes whole, where the runtime takes one',
    on: ['bun', 'deno'],
    make: () => new Response(generated() as any),
    sees: { body: 'one two' },
    length: null,
  },
  {
    name: 'body-of-response',
    what: 'The body of another Response goes on',
    make: () => new Response(new Response('inner').body, { headers: { 'X-Outer': '1' } }),
    sees: { body: 'inner', fields: { 'x-outer': '1' } },
    length: null,
  },
  {
    name: 'response-as-init',
    what: 'new Response(body, response) takes status and fields of the other',
    make: () => {
      const first = new Response('first', { status: 200, headers: { 'X-A': '1' } })
      first.headers.append('Set-Cookie', 'late=1')
      const second = new Response(first.body, first)
      second.headers.set('X-B', '2')
      return second
    },
    sees: { body: 'first', fields: { 'x-a': '1', 'x-b': '2', 'set-cookie': 'late=1' } },
    length: null,
  },
  {
    name: 'clone',
    what: 'A clone goes out while its original was read',
    make: async () => {
      const first = new Response('cloned', { headers: { 'X-A': '1' } })
      const clone = first.clone()
      await first.text()
      return clone
    },
    sees: { body: 'cloned', fields: { 'x-a': '1' } },
    length: null,
  },
  {
    name: 'cloned-original',
    what: 'The original goes out while nobody reads its clone',
    make: () => {
      const first = new Response(pieces('ori', 'ginal'))
      first.clone()
      return first
    },
    sees: { body: 'original' },
    length: null,
  },
  {
    name: 'peeked',
    what: 'A response whose body was looked at, not read, goes out',
    make: () => {
      const response = new Response('peeked')
      void response.body
      void response.bodyUsed
      return response
    },
    sees: { body: 'peeked' },
    length: null,
  },
  {
    name: 'fetched',
    what: 'A fetched response passed on comes whole',
    make: () => fetch(`${backend()}/text`),
    sees: { body: 'behind', fields: { 'content-type': 'text/plain' } },
    length: null,
  },
  {
    name: 'fetched-chunked',
    what: 'A fetched stream passed on comes whole, framed once, and its hop’s fields stay behind',
    make: () => fetch(`${backend()}/chunked`),
    sees: { body: 'behind', fields: { 'x-from': 'backend' } },
    length: null,
  },
  {
    name: 'fetched-cookies',
    what: 'Cookies of a fetched response are lines of their own',
    make: () => fetch(`${backend()}/cookies`),
    sees: { body: 'cookies', fields: { 'set-cookie': ['a=1; Path=/', 'b=2; Expires=Wed, 21 Oct 2065 07:28:00 GMT'] } },
    length: null,
  },
  {
    name: 'fetched-data',
    what: 'A fetched data: URL passed on comes whole',
    make: () => fetch('data:text/plain,data%20url'),
    sees: { body: 'data url' },
    length: null,
  },
  {
    name: 'bun-file',
    what: 'Bun.file() says its length and comes whole',
    on: ['bun'],
    make: () => new Response(bunFile()),
    sees: { body: certificate, fields: { 'content-length': /^\d{3,}$/ } },
    length: null,
  },
  {
    name: 'bun-direct-stream',
    what: 'Bun’s direct stream comes whole',
    on: ['bun'],
    make: () =>
      new Response(
        new ReadableStream({
          type: 'direct',
          pull(controller: any) {
            controller.write('direct ')
            controller.write('stream')
            controller.close()
          },
        } as any),
      ),
    sees: { body: 'direct stream' },
    length: null,
  },
]

/** Of HEAD: the length that GET has, or none (RFC 9110 8.6); never another. */
function head({ length, sees: { fields = {} } }: Kind): Answer[] {
  const kept = Object.fromEntries(
    Object.entries(fields).filter(([name]) => !['content-length', 'transfer-encoding'].includes(name)),
  )
  // The type that a body brings with it is lost with the body.
  const { 'content-type': _, ...others } = kept
  const without: Answer = { status: 200, body: '', fields: { ...others, 'content-length': null } }
  return length === null
    ? [without, { ...without, fields: { ...others, 'content-length': /^[1-9]\d*$/ } }]
    : [without, { ...without, fields: { ...others, 'content-length': `${length}` } }]
}

const heads = new Set(['stream-empty', 'stream-empty-slow', 'bun-direct-stream'])

function casesOf(kind: Kind): Case[] {
  const { name, what, on, make, sees, length } = kind
  const more = on && { on }
  const lengthField = length === null ? {} : { 'content-length': `${length}` }
  const wanted: Answer = { status: 200, ...sees, fields: { ...lengthField, ...sees.fields } }
  const whole: Case = {
    id: `body-${name}`,
    title: what,
    returns: () => make(),
    steps: [{ ask: {}, sees: wanted, times: 2 }],
    ...more,
  }
  if (heads.has(name)) return [whole]
  return [
    whole,
    {
      id: `head-${name}`,
      title: `HEAD of it has no body, and the length of GET or none: ${what.charAt(0).toLowerCase()}${what.slice(1)}`,
      see: ['RFC 9110 8.6', 'RFC 9110 9.3.2', 'issue 10.10'],
      returns: () => make(),
      steps: [{ ask: { method: 'HEAD' }, sees: head(kind), times: 2 }],
      ...more,
    },
    {
      id: `plain-head-${name}`,
      title: `HEAD outside Hono, where the handler returns the body all the same: ${what.charAt(0).toLowerCase()}${what.slice(1)}`,
      see: ['RFC 9110 9.3.2', 'issue 11.21'],
      fetches: () => make(),
      steps: [{ ask: { method: 'HEAD' }, sees: head(kind), times: 2 }],
      ...more,
    },
  ]
}

export default [
  ...kinds.flatMap(casesOf),
  {
    id: 'body-bun-file-range',
    title: 'Range on Bun.file() is 206 with the part, or 416',
    see: ['RFC 9110 14.2', 'issue 10.13'],
    on: ['bun'],
    returns: () => new Response(bunFile()),
    steps: [
      {
        ask: { fields: { Range: 'bytes=0-9' } },
        sees: {
          status: 206,
          body: '-----BEGIN',
          fields: { 'content-length': '10', 'content-range': /^bytes 0-9\/\d+$/ },
        },
      },
      { ask: { fields: { Range: 'bytes=5-9' } }, sees: { status: 206, body: 'BEGIN' } },
      { ask: { fields: { Range: 'bytes=-6' } }, sees: { status: 206, bytes: 6 } },
      {
        ask: { fields: { Range: 'bytes=999999-' } },
        sees: { status: 416, fields: { 'content-range': /^bytes \*\/\d+$/ } },
      },
      { ask: { fields: { Range: 'bytes=nonsense' } }, sees: { status: 200, body: certificate } },
    ],
  },
  {
    id: 'body-bun-file-slice',
    title: 'A slice of Bun.file() is the slice',
    on: ['bun'],
    returns: () => new Response(bunFile().slice(0, 10)),
    steps: [{ ask: {}, sees: { status: 200, body: '-----BEGIN', fields: { 'content-length': '10' } }, times: 2 }],
  },
  {
    id: 'body-bun-file-missing',
    title: 'Bun.file() of a file that is not there is a 404 or a 500, never a hang or an empty 200',
    on: ['bun'],
    fetches: () => new Response((globalThis as any).Bun.file('/nonexistent/file')),
    steps: [{ ask: {}, sees: [{ status: [404, 500] }, { status: 200, cut: true }] }],
    log: 'any',
  },
  {
    id: 'body-fetched-gzip',
    title: 'A fetched gzip passed on is readable: coding, length and bytes fit',
    why: 'fetch() has decoded it and kept the fields: passed on as they are, the client reads text as gzip, or waits for the wrong length.',
    see: ['RFC 9110 8.4'],
    returns: async () => {
      const { body, status, headers } = await fetch(`${backend()}/gzip`)
      const own = new Headers(headers)
      own.delete('content-encoding')
      own.delete('content-length')
      return new Response(body, { status, headers: own })
    },
    steps: [{ ask: {}, sees: { status: 200, body: 'behind '.repeat(200), fields: { 'content-encoding': null } } }],
  },
  {
    id: 'body-fetched-empty',
    title: 'A fetched 204 and 304 passed on are whole',
    routes: (app) =>
      app.get('/empty', () => fetch(`${backend()}/empty`)).get('/unchanged', () => fetch(`${backend()}/unchanged`)),
    steps: [
      { ask: { at: '/empty' }, sees: { status: 204, fields: { 'content-length': null } } },
      { ask: { at: '/unchanged' }, sees: { status: 304, fields: { etag: '"1"' } } },
    ],
  },
  {
    id: 'body-fetched-cut',
    title: 'A fetched response that breaks off never looks whole',
    why: 'A cache behind keeps half a file for ever.',
    see: ['RFC 9112 8'],
    returns: () => fetch(`${backend()}/cut`),
    steps: [{ ask: {}, sees: [{ status: 200, cut: true, begins: 'half of' }, { status: 500 }] }],
    log: 'once',
  },
  {
    id: 'body-range-by-hand',
    title: 'A 206 of the application goes out as it is',
    see: ['RFC 9110 15.3.7'],
    returns: () =>
      new Response('cde', { status: 206, headers: { 'Content-Range': 'bytes 2-4/12', 'Accept-Ranges': 'bytes' } }),
    steps: [
      {
        ask: { fields: { Range: 'bytes=2-4' } },
        sees: { status: 206, body: 'cde', fields: { 'content-range': 'bytes 2-4/12', 'content-length': '3' } },
      },
    ],
  },
  {
    id: 'body-range-unasked-for',
    title: 'Range means nothing to an application that does not read it',
    see: ['RFC 9110 14.2'],
    returns: () => new Response('whole'),
    steps: [{ ask: { fields: { Range: 'bytes=0-1' } }, sees: { status: 200, body: 'whole' } }],
  },
  {
    id: 'head-own-length',
    title: 'HEAD says the length that the application gives',
    see: ['RFC 9110 8.6', 'https://github.com/oven-sh/bun/issues/15355'],
    fetches: () => new Response(null, { headers: { 'Content-Length': '1000', 'Content-Type': 'image/jpeg' } }),
    steps: [
      {
        ask: { method: 'HEAD' },
        sees: { status: 200, body: '', fields: { 'content-length': '1000', 'content-type': 'image/jpeg' } },
        times: 2,
      },
    ],
  },
  {
    id: 'head-type',
    title: 'HEAD keeps the type that GET has',
    see: ['RFC 9110 9.3.2'],
    returns: (c) => c.json({ a: 1 }),
    steps: [
      { ask: { method: 'HEAD' }, sees: { status: 200, body: '', fields: { 'content-type': /^application\/json/ } } },
    ],
  },
] satisfies Case[]
