/** Hono apps as they are written, asked with requests of ours under the globals. */
import assert from 'node:assert/strict'
import { gunzipSync } from 'node:zlib'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { compress } from 'hono/compress'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { cors } from 'hono/cors'
import { etag } from 'hono/etag'
import { HTTPException } from 'hono/http-exception'
import { logger } from 'hono/logger'
import { poweredBy } from 'hono/powered-by'
import { cloneRawRequest } from 'hono/request'
import { requestId } from 'hono/request-id'
import { secureHeaders } from 'hono/secure-headers'
import { stream, streamSSE, streamText } from 'hono/streaming'
import { timeout } from 'hono/timeout'
import { validator } from 'hono/validator'
import { installGlobals } from '../globals.ts'
import type { BodySource } from '../payload.ts'
import { answerOf, type OutgoingResponse } from '../response.ts'
import { check } from './check.ts'
import { Pieces, request, utf8 } from './request.ts'

interface Asked {
  readonly method?: string
  readonly body?: Uint8Array | BodySource
  readonly headers?: readonly string[]
}

interface Got extends Omit<OutgoingResponse, 'body'> {
  /** How the engine got it. */
  readonly kind: 'null' | 'string' | 'bytes' | 'stream'
  readonly bytes: Uint8Array
  readonly text: string
  field(name: string): string | null
  all(name: string): string[]
}

async function ask(app: Hono, path: string, { method = 'GET', body, headers = [] }: Asked = {}): Promise<Got> {
  const uninstall = installGlobals()
  try {
    const ours = request(method, body ?? null, ['Host', 'a', ...headers], `http://a${path}`)
    const given = answerOf(await app.fetch(ours))
    const pieces: Uint8Array[] = []
    let kind: Got['kind'] = 'null'
    if (typeof given.body === 'string') {
      kind = 'string'
      pieces.push(utf8(given.body))
    } else if (given.body instanceof Uint8Array) {
      kind = 'bytes'
      pieces.push(given.body)
    } else if (given.body !== null) {
      kind = 'stream'
      for (let piece = await given.body.read(); piece !== null; piece = await given.body.read()) pieces.push(piece)
    }
    const bytes = new Uint8Array(Buffer.concat(pieces))
    const all = (name: string) => {
      const { fields } = given
      return fields.filter((_, i) => i % 2 === 1 && fields[i - 1]!.toLowerCase() === name)
    }
    return { ...given, kind, bytes, text: new TextDecoder().decode(bytes), all, field: (name) => all(name)[0] ?? null }
  } finally {
    uninstall()
  }
}

check('Hono: text, json, html, bytes, nothing, and not found', async () => {
  const app = new Hono()
    .get('/text', (c) => c.text('é'))
    .get('/json', (c) => c.json({ a: 1 }, 201, { 'X-B': '2' }))
    .get('/html', (c) => c.html('<p>'))
    .get('/bytes', (c) => c.body(new Uint8Array([1, 2])))
    .get('/none', (c) => c.body(null, 204))
    .get('/redirect', (c) => c.redirect('/text'))
  const text = await ask(app, '/text')
  assert.deepEqual(
    [text.status, text.kind, text.text, text.field('content-type')],
    [200, 'string', 'é', 'text/plain;charset=UTF-8'],
  )
  const json = await ask(app, '/json')
  assert.deepEqual(
    [json.status, json.kind, json.text, json.field('content-type'), json.field('x-b')],
    [201, 'string', '{"a":1}', 'application/json', '2'],
  )
  assert.equal((await ask(app, '/html')).field('content-type'), 'text/html; charset=UTF-8')
  const bytes = await ask(app, '/bytes')
  assert.deepEqual([bytes.kind, bytes.bytes, bytes.field('content-type')], ['bytes', new Uint8Array([1, 2]), null])
  const none = await ask(app, '/none')
  assert.deepEqual([none.status, none.kind, none.fields], [204, 'null', []])
  const redirect = await ask(app, '/redirect')
  assert.deepEqual([redirect.status, redirect.field('location')], [302, '/text'])
  assert.deepEqual([(await ask(app, '/nowhere')).status], [404])
})

check('Hono: HEAD has the fields and the length of GET', async () => {
  const app = new Hono().get('/', (c) => c.text('four', 201, { 'x-a': '1' }))
  app.use('/late', async (c, next) => {
    await next()
    c.header('x-late', '1')
  })
  app.get('/late', (c) => c.text('four!'))
  const head = await ask(app, '/', { method: 'HEAD' })
  assert.deepEqual([head.status, head.kind, head.left?.length, head.field('x-a')], [201, 'null', 4, '1'])
  const late = await ask(app, '/late', { method: 'HEAD' })
  assert.deepEqual([late.left?.length, late.field('x-late')], [5, '1'])
})

