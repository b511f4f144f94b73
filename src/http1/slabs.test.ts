import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { slabOf, slabOfText, slabRoom } from './slabs.ts'
import { answerOf, type OutgoingResponse, responseOf, WebResponse } from './web/response.ts'

const bodyBytes = 100 * 1024

test('memory that is released is used again, and never before', () => {
  const first = slabOf(bodyBytes)
  const second = slabOf(bodyBytes)
  assert.notEqual(first.bytes.buffer, second.bytes.buffer)
  first.release?.()
  const third = slabOf(bodyBytes + 1)
  assert.equal(third.bytes.buffer, first.bytes.buffer)
  assert.notEqual(slabOf(bodyBytes).bytes.buffer, first.bytes.buffer)
})

test('there is room for a head in front of a large body, all of it in one buffer', () => {
  for (const length of [4 * 1024, bodyBytes, 256 * 1024 - slabRoom]) {
    const { bytes, room } = slabOf(length)
    assert.equal(bytes.length, length)
    assert.ok(bytes.byteOffset >= room && room === slabRoom)
  }
  for (const length of [0, 13, 256 * 1024]) {
    const { bytes, room, release } = slabOf(length)
    assert.deepEqual([bytes.length, room, release], [length, 0, undefined])
  }
})

/** The bound is for all sizes together, and other tests of this process have left some. */
function takeAllThatIsFree(): void {
  for (let size = 8 * 1024; size <= 256 * 1024; size *= 2) {
    for (let taken = 0; taken < 8 * 2 ** 20; taken += size) slabOf(size - slabRoom)
  }
}

test('long text is encoded once, into memory that is used again', () => {
  const encoded = (text: string) => Buffer.from(slabOfText(text)!.bytes).toString()
  for (const length of [4 * 1024, bodyBytes, 256 * 1024, 2 ** 20]) {
    assert.equal(encoded('x'.repeat(length)), 'x'.repeat(length))
    assert.equal(encoded('日本'.repeat(length / 2)), '日本'.repeat(length / 2))
    const few = `${'x'.repeat(length)}é€😀`
    assert.equal(encoded(few), few)
  }
  assert.equal(encoded(`${'x'.repeat(bodyBytes)}\ud800`), `${'x'.repeat(bodyBytes)}\ufffd`)
  assert.equal(slabOfText('short'), null)
  const slab = slabOfText('x'.repeat(bodyBytes))!
  assert.equal(slab.room, slabRoom)
  slab.release?.()
  assert.equal(slabOf(bodyBytes).bytes.buffer, slab.bytes.buffer)
})

test('a response in long text is bytes with room for its head, and still text to whoever reads it', async () => {
  const long = `${'x'.repeat(bodyBytes)}é`
  const { body, room, sent } = answerOf(new WebResponse(long))
  assert.ok(body instanceof Uint8Array && room === slabRoom)
  assert.equal(Buffer.from(body).toString(), long)
  sent?.()
  assert.equal(await new WebResponse(long).text(), long)
  assert.equal(answerOf(new WebResponse('short')).body, 'short')
})

test('what nobody uses stays within a bound', () => {
  takeAllThatIsFree()
  const many = Array.from({ length: 200 }, () => slabOf(bodyBytes))
  for (const slab of many) slab.release?.()
  const again = new Set(Array.from({ length: 200 }, () => slabOf(bodyBytes).bytes.buffer))
  assert.equal(many.filter(({ bytes }) => again.has(bytes.buffer)).length, 64)
})

test('of an answer that somebody else may have too the memory is not taken back', () => {
  const given = (): OutgoingResponse => ({
    status: 200,
    statusText: '',
    fields: [],
    body: new Uint8Array(3),
    left: null,
    room: 1,
    sent() {},
  })
  assert.notEqual(answerOf(responseOf(given())).sent, undefined)
  const cloned = responseOf(given())
  cloned.clone()
  assert.equal(answerOf(cloned).sent, undefined)
  const rewrapped = responseOf(given())
  assert.equal(answerOf(new WebResponse(rewrapped.body, rewrapped as unknown as ResponseInit)).sent, undefined)
  assert.throws(() => answerOf(rewrapped), /read/)
  const changed = responseOf(given())
  changed.headers.set('A', 'b')
  assert.deepEqual(answerOf(changed).fields, ['A', 'b'])
})

test('a response copies its bytes, into memory that is used again once they are sent', async () => {
  const mine = new Uint8Array(bodyBytes).fill(1)
  const response = new WebResponse(mine)
  mine.fill(2)
  const { body, room, sent } = answerOf(response)
  assert.ok(body instanceof Uint8Array && body.every((byte) => byte === 1))
  assert.equal(room, slabRoom)
  sent?.()
  assert.equal(slabOf(bodyBytes).bytes.buffer, body.buffer)

  const looked = new WebResponse(mine)
  assert.equal((await looked.clone().bytes()).length, bodyBytes)
  assert.equal(answerOf(looked).sent, undefined)
  const streamed = new WebResponse(mine)
  assert.ok(streamed.body !== null)
  assert.equal(answerOf(streamed).sent, undefined)
  const read = await new WebResponse(mine).bytes()
  read.fill(3)
  assert.notEqual(read.buffer, slabOf(bodyBytes).bytes.buffer)
})
