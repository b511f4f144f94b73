import assert from 'node:assert/strict'
import fc from 'fast-check'
import { NativeResponse } from '../native.ts'
import { answerOf, WebResponse } from '../response.ts'
import { check, runtime } from './check.ts'

const Ours = WebResponse as unknown as typeof Response

const bodies: readonly (() => BodyInit | null | undefined)[] = [
  () => undefined,
  () => null,
  () => '',
  () => 'text',
  () => 'é€😀',
  () => '\ufeffwith a mark',
  () => 'lone \ud800 surrogate',
  () => '{"a":[1]}',
  () => new Uint8Array([0, 255, 65]),
  () => new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
  () => new DataView(new ArrayBuffer(3)),
  () => new Uint8Array([65, 66]).buffer,
  () => new Blob(['blob ', 'text'], { type: 'text/x-blob' }),
  () => new Blob(['typeless']),
  () => new URLSearchParams({ a: 'b c', d: '&' }),
  () => streamOf('one', 'two'),
  () => 12 as unknown as string,
  () => ({}) as unknown as string,
]

function streamOf(...pieces: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece))
      controller.close()
    },
  })
}

async function all(source: { read(): Promise<Uint8Array | null> }): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for (let piece = await source.read(); piece !== null; piece = await source.read())
    text += decoder.decode(piece, { stream: true })
  return text
}

async function tried(act: () => unknown): Promise<unknown> {
  try {
    return await act()
  } catch (error) {
    return (error as Error).name
  }
}

/**
 * Everything that can be seen of a response before, while and after it is read in one way, or the
 * kind of error.
 */
async function seen(make: () => Response, how: 'text' | 'json' | 'bytes' | 'arrayBuffer' | 'blob'): Promise<unknown> {
  return tried(async () => {
    const response = make()
    const { status, statusText, ok, type, url, redirected, bodyUsed } = response
    const hasBody = response.body !== null
    const headers = [...response.headers]
    const copy = response.clone()
    const content = await tried(() => response[how]())
    return {
      ...{ status, statusText, ok, type, url, redirected, bodyUsed, hasBody, headers },
      // Which type Bun's blob() has depends on what the body was before.
      content: content instanceof Blob ? [runtime === 'bun' || content.type, await content.text()] : content,
      bodyUsedAfter: response.bodyUsed,
      lockedAfter: response.body?.locked,
      again: await tried(() => response.text()),
      cloneAfter: await tried(() => response.clone().status),
      copied: await copy.text(),
    }
  })
}

function typeOf(body: BodyInit | null | undefined): string {
  if (body instanceof Blob) return body.type
  if (body instanceof URLSearchParams) return 'application/x-www-form-urlencoded;charset=UTF-8'
  const typeless =
    body == null || ArrayBuffer.isView(body) || body instanceof ArrayBuffer || body instanceof ReadableStream
  return typeless ? '' : 'text/plain;charset=UTF-8'
}

/** The native class of this runtime with what is a known deviation of it from Fetch set right. */
function standard(body: BodyInit | null | undefined, init: ResponseInit | undefined): Response {
  if (runtime === 'bun') {
    // Bun looks at the fields before the status, writes any statusText, lets 204 have a body, and often gives a type only while writing.
    const status = init?.status ?? 200
    if (status < 200 || status > 599) throw new RangeError()
    if (init?.statusText?.includes('\n')) throw new TypeError()
    if (body != null && [204, 205, 304].includes(status)) throw new TypeError()
    const response = new NativeResponse(body, init)
    const type = typeOf(body)
    if (type !== '' && !response.headers.has('content-type')) response.headers.set('content-type', type)
    return response
  }
  return new NativeResponse(body, init)
}

