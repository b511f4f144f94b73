import { bodyLimit } from 'hono/body-limit'
import { cloneRawRequest } from 'hono/request'
import type { Ask, Case } from '../case.ts'
import { note } from '../journal.ts'

const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const backend = (): string => (globalThis as any).process.env['APPLICATION_BACKEND']

/** The same body with its length, in chunks, and in one chunk. */
const posts = (text: string): Ask[] => [
  { method: 'POST', body: text, fields: { 'Content-Type': 'text/plain', 'X-Asked': 'yes' } },
  {
    method: 'POST',
    chunks: [text.slice(0, 3), text.slice(3)],
    fields: { 'Content-Type': 'text/plain', 'X-Asked': 'yes' },
  },
  { method: 'POST', chunks: [text], fields: { 'Content-Type': 'text/plain', 'X-Asked': 'yes' } },
]
const answered = (body: string) => posts('hällo world').map((ask) => ({ ask, sees: { status: 200, body } }))

async function read(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for (const reader = body!.getReader(); ; ) {
    const { done, value } = await reader.read()
    if (done) return text
    text += decoder.decode(value, { stream: true })
  }
}

const outcome = async (work: () => Promise<unknown>): Promise<string> => {
  try {
    return `${await work()}`
  } catch (error) {
    return (error as Error).name
  }
}

const boundary = 'X-BOUNDARY'
const multipart = [
  `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\nä\r\n`,
  `--${boundary}\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\nContent-Type: text/csv\r\n\r\n1,2\r\n3\r\n`,
  `--${boundary}--\r\n`,
]

const forms: Ask[] = [
  { method: 'POST', body: multipart.join(''), fields: { 'Content-Type': `multipart/form-data; boundary=${boundary}` } },
  { method: 'POST', chunks: multipart, fields: { 'Content-Type': `multipart/form-data; boundary=${boundary}` } },
]

