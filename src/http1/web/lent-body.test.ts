/** The body of a request lies in the socket's memory, which is written over a moment later. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WebRequest } from './request.ts'

const text = 'sent by one client'

type Read = (request: Request) => Promise<unknown>

const readers: Readonly<Record<string, Read>> = {
  text: (request) => request.text(),
  json: async (request) => JSON.stringify(await request.json()),
  bytes: async (request) => new TextDecoder().decode(await request.bytes()),
  arrayBuffer: async (request) => new TextDecoder().decode(await request.arrayBuffer()),
  blob: async (request) => (await request.blob()).text(),
  stream: (request) => new Response(request.body).text(),
  clone: (request) => request.clone().text(),
  'the other one of a clone': (request) => {
    request.clone()
    return request.text()
  },
  'a native copy': (request) => WebRequest.toNative(request as unknown as WebRequest).text(),
  'another Response': (request) => new globalThis.Response(request.body).text(),
}

/** A request whose bytes lie in the middle of a buffer that is used again, and what uses it. */
function lent(content: string) {
  const memory = new Uint8Array(256)
  const { written } = new TextEncoder().encodeInto(content, memory.subarray(100))
  const request = new WebRequest({ method: 'POST', raw: [] }, 'http://a/', memory.subarray(100, 100 + written))
  return {
    request: request as unknown as Request,
    reuse() {
      WebRequest.keepBody(request)
      memory.fill(0x21)
    },
  }
}

for (const [name, read] of Object.entries(readers)) {
  const content = name === 'json' ? JSON.stringify(text) : text

  test(`${name}: a body that is read at once is as it was sent, whatever is in its memory afterwards`, async () => {
    const { request, reuse } = lent(content)
    const reading = read(request)
    reuse()
    assert.equal(await reading, content)
    assert.equal(request.bodyUsed || name === 'clone', true)
  })

  test(`${name}: so is one that is read later`, async () => {
    const { request, reuse } = lent(content)
    reuse()
    await null
    assert.equal(await read(request), content)
  })
}

test('bytes that were given out are nobody else’s, and alone in their buffer', async () => {
  for (const isLate of [false, true]) {
    const { request, reuse } = lent(text)
    if (isLate) reuse()
    const reading = request.clone().bytes()
    const other = request.arrayBuffer()
    if (!isLate) reuse()
    const bytes = await reading
    assert.equal(bytes.buffer.byteLength, text.length)
    bytes.fill(0)
    assert.equal(new TextDecoder().decode(await other), text)
  }
})

test('a body is read once, and the second reader is told', async () => {
  const { request, reuse } = lent(text)
  assert.equal(await request.text(), text)
  reuse()
  await assert.rejects(request.text(), TypeError)
  await assert.rejects(request.arrayBuffer(), TypeError)
  assert.equal(request.bodyUsed, true)
})