const init = fc.option(
  fc.record(
    {
      status: fc.constantFrom(200, 201, 204, 205, 304, 404, 599, 199, 600, 0, 1000),
      statusText: fc.constantFrom('', 'Fine', 'é', 'a\nb'),
      headers: fc.oneof(
        fc.constantFrom<HeadersInit>(
          { 'content-type': 'text/html' },
          { 'Content-Type': 'application/json; charset=utf-8' },
          { 'X-A': '1', 'x-a': '2' },
          [
            ['set-cookie', 'a'],
            ['set-cookie', 'b'],
          ],
          { bad: 'a\nb' },
        ),
        fc.constant(new Headers({ 'x-native': '1' })),
      ),
    },
    { requiredKeys: [] },
  ),
  { nil: undefined },
)

check('new Response() with any arguments shows what the native one shows', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...bodies),
      init,
      fc.constantFrom('text', 'json', 'bytes', 'arrayBuffer', 'blob'),
      async (body, options, how) => {
        const native = await seen(() => standard(body(), options), how)
        const ours = await seen(() => new Ours(body(), options), how)
        assert.deepEqual(ours, native)
      },
    ),
    { numRuns: 600 },
  )
})

check('each kind of body is given to the engine with its type and length', async () => {
  const cases: [BodyInit, string | null, number | null, string][] = [
    ['é', 'text/plain;charset=UTF-8', 2, 'é'],
    [new Uint8Array([65, 66]), null, 2, 'AB'],
    [new Uint8Array([65, 66]).buffer, null, 2, 'AB'],
    [new Blob(['abc'], { type: 'text/x-blob' }), 'text/x-blob', 3, 'abc'],
    [new URLSearchParams('a=b'), 'application/x-www-form-urlencoded;charset=UTF-8', 3, 'a=b'],
    [streamOf('a', 'b'), null, null, 'ab'],
  ]
  for (const [body, type, length, text] of cases) {
    const response = new Ours(body)
    const { fields, body: given } = answerOf(response)
    assert.deepEqual(fields, type === null ? [] : ['Content-Type', type])
    if (given === null) assert.fail('no body')
    if (typeof given === 'string') assert.deepEqual([given, Buffer.byteLength(given)], [text, length])
    else if (given instanceof Uint8Array)
      assert.deepEqual([new TextDecoder().decode(given), given.length], [text, length])
    else assert.deepEqual([await all(given), given.length], [text, length])
    assert.equal(response.bodyUsed, true)
    await assert.rejects(response.text(), TypeError)
    assert.throws(() => answerOf(response), TypeError)
  }
})

check('FormData goes out as multipart with a boundary and a length, and comes back the same', async () => {
  const form = new FormData()
  form.append('plain', 'line one\nline two')
  form.append('na"me\r\n', 'é')
  form.append('file', new File(['file bytes'], 'a "name".txt', { type: 'text/x-file' }))
  const response = new Ours(form)
  const type = response.headers.get('content-type') ?? ''
  assert.match(type, /^multipart\/form-data; boundary=/)
  const back = await new NativeResponse(await response.clone().bytes(), {
    headers: { 'content-type': type },
  }).formData()
  assert.equal(back.get('plain'), 'line one\r\nline two')
  const file = back.get('file') as File
  assert.equal(await file.text(), 'file bytes')
  // Bun's parser believes the file's name instead of its type.
  if (runtime !== 'bun') assert.equal(file.type, 'text/x-file')
  const own = await response.clone().formData()
  assert.equal(own.get('plain'), 'line one\r\nline two')
  const { body } = answerOf(response)
  assert.ok(body !== null && typeof body === 'object' && 'read' in body)
  const { length } = body
  assert.equal(Buffer.byteLength(await all(body)), length)
})

check('async iterables are bodies, and are let go when the answer is', async () => {
  let ended = false
  async function* pieces() {
    try {
      yield 'a'
      yield new Uint8Array([66])
      yield 'never asked for'
    } finally {
      ended = true
    }
  }
  assert.equal(
    await new Ours(
      (async function* () {
        yield 'x'
        yield 'y'
      })() as unknown as BodyInit,
    ).text(),
    'xy',
  )
  const { body } = answerOf(new Ours(pieces() as unknown as BodyInit))
  assert.ok(body !== null && typeof body === 'object' && 'read' in body)
  assert.deepEqual(await body.read(), new Uint8Array([97]))
  assert.deepEqual(await body.read(), new Uint8Array([66]))
  body.cancel(new Error('gone'))
  await new Promise((resolve) => setTimeout(resolve, 1))
  assert.equal(ended, true)
})

