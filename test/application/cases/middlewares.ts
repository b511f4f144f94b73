import { basicAuth } from 'hono/basic-auth'
import { bearerAuth } from 'hono/bearer-auth'
import { bodyLimit } from 'hono/body-limit'
import { compress } from 'hono/compress'
import { contextStorage, getContext } from 'hono/context-storage'
import { deleteCookie, getCookie, getSignedCookie, setCookie, setSignedCookie } from 'hono/cookie'
import { cors } from 'hono/cors'
import { csrf } from 'hono/csrf'
import { etag } from 'hono/etag'
import { HTTPException } from 'hono/http-exception'
import { jwt, sign } from 'hono/jwt'
import { logger } from 'hono/logger'
import { methodOverride } from 'hono/method-override'
import { proxy } from 'hono/proxy'
import { requestId } from 'hono/request-id'
import { secureHeaders } from 'hono/secure-headers'
import { stream, streamSSE, streamText } from 'hono/streaming'
import { timeout } from 'hono/timeout'
import { timing } from 'hono/timing'
import { trimTrailingSlash } from 'hono/trailing-slash'
import { type Case, failure } from '../case.ts'
import { serveStatic } from '../helpers.ts'
import { note } from '../journal.ts'

const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const backend = (): string => (globalThis as any).process.env['APPLICATION_BACKEND']
const long = 'compress me '.repeat(200)
const form = 'application/x-www-form-urlencoded'
const evil = { Origin: 'http://evil.example', 'Content-Type': form }
const key = 'a key of the suite’s own'
const token = await sign({ sub: 'me' }, key, 'HS256')

