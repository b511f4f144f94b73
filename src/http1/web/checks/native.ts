/** What native code makes of our classes, with and without the globals in place. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { csrf } from 'hono/csrf'
import { installGlobals, takesWebRequests } from '../globals.ts'
import { NativeHeaders, NativeRequest, NativeResponse, nativeFetch } from '../native.ts'
import { toNative } from '../ours.ts'
import { WebRequest } from '../request.ts'
import { WebResponse } from '../response.ts'
import { check, runtime } from './check.ts'
import { Pieces, request, utf8 } from './request.ts'

async function installed(act: () => Promise<void> | void): Promise<void> {
  const uninstall = installGlobals()
  try {
    await act()
  } finally {
    uninstall()
  }
}

async function takesARequest(): Promise<void> {
  const ours = request('POST', new Pieces('a', 'b'))
  const copy = new Request(ours)
  assert.deepEqual([copy.url, copy.method, copy.headers.get('x-a')], ['http://a/b?c', 'POST', '1'])
  assert.equal(await copy.text(), 'ab')
  assert.equal(ours.bodyUsed, true)
  await assert.rejects(ours.text())

  const other = new Request(request('POST', utf8('ab')), { method: 'PUT', headers: { b: '2' } })
  assert.deepEqual(
    [other.method, other.headers.get('x-a'), other.headers.get('b'), await other.text()],
    ['PUT', null, '2', 'ab'],
  )

  const replaced = new Request(request('POST', utf8('ab')), { body: 'own' })
  assert.equal(await replaced.text(), 'own')

  const elsewhere = new Request('http://other/', request('POST', utf8('ab')))
  assert.deepEqual([elsewhere.url, elsewhere.method, await elsewhere.text()], ['http://other/', 'POST', 'ab'])

  const changed = request('GET')
  changed.headers.set('x-b', '1')
  assert.equal(new Request(changed).headers.get('x-b'), '1')
  changed.headers.set('x-b', '2')
  assert.equal(new Request(changed).headers.get('x-b'), '2')

  const aborted = request('GET')
  const following = new Request(aborted)
  WebRequest.abort(aborted as unknown as WebRequest, new Error('gone'))
  assert.equal(following.signal.aborted, true)
}

const inits: readonly (readonly [name: string, init: RequestInit | null | undefined])[] = [
  ['no init', undefined],
  ['null', null],
  ['an empty one', {}],
  ['a method', { method: 'PUT' }],
  ['fields', { headers: { 'x-b': '2' } }],
  ['Headers', { headers: new NativeHeaders({ 'x-b': '2' }) }],
  ['fields that are undefined', { headers: undefined } as object],
  ['a method and fields', { method: 'PUT', headers: { 'x-b': '2' } }],
  ['a body', { body: 'own' }],
  ['a stream as a body', { body: new Blob(['own']).stream(), duplex: 'half' } as RequestInit],
  ['duplex', { duplex: 'half' } as RequestInit],
  ['a signal', { signal: new AbortController().signal }],
  ['an aborted signal', { signal: AbortSignal.abort() }],
  ['no signal', { signal: null }],
  ['redirect', { redirect: 'manual' }],
]

/** Every way to make a request from one, and what comes out of it. */
async function copiesOf(make: () => Request): Promise<Record<string, unknown>> {
  const seen = async (copy: () => Request) => {
    try {
      const request = copy()
      const { method, url, redirect } = request
      const of = (name: string) => request.headers.get(name)
      // A type that a body brings is the native constructor's business.
      const fields = [of('x-a'), of('x-b'), of('content-type')?.split(';')[0] ?? null]
      return [method, url, fields, redirect, request.signal.aborted, request.body !== null, await request.text()]
    } catch (error) {
      return (error as Error).name
    }
  }
  class Mine extends Request {}
  const copies: Record<string, unknown> = {}
  // A stream is read once.
  const fresh = (init: RequestInit | null | undefined) =>
    init?.body instanceof ReadableStream ? { ...init, body: new Blob(['own']).stream() } : init
  for (const [name, init] of inits) {
    copies[name] = await seen(() => new Request(make(), fresh(init) as RequestInit))
    copies[`${name}, in a class of the application`] = await seen(() => new Mine(make(), fresh(init) as RequestInit))
    copies[`${name}, by the request's own class`] = await seen(() => {
      const request = make()
      return new (request.constructor as typeof Request)(request, fresh(init) as RequestInit)
    })
    copies[`${name}, of a clone`] = await seen(() => new Request(make().clone(), fresh(init) as RequestInit))
    copies[`${name}, of a copy`] = await seen(() => new Request(new Request(make()), fresh(init) as RequestInit))
  }
  copies['another URL'] = await seen(() => new Request('http://other/', make()))
  copies['a URL object'] = await seen(() => new Request(new URL('http://other/'), make()))
  copies['a clone'] = await seen(() => make().clone())
  return copies
}