check('bytes that are changed after the Response was made do not change it', async () => {
  const bytes = new Uint8Array([65])
  const responses = [new Ours(bytes), new Ours(bytes.buffer), new Ours(Buffer.from(bytes.buffer))]
  bytes[0] = 66
  for (const response of responses) assert.equal(await response.text(), 'A')
})

check('what bytes() gave can be changed without changing a clone', async () => {
  const response = new Ours(new Uint8Array([65]))
  const copy = response.clone()
  const bytes = await response.bytes()
  bytes[0] = 66
  assert.equal(await copy.text(), 'A')
})

check('a byte stream over shared bytes does not take them away', async () => {
  const response = new Ours(new Uint8Array([65, 66]))
  const copy = response.clone()
  const { value } = await response.body!.getReader().read()
  assert.deepEqual(value, new Uint8Array([65, 66]))
  assert.equal(await copy.text(), 'AB')
})

check('a Response rewrapped with its own stream is written as the text that it was', async () => {
  const first = new Ours('text', { status: 201, headers: { 'X-Case': '1' } })
  const second = new Ours(first.body, first)
  second.headers.set('x-more', '2')
  const { status, fields, body } = answerOf(new Ours(second.body, second))
  assert.deepEqual(
    [status, fields, body],
    [201, ['X-Case', '1', 'Content-Type', 'text/plain;charset=UTF-8', 'x-more', '2'], 'text'],
  )
  // One body, as with native ones: who comes second finds it used.
  assert.equal(first.bodyUsed, true)
  await assert.rejects(first.text(), TypeError)
  assert.equal(first.headers.has('x-more'), false)
})

check('a stream of ours that was read or locked is no body', async () => {
  const read = new Ours('text')
  const stream = read.body!
  await read.text()
  assert.throws(() => new Ours(stream), TypeError)
  const locked = new Ours('text')
  locked.body!.getReader()
  assert.throws(() => new Ours(locked.body), TypeError)
  assert.throws(() => locked.clone(), TypeError)
  assert.throws(() => answerOf(locked), TypeError)
  assert.equal(locked.bodyUsed, false)
})

check('a stream of somebody else that was read or locked is no body', async () => {
  const locked = streamOf('a')
  const reader = locked.getReader()
  assert.throws(() => new Ours(locked), TypeError)
  await reader.read()
  reader.releaseLock()
  assert.throws(() => new Ours(locked), TypeError)
})

check('bodyUsed follows a stream that is read from outside', async () => {
  for (const make of [() => new Ours('text'), () => new Ours(streamOf('text'))]) {
    const response = make()
    const reader = response.body!.getReader()
    assert.equal(response.bodyUsed, false)
    await reader.read()
    assert.equal(response.bodyUsed, true)
    reader.releaseLock()
    await assert.rejects(response.text(), TypeError)
  }
  const cancelled = new Ours('text')
  await cancelled.body!.cancel()
  assert.equal(cancelled.bodyUsed, true)
})

check('a stream is read at the pace of its reader, and cancelled by who stops', async () => {
  let pulls = 0
  let cancelled: unknown = null
  const endless = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        pulls++
        controller.enqueue(new Uint8Array(1024))
      },
      cancel(reason) {
        cancelled = reason
      },
    },
    { highWaterMark: 0 },
  )
  const { body } = answerOf(new Ours(endless))
  assert.ok(body !== null && typeof body === 'object' && 'read' in body)
  await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(pulls, 0)
  await body.read()
  await body.read()
  await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(pulls, 2)
  body.cancel('reason')
  await new Promise((resolve) => setTimeout(resolve, 1))
  assert.equal(cancelled, 'reason')
})

