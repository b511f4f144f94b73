import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ResponseReader } from './response.ts'

/** Feeds the text in pieces of this size, so that every boundary falls everywhere once. */
function feed(reader: ResponseReader, text: string, piece: number): void {
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length; at += piece) reader.push(bytes.subarray(at, at + piece), at)
}

function read(text: string, piece: number): ResponseReader {
  const reader = new ResponseReader()
  feed(reader, text, piece)
  return reader
}

const sized = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n'

for (const piece of [1, 2, 3, 7, 1_000]) {
  describe(`bytes that come ${piece} at a time`, () => {
    test('make whole answers, one after another', () => {
      const { answers, partial, malformed } = read(sized + chunked + sized, piece)
      assert.equal(malformed, null)
      assert.equal(partial, null)
      assert.deepEqual(
        answers.map(({ status, bodyBytes, text }) => [status, bodyBytes, text]),
        [
          [200, 5, 'hello'],
          [200, 5, 'hello'],
          [200, 5, 'hello'],
        ],
      )
    })

    test('leave an answer partial until its last byte', () => {
      assert.equal(read(sized.slice(0, -1), piece).partial?.bodyBytes, 4)
      assert.equal(read(chunked.slice(0, -1), piece).answers.length, 0)
    })

    test('make an answer without a length whole only by an orderly end', () => {
      const reader = read('HTTP/1.1 200 OK\r\n\r\nhello', piece)
      assert.equal(reader.answers.length, 0)
      reader.end(1)
      assert.equal(reader.answers[0]?.text, 'hello')
    })

    test('pass over interim answers', () => {
      const { interim, answers } = read(`HTTP/1.1 100 Continue\r\n\r\n${sized}`, piece)
      assert.deepEqual([interim, answers.length], [[100], 1])
    })

    test('make no body of the length that an answer to HEAD says', () => {
      const reader = new ResponseReader()
      reader.toHead.add(1)
      const head = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'
      feed(reader, sized + head + chunked, piece)
      assert.deepEqual(
        reader.answers.map(({ bodyBytes, headers }) => [bodyBytes, headers.get('content-length')]),
        [
          [5, '5'],
          [0, '5'],
          [5, null],
        ],
      )
      feed(reader, 'hello', piece)
      assert.match(reader.malformed ?? '', /not an HTTP\/1.1 response/)
    })

    test('are kept as they are after an upgrade', () => {
      const { answers, raw } = read('HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x01x', piece)
      assert.equal(answers[0]?.status, 101)
      assert.equal(raw?.toString('latin1'), '\x81\x01x')
    })
  })
}

test('what is not HTTP is said to be malformed', () => {
  for (const text of [
    'SSH-2.0-x\r\n',
    'HTTP/1.1 two\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  ]) {
    assert.notEqual(read(text, 1_000).malformed, null, text)
  }
})
