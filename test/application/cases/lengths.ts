import type { Answer, Case } from '../case.ts'

const encoder = new TextEncoder()

function stream(...texts: readonly string[]): ReadableStream<Uint8Array> {
  const left = texts.values()
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 2))
      const { done, value } = left.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
  })
}

const said = (length: string) => ({ headers: { 'Content-Length': length } })

/** Cut at the length, or not at all whole. Never a byte beyond it. */
const tooMany: readonly Answer[] = [
  { status: 200, body: 'hello', fields: { 'content-length': '5' }, connection: 'ended' },
  { status: 200, cut: true, begins: 'hello' },
]
const tooFew: readonly Answer[] = [{ status: 200, cut: true, begins: 'hello' }]

export default [
  {
    id: 'length-stream-too-many',
    title: 'A stream that gives more than its Content-Length is cut there',
    why: 'The surplus would be read as the answer to the next request of the connection, and behind a gateway as another client’s.',
    see: ['RFC 9112 6.3', 'issue 10.4'],
    returns: () => new Response(stream('hello', 'world'), said('5')),
    steps: [{ ask: {}, sees: [...tooMany] }],
    log: 'once',
  },
  {
    id: 'length-stream-too-many-at-once',
    title: 'A first piece that is longer than the Content-Length is cut there',
    see: ['RFC 9112 6.3', 'issue 10.4', 'https://github.com/denoland/deno/issues/36456'],
    returns: () => new Response(stream('helloworld'), said('5')),
    steps: [{ ask: {}, sees: [...tooMany] }],
    log: 'once',
  },
  {
    id: 'length-stream-smuggles',
    title: 'What a stream gives beyond its length is no answer to the next request',
    see: ['issue 10.4'],
    over: ['tcp', 'tls'],
    returns: () => new Response(stream('hello', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nEVIL!'), said('5')),
    steps: [{ ask: {}, sees: [...tooMany] }],
    log: 'once',
  },
  {
    id: 'length-stream-too-few',
    title: 'A stream that ends before its Content-Length never looks whole, and the client does not wait',
    see: ['RFC 9112 8', 'issue 10.4'],
    returns: () => new Response(stream('hel', 'lo'), said('10')),
    steps: [{ ask: {}, sees: [...tooFew] }],
    log: 'once',
  },
  {
    id: 'length-stream-none',
    title: 'A stream that ends without a byte of its Content-Length never looks whole',
    see: ['RFC 9112 8'],
    returns: () => new Response(stream(), said('10')),
    steps: [{ ask: {}, sees: [{ status: 200, cut: true }, { status: 500 }] }],
    log: 'once',
  },
  {
    id: 'length-zero-of-stream',
    title: 'Content-Length: 0 with a stream that gives something',
    see: ['RFC 9112 6.3'],
    returns: () => new Response(stream('hello'), said('0')),
    steps: [
      {
        ask: {},
        sees: [
          { status: 200, body: '', connection: 'either' },
          { status: 200, cut: true, begins: '' },
        ],
      },
    ],
    log: 'once',
  },
  {
    id: 'length-bytes-too-many',
    title: 'More bytes than the Content-Length: set right, cut there or a 500, never beyond',
    see: ['RFC 9112 6.3', 'https://github.com/oven-sh/bun/issues/18238'],
    returns: () => new Response('helloworld', said('5')),
    steps: [
      {
        ask: {},
        sees: [
          { status: 200, body: 'helloworld', fields: { 'content-length': '10' } },
          { status: 200, body: 'hello', fields: { 'content-length': '5' }, connection: 'either' },
          { status: 200, cut: true, begins: 'hello' },
          { status: 500 },
        ],
      },
    ],
    log: 'any',
  },
  {
    id: 'length-bytes-too-few',
    title: 'Fewer bytes than the Content-Length: set right, cut or a 500, and the client does not wait',
    see: ['RFC 9112 8'],
    returns: () => new Response('hello', said('10')),
    steps: [
      {
        ask: {},
        sees: [
          { status: 200, body: 'hello', fields: { 'content-length': '5' } },
          { status: 200, cut: true, begins: 'hello' },
          { status: 500 },
        ],
      },
    ],
    log: 'any',
  },
  {
    id: 'length-of-nothing',
    title: 'A Content-Length without a body: set right, cut or a 500, and the client does not wait',
    returns: () => new Response(null, said('10')),
    steps: [
      {
        ask: {},
        sees: [
          { status: 200, body: '', fields: { 'content-length': '0' } },
          { status: 200, cut: true },
          { status: 500 },
        ],
      },
    ],
    log: 'any',
  },
  {
    id: 'length-malformed',
    title: 'A Content-Length that is no number never reaches the client',
    see: ['RFC 9110 8.6', 'RFC 9112 6.3'],
    routes: (app) => app.get('/:length', (c) => new Response('hello', said(c.req.param('length')))),
    steps: ['abc', '-5', '5,%205', '1e1', '0x5', '5.0'].map((length) => ({
      ask: { at: `/${length}` },
      sees: [{ status: 200, body: 'hello', fields: { 'content-length': '5' } }, { status: 500 }],
    })),
    log: 'any',
  },
  {
    id: 'length-malformed-of-stream',
    title: 'A malformed Content-Length of a stream never reaches the client',
    see: ['RFC 9110 8.6'],
    routes: (app) => app.get('/:length', (c) => new Response(stream('hello'), said(c.req.param('length')))),
    steps: ['abc', '-5', '5,%205', '1e1'].map((length) => ({
      ask: { at: `/${length}` },
      sees: [{ status: 200, body: 'hello' }, { status: 500 }, { status: 200, cut: true, begins: 'hello' }],
    })),
    log: 'any',
  },
  {
    id: 'length-beside-coding',
    title: 'Content-Length beside Transfer-Encoding of the application: one of them goes out',
    why: 'Two framings in one message are how one becomes two for the next hop.',
    see: ['RFC 9112 6.2'],
    returns: () =>
      new Response(stream('hello'), { headers: { 'Content-Length': '5', 'Transfer-Encoding': 'chunked' } }),
    steps: [{ ask: {}, sees: { status: 200, body: 'hello' }, times: 2 }],
  },
  {
    id: 'length-right',
    title: 'The right Content-Length of bytes is said once',
    returns: () => new Response('hello', said('5')),
    steps: [{ ask: {}, sees: { status: 200, body: 'hello', fields: { 'content-length': '5' } }, times: 2 }],
  },
] satisfies Case[]