async function copiesLikeANative(): Promise<void> {
  for (const method of ['GET', 'POST', 'DELETE']) {
    const body = method === 'GET' ? null : utf8('ab')
    const headers = { 'x-a': '1', 'content-type': 'text/x' }
    const expected = await copiesOf(() => new NativeRequest('http://a/b', { method, headers, body: body && 'ab' }))
    const raw = Object.entries(headers).flat()
    assert.deepEqual(await copiesOf(() => request(method, body, raw, 'http://a/b')), expected)
    if (body === null) continue
    assert.deepEqual(await copiesOf(() => request(method, new Pieces('a', 'b'), raw, 'http://a/b')), expected)
  }
}

async function followsTheClient(): Promise<void> {
  const ours = request('POST', utf8('ab'))
  const own = new AbortController()
  const apart = new Request(ours.clone(), { signal: own.signal })
  const copies = [
    new Request(ours.clone(), { headers: { 'x-b': '2' } }),
    new Request('http://other/', ours.clone()),
    new Request(new Request(ours.clone(), { method: 'PUT' })),
    new Request(ours),
  ]
  const reason = new DOMException('gone', 'AbortError')
  WebRequest.abort(ours as unknown as WebRequest, reason)
  for (const { signal } of copies) assert.deepEqual([signal.aborted, signal.reason], [true, reason])
  assert.equal(apart.signal.aborted, false)
}

/**
 * What csrf() asks of a request must be the client's, whatever a middleware in front of it has put
 * in its place.
 */
async function staysAPostForMiddleware(): Promise<void> {
  const app = new Hono()
    .use(bodyLimit({ maxSize: 100 }))
    .use(csrf())
    .post('/', async (c) => c.text(`changed by ${await c.req.text()}`))
  const form = (origin: string) =>
    app.fetch(
      request(
        'POST',
        new Pieces('a=1'),
        [
          ...['Host', 'a', 'Origin', origin, 'Transfer-Encoding', 'chunked'],
          ...['Content-Type', 'application/x-www-form-urlencoded'],
        ],
        'http://a/',
      ),
    )
  assert.equal((await form('http://evil.example')).status, 403)
  assert.equal(await (await form('http://a')).text(), 'changed by a=1')
}

