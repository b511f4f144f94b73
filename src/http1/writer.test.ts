import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, bytesOf, serve } from './sink.recording.ts'
import {
  chunkStart,
  connectionLines,
  dateLine,
  encodeChunk,
  informationalHead,
  lastChunk,
  requestHead,
  responseHead,
} from './writer.ts'

const lines = (head: string) => head.split('\r\n').slice(0, -2)

test('an answer head is status line, fields in their order, date, framing, connection', () => {
  const head = responseHead(200, '', ['X-B', '1', 'x-a', '2', 'X-B', '3'], 5, 'Connection: close\r\n', dateLine(0))
  const expected =
    'HTTP/1.1 200 OK|X-B: 1|x-a: 2|X-B: 3|Date: Thu, 01 Jan 1970 00:00:00 GMT|Content-Length: 5|Connection: close'
  assert.equal(head, `${expected.replaceAll('|', '\r\n')}\r\n\r\n`)
})

test('a field line is used again only for the same name and value, and every other value is checked', () => {
  const line = (name: string, value: string) => lines(responseHead(200, '', [name, value], 0, '', ''))[1]
  const long = 'x'.repeat(1_000)
  for (const value of ['a', 'a', 'b', '', 'a', long, long, 'a']) {
    assert.equal(line('X-Repeated', value), `X-Repeated: ${value}`)
    assert.equal(line('x-repeated', `${value}!`), `x-repeated: ${value}!`)
  }
  for (const value of ['a\r\nb: c', 'a\0', '\u0100', `${long}\n`]) {
    for (let i = 0; i < 2; i++) assert.throws(() => line('X-Repeated', value), TypeError)
  }
  assert.equal(line('X-Repeated', 'a'), 'X-Repeated: a')
})

test('a status has its registered phrase, the given one, or none', () => {
  const first = (status: number, phrase: string) => lines(responseHead(status, phrase, [], 0, '', ''))[0]
  assert.equal(first(404, ''), 'HTTP/1.1 404 Not Found')
  assert.equal(first(404, 'Gone \xfcber'), 'HTTP/1.1 404 Gone \xfcber')
  assert.equal(first(404, ''), 'HTTP/1.1 404 Not Found')
  assert.equal(first(799, ''), 'HTTP/1.1 799 ')
})

test('framing is the caller’s: what the fields say of it is left out', () => {
  const fields = ['content-length', '9', 'Transfer-Encoding', 'gzip', 'CONNECTION', 'close', 'Keep-Alive', 'timeout=9']
  assert.deepEqual(lines(responseHead(200, '', fields, 'chunked', '', '')).slice(1), ['Transfer-Encoding: chunked'])
  assert.deepEqual(lines(responseHead(200, '', fields, 'none', '', '')).slice(1), [])
})

test('1xx and 204 get no framing, 304 and 205 do', () => {
  const framing = (status: number) => lines(responseHead(status, '', [], 5, '', '')).slice(1)
  for (const status of [101, 103, 204]) assert.deepEqual(framing(status), [])
  for (const status of [205, 304]) assert.deepEqual(framing(status), ['Content-Length: 5'])
})

test('a Date of the application wins', () => {
  const head = responseHead(200, '', ['date', 'then'], 0, '', dateLine(0))
  assert.deepEqual(lines(head).slice(1), ['date: then', 'Content-Length: 0'])
})

test('Date is that of the second', () => {
  assert.equal(dateLine(1_000_999), dateLine(1_000_000))
  assert.notEqual(dateLine(1_001_000), dateLine(1_000_999))
  assert.equal(dateLine(784_111_777_000), 'Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n')
})

test('persistence is said to HTTP/1.0, or with a hint; its end always', () => {
  assert.equal(connectionLines(false, 1, 4), 'Connection: close\r\n')
  assert.equal(connectionLines(false, 0, 0), 'Connection: close\r\n')
  assert.equal(connectionLines(true, 1, 0), '')
  assert.equal(connectionLines(true, 0, 0), 'Connection: keep-alive\r\n')
  assert.equal(connectionLines(true, 1, 4), 'Connection: keep-alive\r\nKeep-Alive: timeout=4\r\n')
})

