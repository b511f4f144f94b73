import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Limits } from './events.ts'
import { type ReasonId, reasons } from './reasons.ts'
import { ask, bytesOf, limits, serve } from './sink.recording.ts'

interface Refusal {
  readonly bytes: string
  readonly why: ReasonId
  readonly within?: Partial<Limits>
  /** Messages whose head was told before the fault came. */
  readonly told?: number
}

const get = 'GET / HTTP/1.1\r\nHost: a\r\n'
const post = 'POST / HTTP/1.1\r\nHost: a\r\n'
const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n`
const fieldsOf = (...lines: string[]) => `${get}${lines.join('\r\n')}\r\n\r\n`
const chunks = (body: string, why: ReasonId, within?: Partial<Limits>): Refusal => ({
  bytes: chunked + body,
  why,
  told: 1,
  ...(within && { within }),
})

const refusedRequests: Readonly<Record<string, Refusal>> = {
  'five empty lines first': { bytes: `\r\n\r\n\r\n\r\n\r\n${get}\r\n`, why: 'empty-lines' },
  'CR alone before the request': { bytes: `\r${get}\r\n`, why: 'bare-cr' },
  'LF alone before the request': { bytes: `\n${get}\r\n`, why: 'bare-lf' },

  'a method with a slash': { bytes: 'G/T / HTTP/1.1\r\nHost: a\r\n\r\n', why: 'bad-method' },
  'no method': { bytes: ' / HTTP/1.1\r\nHost: a\r\n\r\n', why: 'bad-method' },
  'a TLS handshake': { bytes: '\x16\x03\x01\x02\x00', why: 'control-byte' },
  'a method of 33 bytes': { bytes: `${'M'.repeat(33)} / HTTP/1.1\r\nHost: a\r\n\r\n`, why: 'method-too-long' },
  CONNECT: { bytes: 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', why: 'connect-refused' },

  'two spaces before the target': { bytes: 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', why: 'bad-request-line' },
  'two spaces before the version': { bytes: 'GET /  HTTP/1.1\r\nHost: a\r\n\r\n', why: 'bad-request-line' },
  'a space behind the version': { bytes: 'GET / HTTP/1.1 \r\nHost: a\r\n\r\n', why: 'bad-request-line' },
  'a tab for a space': { bytes: 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n', why: 'bad-method' },
  'HTTP/0.9': { bytes: 'GET /\r\n', why: 'bad-request-line' },
  'a method alone': { bytes: 'GET\r\n\r\n', why: 'bad-method' },
  'a space in the target': { bytes: 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n', why: 'bad-version' },
  'a fragment': { bytes: 'GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n', why: 'bad-target' },
  'bytes over 0x7f in the target': { bytes: 'GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n', why: 'bad-target' },
  'NUL in the target': { bytes: 'GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n', why: 'control-byte' },
  'a relative target': { bytes: 'GET a HTTP/1.1\r\nHost: a\r\n\r\n', why: 'bad-target' },
  'an asterisk with GET': { bytes: 'GET * HTTP/1.1\r\nHost: a\r\n\r\n', why: 'bad-target' },
  'an authority with GET': { bytes: 'GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n', why: 'bad-target' },
  'an absolute target without a host': { bytes: 'GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n', why: 'bad-target' },
  'an absolute target with a user': { bytes: 'GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n', why: 'bad-target' },
  'an absolute target of another scheme': { bytes: 'GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n', why: 'bad-target' },
  'a target over its limit': {
    bytes: 'GET /12345678 HTTP/1.1\r\nHost: a\r\n\r\n',
    why: 'target-too-long',
    within: { maxTargetBytes: 8 },
  },
  'a version in lower case': { bytes: 'GET / http/1.1\r\nHost: a\r\n\r\n', why: 'bad-version' },
  'a version without a minor one': { bytes: 'GET / HTTP/1\r\nHost: a\r\n\r\n', why: 'bad-version' },
  'a version of two digits': { bytes: 'GET / HTTP/11.1\r\nHost: a\r\n\r\n', why: 'bad-version' },
  'a minor version of two digits': { bytes: 'GET / HTTP/1.11\r\nHost: a\r\n\r\n', why: 'bad-request-line' },
  'a minor version that is not a digit': { bytes: 'GET / HTTP/1.x\r\nHost: a\r\n\r\n', why: 'bad-version' },
  'HTTP/2.0': { bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', why: 'version-not-supported' },
  'HTTP/0.9 by name': { bytes: 'GET / HTTP/0.9\r\nHost: a\r\n\r\n', why: 'version-not-supported' },

  'LF ends the request line': { bytes: 'GET / HTTP/1.1\nHost: a\r\n\r\n', why: 'bare-lf' },
  'LF ends a field': { bytes: fieldsOf('A: b\nC: d'), why: 'bare-lf' },
  'LF ends the head': { bytes: `${get}\n`, why: 'bare-lf' },
  'CR in a value': { bytes: fieldsOf('A: b\rc'), why: 'bare-cr' },
  'CR ends the head': { bytes: `${get}\rX`, why: 'bare-cr' },
  'NUL in a value': { bytes: fieldsOf('A: b\0c'), why: 'control-byte' },
  'DEL in a value': { bytes: fieldsOf('A: b\x7fc'), why: 'control-byte' },
  'NUL in a name': { bytes: fieldsOf('A\0: b'), why: 'control-byte' },
  'an empty name': { bytes: fieldsOf(': b'), why: 'bad-field-name' },
  'a name with a bracket': { bytes: fieldsOf('A[]: b'), why: 'bad-field-name' },
  'a name with obs-text': { bytes: fieldsOf('\xe4: b'), why: 'bad-field-name' },
  'a line without a colon': { bytes: fieldsOf('A'), why: 'bad-field-name' },
  'a space before the colon': { bytes: fieldsOf('A : b'), why: 'space-before-colon' },
  'a tab before the colon': { bytes: fieldsOf('A\t: b'), why: 'space-before-colon' },
  'a folded field': { bytes: fieldsOf('A: b', ' c'), why: 'obs-fold' },
  'a field folded by a tab': { bytes: fieldsOf('A: b', '\tc'), why: 'obs-fold' },
  'a space before the first field': { bytes: 'GET / HTTP/1.1\r\n Host: a\r\n\r\n', why: 'obs-fold' },
  'a value over the limit': { bytes: fieldsOf('A: 789'), why: 'field-too-long', within: { maxFieldBytes: 5 } },
  'a name over the limit': { bytes: fieldsOf('Abcdefgh: 1'), why: 'field-too-long', within: { maxFieldBytes: 8 } },
  'a third field of two': { bytes: fieldsOf('A: b', 'C: d'), why: 'too-many-fields', within: { maxFields: 2 } },
  'a head over the limit': { bytes: fieldsOf('A: b'), why: 'head-too-large', within: { maxHeadBytes: 32 } },
  'a head that could not end within the limit': {
    bytes: `${get}A: b`,
    why: 'head-too-large',
    within: { maxHeadBytes: 29 },
  },

  'no Host': { bytes: 'GET / HTTP/1.1\r\n\r\n', why: 'missing-host' },
  'no Host beside an absolute target': { bytes: 'GET http://a/ HTTP/1.1\r\n\r\n', why: 'missing-host' },
  'the same Host twice': { bytes: fieldsOf('Host: a'), why: 'repeated-host' },
  'two Hosts in HTTP/1.0': { bytes: 'GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n', why: 'repeated-host' },
  'a Host with a path': { bytes: 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', why: 'bad-host' },
  'a Host with a user': { bytes: 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n', why: 'bad-host' },
  'a list of Hosts': { bytes: 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n', why: 'bad-host' },
  'a Host with a port that is none': { bytes: 'GET / HTTP/1.1\r\nHost: a:x\r\n\r\n', why: 'bad-host' },
  'a Host with port 65536': { bytes: 'GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n', why: 'bad-host' },
  'a Host with an open bracket': { bytes: 'GET / HTTP/1.1\r\nHost: [::1\r\n\r\n', why: 'bad-host' },
  'a Host that no URL can have': { bytes: 'GET / HTTP/1.1\r\nHost: 1.2.3.999\r\n\r\n', why: 'bad-host' },
  'an absolute target beside a bad Host': { bytes: 'GET http://a/ HTTP/1.1\r\nHost: b/c\r\n\r\n', why: 'bad-host' },

  'Content-Length: +5': { bytes: `${post}Content-Length: +5\r\n\r\n12345`, why: 'bad-content-length' },
  'Content-Length: -5': { bytes: `${post}Content-Length: -5\r\n\r\n12345`, why: 'bad-content-length' },
  'Content-Length: 0x5': { bytes: `${post}Content-Length: 0x5\r\n\r\n12345`, why: 'bad-content-length' },
  'Content-Length: 5 5': { bytes: `${post}Content-Length: 5 5\r\n\r\n12345`, why: 'bad-content-length' },
  'an empty Content-Length': { bytes: `${post}Content-Length:\r\n\r\n`, why: 'bad-content-length' },
  'Content-Length: 2^53': { bytes: `${post}Content-Length: 9007199254740992\r\n\r\n`, why: 'bad-content-length' },
  'Content-Length: 2^64 + 5': {
    bytes: `${post}Content-Length: 18446744073709551621\r\n\r\n`,
    why: 'bad-content-length',
  },
  'Content-Length: 5, 5': { bytes: `${post}Content-Length: 5, 5\r\n\r\n12345`, why: 'repeated-content-length' },
  'the same Content-Length twice': {
    bytes: `${post}Content-Length: 5\r\nContent-Length: 5\r\n\r\n12345`,
    why: 'repeated-content-length',
  },
  'two Content-Lengths': {
    bytes: `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345`,
    why: 'repeated-content-length',
  },
  'Content-Length, then Transfer-Encoding': {
    bytes: `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    why: 'length-and-coding',
  },
  'Transfer-Encoding, then Content-Length': {
    bytes: `${post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
    why: 'length-and-coding',
  },
  'Transfer-Encoding in HTTP/1.0': {
    bytes: 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    why: 'coding-in-http-1.0',
  },
  ...Object.fromEntries(
    (
      [
        ['gzip', 'bad-coding'],
        ['identity', 'bad-coding'],
        ['chunked, gzip', 'bad-coding'],
        ['chunked, chunked', 'bad-coding'],
        ['xchunked', 'bad-coding'],
        ['chunked;a=b', 'bad-coding'],
        ['chunked,', 'bad-coding'],
        [',chunked', 'bad-coding'],
        ['', 'bad-coding'],
        ['"chunked"', 'bad-coding'],
        ['chunk ed', 'bad-coding'],
        ['\x0bchunked', 'control-byte'],
        ['chunked\r\nTransfer-Encoding: chunked', 'bad-coding'],
        ['chunked\r\nTransfer-Encoding: identity', 'bad-coding'],
        ['gzip, chunked', 'unknown-coding'],
        ['identity, chunked', 'unknown-coding'],
        ['gzip;q=1, chunked', 'unknown-coding'],
        ['gzip\r\nTransfer-Encoding: chunked', 'unknown-coding'],
      ] as const
    ).map(([coding, why]) => [
      `Transfer-Encoding: ${JSON.stringify(coding)}`,
      { bytes: `${post}Transfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`, why },
    ]),
  ),
  'a Content-Length over the limit': {
    bytes: `${post}Content-Length: 11\r\n\r\n`,
    why: 'body-too-large',
    within: { maxBodyBytes: 10 },
  },

  'a chunk size that is not a number': chunks('x\r\n', 'bad-chunk-size'),
  'an empty chunk size': chunks('\r\n', 'bad-chunk-size'),
  'a chunk size with 0x': chunks('0x5\r\n12345\r\n', 'bad-chunk-size'),
  'a chunk size with a sign': chunks('+5\r\n12345\r\n', 'bad-chunk-size'),
  'a space before a chunk size': chunks(' 5\r\n12345\r\n', 'bad-chunk-size'),
  'a space behind a chunk size': chunks('5 \r\n12345\r\n', 'bad-chunk-size'),
  'a space before an extension': chunks('5 ;a\r\n12345\r\n', 'bad-chunk-size'),
  'a chunk size of 2^53': chunks('20000000000000\r\n', 'bad-chunk-size'),
  'a chunk size of 2^64 + 5': chunks('10000000000000005\r\n12345\r\n', 'bad-chunk-size'),
  'a chunk size of 17 zeros': chunks(`${'0'.repeat(17)}\r\n\r\n`, 'bad-chunk-size'),
  'LF behind a chunk size': chunks('5\n12345\r\n', 'bare-lf'),
  'CR alone behind a chunk size': chunks('5\r12345\r\n', 'bare-cr'),
  'NUL in an extension': chunks('5;a\0\r\n', 'control-byte'),
  'LF in an extension': chunks('5;a\n12345\r\n', 'bare-lf'),
  'LF in a quoted extension': chunks('5;a="b\nc"\r\n12345\r\n', 'bare-lf'),
  'an extension without a name': chunks('5;\r\n12345\r\n', 'bad-chunk-extension'),
  'an extension without a value': chunks('5;a=\r\n12345\r\n', 'bad-chunk-extension'),
  'an open quoted extension': chunks('5;a="b\r\n12345\r\n', 'bad-chunk-extension'),
  'a space behind an extension': chunks('5;a \r\n12345\r\n', 'bad-chunk-extension'),
  'an extension of 300 bytes': chunks(`5;${'a'.repeat(300)}\r\n12345\r\n`, 'chunk-extension-too-long'),
  'many extensions': chunks(`1;${'a'.repeat(100)}\r\nx\r\n`.repeat(11), 'chunk-extension-too-long', {
    maxHeadBytes: 1024,
  }),
  'a chunk longer than its size': chunks('5\r\n123456\r\n', 'bad-chunk-end'),
  'a chunk that ends with LF': chunks('5\r\n12345\n', 'bad-chunk-end'),
  'a chunk that ends with CR': chunks('5\r\n12345\rX', 'bad-chunk-end'),
  'chunks over the limit': chunks('6\r\n123456\r\n5\r\n', 'body-too-large', { maxBodyBytes: 10 }),
  'LF behind the last chunk': chunks('0\n\n', 'bare-lf'),
  'LF instead of trailers': chunks('0\r\n\n', 'bare-lf'),
  'a folded trailer': chunks('0\r\nA: b\r\n c\r\n\r\n', 'obs-fold'),
  'a trailer with a space before the colon': chunks('0\r\nA : b\r\n\r\n', 'space-before-colon'),
  'trailers over the limit': chunks(`0\r\nA: ${'b'.repeat(100)}\r\n\r\n`, 'head-too-large', { maxHeadBytes: 80 }),
  ...Object.fromEntries(
    ['Content-Length', 'transfer-encoding', 'HOST', 'Authorization', 'Content-Type', 'Trailer', 'Set-Cookie'].map(
      (name) => [`the trailer ${name}`, chunks(`0\r\n${name}: 1\r\n\r\n`, 'forbidden-trailer')],
    ),
  ),

  'FIN in a request line': { bytes: 'GET / HT', why: 'cut-off' },
  'FIN in a head': { bytes: get, why: 'cut-off' },
  'FIN in a body': { bytes: `${post}Content-Length: 5\r\n\r\n1234`, why: 'cut-off', told: 1 },
  'FIN in a chunk': chunks('5\r\n1234', 'cut-off'),
  'FIN before the last chunk': chunks('5\r\n12345\r\n', 'cut-off'),
  'FIN before the end of the trailers': chunks('0\r\nA: b\r\n', 'cut-off'),
}

const ok = 'HTTP/1.1 200 OK\r\n'

const refusedAnswers: Readonly<Record<string, Refusal>> = {
  'no version': { bytes: 'ICY 200 OK\r\n\r\n', why: 'bad-status-line' },
  'an empty line first': { bytes: `\r\n${ok}\r\n`, why: 'bad-status-line' },
  'a status of two digits': { bytes: 'HTTP/1.1 20 OK\r\n\r\n', why: 'bad-status-line' },
  'a status of four digits': { bytes: 'HTTP/1.1 2000 OK\r\n\r\n', why: 'bad-status-line' },
  'a status below 100': { bytes: 'HTTP/1.1 099 OK\r\n\r\n', why: 'bad-status-line' },
  'HTTP/2.0': { bytes: 'HTTP/2.0 200 OK\r\n\r\n', why: 'version-not-supported' },
  'NUL in the reason': { bytes: 'HTTP/1.1 200 O\0K\r\n\r\n', why: 'control-byte' },
  'LF ends the status line': { bytes: 'HTTP/1.1 200 OK\n\r\n', why: 'bare-lf' },
  'CR in the reason': { bytes: 'HTTP/1.1 200 O\rK\r\n\r\n', why: 'bare-cr' },
  'a folded field': { bytes: `${ok}A: b\r\n c\r\n\r\n`, why: 'obs-fold' },
  'two Content-Lengths': {
    bytes: `${ok}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    why: 'repeated-content-length',
  },
  'both framings': { bytes: `${ok}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, why: 'length-and-coding' },
  'gzip, chunked': { bytes: `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n`, why: 'unknown-coding' },
  'chunked in HTTP/1.0': { bytes: 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', why: 'coding-in-http-1.0' },
  'a bad chunk': { bytes: `${ok}Transfer-Encoding: chunked\r\n\r\nx\r\n`, why: 'bad-chunk-size', told: 1 },
  'a declared body over the limit': {
    bytes: `${ok}Content-Length: 11\r\n\r\n`,
    why: 'body-too-large',
    within: { maxBodyBytes: 10 },
  },
  'FIN instead of an answer': { bytes: '', why: 'cut-off' },
  'FIN in a body': { bytes: `${ok}Content-Length: 5\r\n\r\n1234`, why: 'cut-off', told: 1 },
  'FIN behind 100': { bytes: 'HTTP/1.1 100 Continue\r\n\r\n', why: 'cut-off' },
  'a byte behind an answer': { bytes: `${ok}Content-Length: 1\r\n\r\n12`, why: 'extra-bytes', told: 1 },
  'a body behind 304': { bytes: 'HTTP/1.1 304 Not Modified\r\n\r\n1', why: 'extra-bytes', told: 1 },
}

for (const [what, { bytes, why, within, told = 0 }] of Object.entries(refusedRequests)) {
  const narrowed = { ...limits, ...within }
  test(`a request is refused: ${what}`, () => {
    const { refused, messages } = serve([bytesOf(bytes)], true, narrowed)
    assert.deepEqual({ refused, told: messages.length }, { refused: why, told })
  })
  test(`and byte by byte: ${what}`, () => {
    const { refused, messages } = serve(
      Array.from(bytes, (char) => bytesOf(char)),
      true,
      narrowed,
    )
    assert.deepEqual({ refused, told: messages.length }, { refused: why, told })
  })
}

for (const [what, { bytes, why, within, told = 0 }] of Object.entries(refusedAnswers)) {
  test(`an answer is refused: ${what}`, () => {
    for (const pieces of [[bytesOf(bytes)], Array.from(bytes, (char) => bytesOf(char))]) {
      const { refused, messages } = ask('GET', pieces, true, { ...limits, ...within })
      assert.deepEqual({ refused, told: messages.length }, { refused: why, told })
    }
  })
}

test('a close-delimited body over the limit is refused', () => {
  const { refused } = ask('GET', [bytesOf(`${ok}\r\n12345678901`)], false, { ...limits, maxBodyBytes: 10 })
  assert.equal(refused, 'body-too-large')
})

test('every reason has a message that is refused for it', () => {
  const seen = new Set([...Object.values(refusedRequests), ...Object.values(refusedAnswers)].map(({ why }) => why))
  assert.deepEqual(
    Object.keys(reasons).filter((reason) => !seen.has(reason as ReasonId)),
    [],
  )
})
