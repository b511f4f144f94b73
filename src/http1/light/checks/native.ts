/** What native code makes of our classes, with and without the globals in place. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { installGlobals, takesLightRequests, toNative } from '../globals.ts'
import { NativeHeaders, NativeRequest, NativeResponse, nativeFetch } from '../native.ts'
import { LightRequest } from '../request.ts'
import { LightResponse } from '../response.ts'
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
  const light = request('POST', new Pieces('a', 'b'))
  const copy = new Request(light)
  assert.deepEqual([copy.url, copy.method, copy.headers.get('x-a')], ['http://a/b?c', 'POST', '1'])
  assert.equal(await copy.text(), 'ab')
  assert.equal(light.bodyUsed, true)
  await assert.rejects(light.text())

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
  LightRequest.abort(aborted as unknown as LightRequest, new Error('gone'))
  assert.equal(following.signal.aborted, true)
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
    const light = (body: Uint8Array | Pieces) => request('POST', body, ['X-A', '1'], url)
    assert.equal(await (await fetch(light(new Pieces('a', 'b')))).text(), 'POST /path 1 ab')
    assert.equal(await (await fetch(light(utf8('ab')), { method: 'PUT' })).text(), 'PUT /path 1 ab')
    assert.equal(await (await fetch(url, light(utf8('ab')))).text(), 'POST /path 1 ab')
    assert.equal(await (await fetch(request('GET', null, ['X-A', '1'], url))).text(), 'GET /path 1 ')
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

if (takesLightRequests()) {
  check('new Request(ours) works without the globals', takesARequest)
  check('fetch(ours) works without the globals', fetches)
} else {
  check('new Request(ours) needs the globals on Node alone, and says so by throwing', async () => {
    assert.equal(runtime, 'node')
    assert.throws(() => new Request(request('GET')), TypeError)
    await assert.rejects(fetch(request('GET')), TypeError)
  })
}
check('new Request(ours) works with the globals in place', () => installed(takesARequest))
check('fetch(ours) works with the globals in place', () => installed(fetches))

check('a used request cannot be the input of another, unless a body comes with it', () =>
  installed(async () => {
    const used = request('POST', utf8('x'))
    await used.text()
    assert.throws(() => new Request(used), TypeError)
    assert.equal(await new Request(used, { body: 'new' }).text(), 'new')
  }),
)

check('toNative() gives what native code takes, and leaves others alone', async () => {
  const light = toNative(request('POST', utf8('ab')))
  assert.equal(await new NativeRequest(light).text(), 'ab')
  const response = toNative(
    new LightResponse('text', {
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
  assert.equal(globalThis.Response, LightResponse)
  first()
  first()
  assert.equal(globalThis.Response, LightResponse)
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
  const light = request('POST', utf8('x'))
  const shown = runtime === 'deno' ? (globalThis as any).Deno.inspect(light) : inspect(light)
  assert.match(shown, /Request/)
  const response = new LightResponse('x', { headers: { 'x-seen': '1' } })
  const headers = runtime === 'deno' ? (globalThis as any).Deno.inspect(response.headers) : inspect(response.headers)
  assert.match(headers, /Headers.*x-seen/s)
  assert.equal(light.bodyUsed, false)
  assert.equal(light.body?.locked, false)
})