const splitting = ['a\r\nB: c', 'a\nB: c', 'a\rb', 'a\0', 'a\x7f', 'a\u010d', '\u560a']
for (const value of splitting) {
  test(`no value, phrase or trailer is ${JSON.stringify(value)}`, () => {
    assert.throws(() => responseHead(200, '', ['A', value], 0, '', ''), TypeError)
    assert.throws(() => responseHead(200, value, [], 0, '', ''), TypeError)
    assert.throws(() => informationalHead(103, ['A', value]), TypeError)
    assert.throws(() => requestHead('GET', '/', 'a', ['A', value], 'none', ''), TypeError)
    assert.throws(() => lastChunk(['A', value]), TypeError)
  })
}

for (const name of ['', 'a b', 'a:', 'a\r\nB', 'a\0', '\xe4', 'a\n']) {
  test(`no name is ${JSON.stringify(name)}`, () => {
    assert.throws(() => responseHead(200, '', [name, 'a'], 0, '', ''), TypeError)
    assert.throws(() => requestHead('GET', '/', 'a', [name, 'a'], 'none', ''), TypeError)
    assert.throws(() => requestHead(name, '/', 'a', [], 'none', ''), TypeError)
    assert.throws(() => lastChunk([name, 'a']), TypeError)
  })
}

for (const target of ['', '/a b', '/\r\n', '/#', '/\xe4', '/\0']) {
  test(`no target is ${JSON.stringify(target)}`, () => {
    assert.throws(() => requestHead('GET', target, 'a', [], 'none', ''), TypeError)
  })
}

test('what is no status, length or host is refused', () => {
  for (const status of [99, 1000, 200.5, Number.NaN]) {
    assert.throws(() => responseHead(status, '', [], 0, '', ''), TypeError)
    assert.throws(() => responseHead(status, 'x', [], 0, '', ''), TypeError)
  }
  for (const length of [-1, 1.5, Number.NaN, 2 ** 53]) {
    assert.throws(() => responseHead(200, '', [], length, '', ''), TypeError)
  }
  assert.throws(() => requestHead('GET', '/', 'a/b', [], 'none', ''), TypeError)
})

test('a request names its host first and once', () => {
  const head = requestHead('GET', '/x', 'a:80', ['host', 'b', 'X', 'y'], 3, '')
  assert.deepEqual(lines(head), ['GET /x HTTP/1.1', 'Host: a:80', 'X: y', 'Content-Length: 3'])
})

test('a chunk is its size in hexadecimal, its bytes and CRLF', () => {
  assert.deepEqual(encodeChunk(bytesOf('x'.repeat(26))), bytesOf(`1a\r\n${'x'.repeat(26)}\r\n`))
  assert.equal(chunkStart(255), 'ff\r\n')
})

test('an empty chunk would end the body', () => {
  assert.throws(() => encodeChunk(new Uint8Array(0)), TypeError)
  assert.throws(() => chunkStart(0), TypeError)
})

test('the last chunk carries trailers, but none that belongs in a head', () => {
  assert.equal(lastChunk(), '0\r\n\r\n')
  assert.equal(lastChunk(['X-Sum', '1']), '0\r\nX-Sum: 1\r\n\r\n')
  assert.throws(() => lastChunk(['Content-Length', '1']), TypeError)
})

test('the parser reads an interim answer as it was written', () => {
  const { informational } = ask('GET', [bytesOf(informationalHead(103, ['Link', '</a>']))], false)
  assert.deepEqual([informational[0]!.status, informational[0]!.raw], [103, ['Link', '</a>']])
})

test('the parser reads a request as it was written', () => {
  const { messages } = serve([bytesOf(requestHead('PUT', '/x', 'a', ['X', 'y'], 0, 'Connection: close\r\n'))])
  assert.deepEqual(messages[0]!.head.raw, ['Host', 'a', 'X', 'y', 'Content-Length', '0', 'Connection', 'close'])
})