check('a clone of a stream has all of it, in either order', async () => {
  for (const order of [0, 1]) {
    const response = new Ours(streamOf('a', 'b', 'c'))
    const copy = response.clone()
    const [first, second] = order === 0 ? [response, copy] : [copy, response]
    assert.equal(await first.text(), 'abc')
    assert.equal(second.bodyUsed, false)
    assert.equal(await second.text(), 'abc')
  }
})

check('wrapping a response leaves its headers as they were', () => {
  for (const touched of [false, true]) {
    const first = new Ours(null, { headers: { a: '1' } })
    if (touched) first.headers.set('b', '2')
    const second = new Ours('text', first)
    first.headers.set('c', '3')
    assert.equal(first.headers.has('content-type'), false)
    assert.equal(second.headers.has('c'), false)
  }
})

check('a clone says what the response says', () => {
  const copy = new Ours(null, new Ours('four', { status: 201, statusText: 'Made' })).clone()
  const { status, statusText, left } = answerOf(copy)
  assert.deepEqual([status, statusText, left?.length], [201, 'Made', 4])
})

check('a clone keeps its own headers', () => {
  const response = new Ours('x', { headers: { a: '1' } })
  const early = response.clone()
  response.headers.set('a', '2')
  const late = response.clone()
  response.headers.set('a', '3')
  assert.deepEqual([early.headers.get('a'), late.headers.get('a'), response.headers.get('a')], ['1', '2', '3'])
})

check('responses without an init do not share headers', () => {
  new Ours('a').headers.set('x', '1')
  assert.equal(new Ours('a').headers.has('x'), false)
  assert.equal(new Ours(null).headers.has('x'), false)
})

check('a failing stream rejects whoever reads it', async () => {
  const failing = () =>
    new ReadableStream<Uint8Array>(
      {
        pull() {
          throw new Error('broken')
        },
      },
      { highWaterMark: 0 },
    )
  await assert.rejects(new Ours(failing()).text(), /broken/)
  const { body } = answerOf(new Ours(failing()))
  assert.ok(body !== null && typeof body === 'object' && 'read' in body)
  await assert.rejects(body.read(), /broken/)
  const odd = answerOf(new Ours(new ReadableStream({ start: (controller) => controller.enqueue(7) }))).body
  assert.ok(odd !== null && typeof odd === 'object' && 'read' in odd)
  await assert.rejects(odd.read(), TypeError)
})

check('3 MB go through text, a stream and a clone', async () => {
  const text = 'é'.repeat(1_500_000)
  assert.equal((await new Ours(text).text()).length, text.length)
  const copy = new Ours(new Ours(text).body).clone()
  assert.equal((await copy.bytes()).length, 3_000_000)
  let length = 0
  for await (const piece of new Ours(text).body as unknown as AsyncIterable<Uint8Array>) length += piece.length
  assert.equal(length, 3_000_000)
})

check('a response goes through a transform stream', async () => {
  const upper = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      controller.enqueue(new TextEncoder().encode(new TextDecoder().decode(piece).toUpperCase()))
    },
  })
  const response = new Ours('text', { headers: { a: '1' } })
  const second = new Ours(response.body!.pipeThrough(upper), response)
  assert.equal(await second.text(), 'TEXT')
  assert.equal(second.headers.get('a'), '1')
  assert.equal(response.bodyUsed, true)
})

check('a native Response can be wrapped, and answers as it is', async () => {
  const native = new NativeResponse('native', {
    status: 202,
    statusText: 'Sure',
    headers: [
      ['set-cookie', 'a'],
      ['set-cookie', 'b'],
    ],
  })
  const wrapped = new Ours(native.body, native)
  assert.deepEqual([wrapped.status, wrapped.statusText, wrapped.headers.getSetCookie()], [202, 'Sure', ['a', 'b']])
  assert.equal(await wrapped.text(), 'native')
  const { status, fields, body } = answerOf(
    new NativeResponse('native', {
      status: 203,
      headers: [
        ['set-cookie', 'a'],
        ['set-cookie', 'b'],
      ],
    }),
  )
  assert.equal(status, 203)
  assert.deepEqual(
    fields.filter((_, i) => fields[i - (i % 2)] === 'set-cookie'),
    ['set-cookie', 'a', 'set-cookie', 'b'],
  )
  assert.ok(body !== null && typeof body === 'object' && 'read' in body)
  assert.equal(await all(body), 'native')
})