check('Hono: every way to read a body', async () => {
  const app = new Hono()
    .post('/text', async (c) => c.text(await c.req.text()))
    .post('/json', async (c) => c.json(await c.req.json()))
    .post('/twice', async (c) =>
      c.json([await c.req.text(), await c.req.json(), (await c.req.arrayBuffer()).byteLength]),
    )
    .post('/bytes', async (c) => c.body(await c.req.arrayBuffer()))
    .post('/blob', async (c) => c.text(await (await c.req.blob()).text()))
    .post('/form', async (c) => {
      const { a, f } = await c.req.parseBody()
      return c.json([a, await (f as File).text()])
    })
    .post('/stream', (c) => c.body(c.req.raw.body as ReadableStream<Uint8Array<ArrayBuffer>>))
    .post('/clone', async (c) => c.text(`${await c.req.raw.clone().text()}|${await c.req.text()}`))
    .post('/again', async (c) => {
      await c.req.text()
      return c.text(await (await cloneRawRequest(c.req)).text())
    })
    .post('/rewrap', async (c) => c.text(await new Request(c.req.raw, { headers: { a: 'b' } }).text()))
  for (const body of [() => utf8('{"a":1}'), () => new Pieces('{"a"', ':1}')]) {
    const post = { method: 'POST', headers: ['content-type', 'application/json'] }
    for (const path of ['/text', '/json', '/bytes', '/blob', '/stream', '/again', '/rewrap']) {
      assert.equal((await ask(app, path, { ...post, body: body() })).text, '{"a":1}', path)
    }
    assert.equal((await ask(app, '/clone', { ...post, body: body() })).text, '{"a":1}|{"a":1}')
    assert.equal((await ask(app, '/twice', { ...post, body: body() })).text, '["{\\"a\\":1}",{"a":1},7]')
  }
  const form =
    '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name="f"; filename="n"\r\n\r\nfile\r\n--b--\r\n'
  const asForm = ['content-type', 'multipart/form-data; boundary=b']
  assert.equal((await ask(app, '/form', { method: 'POST', headers: asForm, body: utf8(form) })).text, '["1","file"]')
})

check('Hono: a proxy hands the request on', async () => {
  const inner = new Hono().post('/in', async (c) => c.text(`${c.req.header('x-by')} ${await c.req.text()}`))
  const app = new Hono().post('/in', async (c) => {
    const onward = new Request(c.req.raw)
    onward.headers.set('x-by', 'proxy')
    const answer = await inner.fetch(onward)
    return new Response(answer.body, answer)
  })
  const got = await ask(app, '/in', { method: 'POST', body: new Pieces('a', 'b') })
  assert.deepEqual([got.text, got.kind], ['proxy ab', 'string'])
  const mounted = new Hono().mount(
    '/m',
    async (raw: Request) => new Response(`${new URL(raw.url).pathname} ${await raw.text()}`),
  )
  assert.equal((await ask(mounted, '/m/x', { method: 'POST', body: utf8('body') })).text, '/x body')
})

check('Hono: cookies stay apart, also through middleware that sets fields late', async () => {
  const app = new Hono()
  app.use(async (c, next) => {
    await next()
    c.header('x-late', '1')
    setCookie(c, 'late', '3')
  })
  app.get('/', (c) => {
    setCookie(c, 'a', '1')
    setCookie(c, 'b', '2')
    deleteCookie(c, 'old')
    return c.text(getCookie(c, 'seen') ?? 'none')
  })
  const got = await ask(app, '/', { headers: ['Cookie', 'x=y', 'Cookie', 'seen=yes'] })
  assert.equal(got.text, 'yes')
  assert.deepEqual(
    got.all('set-cookie').map((cookie) => cookie.split(';')[0]),
    ['a=1', 'b=2', 'old=', 'late=3'],
  )
  assert.deepEqual([got.field('x-late'), got.kind], ['1', 'string'])
})

check('Hono: cors, secure headers, powered-by, request id and a logger leave the text a text', async () => {
  const lines: string[] = []
  const app = new Hono()
  app.use(
    logger((line) => lines.push(line)),
    cors({ origin: 'http://o' }),
    poweredBy(),
    secureHeaders(),
    requestId(),
  )
  app.get('/', (c) => c.text('plain'))
  const got = await ask(app, '/', { headers: ['Origin', 'http://o'] })
  assert.deepEqual([got.kind, got.text], ['string', 'plain'])
  assert.equal(got.field('access-control-allow-origin'), 'http://o')
  assert.equal(got.field('x-frame-options'), 'SAMEORIGIN')
  assert.equal(got.field('x-powered-by'), 'Hono')
  assert.equal(lines.length, 2)
  const preflight = await ask(app, '/', {
    method: 'OPTIONS',
    headers: ['Origin', 'http://o', 'Access-Control-Request-Method', 'PUT'],
  })
  assert.deepEqual([preflight.status, preflight.kind, preflight.field('content-type')], [204, 'null', null])
})

