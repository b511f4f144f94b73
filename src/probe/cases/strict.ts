/**
 * What must not be guessed at, because the next hop may guess otherwise: one message would become two (request
 * smuggling). A 4xx or 501, then the close; never a 500, which says that the application has seen it.
 */
import type { Case } from '../case.ts'

interface Refused {
  readonly id: string
  readonly title: string
  readonly spec: string
  readonly level?: Case['level']
  readonly send: string
  readonly status?: string
}

const host = 'Host: {host}\r\n'
const get = (line: string) => `GET {hello} HTTP/1.1\r\n${host}${line}\r\n\r\n`
const post = (fields: string, body = '') => `POST {upload} HTTP/1.1\r\n${host}${fields}\r\n\r\n${body}`
const chunked = (body: string) => post('Transfer-Encoding: chunked', body)

const refused: readonly Refused[] = [
  {
    id: 'bare-lf',
    title: 'A line that ends with LF alone',
    spec: 'RFC 9112 2.2',
    level: 'should',
    send: `GET {hello} HTTP/1.1\nHost: {host}\n\n`,
  },
  { id: 'bare-cr', title: 'A CR in a field without LF', spec: 'RFC 9112 2.2', send: get('X-A: 1\r2') },
  {
    id: 'obs-fold',
    title: 'A field continued on a second line',
    spec: 'RFC 9112 5.2',
    level: 'should',
    send: get('X-A: 1\r\n 2'),
  },
  { id: 'nul-in-value', title: 'NUL in a field value', spec: 'RFC 9110 5.5', send: get('X-A: 1\0') },
  { id: 'field-without-name', title: 'A field without a name', spec: 'RFC 9110 5.1', send: get(': 1') },
  { id: 'repeated-host', title: 'Two Host fields', spec: 'RFC 9112 3.2', send: get('Host: other.example') },
  {
    id: 'invalid-host',
    title: 'A Host that is none',
    spec: 'RFC 9112 3.2',
    send: 'GET {hello} HTTP/1.1\r\nHost: a b/c\r\n\r\n',
  },
  {
    id: 'connect',
    title: 'CONNECT',
    spec: 'RFC 9110 9.3.6',
    level: 'should',
    send: 'CONNECT target.example:443 HTTP/1.1\r\nHost: target.example:443\r\n\r\n',
    status: '5xx',
  },
  {
    id: 'length-with-sign',
    title: 'A signed Content-Length',
    spec: 'RFC 9110 8.6',
    send: post('Content-Length: +5', 'hello'),
  },
  {
    id: 'length-list',
    title: 'A list of lengths',
    spec: 'RFC 9110 8.6',
    level: 'should',
    send: post('Content-Length: 5, 5', 'hello'),
  },
  {
    id: 'length-differs',
    title: 'Two lengths that differ',
    spec: 'RFC 9112 6.3',
    send: post('Content-Length: 5\r\nContent-Length: 6', 'hello!'),
  },
  {
    id: 'length-overflow',
    title: 'A length beyond every number',
    spec: 'RFC 9110 8.6',
    send: post('Content-Length: 18446744073709551621'),
  },
  {
    id: 'length-with-coding',
    title: 'Content-Length with Transfer-Encoding',
    spec: 'RFC 9112 6.1',
    level: 'should',
    send: post('Content-Length: 5\r\nTransfer-Encoding: chunked', '0\r\n\r\n'),
  },
  {
    id: 'coding-last-not-chunked',
    title: 'A last coding that is not chunked',
    spec: 'RFC 9112 6.3',
    send: post('Transfer-Encoding: chunked, identity', '0\r\n\r\n'),
  },
  {
    id: 'coding-misspelt',
    title: 'A coding that only ends like chunked',
    spec: 'RFC 9112 6.3',
    send: post('Transfer-Encoding: xchunked', '0\r\n\r\n'),
  },
  {
    id: 'coding-unknown',
    title: 'A coding before chunked that nobody decodes',
    spec: 'RFC 9112 6.1',
    level: 'should',
    send: post('Transfer-Encoding: gzip, chunked', '0\r\n\r\n'),
    status: '5xx',
  },
  {
    id: 'coding-in-http10',
    title: 'Transfer-Encoding in HTTP/1.0',
    spec: 'RFC 9112 6.1',
    send: `POST {upload} HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  },
  {
    id: 'chunk-size-hex',
    title: 'A chunk size with 0x',
    spec: 'RFC 9112 7.1',
    send: chunked('0x5\r\nhello\r\n0\r\n\r\n'),
  },
  {
    id: 'chunk-size-empty',
    title: 'An empty chunk size',
    spec: 'RFC 9112 7.1',
    send: chunked('\r\nhello\r\n0\r\n\r\n'),
  },
  {
    id: 'chunk-size-negative',
    title: 'A negative chunk size',
    spec: 'RFC 9112 7.1',
    send: chunked('-5\r\nhello\r\n0\r\n\r\n'),
  },
  {
    id: 'chunk-size-overflow',
    title: 'A chunk size beyond every number',
    spec: 'RFC 9112 7.1',
    send: chunked('fffffffffffffffff\r\nhello'),
  },
  {
    id: 'chunk-without-end',
    title: 'A chunk that is longer than it says',
    spec: 'RFC 9112 7.1',
    send: chunked('5\r\nhello!\r\n0\r\n\r\n'),
  },
  {
    id: 'trailer-forbidden',
    title: 'Content-Length among the trailers',
    spec: 'RFC 9110 6.5.1',
    level: 'observe',
    send: chunked('5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n'),
  },
  {
    id: 'two-spaces',
    title: 'Two spaces in the request line',
    spec: 'RFC 9112 3',
    level: 'should',
    send: `GET  {hello} HTTP/1.1\r\n${host}\r\n`,
  },
  {
    id: 'major-version',
    title: 'Another major version',
    spec: 'RFC 9110 15.6.6',
    level: 'should',
    send: `GET {hello} HTTP/3.0\r\n${host}\r\n`,
    status: '5xx',
  },
  {
    id: 'target-too-long',
    title: 'A target that is too long',
    spec: 'RFC 9112 3',
    level: 'observe',
    send: `GET /${'a'.repeat(15_000)} HTTP/1.1\r\n${host}\r\n`,
  },
  {
    id: 'too-many-fields',
    title: 'Two thousand fields',
    spec: 'RFC 6585 5',
    level: 'observe',
    send: get('A: 1\r\n'.repeat(2_000).trimEnd()),
  },
]

export default refused.map(
  ({ id, title, spec, level = 'must', send, status = '4xx' }): Case => ({
    id: `strict-${id}`,
    level,
    title: `${title} is refused, and the connection closed`,
    why: 'Where two servers read it differently, one smuggles a request past the other.',
    spec: [spec],
    profile: 'timed',
    needs: ['plain-get'],
    // The head of a request is the same over TLS.
    transports: ['tcp'],
    steps: [
      { send },
      {
        closes: {
          due: { from: 'sent', withinMs: 1_000 },
          accept: status === '4xx' ? ['4xx then fin'] : [`${status} then fin`, '4xx then fin', 'fin'],
        },
      },
      { alive: true },
    ],
  }),
)
