import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from './answer-reader.ts'

const read = (text: string, toHead = false) => parse(Buffer.from(text, 'latin1'), toHead)
const head = 'HTTP/1.1 200 OK\r\n'

describe('what a client of the application suite reads', () => {
  test('an answer ends with its length, and what follows is left', () => {
    const parsed = read(`${head}Content-Length: 3\r\n\r\nabcHTTP/1.1`)
    assert.equal(parsed?.parts.join(''), 'abc')
    assert.equal(parsed?.taken, head.length + 24)
  })

  test('an answer that is short of its length has not ended', () => {
    assert.equal(read(`${head}Content-Length: 4\r\n\r\nabc`)?.taken, null)
  })

  test('chunks end with the last of them alone', () => {
    const begun = `${head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`
    assert.equal(read(begun)?.taken, null)
    assert.equal(read(`${begun}0\r\n\r\n`)?.parts.join(''), 'abc')
    assert.equal(read(`${begun}0\r\n\r\n`)?.taken, begun.length + 5)
  })

  test('an answer without framing ends with the connection', () => {
    assert.equal(read(`${head}\r\nabc`)?.untilClose, true)
  })

  test('an answer to HEAD, 204 and 304 has no body, whatever they say', () => {
    assert.equal(read(`${head}Content-Length: 3\r\n\r\n`, true)?.parts.length, 0)
    assert.equal(read('HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\nHTTP')?.parts.length, 0)
    assert.notEqual(read('HTTP/1.1 204 No Content\r\n\r\n')?.taken, null)
  })

  test('interim answers come before the answer', () => {
    assert.equal(read(`HTTP/1.1 103 Early Hints\r\n\r\n${head}Content-Length: 0\r\n\r\n`)?.head.status, 200)
  })

  for (const [what, text] of [
    ['two framings', 'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx'],
    ['two lengths', 'Content-Length: 1\r\nContent-Length: 1\r\n\r\nx'],
    ['a length that is no number', 'Content-Length: abc\r\n\r\nx'],
    ['two dates', 'Date: x\r\nDate: x\r\n\r\n'],
    ['a field without a colon', 'nonsense\r\n\r\n'],
    ['a chunk that is longer than it says', 'Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n'],
  ] as const) {
    test(`${what}: garbled`, () => {
      assert.throws(() => read(head + text))
    })
  }

  test('bytes that are no answer are garbled at once', () => {
    assert.throws(() => read('EVIL!'))
  })

  test('a 204 with a length is garbled', () => {
    assert.throws(() => read('HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n'))
  })
})