check('Hono: compress', async () => {
  const text = 'compress me '.repeat(500)
  const app = new Hono().use(compress()).get('/', (c) => c.text(text))
  const got = await ask(app, '/', { headers: ['Accept-Encoding', 'gzip'] })
  assert.equal(got.field('content-encoding'), 'gzip')
  assert.equal(gunzipSync(got.bytes).toString(), text)
})

check('Hono: etag answers, and knows its own again', async () => {
  const app = new Hono().use(etag()).get('/', (c) => c.text('tagged'))
  const got = await ask(app, '/')
  const tag = got.field('etag')
  assert.ok(tag)
  assert.equal(got.text, 'tagged')
  const again = await ask(app, '/', { headers: ['If-None-Match', tag] })
  assert.deepEqual([again.status, again.kind], [304, 'null'])
})

check('Hono: body-limit, with a length and without', async () => {
  const app = new Hono().use(bodyLimit({ maxSize: 4 })).post('/', async (c) => c.text(await c.req.text()))
  const post = (body: Uint8Array | BodySource, headers: string[]) => ask(app, '/', { method: 'POST', body, headers })
  assert.equal((await post(utf8('four'), ['Content-Length', '4'])).text, 'four')
  assert.equal((await post(utf8('fives'), ['Content-Length', '5'])).status, 413)
  const chunked = ['Transfer-Encoding', 'chunked']
  assert.equal((await post(new Pieces('fo', 'ur'), chunked)).text, 'four')
  assert.equal((await post(new Pieces('fi', 've', 's'), chunked)).status, 413)
})

check('Hono: streams, text streams and events arrive', async () => {
  const app = new Hono()
    .get('/stream', (c) =>
      stream(c, async (out) => {
        await out.write('a')
        await out.write(utf8('b'))
      }),
    )
    .get('/text', (c) =>
      streamText(c, async (out) => {
        await out.writeln('one')
        await out.write('two')
      }),
    )
    .get('/events', (c) => streamSSE(c, (out) => out.writeSSE({ event: 'e', data: 'd' })))
  assert.equal((await ask(app, '/stream')).text, 'ab')
  assert.equal((await ask(app, '/text')).text, 'one\ntwo')
  const events = await ask(app, '/events')
  assert.deepEqual([events.text, events.field('content-type')], ['event: e\ndata: d\n\n', 'text/event-stream'])
})

check('Hono: errors, exceptions with a response of their own, a timeout and a validator', async () => {
  const app = new Hono()
    .get('/throws', () => {
      throw new Error('boom')
    })
    .get('/http', () => {
      throw new HTTPException(418, { res: new Response('teapot', { status: 418, headers: { 'x-a': '1' } }) })
    })
    .get('/slow', timeout(5), async (c) => {
      await new Promise((resolve) => setTimeout(resolve, 50))
      return c.text('late')
    })
    .post(
      '/valid',
      validator('json', (value, c) => (value.a === 1 ? value : c.text('invalid', 422))),
      (c) => c.json(c.req.valid('json')),
    )
  app.onError((error, c) => (error instanceof HTTPException ? error.getResponse() : c.text('caught', 500)))
  assert.deepEqual([(await ask(app, '/throws')).status, (await ask(app, '/throws')).text], [500, 'caught'])
  const http = await ask(app, '/http')
  assert.deepEqual([http.status, http.text, http.field('x-a')], [418, 'teapot', '1'])
  assert.equal((await ask(app, '/slow')).status, 504)
  const post = { method: 'POST', headers: ['content-type', 'application/json'] }
  assert.equal((await ask(app, '/valid', { ...post, body: utf8('{"a":1}') })).text, '{"a":1}')
  assert.equal((await ask(app, '/valid', { ...post, body: utf8('{"a":2}') })).status, 422)
  assert.equal((await ask(app, '/valid', { ...post, body: utf8('{') })).status, 400)
})

check('Hono: a body that is refused while the handler reads it reaches onError', async () => {
  const app = new Hono().post('/', async (c) => c.text(await c.req.text()))
  app.onError((error, c) => c.text(error.message, 413))
  const got = await ask(app, '/', { method: 'POST', body: new Pieces('a', new Error('too large')) })
  assert.deepEqual([got.status, got.text], [413, 'too large'])
})