async function fetches(): Promise<void> {
  const server = createServer((incoming, outgoing) => {
    let body = ''
    incoming.on('data', (piece) => {
      body += piece
    })
    incoming.on('end', () => outgoing.end(`${incoming.method} ${incoming.url} ${incoming.headers['x-a']} ${body}`))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/path`
  try {
    const ours = (body: Uint8Array | Pieces) => request('POST', body, ['X-A', '1'], url)
    assert.equal(await (await fetch(ours(new Pieces('a', 'b')))).text(), 'POST /path 1 ab')
    assert.equal(await (await fetch(ours(utf8('ab')), { method: 'PUT' })).text(), 'PUT /path 1 ab')
    assert.equal(await (await fetch(ours(utf8('ab')), { headers: { 'x-a': '2' } })).text(), 'POST /path 2 ab')
    assert.equal(await (await fetch(ours(utf8('ab')), { redirect: 'manual' })).text(), 'POST /path 1 ab')
    assert.equal(await (await fetch(url, ours(utf8('ab')))).text(), 'POST /path 1 ab')
    assert.equal(await (await fetch(request('GET', null, ['X-A', '1'], url))).text(), 'GET /path 1 ')
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const ways: readonly (readonly [name: string, run: () => Promise<void>])[] = [
  ['new Request(ours) works', takesARequest],
  ['new Request(ours, init) is what it is of a native one, for every init', copiesLikeANative],
  ['the signal of a copy is aborted with its original', followsTheClient],
  ['a POST that bodyLimit() has wrapped is a POST for csrf()', staysAPostForMiddleware],
  ['fetch(ours) works', fetches],
]
for (const [name, run] of ways) {
  check(`${name} with the globals in place`, () => installed(run))
  if (takesWebRequests()) check(`${name} without the globals`, run)
}
if (!takesWebRequests()) {
  check('only Deno reads a request of ours without the globals', async () => {
    assert.notEqual(runtime, 'deno')
    // Loud or silent: what must not be used there.
    const copy = () => new NativeRequest(request('POST', utf8('x')), { headers: {} }).method
    if (runtime === 'node') assert.throws(copy, TypeError)
    else assert.equal(copy(), 'GET')
  })
}

check('fetch has what the runtime keeps on it', () =>
  installed(() => {
    assert.deepEqual([fetch.name, ...Object.keys(fetch)], [nativeFetch.name, ...Object.keys(nativeFetch)])
  }),
)

check('a used request cannot be the input of another, unless a body comes with it', () =>
  installed(async () => {
    const used = request('POST', utf8('x'))
    await used.text()
    assert.throws(() => new Request(used), TypeError)
    assert.throws(() => new Request(used, { headers: {} }), TypeError)
    await assert.rejects(fetch(used), TypeError)
    assert.equal(await new Request(used, { body: 'new' }).text(), 'new')
  }),
)

check('toNative() gives what native code takes, and leaves others alone', async () => {
  const ours = toNative(request('POST', utf8('ab')))
  assert.equal(await new NativeRequest(ours).text(), 'ab')
  const response = toNative(
    new WebResponse('text', {
      status: 201,
      headers: [
        ['set-cookie', 'a'],
        ['set-cookie', 'b'],
      ],
    }) as unknown as Response,
  )
  assert.deepEqual([response.status, response.headers.getSetCookie(), await response.text()], [201, ['a', 'b'], 'text'])
  const native = new NativeResponse()
  assert.equal(toNative(native), native)
  assert.equal(toNative(request('TRACE')).method, 'TRACE')
})

check('the globals come and go, also for two servers', () => {
  const before = [globalThis.Response, globalThis.Headers, globalThis.Request, globalThis.fetch]
  const keys = Object.keys(globalThis)
  const first = installGlobals()
  const second = installGlobals()
  assert.equal(globalThis.Response, WebResponse)
  first()
  first()
  assert.equal(globalThis.Response, WebResponse)
  second()
  assert.deepEqual([globalThis.Response, globalThis.Headers, globalThis.Request, globalThis.fetch], before)
  assert.deepEqual(Object.keys(globalThis), keys)
})

check('a global that somebody else has put in the place of ours stays', () => {
  const uninstall = installGlobals()
  class Theirs extends NativeResponse {}
  globalThis.Response = Theirs
  uninstall()
  assert.equal(globalThis.Response, Theirs)
  globalThis.Response = NativeResponse
  assert.equal(globalThis.Headers, NativeHeaders)
})

check('under the globals native instances are instances, and classes can be extended', () =>
  installed(async () => {
    assert.ok(new NativeRequest('http://a/') instanceof Request)
    assert.ok(request('GET') instanceof Request)
    assert.ok(new Request('http://a/') instanceof NativeRequest)
    assert.ok(new NativeHeaders() instanceof Headers && new Headers() instanceof NativeHeaders)
    class Mine extends Request {
      extra = 1
    }
    const mine = new Mine(request('POST', utf8('x')))
    assert.ok(mine instanceof Mine && mine instanceof Request)
    assert.deepEqual([mine.extra, await mine.text()], [1, 'x'])
    assert.ok((await nativeFetch('data:text/plain,x')) instanceof Response)
  }),
)

check('inspecting shows what is there and touches nothing', () => {
  const ours = request('POST', utf8('x'))
  const shown = runtime === 'deno' ? (globalThis as any).Deno.inspect(ours) : inspect(ours)
  assert.match(shown, /Request/)
  const response = new WebResponse('x', { headers: { 'x-seen': '1' } })
  const headers = runtime === 'deno' ? (globalThis as any).Deno.inspect(response.headers) : inspect(response.headers)
  assert.match(headers, /Headers.*x-seen/s)
  assert.equal(ours.bodyUsed, false)
  assert.equal(ours.body?.locked, false)
})
