import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../lifecycle/clock.fake.ts'
import { announcedBytes, holdReaders, RequestBody } from './request-body.ts'

holdReaders()

const encoder = new TextEncoder()

/** A request whose body is fed by hand, as the runtime would. */
function upload({ announced = null, maxBytes = 0 }: { announced?: number | null; maxBytes?: number } = {}) {
  let feed!: ReadableStreamDefaultController<Uint8Array>
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      feed = controller
    },
  })
  const request = new Request('http://a/', { method: 'POST', body: stream, duplex: 'half' } as RequestInit)
  let tooLarge = 0
  class CountedBody extends RequestBody {
    protected override foundTooLarge(): void {
      tooLarge += 1
    }
  }
  const body = new CountedBody(request, announced, { clock: new FakeClock(), maxBytes })
  return {
    request,
    body,
    tooLarge: () => tooLarge,
    send: (text: string) => feed.enqueue(encoder.encode(text)),
    end: () => feed.close(),
  }
}

test('a body is wanted while the application waits for it, and complete when it has it', async () => {
  for (const announced of [5, null]) {
    const { request, body, send, end } = upload({ announced, maxBytes: 100 })
    assert.equal(body.wanted, false)
    const read = request.text()
    await new Promise(setImmediate)
    assert.equal(body.wanted, true)
    assert.equal(body.complete, false)
    send('hello')
    end()
    assert.equal(await read, 'hello')
    assert.equal(body.wanted, false)
    assert.equal(body.complete, true)
    assert.equal(request.bodyUsed, true)
  }
})

test('between two chunks that the application does not ask for the client is not to blame', async () => {
  const { request, body, send } = upload()
  const reader = request.body!.getReader()
  send('a')
  await reader.read()
  await new Promise(setImmediate)
  assert.equal(body.wanted, false)
  const next = reader.read()
  await new Promise(setImmediate)
  assert.equal(body.wanted, true)
  send('b')
  assert.equal(new TextDecoder().decode((await next).value), 'b')
})

test('what reads a refused body fails, now and later', async () => {
  for (const announced of [5, null]) {
    const { request, body } = upload({ announced, maxBytes: 100 })
    const read = request.arrayBuffer()
    await new Promise(setImmediate)
    body.refuse('bodyRate')
    await assert.rejects(read, { code: 'BODY_REFUSED', reason: 'bodyRate' })
    await assert.rejects(request.text(), { code: 'BODY_REFUSED' })
  }
})

test('a body of unknown length is counted, and refused beyond the limit', async () => {
  const { request, send, tooLarge } = upload({ maxBytes: 4 })
  const read = request.text()
  send('1234')
  await new Promise(setImmediate)
  assert.equal(tooLarge(), 0)
  send('5')
  await assert.rejects(read, { reason: 'bodyTooLarge' })
  assert.equal(tooLarge(), 1)
})

test('a route changes how large it may be, before its first read; a smaller one is refused there', async () => {
  const large = upload({ announced: 10, maxBytes: 4 })
  assert.equal(large.body.isTooLarge, true)
  large.body.limitTo(10)
  const read = large.request.text()
  large.send('1234567890')
  large.end()
  assert.equal(await read, '1234567890')
  const small = upload({ announced: 4, maxBytes: 4 })
  assert.throws(() => small.body.limitTo(3), { code: 'BODY_REFUSED', reason: 'bodyTooLarge' })
  assert.throws(() => small.body.limitTo(3), { code: 'BODY_REFUSED' })
  assert.equal(small.tooLarge(), 1)
  const unasked = upload({ announced: 10, maxBytes: 4 })
  await assert.rejects(unasked.request.text(), { reason: 'bodyTooLarge' })
  assert.equal(unasked.tooLarge(), 1)
})

test('a clone has the same bytes', async () => {
  const { request, send, end } = upload()
  const copy = request.clone()
  send('hello')
  end()
  assert.deepEqual(await Promise.all([request.text(), copy.text()]), ['hello', 'hello'])
})

test('a head announces its body by Content-Length, or as chunked, or has none', () => {
  const of = (headers: Record<string, string>) => announcedBytes({ headers: new Headers(headers) } as Request)
  assert.equal(of({ 'content-length': '12' }), 12)
  assert.equal(of({ 'transfer-encoding': 'chunked' }), null)
  assert.equal(of({}), 0)
})

test('a Request whose body nobody watches is read as ever beside one that is watched', async () => {
  const watched = upload()
  assert.equal(watched.request.bodyUsed, false)
  const request = new Request('http://a/', { method: 'POST', body: 'hello' })
  const copy = request.clone()
  assert.equal(request.bodyUsed, false)
  assert.equal(await request.text(), 'hello')
  assert.equal(request.bodyUsed, true)
  const { value } = await copy.body!.getReader().read()
  assert.equal(new TextDecoder().decode(value), 'hello')
  await assert.rejects(request.json(), TypeError)
})

test('readers that others put into the class are still asked, and go on to ours', async () => {
  const { prototype } = Request
  const { text } = prototype
  assert.equal(text.name, 'text')
  let asked = 0
  prototype.text = function (this: Request) {
    asked += 1
    return text.call(this)
  }
  try {
    const { request, body, send, end } = upload({ announced: 5 })
    send('hello')
    end()
    assert.equal(await request.text(), 'hello')
    assert.equal(asked, 1)
    assert.equal(body.complete, true)
  } finally {
    prototype.text = text
  }
})
