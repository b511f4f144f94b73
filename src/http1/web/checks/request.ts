import assert from 'node:assert/strict'
import fc from 'fast-check'
import { NativeRequest } from '../native.ts'
import type { BodySource } from '../payload.ts'
import { WebRequest } from '../request.ts'
import { answerOf, WebResponse } from '../response.ts'
import { urlOf } from '../url.ts'
import { check } from './check.ts'

export function request(
  method: string,
  body: Uint8Array | BodySource | null = null,
  raw: readonly string[] = ['Host', 'a', 'X-A', '1'],
  url = 'http://a/b?c',
): Request {
  return new WebRequest({ method, raw }, url, body) as unknown as Request
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A body that comes in pieces; counts its reads. */
export class Pieces implements BodySource {
  reads = 0
  cancelled: unknown = null
  readonly #pieces: (Uint8Array | Error)[]

  constructor(...pieces: (string | Error)[]) {
    this.#pieces = pieces.map((piece) => (typeof piece === 'string' ? utf8(piece) : piece))
  }

  async read(): Promise<Uint8Array | null> {
    const piece = this.#pieces[this.reads++]
    await null
    if (piece instanceof Error) throw piece
    return piece ?? null
  }

  cancel(reason: unknown): void {
    this.cancelled = reason
  }
}

const abort = (ours: Request, reason: unknown) => WebRequest.abort(ours as unknown as WebRequest, reason)

check('urlOf() says what the URL parser says', () => {
  const character = fc.constantFrom(...'abcXYZ09-._~!$&\'()*+,;=:@/?%[]|^{}"<>`\\', '%2e', '%2E', '/.', '/..', '//')
  const path = fc.array(character, { maxLength: 12 }).map((all) => `/${all.join('')}`)
  const host = fc.oneof(
    fc.constantFrom(
      'a',
      'localhost',
      'localhost:3000',
      'LOCALHOST',
      'a:80',
      'a:443',
      'a:0',
      'a:080',
      'a:65535',
      'a:65536',
      'a.b.',
      '127.0.0.1',
      '127.1',
      '0x7f.1',
      '1.2.3.04',
      '256.1.1.1',
      '1.2.3',
      'a.1',
      '[::1]',
      '[::1]:80',
      '[0:0::1]:8080',
      'xn--a',
      'xn--bcher-kva.example',
      'b%41',
      'a_b',
      'a:',
      'a..b',
      '-a',
      '9a',
    ),
    fc.array(fc.constantFrom(...'aZ0-._:%'), { minLength: 1, maxLength: 6 }).map((all) => all.join('')),
  )
  fc.assert(
    fc.property(fc.constantFrom('http', 'https'), host, path, (scheme, authority, target) => {
      assert.equal(urlOf(scheme, authority, target), URL.parse(`${scheme}://${authority}${target}`)?.href ?? null)
    }),
    { numRuns: 5000 },
  )
})

check('urlOf() takes `*` for the authority, and no host for one that hides a path or a user', () => {
  assert.equal(urlOf('http', 'a:8080', '*'), 'http://a:8080/')
  assert.equal(urlOf('http', 'a', '//b/c'), 'http://a//b/c')
  for (const host of ['', 'a/b', 'a?b', 'a#b', 'user@a', 'a b', 'a\\b', '[::1', ':80'])
    assert.equal(urlOf('http', host, '/'), null)
})

check('a body that is there can be read in every way, once', async () => {
  const json = () => request('POST', utf8('{"a":"é"}'), ['content-type', 'application/json'])
  assert.equal(await json().text(), '{"a":"é"}')
  assert.deepEqual(await json().json(), { a: 'é' })
  assert.deepEqual(await json().bytes(), utf8('{"a":"é"}'))
  assert.deepEqual(new Uint8Array(await json().arrayBuffer()), utf8('{"a":"é"}'))
  const blob = await json().blob()
  assert.deepEqual([blob.type.split(';')[0], await blob.text()], ['application/json', '{"a":"é"}'])
  const once = json()
  assert.equal(once.bodyUsed, false)
  const text = once.text()
  assert.equal(once.bodyUsed, true)
  await text
  await assert.rejects(once.text(), TypeError)
  assert.throws(() => once.clone(), TypeError)
  assert.equal(once.body?.locked, true)
})

check('a body that comes in pieces is gathered without a stream', async () => {
  const pieces = () => new Pieces('{"a":', '', '"b', 'c"}')
  assert.equal(await request('POST', pieces()).text(), '{"a":"bc"}')
  assert.deepEqual(await request('POST', pieces()).json(), { a: 'bc' })
  assert.equal((await request('POST', pieces()).arrayBuffer()).byteLength, 10)
  assert.equal(await (await request('PUT', pieces()).blob()).text(), '{"a":"bc"}')
  assert.equal(await request('POST', new Pieces()).text(), '')
})

check('a character that is cut between two pieces is whole', async () => {
  const [euro] = [utf8('€')]
  let at = 0
  const source = { read: async () => (at < 3 ? euro.subarray(at, ++at) : null), cancel() {} }
  assert.equal(await request('POST', source).text(), '€')
})

check('arrayBuffer() has the body and nothing beside it', async () => {
  const large = new Uint8Array(100).fill(1)
  assert.equal((await request('POST', large.subarray(10, 20)).arrayBuffer()).byteLength, 10)
  assert.equal((await request('POST', Buffer.from('abc')).arrayBuffer()).byteLength, 3)
  const bytes = await request('POST', Buffer.from('abc')).bytes()
  assert.equal(bytes.constructor, Uint8Array)
})

check('a refused body rejects whoever reads it, in every way', async () => {
  const refused = () => request('POST', new Pieces('a', new Error('refused')))
  for (const how of ['text', 'json', 'bytes', 'arrayBuffer', 'blob', 'formData'] as const) {
    await assert.rejects(refused()[how](), /refused/)
  }
  const reader = refused().body!.getReader()
  await reader.read()
  await assert.rejects(reader.read(), /refused/)
  await assert.rejects(refused().clone().text(), /refused/)
})

check('the stream reads only for its reader, and cancels the source', async () => {
  const source = new Pieces('a', 'b', 'c')
  const ours = request('POST', source)
  const reader = ours.body!.getReader()
  await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(source.reads, 0)
  assert.equal(ours.bodyUsed, false)
  assert.deepEqual((await reader.read()).value, utf8('a'))
  await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(source.reads, 1)
  assert.equal(ours.bodyUsed, true)
  await reader.cancel('enough')
  assert.equal(source.cancelled, 'enough')
})

check('the stream can be iterated, piped and read with a reader of bytes', async () => {
  let text = ''
  for await (const piece of request('POST', new Pieces('a', '', 'b')).body as unknown as AsyncIterable<Uint8Array>) {
    text += new TextDecoder().decode(piece)
  }
  assert.equal(text, 'ab')
  const identity = new TransformStream<Uint8Array, Uint8Array>()
  const piped = request('POST', new Pieces('a', 'b')).body!.pipeThrough(identity)
  assert.equal(await new WebResponse(piped as unknown as BodyInit).text(), 'ab')
  const reader = request('POST', utf8('abc')).body!.getReader({ mode: 'byob' })
  const { value } = await reader.read(new Uint8Array(2))
  assert.deepEqual(value, utf8('ab'))
  assert.deepEqual((await reader.read(new Uint8Array(2))).value, utf8('c'))
  assert.equal((await reader.read(new Uint8Array(2))).done, true)
})

check('a clone has the whole body, whichever is read first', async () => {
  for (const body of [() => utf8('abc'), () => new Pieces('a', 'b', 'c')]) {
    for (const cloneFirst of [false, true]) {
      const ours = request('POST', body())
      const copy = ours.clone()
      assert.deepEqual([copy.method, copy.url, copy.headers.get('x-a')], ['POST', 'http://a/b?c', '1'])
      const [first, second] = cloneFirst ? [copy, ours] : [ours, copy]
      const bytes = await first.bytes()
      bytes.fill(0)
      assert.equal(second.bodyUsed, false)
      assert.equal(await second.text(), 'abc')
    }
  }
})

check('a stream that a clone has split is no body any more', () => {
  const ours = request('POST', new Pieces('a'))
  const stream = ours.body
  ours.clone()
  assert.throws(() => new WebResponse(stream), TypeError)
  assert.notEqual(ours.body, stream)
})

check('a clone has headers of its own and the same end', () => {
  const ours = request('POST', utf8('x'))
  ours.headers.set('x-b', '1')
  const copy = ours.clone()
  ours.headers.set('x-b', '2')
  assert.equal(copy.headers.get('x-b'), '1')
  abort(ours, new Error('gone'))
  assert.equal(copy.signal.aborted, true)
})

check('the signal fires, and is right if it is looked at late', () => {
  const early = request('GET')
  const { signal } = early
  let fired = 0
  signal.addEventListener('abort', () => fired++)
  assert.equal(signal.aborted, false)
  const reason = new Error('gone')
  abort(early, reason)
  abort(early, new Error('twice'))
  assert.deepEqual([signal.aborted, signal.reason, fired, early.signal], [true, reason, 1, signal])
  const late = request('GET')
  abort(late, reason)
  abort(late, new Error('twice'))
  assert.deepEqual([late.signal.aborted, late.signal.reason], [true, reason])
  assert.ok(late.signal instanceof AbortSignal)
})

check('a body of GET is kept from the application', async () => {
  const ours = request('GET', utf8('x'))
  assert.equal(ours.body, null)
  assert.equal(await ours.text(), '')
  assert.equal(ours.bodyUsed, false)
  assert.equal(request('HEAD', new Pieces('x')).body, null)
})

check('forms are read: multipart and urlencoded, whole and in pieces', async () => {
  const multipart =
    '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name="f"; filename="n.txt"\r\nContent-Type: text/plain\r\n\r\nfile\r\n--b--\r\n'
  const type = ['content-type', 'multipart/form-data; boundary=b']
  for (const body of [utf8(multipart), new Pieces(multipart.slice(0, 50), multipart.slice(50))]) {
    const form = await request('POST', body, type).formData()
    assert.equal(form.get('a'), '1')
    const file = form.get('f') as File
    assert.deepEqual([file.name, await file.text()], ['n.txt', 'file'])
  }
  const encoded = await request('POST', utf8('a=1&b=%26'), [
    'content-type',
    'application/x-www-form-urlencoded',
  ]).formData()
  assert.deepEqual(
    [...encoded],
    [
      ['a', '1'],
      ['b', '&'],
    ],
  )
  await assert.rejects(request('POST', utf8('x'), ['content-type', 'text/plain']).formData(), TypeError)
})

check('every getter that a connection does not decide says what a native request says', () => {
  const native = new NativeRequest('http://a/b?c', { headers: [['x-a', '1']] })
  const ours = request('GET')
  for (const [key, { get }] of Object.entries(Object.getOwnPropertyDescriptors(NativeRequest.prototype))) {
    if (get === undefined || ['headers', 'signal'].includes(key)) continue
    assert.equal(Reflect.get(ours, key), Reflect.get(native, key), key)
  }
  assert.equal(ours.headers.get('x-a'), '1')
  assert.equal(ours.headers, ours.headers)
})

check('a Request of ours is an instance of the native class, and has all of its members', () => {
  const ours = request('POST', utf8('x'))
  const native = new NativeRequest('http://a/', { method: 'POST', body: 'x' })
  assert.ok(ours instanceof NativeRequest && ours instanceof Request)
  assert.equal(Object.prototype.toString.call(ours), '[object Request]')
  assert.equal(ours.constructor, NativeRequest)
  assert.deepEqual(Object.keys(ours), [])
  for (const key of Reflect.ownKeys(NativeRequest.prototype)) {
    if (key === 'attribute') continue
    assert.equal(typeof Reflect.get(ours, key), typeof Reflect.get(native, key), String(key))
  }
})

check('a body that is sent back goes from the source to the engine without a stream between', async () => {
  const source = new Pieces('a', 'b')
  const ours = request('POST', source)
  const { body } = answerOf(new WebResponse(ours.body))
  assert.ok(body !== null && typeof body === 'object' && 'read' in body)
  assert.deepEqual(await body.read(), utf8('a'))
  assert.equal(ours.bodyUsed, true)
  assert.equal(ours.body?.locked, true)
})