export default [
  {
    id: 'etag',
    title: 'etag() answers If-None-Match with 304, and HEAD with the tag',
    see: ['https://hono.dev/docs/middleware/builtin/etag'],
    routes: (app) => app.use(etag()).get('/', (c) => c.text('tagged')),
    steps: [
      { ask: {}, sees: { status: 200, body: 'tagged', fields: { etag: /^"[0-9a-f]+"$/ } } },
      { ask: { fields: { 'If-None-Match': '*' } }, sees: { status: [200, 304] } },
      {
        ask: { fields: { 'If-None-Match': '"0d1ba1b1bc5a3bcd7bcfc8a92ed7ca5c44cc73d3"' } },
        sees: [
          { status: 304, body: '' },
          { status: 200, body: 'tagged' },
        ],
      },
      { ask: { method: 'HEAD' }, sees: { status: 200, body: '', fields: { etag: /^"[0-9a-f]+"$/ } } },
    ],
  },
  {
    id: 'compress',
    title: 'compress() is gzip with a framing that fits it',
    see: ['https://hono.dev/docs/middleware/builtin/compress'],
    routes: (app) => app.use(compress()).get('/', (c) => c.body(long, 200, { 'Content-Type': 'text/plain' })),
    steps: [
      {
        ask: { fields: { 'Accept-Encoding': 'gzip' } },
        sees: { status: 200, fields: { 'content-encoding': 'gzip', vary: /accept-encoding/i } },
        times: 2,
      },
      { ask: {}, sees: { status: 200, body: long, fields: { 'content-encoding': null } } },
      { ask: { method: 'HEAD', fields: { 'Accept-Encoding': 'gzip' } }, sees: { status: 200, body: '' }, times: 2 },
    ],
  },
  {
    id: 'compress-with-length',
    title: 'compress() behind a handler that says a length does not keep to that length',
    routes: (app) =>
      app
        .use(compress())
        .get('/', (c) => c.body(long, 200, { 'Content-Type': 'text/plain', 'Content-Length': `${long.length}` })),
    steps: [
      {
        ask: { fields: { 'Accept-Encoding': 'gzip' } },
        sees: { status: 200, fields: { 'content-encoding': 'gzip' } },
        times: 2,
      },
    ],
  },
  {
    id: 'compress-with-etag',
    title: 'compress() and etag() together',
    routes: (app) =>
      app
        .use(etag())
        .use(compress())
        .get('/', (c) => c.body(long, 200, { 'Content-Type': 'text/plain' })),
    steps: [
      {
        ask: { fields: { 'Accept-Encoding': 'gzip' } },
        sees: { status: 200, fields: { 'content-encoding': 'gzip', etag: /^(W\/)?"/ } },
      },
    ],
  },
  {
    id: 'cors-keeps-length',
    title: 'a response that cors() puts into another one still says how long it is',
    see: ['https://hono.dev/docs/middleware/builtin/cors'],
    routes: (app) => app.use(cors()).get('/', (c) => c.json({ said: 'twice' })),
    steps: [{ ask: {}, sees: { status: 200, body: '{"said":"twice"}', fields: { 'content-length': '16' } }, times: 3 }],
  },
  {
    id: 'cors',
    title: 'cors() answers a preflight and marks an answer',
    routes: (app) => app.use(cors({ origin: 'http://here.example', credentials: true })).put('/', (c) => c.text('put')),
    steps: [
      {
        ask: { method: 'OPTIONS', fields: { Origin: 'http://here.example', 'Access-Control-Request-Method': 'PUT' } },
        sees: {
          status: 204,
          fields: {
            'access-control-allow-origin': 'http://here.example',
            'access-control-allow-methods': /PUT/,
            'content-length': null,
          },
        },
      },
      {
        ask: { method: 'PUT', body: 'x', fields: { Origin: 'http://here.example' } },
        sees: {
          status: 200,
          body: 'put',
          fields: { 'access-control-allow-origin': 'http://here.example', vary: /Origin/ },
        },
      },
    ],
  },
  {
    id: 'csrf',
    title: 'csrf() refuses a form of another origin, however its body comes',
    see: ['issue 10.3'],
    routes: (app) => app.use(csrf()).post('/', (c) => c.text('done')),
    steps: [
      { ask: { method: 'POST', body: 'a=1', fields: evil }, sees: { status: 403 } },
      { ask: { method: 'POST', chunks: ['a=', '1'], fields: evil }, sees: { status: 403 } },
      {
        ask: { method: 'POST', body: '{}', fields: { 'Content-Type': 'application/json' } },
        sees: { status: 200, body: 'done' },
      },
    ],
  },
  {
    id: 'csrf-behind-body-limit',
    title: 'csrf() behind bodyLimit() is not passed by',
    why: 'bodyLimit() makes a new Request of a chunked one. Where that turned POST into GET, csrf() had nothing to refuse.',
    see: ['issue 10.3'],
    routes: (app) =>
      app
        .use(bodyLimit({ maxSize: 1_000 }))
        .use(csrf())
        .post('/', (c) => c.text('done'))
        .get('/', (c) => c.text('passed by')),
    steps: [
      { ask: { method: 'POST', chunks: ['a=', '1'], fields: evil }, sees: { status: 403 } },
      { ask: { method: 'POST', body: 'a=1', fields: evil }, sees: { status: 403 } },
    ],
  },
  {
    id: 'csrf-after-copy',
    title: 'csrf() after a middleware that puts a copy in the place of the request is not passed by',
    see: ['issue 10.3'],
    routes: (app) =>
      app
        .use(async (c, next) => {
          c.req.raw = new Request(c.req.raw, { headers: new Headers(c.req.raw.headers) })
          await next()
        })
        .use(csrf())
        .post('/', async (c) => c.text(`done ${await c.req.text()}`)),
    steps: [
      { ask: { method: 'POST', chunks: ['a=', '1'], fields: evil }, sees: { status: 403 } },
      { ask: { method: 'POST', body: 'a=1', fields: evil }, sees: { status: 403 } },
      {
        ask: { method: 'POST', body: '{}', fields: { 'Content-Type': 'application/json' } },
        sees: { status: 200, body: 'done {}' },
      },
    ],
  },
  {
    id: 'body-limit',
    title: 'bodyLimit() refuses what is too large, with its length and without',
    see: ['https://hono.dev/docs/middleware/builtin/body-limit'],
    routes: (app) => app.use(bodyLimit({ maxSize: 10 })).post('/', async (c) => c.text(await c.req.text())),
    steps: [
      { ask: { method: 'POST', body: 'small' }, sees: { status: 200, body: 'small' } },
      { ask: { method: 'POST', chunks: ['sma', 'll'] }, sees: { status: 200, body: 'small' } },
      { ask: { method: 'POST', body: 'much too large' }, sees: { status: 413 } },
      { ask: { method: 'POST', chunks: ['much ', 'too ', 'large ', 'in chunks'] }, sees: { status: 413 } },
      { ask: { method: 'POST', upload: 200_000 }, sees: { status: 413 } },
    ],
  },
  {
    id: 'basic-auth',
    title: 'basicAuth() asks, and lets in',
    routes: (app) => app.use(basicAuth({ username: 'me', password: 'mine' })).get('/', (c) => c.text('in')),
    steps: [
      { ask: {}, sees: { status: 401, fields: { 'www-authenticate': /^Basic realm=/ } } },
      { ask: { fields: { Authorization: `Basic ${btoa('me:mine')}` } }, sees: { status: 200, body: 'in' } },
      { ask: { method: 'POST', body: 'x' }, sees: { status: 401 } },
    ],
  },
  {
    id: 'bearer-auth',
    title: 'bearerAuth() asks, and lets in',
    routes: (app) => app.use(bearerAuth({ token: 'abc' })).get('/', (c) => c.text('in')),
    steps: [
      { ask: {}, sees: { status: 401 } },
      { ask: { fields: { Authorization: 'Bearer abc' } }, sees: { status: 200, body: 'in' } },
    ],
  },
  {
    id: 'jwt',
    title: 'jwt() asks, and lets in',
    routes: (app) => app.use(jwt({ secret: key, alg: 'HS256' })).get('/', (c) => c.json(c.get('jwtPayload'))),
    steps: [
      { ask: {}, sees: { status: 401, fields: { 'www-authenticate': /^Bearer realm=/ } } },
      { ask: { fields: { Authorization: 'Bearer a.b.c' } }, sees: { status: 401 } },
      { ask: { fields: { Authorization: `Bearer ${token}` } }, sees: { status: 200, body: '{"sub":"me"}' } },
    ],
  },
  {
    id: 'timeout',
    title: 'timeout() is a 504 in its time, and what comes late ends nothing',
    routes: (app) =>
      app
        .use(timeout(100))
        .get('/late', async (c) => {
          await later(700)
          return c.text('late')
        })
        .get('/fails', async () => {
          await later(600)
          throw failure()
        })
        .get('/now', (c) => c.text('now')),
    steps: [
      { ask: { at: '/late' }, sees: { status: 504 } },
      { ask: { at: '/fails' }, sees: { status: 504 } },
      { ask: { at: '/now' }, sees: { status: 200, body: 'now' } },
      { wait: 700 },
    ],
  },
  {
    id: 'timeout-of-own-error',
    title: 'timeout() with an exception of one’s own',
    routes: (app) =>
      app.use(timeout(40, new HTTPException(408, { message: 'too slow' }))).get('/', async (c) => {
        await later(500)
        return c.text('late')
      }),
    steps: [{ ask: {}, sees: { status: 408, body: 'too slow' } }, { wait: 500 }],
  },
  {
    id: 'logger',
    title: 'logger() logs, and changes nothing',
    routes: (app) =>
      app
        .use(logger((line) => console.log(line.replace(/\S*\/logger\S*/, ''))))
        .get('/', (c) => c.text('logged'))
        .get('/fails', () => {
          throw failure()
        }),
    steps: [
      { ask: {}, sees: { status: 200, body: 'logged' } },
      { ask: { at: '/fails' }, sees: { status: 500 } },
      { ask: { at: '/missing' }, sees: { status: 404 } },
    ],
  },
  {
    id: 'secure-headers',
    title: 'secureHeaders() are there, of text, of a stream and of a raw Response',
    routes: (app) =>
      app
        .use(secureHeaders())
        .get('/text', (c) => c.text('x'))
        .get('/raw', () => new Response('x', { headers: { 'X-Own': '1' } }))
        .get('/stream', (c) =>
          stream(c, async (out) => {
            await out.write('x')
          }),
        ),
    steps: ['/text', '/raw', '/stream'].map((at) => ({
      ask: { at },
      sees: {
        status: 200,
        body: 'x',
        fields: { 'x-frame-options': 'SAMEORIGIN', 'x-content-type-options': 'nosniff' },
      },
    })),
  },
  {
    id: 'serve-static',
    title: 'serveStatic() serves a file with its type, and 404 for another',
    routes: (app, path) => {
      app.use('/*', serveStatic({ root: './test/fixtures', rewriteRequestPath: (asked) => asked.slice(path.length) }))
      return app
    },
    steps: [
      { ask: { at: '/tls/cert.pem' }, sees: { status: 200, body: /^-----BEGIN CERTIFICATE-----/ }, times: 2 },
      { ask: { at: '/tls/README.md' }, sees: { status: 200, body: /./s } },
      { ask: { at: '/missing' }, sees: { status: 404 } },
      { ask: { at: '/tls/../../../package.json' }, sees: { status: [400, 404] } },
      { ask: { at: '/%2e%2e/%2e%2e/package.json' }, sees: { status: [400, 404] } },
      { ask: { at: '/..%2f..%2fpackage.json' }, sees: { status: [400, 404] } },
    ],
  },
  {
    id: 'serve-static-head',
    title: 'HEAD of a static file says no wrong length',
    routes: (app, path) => {
      app.use('/*', serveStatic({ root: './test/fixtures', rewriteRequestPath: (asked) => asked.slice(path.length) }))
      return app
    },
    steps: [
      {
        ask: { method: 'HEAD', at: '/tls/cert.pem' },
        sees: [
          { status: 200, body: '', fields: { 'content-length': null } },
          { status: 200, body: '', fields: { 'content-length': /^[1-9]\d{2,}$/ } },
        ],
        times: 2,
      },
    ],
  },
  {
    id: 'serve-static-range',
    title: 'Range of a static file is 206 with the part, or the whole',
    see: ['RFC 9110 14.2'],
    routes: (app, path) => {
      app.use('/*', serveStatic({ root: './test/fixtures', rewriteRequestPath: (asked) => asked.slice(path.length) }))
      return app
    },
    steps: [
      {
        ask: { at: '/tls/cert.pem', fields: { Range: 'bytes=5-9' } },
        sees: [
          { status: 206, body: 'BEGIN' },
          { status: 200, body: /^-----BEGIN/ },
        ],
      },
    ],
  },
  {
    id: 'method-override',
    title: 'methodOverride() makes a DELETE of a form',
    routes: (app) =>
      app
        .use(methodOverride({ app }))
        .delete('/', async (c) => c.text('deleted'))
        .post('/', (c) => c.text('posted')),
    over: ['tcp', 'tls', 'h2'],
    steps: [
      { ask: { method: 'POST', body: 'a=1', fields: { 'Content-Type': form } }, sees: { status: 200, body: 'posted' } },
    ],
  },
  {
    id: 'proxy',
    title: 'Hono’s proxy() passes on text, a stream, cookies and gzip, and each is whole',
    see: ['https://hono.dev/docs/helpers/proxy'],
    routes: (app) => app.get('/:what', (c) => proxy(`${backend()}/${c.req.param('what')}`)),
    steps: [
      { ask: { at: '/text' }, sees: { status: 200, body: 'behind' }, times: 2 },
      { ask: { at: '/chunked' }, sees: { status: 200, body: 'behind', fields: { 'x-from': 'backend' } }, times: 2 },
      {
        ask: { at: '/gzip' },
        sees: { status: 200, body: 'behind '.repeat(200), fields: { 'content-encoding': null } },
      },
      { ask: { at: '/empty' }, sees: { status: 204 } },
      {
        ask: { at: '/cookies' },
        sees: { status: 200, fields: { 'set-cookie': ['a=1; Path=/', 'b=2; Expires=Wed, 21 Oct 2065 07:28:00 GMT'] } },
      },
    ],
  },
  {
    id: 'proxy-request',
    title: 'proxy() with the request passes on method, fields and body',
    routes: (app) =>
      app.all('/', (c) => proxy(`${backend()}/echo`, { ...c.req, headers: { 'X-Asked': 'proxied' } } as any)),
    steps: [
      {
        ask: { method: 'POST', body: 'twelve bytes' },
        sees: { status: 200, body: /"method":"POST","length":12,.*"x":"proxied"/ },
      },
      {
        ask: { method: 'POST', chunks: ['twelve ', 'bytes'] },
        sees: { status: 200, body: /"method":"POST","length":12,.*"x":"proxied"/ },
      },
      { ask: {}, sees: { status: 200, body: /"method":"GET","length":0/ } },
    ],
  },
  {
    id: 'proxy-unreachable',
    title: 'proxy() to nobody is Hono’s 500, and the process lives',
    returns: () => proxy('http://127.0.0.1:1/'),
    steps: [{ ask: {}, sees: { status: 500 } }],
  },
  {
    id: 'stream-text',
    title: 'streamText() comes whole, over HTTP/2 as well',
    why: 'Hono sets Transfer-Encoding, which HTTP/2 forbids.',
    see: ['RFC 9113 8.2.2', 'issue 10.2'],
    returns: (c) =>
      streamText(c, async (out) => {
        await out.writeln('one')
        await out.sleep(10)
        await out.write('two')
      }),
    steps: [{ ask: {}, sees: { status: 200, body: 'one\ntwo', fields: { 'content-type': /^text\/plain/ } }, times: 2 }],
  },
  {
    id: 'stream-sse',
    title: 'streamSSE() comes whole, over HTTP/2 as well',
    see: ['RFC 9113 8.2.2', 'issue 10.2'],
    returns: (c) =>
      streamSSE(c, async (out) => {
        await out.writeSSE({ data: 'a', event: 'e', id: '1' })
        await out.sleep(5)
        await out.writeSSE({ data: 'b' })
      }),
    steps: [
      {
        ask: {},
        sees: {
          status: 200,
          body: 'event: e\ndata: a\nid: 1\n\ndata: b\n\n',
          fields: { 'content-type': /^text\/event-stream/ },
        },
        times: 2,
      },
    ],
  },
  {
    id: 'stream-sse-throws',
    title: 'An error in streamSSE() ends its stream and nothing else',
    see: ['https://github.com/honojs/hono/issues/2164'],
    returns: (c) =>
      streamSSE(
        c,
        async (out) => {
          await out.writeSSE({ data: 'a' })
          // Hono tells it to the client, in an event.
          throw new Error('of the stream')
        },
        async () => {},
      ),
    steps: [
      {
        ask: {},
        sees: [
          { status: 200, body: /^data: a\n\n/ },
          { status: 200, cut: true },
        ],
      },
    ],
    log: 'any',
  },
  {
    id: 'stream-sse-abandoned',
    title: 'A client that goes aborts streamSSE()',
    see: ['https://hono.dev/docs/helpers/streaming'],
    returns: (c) =>
      streamSSE(c, async (out) => {
        out.onAbort(() => note(c.req, 'aborted'))
        while (!out.aborted) {
          await out.writeSSE({ data: 'tick' })
          await out.sleep(10)
        }
      }),
    steps: [{ abandons: {}, by: 'reset', after: { bytes: 20 } }, { notes: ['aborted'] }],
  },
  {
    id: 'cookies',
    title: 'Cookies and signed cookies go there and back',
    routes: (app) =>
      app
        .get('/set', async (c) => {
          setCookie(c, 'plain', 'wert ü')
          await setSignedCookie(c, 'signed', 'value', key)
          deleteCookie(c, 'gone')
          return c.text('set')
        })
        .get('/get', async (c) => c.json([getCookie(c, 'plain'), await getSignedCookie(c, key, 'signed')])),
    steps: [
      { ask: { at: '/set' }, sees: { status: 200, body: 'set' } },
      {
        ask: { at: '/get', fields: { Cookie: 'plain=wert%20%C3%BC; signed=value.forged' } },
        sees: { status: 200, body: /^\["wert ü",(false|null)?\]$/ },
      },
    ],
  },
  {
    id: 'context-storage',
    title: 'contextStorage() keeps each request’s own context across waits',
    routes: (app) =>
      app.use(contextStorage()).get('/', async (c) => {
        const n = c.req.query('n')
        await later(Number(n) % 2 === 0 ? 12 : 3)
        await Promise.resolve()
        return c.text(`${n === (getContext() as any).req.query('n')}`)
      }),
    steps: [
      {
        together: Array.from({ length: 6 }, (_, n) => ({
          ask: { at: `?n=${n}` },
          sees: { status: 200, body: 'true' },
        })),
        ms: 0,
      },
    ],
  },
  {
    id: 'small-ones',
    title: 'requestId(), timing() and trimTrailingSlash() do what they do',
    routes: (app) =>
      app
        .use(requestId())
        .use(timing())
        .use(trimTrailingSlash())
        .get('/there', (c) => c.text(c.get('requestId'))),
    steps: [
      {
        ask: { at: '/there', fields: { 'X-Request-Id': 'mine' } },
        sees: { status: 200, body: 'mine', fields: { 'x-request-id': 'mine', 'server-timing': /total/ } },
      },
      { ask: { at: '/there/' }, sees: { status: 301, fields: { location: /\/there$/ } } },
    ],
  },
] satisfies Case[]