export default [
  {
    id: 'request-text',
    title: 'text() is the body as UTF-8, however it comes',
    fetches: async (request) => new Response(await request.text()),
    steps: answered('hällo world'),
  },
  {
    id: 'request-kinds',
    title: 'arrayBuffer(), bytes(), blob() and json() read the body',
    routes: (app) =>
      app
        .post('/buffer', async (c) => c.text(`${(await c.req.raw.arrayBuffer()).byteLength}`))
        .post('/bytes', async (c) => c.text(`${(await c.req.raw.bytes()).length}`))
        .post('/blob', async (c) => {
          const blob = await c.req.raw.blob()
          return c.text(`${blob.size} ${blob.type}`)
        })
        .post('/json', async (c) => c.json(await c.req.raw.json())),
    steps: [
      { ask: { method: 'POST', at: '/buffer', body: '12345' }, sees: { status: 200, body: '5' } },
      { ask: { method: 'POST', at: '/bytes', chunks: ['123', '45'] }, sees: { status: 200, body: '5' } },
      {
        ask: { method: 'POST', at: '/blob', body: '12345', fields: { 'Content-Type': 'a/b' } },
        sees: { status: 200, body: '5 a/b' },
      },
      {
        ask: { method: 'POST', at: '/blob', chunks: ['123', '45'], fields: { 'Content-Type': 'a/b' } },
        sees: { status: 200, body: '5 a/b' },
      },
      { ask: { method: 'POST', at: '/json', body: '{"a":1}' }, sees: { status: 200, body: '{"a":1}' } },
      { ask: { method: 'POST', at: '/json', chunks: ['{"a"', ':1}'] }, sees: { status: 200, body: '{"a":1}' } },
    ],
  },
  {
    id: 'request-json-malformed',
    title: 'json() of what is no JSON rejects with a SyntaxError, and the connection goes on',
    fetches: async (request) => new Response(await outcome(() => request.json())),
    steps: [
      { ask: { method: 'POST', body: '{"a"' }, sees: { status: 200, body: 'SyntaxError' } },
      { ask: { method: 'POST', body: '' }, sees: { status: 200, body: 'SyntaxError' } },
      { ask: { method: 'POST', chunks: ['nonsense'] }, sees: { status: 200, body: 'SyntaxError' } },
    ],
  },
  {
    id: 'request-form-data',
    title: 'formData() reads multipart with its file',
    async fetches(request) {
      const form = await request.formData()
      const file = form.get('f') as File
      return Response.json([form.get('a'), file.name, /^[^;]*/.exec(file.type)?.[0], await file.text()])
    },
    steps: forms.map((ask) => ({ ask, sees: { status: 200, body: '["ä","f.txt","text/csv","1,2\\r\\n3"]' } })),
  },
  {
    id: 'request-parse-body',
    title: 'Hono’s parseBody() reads multipart and urlencoded',
    async returns(c) {
      const body = await c.req.parseBody()
      return c.json([body['a'], body['f'] instanceof File])
    },
    steps: [
      ...forms.map((ask) => ({ ask, sees: { status: 200, body: '["ä",true]' } })),
      {
        ask: { method: 'POST', body: 'a=%C3%A4+b', fields: { 'Content-Type': 'application/x-www-form-urlencoded' } },
        sees: { status: 200, body: '["ä b",false]' },
      },
    ],
  },
  {
    id: 'request-form-malformed',
    title: 'formData() of what is none rejects with a TypeError',
    fetches: async (request) => new Response(await outcome(() => request.formData())),
    steps: [
      {
        ask: { method: 'POST', body: 'x', fields: { 'Content-Type': 'multipart/form-data; boundary=b' } },
        sees: { status: 200, body: 'TypeError' },
      },
      {
        ask: { method: 'POST', body: 'x', fields: { 'Content-Type': 'text/plain' } },
        sees: { status: 200, body: 'TypeError' },
      },
    ],
  },
  {
    id: 'request-stream',
    title: 'The body as a stream is the body',
    fetches: async (request) => new Response(await read(request.body)),
    steps: answered('hällo world'),
  },
  {
    id: 'request-iterated',
    title: 'The body is iterated by for await',
    async fetches(request) {
      let bytes = 0
      for await (const chunk of request.body as any) bytes += chunk.length
      return new Response(`${bytes}`)
    },
    steps: answered('12'),
  },
  {
    id: 'request-read-twice',
    title: 'A body that is read twice rejects with a TypeError, and bodyUsed says so',
    async fetches(request) {
      const before = request.bodyUsed
      const text = await request.text()
      return Response.json([before, text, request.bodyUsed, await outcome(() => request.text())])
    },
    steps: answered('[false,"hällo world",true,"TypeError"]'),
  },
  {
    id: 'request-read-by-halves',
    title: 'A body is read by one reader, and the rest by another',
    async fetches(request) {
      const first = request.body!.getReader()
      const { value } = await first.read()
      first.releaseLock()
      const rest = await read(request.body)
      return new Response(`${new TextDecoder().decode(value)}${rest}`)
    },
    steps: [
      { ask: { method: 'POST', chunks: ['one ', 'two ', 'three'] }, sees: { status: 200, body: 'one two three' } },
    ],
  },
  {
    id: 'request-half-read-then-text',
    title: 'text() after a first piece was read rejects with a TypeError',
    async fetches(request) {
      const first = request.body!.getReader()
      await first.read()
      first.releaseLock()
      return new Response(await outcome(() => request.text()))
    },
    steps: [{ ask: { method: 'POST', chunks: ['one ', 'two'] }, sees: { status: 200, body: 'TypeError' } }],
  },
  {
    id: 'request-locked',
    title: 'text() while a reader holds the body rejects with a TypeError',
    async fetches(request) {
      request.body!.getReader()
      return new Response(await outcome(() => request.text()))
    },
    steps: [{ ask: { method: 'POST', body: 'x' }, sees: { status: 200, body: 'TypeError' } }],
  },
  {
    id: 'request-cancelled',
    title: 'A body that is cancelled leaves the connection sound, or ends it in order',
    see: ['https://github.com/honojs/node-server/issues/185'],
    async fetches(request) {
      await request.body!.cancel()
      return new Response('cancelled')
    },
    steps: answered('cancelled'),
  },
  {
    id: 'request-clone',
    title: 'A clone and its original are each read whole',
    async fetches(request) {
      const clone = request.clone()
      return Response.json([await clone.text(), await request.text()])
    },
    steps: answered('["hällo world","hällo world"]'),
  },
  {
    id: 'request-clone-at-once',
    title: 'A clone and its original are read side by side',
    async fetches(request) {
      const clone = request.clone()
      return Response.json(await Promise.all([request.text(), clone.text()]))
    },
    steps: answered('["hällo world","hällo world"]'),
  },
  {
    id: 'request-clone-unread',
    title: 'A clone that nobody reads holds nobody up',
    async fetches(request) {
      request.clone()
      return new Response(await request.text())
    },
    steps: [
      ...answered('hällo world'),
      { ask: { method: 'POST', upload: 300_000 }, sees: { status: 200, bytes: 300_000 } },
    ],
  },
  {
    id: 'request-clone-of-read',
    title: 'A clone of a request that was read throws a TypeError',
    async fetches(request) {
      await request.text()
      return new Response(await outcome(async () => request.clone()))
    },
    steps: answered('TypeError'),
  },
  {
    id: 'request-tee',
    title: 'body.tee() gives the body twice',
    async fetches(request) {
      const [one, two] = request.body!.tee()
      return Response.json(await Promise.all([read(one), read(two)]))
    },
    steps: answered('["hällo world","hällo world"]'),
  },
  {
    id: 'request-with-headers',
    title: 'new Request(request, { headers }) keeps method, URL and body',
    why: 'The idiom of Workers to change a field. Where POST became GET, csrf() behind bodyLimit() was passed by.',
    see: ['https://developers.cloudflare.com/workers/examples/alter-headers/', 'issue 10.3'],
    async returns(c) {
      const headers = new Headers(c.req.raw.headers)
      headers.set('X-Added', '1')
      const copy = new Request(c.req.raw, { headers })
      return c.json([
        copy.method,
        copy.url === c.req.raw.url,
        copy.headers.get('x-added'),
        copy.headers.get('x-asked'),
        await copy.text(),
      ])
    },
    steps: answered('["POST",true,"1","yes","hällo world"]'),
  },
  {
    id: 'request-copy',
    title: 'new Request(request) takes the body: the first was used',
    async fetches(request) {
      const copy = new Request(request)
      return Response.json([copy.method, copy.headers.get('x-asked'), await copy.text(), request.bodyUsed])
    },
    steps: answered('["POST","yes","hällo world",true]'),
  },
  {
    id: 'request-other-method',
    title: 'new Request(request, { method, body }) replaces both',
    async fetches(request) {
      const copy = new Request(request, { method: 'PUT', body: 'other' })
      return Response.json([copy.method, await copy.text(), copy.headers.get('x-asked')])
    },
    steps: answered('["PUT","other","yes"]'),
  },
  {
    id: 'request-as-init',
    title: 'new Request(url, request) takes method, fields and body of the request',
    why: 'The idiom of Workers to ask another host.',
    see: ['https://developers.cloudflare.com/workers/examples/bulk-origin-proxy/'],
    async fetches(request) {
      const copy = new Request('http://other.example/there', request)
      return Response.json([copy.url, copy.method, copy.headers.get('x-asked'), await copy.text()])
    },
    steps: answered('["http://other.example/there","POST","yes","hällo world"]'),
  },
  {
    id: 'request-as-init-of-get',
    title: 'new Request(url, request) of a GET has no body',
    fetches(request) {
      const copy = new Request('http://other.example/there', request)
      return Response.json([copy.method, copy.headers.get('x-asked'), copy.body])
    },
    steps: [{ ask: { fields: { 'X-Asked': 'yes' } }, sees: { status: 200, body: '["GET","yes",null]' } }],
  },
  {
    id: 'request-passed-to-fetch',
    title: 'fetch(new Request(url, request)) sends the request on',
    async returns(c) {
      const answer = await fetch(new Request(`${backend()}/echo`, c.req.raw))
      return c.json(await answer.json())
    },
    steps: answered('{"method":"POST","length":12,"type":"text/plain","x":"yes"}').slice(0, 1),
  },
  {
    id: 'request-chunked-passed-to-fetch',
    title: 'fetch(new Request(url, request)) sends on a chunked request',
    async returns(c) {
      const answer = await fetch(new Request(`${backend()}/echo`, c.req.raw))
      return c.json(await answer.json())
    },
    steps: answered('{"method":"POST","length":12,"type":"text/plain","x":"yes"}').slice(1),
  },
  {
    id: 'request-parts-passed-to-fetch',
    title: 'fetch(url, { method, headers, body: request.body, duplex }) sends the request on',
    async returns(c) {
      const { method, headers, body } = c.req.raw
      const own = new Headers(headers)
      for (const name of ['host', 'content-length', 'transfer-encoding', 'connection']) own.delete(name)
      const answer = await fetch(`${backend()}/echo`, { method, headers: own, body, duplex: 'half' } as RequestInit)
      return c.json(await answer.json())
    },
    steps: answered('{"method":"POST","length":12,"type":"text/plain","x":"yes"}'),
  },
  {
    id: 'request-clone-raw-of-hono',
    title: 'Hono’s cloneRawRequest() after the body was read',
    async returns(c) {
      const text = await c.req.text()
      const copy = await cloneRawRequest(c.req)
      return c.json([text, copy.method, await copy.text()])
    },
    steps: answered('["hällo world","POST","hällo world"]'),
  },
  {
    id: 'request-behind-body-limit',
    title: 'Hono’s bodyLimit() passes on the body, however it comes',
    see: ['https://github.com/honojs/hono/issues/2627'],
    routes: (app) =>
      app.use(bodyLimit({ maxSize: 100 })).post('/', async (c) => c.text(`${c.req.method} ${await c.req.text()}`)),
    steps: answered('POST hällo world'),
  },
  {
    id: 'request-unread',
    title: 'A body that nobody reads does not become the next request',
    fetches: () => new Response('unread'),
    steps: [
      { ask: { method: 'POST', body: 'GET /evil HTTP/1.1\r\nHost: a\r\n\r\n' }, sees: { status: 200, body: 'unread' } },
      { ask: { method: 'POST', chunks: ['one', 'two'] }, sees: { status: 200, body: 'unread' } },
      { ask: { method: 'PUT', upload: 200_000 }, sees: { status: 200, body: 'unread' } },
    ],
  },
  {
    id: 'request-half-read-then-answered',
    title: 'A body that is read by half does not become the next request',
    see: ['https://github.com/oven-sh/bun/issues/35283'],
    async fetches(request) {
      await request.body!.getReader().read()
      return new Response('enough', { status: 413 })
    },
    steps: [
      {
        ask: { method: 'POST', chunks: ['one', 'two', 'GET /evil HTTP/1.1\r\n\r\n'] },
        sees: { status: 413, body: 'enough' },
      },
      { ask: { method: 'POST', upload: 200_000 }, sees: { status: 413, body: 'enough' } },
    ],
  },
  {
    id: 'request-echoed',
    title: 'new Response(request.body) is a duplex echo, of 300 kB as well',
    see: ['https://github.com/denoland/deno/issues/36624', 'issue 10.6'],
    returns: (c) => new Response(c.req.raw.body),
    steps: [
      ...answered('hällo world'),
      { ask: { method: 'POST', upload: 300_000 }, sees: { status: 200, bytes: 300_000 }, times: 3 },
    ],
  },
  {
    id: 'request-echoed-later',
    title: 'The same after the handler has waited',
    see: ['https://github.com/denoland/deno/issues/36624'],
    async fetches(request) {
      await later(20)
      return new Response(request.body)
    },
    steps: [
      ...answered('hällo world'),
      { ask: { method: 'POST', upload: 300_000 }, sees: { status: 200, bytes: 300_000 } },
    ],
  },
  {
    id: 'request-read-after-answer',
    title: 'A body that was begun before the answer is read to its end after it',
    see: ['https://github.com/oven-sh/bun/pull/33524', 'https://github.com/denoland/deno/issues/36624'],
    fetches(request) {
      request.text().then(
        (text) => note(request, `read ${text.length}`),
        (error) => note(request, `rejected ${error.name}`),
      )
      return new Response('early')
    },
    steps: [
      { ask: { method: 'POST', body: 'x'.repeat(5_000) }, sees: { status: 200, body: 'early' } },
      { notes: ['read 5000'] },
    ],
  },
  {
    id: 'request-read-after-end',
    title: 'A body that is first asked for long after the answer is read or rejected: it does not hang',
    fetches(request) {
      setTimeout(() => {
        request.text().then(
          () => note(request, 'settled'),
          () => note(request, 'settled'),
        )
      }, 100)
      return new Response('early')
    },
    steps: [{ ask: { method: 'POST', body: 'late' }, sees: { status: 200, body: 'early' } }, { notes: ['settled'] }],
  },
  {
    id: 'request-cut',
    title: 'A body whose client goes rejects, and the process lives',
    see: ['https://github.com/honojs/node-server/issues/207'],
    async fetches(request) {
      note(request, `began ${await outcome(() => Promise.resolve(''))}`)
      try {
        note(request, `read ${(await request.text()).length}`)
      } catch (error) {
        note(request, `rejected ${error instanceof Error}`)
        throw error
      }
      return new Response('x')
    },
    over: ['tcp', 'tls'],
    steps: [
      {
        abandons: { method: 'POST', body: 'only some', fields: { 'Content-Length': '100' } },
        by: 'reset',
        after: { ms: 60 },
      },
      { notes: ['began ', 'rejected true'] },
    ],
    log: 'any',
  },
  {
    id: 'request-of-get',
    title: 'A GET has a null body, and reading it gives nothing',
    async fetches(request) {
      return Response.json([request.body, request.bodyUsed, await request.text()])
    },
    steps: [{ ask: {}, sees: { status: 200, body: '[null,false,""]' } }],
  },
  {
    id: 'request-of-get-with-body',
    title: 'A GET with a body is answered, and its body is not the next request',
    see: ['RFC 9110 9.3.1'],
    fetches: (request) => new Response(request.method),
    steps: [
      { ask: { body: 'GET /evil HTTP/1.1\r\n\r\n' }, sees: { status: 200, body: 'GET' } },
      { ask: { chunks: ['one', 'two'] }, sees: { status: 200, body: 'GET' } },
    ],
  },
  {
    id: 'request-of-empty-post',
    title: 'A POST without a body reads as nothing',
    fetches: async (request) => Response.json([request.method, await request.text()]),
    steps: [
      { ask: { method: 'POST', body: '' }, sees: { status: 200, body: '["POST",""]' } },
      { ask: { method: 'POST', chunks: [] }, sees: { status: 200, body: '["POST",""]' } },
      { ask: { method: 'DELETE' }, sees: { status: 200, body: '["DELETE",""]' } },
    ],
  },
  {
    id: 'request-methods',
    title: 'Any method that is a token reaches the application',
    see: ['RFC 9110 9.1'],
    fetches: (request) => new Response(request.method),
    steps: ['PUT', 'PATCH', 'OPTIONS', 'DELETE', 'PROPFIND', 'PURGE', 'QUERY'].map((method) => ({
      ask: { method },
      sees: { status: 200, body: method },
    })),
  },
  {
    id: 'request-url',
    title: 'The URL is the target as it was sent, under its authority',
    see: ['RFC 9112 3.3'],
    fetches: (request) =>
      new Response(new URL(request.url).pathname.split('/').slice(3).join('/') + new URL(request.url).search),
    steps: [
      { ask: { at: '/a%20b/%C3%BC?q=%26%20&r' }, sees: { status: 200, body: 'a%20b/%C3%BC?q=%26%20&r' } },
      { ask: { at: '/a%2Fb//c?x=/../y' }, sees: { status: 200, body: 'a%2Fb//c?x=/../y' } },
      { ask: { at: '/a?' }, sees: { status: 200, body: 'a' } },
    ],
  },
  {
    id: 'request-host',
    title: 'The URL has the Host of the request',
    over: ['tcp', 'tls'],
    fetches: (request) => new Response(`${new URL(request.url).host} ${request.headers.get('host')}`),
    steps: [
      {
        ask: { fields: { Host: 'example.com:8080' } },
        sees: { status: 200, body: 'example.com:8080 example.com:8080' },
      },
    ],
  },
  {
    id: 'request-scheme',
    title: 'The URL has the scheme that is spoken',
    fetches: (request) => new Response(new URL(request.url).protocol),
    steps: [{ ask: {}, sees: { status: 200, body: /^https?:$/ } }],
  },
  {
    id: 'request-fields',
    title: 'Fields are read by any case, repeated ones are joined, and iterated in small letters',
    see: ['RFC 9110 5.3'],
    fetches({ headers }) {
      const own = [...headers].filter(([name]) => name.startsWith('x-'))
      return Response.json([
        headers.get('X-ONE'),
        headers.has('x-two'),
        headers.get('x-three'),
        Object.fromEntries(own),
      ])
    },
    steps: [
      {
        ask: { fields: { 'X-One': '1', 'X-Two': ['a', 'b'] } },
        sees: { status: 200, body: '["1",true,null,{"x-one":"1","x-two":"a, b"}]' },
      },
    ],
  },
  {
    id: 'request-fields-latin1',
    title: 'A field value in latin1 is read byte for byte',
    over: ['tcp', 'tls'],
    fetches: ({ headers }) => new Response(headers.get('x-name')),
    steps: [{ ask: { fields: { 'X-Name': 'Caf\xe9' } }, sees: { status: 200, body: 'Café' } }],
  },
  {
    id: 'request-cookies',
    title: 'Cookies that come in several fields are all seen',
    see: ['RFC 9113 8.2.3'],
    returns: (c) => c.text(c.req.header('cookie') ?? 'none'),
    steps: [{ ask: { fields: { Cookie: 'a=1; b=2' } }, sees: { status: 200, body: 'a=1; b=2' } }],
  },
  {
    id: 'request-is-one',
    title: 'A request is an instance of Request, with the properties of one',
    fetches: (request) =>
      Response.json([
        request instanceof Request,
        Object.prototype.toString.call(request),
        request.headers instanceof Headers,
        typeof request.mode,
        request.redirect,
        new Request(request) instanceof Request,
      ]),
    steps: [{ ask: {}, sees: { status: 200, body: '[true,"[object Request]",true,"string","follow",true]' } }],
  },
] satisfies Case[]