check('what is no answer is said to be none', async () => {
  const used = new NativeResponse('x')
  await used.text()
  for (const wrong of [undefined, null, 'text', {}, used, NativeResponse.error()])
    assert.throws(() => answerOf(wrong), TypeError)
})

check(
  'new Response(null, other), as Hono answers HEAD, tells what GET would have said, and can let it go',
  async () => {
    const text = answerOf(new Ours(null, new Ours('é', { status: 201, headers: { a: '1' } })))
    assert.deepEqual([text.status, text.body, text.left?.length], [201, null, 2])
    assert.deepEqual(text.fields, ['a', '1', 'Content-Type', 'text/plain;charset=UTF-8'])
    assert.equal(answerOf(new Ours(null, new Ours(null, new Ours(new Blob(['abc']))))).left?.length, 3)
    assert.equal(answerOf(new Ours(null)).left, null)

    for (const Of of [Ours, NativeResponse]) {
      let cancelled = false
      const stream = new ReadableStream<Uint8Array>({
        cancel() {
          cancelled = true
        },
      })
      const { left } = answerOf(new Ours(null, new Of(stream)))
      assert.equal(left?.length, null)
      left?.drop()
      await new Promise((resolve) => setTimeout(resolve, 1))
      assert.equal(cancelled, true)
    }
  },
)

check('Response.json, redirect and error do as the native ones', async () => {
  const json = Ours.json({ a: 1 }, { status: 201, headers: { b: '2' } })
  assert.deepEqual(
    [json.status, json.headers.get('content-type'), json.headers.get('b'), await json.text()],
    [201, 'application/json', '2', '{"a":1}'],
  )
  assert.equal(
    Ours.json(1, { headers: { 'Content-Type': 'application/x' } }).headers.get('content-type'),
    'application/x',
  )
  assert.throws(() => Ours.json(undefined), TypeError)
  assert.throws(() => Ours.json({}, { status: 204 }), TypeError)
  const redirect = Ours.redirect('http://a/b', 303)
  assert.deepEqual([redirect.status, redirect.headers.get('location')], [303, 'http://a/b'])
  assert.throws(() => Ours.redirect('http://a/', 200), RangeError)
  assert.equal(Ours.error().type, 'error')
})

check('101 is taken for an upgrade', () => {
  assert.equal(new Ours(null, { status: 101 }).status, 101)
  assert.throws(() => new Ours('x', { status: 101 }), TypeError)
})

check('instanceof holds both ways, and for subclasses', () => {
  class Mine extends Ours {}
  assert.ok(new Ours() instanceof NativeResponse)
  assert.ok(new NativeResponse() instanceof Ours)
  assert.ok(new Mine() instanceof Mine && new Mine() instanceof Ours && new Mine() instanceof NativeResponse)
  assert.ok(!(new NativeResponse() instanceof Mine) && !(new Ours() instanceof Mine) && !({} instanceof Ours))
  assert.equal(new Ours().constructor, Ours)
  assert.equal(Ours.name, 'Response')
  assert.equal(Object.prototype.toString.call(new Ours()), '[object Response]')
})

check('a Response of ours has all members of the native class', () => {
  const ours = new Ours('x')
  const native = new NativeResponse('x')
  for (const key of Reflect.ownKeys(NativeResponse.prototype)) {
    assert.equal(typeof Reflect.get(ours, key), typeof Reflect.get(native, key), String(key))
  }
  for (const key of Reflect.ownKeys(NativeResponse)) assert.ok(key in Ours, String(key))
})
