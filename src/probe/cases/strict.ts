/**
 * What must not be guessed at, because the next hop may guess otherwise: one message would become
 * two (request smuggling). A 4xx or 501, then the close; never a 500, which says that the
 * application has seen it. Where the RFC lets a server choose between repair and refusal the level
 * is `policy`: hangup refuses.
 */
import type { Case } from '../case.ts'
import type { Step } from '../words/index.ts'

interface Refused {
  readonly id: string
  readonly title: string
  readonly why: string
  readonly spec: readonly string[]
  readonly level: Case['level']
  readonly send: string
  /** Default: 400. */
  readonly status?: readonly string[]
  /** What the RFC leaves to the server beside it. */
  readonly allowed?: readonly string[]
}

const host = 'Host: {host}\r\n'
const get = (line: string) => `GET {hello} HTTP/1.1\r\n${host}${line}\r\n\r\n`
const post = (fields: string, body = '') => `POST {upload} HTTP/1.1\r\n${host}${fields}\r\n\r\n${body}`
const chunked = (body: string) => post('Transfer-Encoding: chunked', body)

/**
 * It may be refused as the server likes, or waited for: it must only not be taken for what it is
 * not.
 */
const notMisread = ['4xx then fin', '4xx then open', '5xx then fin', '5xx then open', 'fin', 'open']

/** Refused for their heads: the application never hears of them. */
const heads: readonly Refused[] = [
  {
    id: 'line-without-version',
    title: 'A request line without a version',
    why: 'Read as HTTP/0.9 it has no fields, and what follows is another request.',
    spec: ['RFC 9112 2.2', 'RFC 9112 3.2'],
    level: 'should',
    send: `GET {hello}\n${host}\r\n`,
    status: ['400', '505'],
    allowed: ['400 then open', '301 then fin', '301 then open'],
  },
  {
    id: 'two-spaces',
    title: 'A request line with two spaces',
    why: 'An access rule that splits at the first one sees an empty target.',
    spec: ['RFC 9112 3', 'RFC 9112 11.2'],
    level: 'policy',
    send: `GET  {hello} HTTP/1.1\r\n${host}\r\n`,
  },
  {
    id: 'major-version',
    title: 'HTTP/2 in the syntax of HTTP/1',
    why: 'Its framing is not that of HTTP/1.1, whatever the bytes look like.',
    spec: ['RFC 9110 15.6.6', 'RFC 9112 2.3'],
    level: 'policy',
    send: `GET {hello} HTTP/2.0\r\n${host}\r\n`,
    status: ['505'],
  },
  {
    id: 'bare-lf',
    title: 'A line that ends with LF alone',
    why: 'A proxy that looks for CRLF sees one field where this server sees two.',
    spec: ['RFC 9112 2.2'],
    level: 'policy',
    send: `GET {hello} HTTP/1.1\nHost: {host}\n\n`,
  },
  {
    id: 'bare-cr',
    title: 'A CR in a field without LF',
    why: 'Old parsers end the line there.',
    spec: ['RFC 9112 2.2'],
    level: 'policy',
    send: get('X-A: 1\r2'),
  },
  {
    id: 'obs-fold',
    title: 'A field continued on a second line',
    why: 'A length or a coding hides in the second line from a parser that does not unfold.',
    spec: ['RFC 9112 5.2'],
    level: 'policy',
    send: get('X-A: 1\r\n 2'),
  },
  {
    id: 'nul-in-value',
    title: 'NUL in a field value',
    why: 'A program in C ends the value there.',
    spec: ['RFC 9110 5.5'],
    level: 'policy',
    send: get('X-A: 1\0'),
  },
  {
    id: 'field-without-name',
    title: 'A field without a name',
    why: 'Nobody knows what the next hop makes of it.',
    spec: ['RFC 9110 5.1'],
    level: 'policy',
    send: get(': 1'),
  },
  {
    id: 'repeated-host',
    title: 'A second Host',
    why: 'The proxy routes by one of them and the application by the other.',
    spec: ['RFC 9112 3.2'],
    level: 'must',
    send: get('Host: other.example'),
    allowed: ['400 then open'],
  },
  {
    id: 'invalid-host',
    title: 'A Host that is not one',
    why: 'It becomes part of a URL, and a route or a cache key with it.',
    spec: ['RFC 9112 3.2'],
    level: 'must',
    send: 'GET {hello} HTTP/1.1\r\nHost: a b/c\r\n\r\n',
    allowed: ['400 then open'],
  },
  {
    id: 'length-with-sign',
    title: 'A signed Content-Length',
    why: 'strtol takes the sign, and the next parser does not.',
    spec: ['RFC 9110 8.6', 'RFC 9112 6.3'],
    level: 'must',
    send: post('Content-Length: +5', 'hello'),
  },
  {
    id: 'length-list',
    title: 'A list of lengths',
    why: 'Taken for one number by some, for none by others.',
    spec: ['RFC 9110 8.6', 'RFC 9112 6.3'],
    level: 'policy',
    send: post('Content-Length: 5, 5', 'hello'),
  },
  {
    id: 'length-overflow',
    title: 'A Content-Length beyond 64 bits',
    why: 'Modulo 2^64 it is 5.',
    spec: ['RFC 9110 8.6'],
    level: 'must',
    send: post('Content-Length: 18446744073709551621', 'hello'),
    status: ['400', '413'],
    allowed: notMisread,
  },
  {
    id: 'length-with-coding',
    title: 'Content-Length with Transfer-Encoding',
    why: 'The classic of request smuggling: each hop believes another one.',
    spec: ['RFC 9112 6.1', 'RFC 9112 6.3'],
    level: 'policy',
    send: post('Content-Length: 5\r\nTransfer-Encoding: chunked', '0\r\n\r\n'),
  },
  {
    id: 'coding-last-not-chunked',
    title: 'A last coding that is not chunked',
    why: 'The body of such a request has no end.',
    spec: ['RFC 9112 6.3'],
    level: 'must',
    send: post('Transfer-Encoding: chunked, identity', '0\r\n\r\n'),
  },
  {
    id: 'coding-misspelt',
    title: 'A coding that only ends like chunked',
    why: 'A parser that looks for the word anywhere in the value reads chunks.',
    spec: ['RFC 9112 6.1', 'RFC 9112 6.3'],
    level: 'must',
    send: post('Transfer-Encoding: xchunked', '0\r\n\r\n'),
    status: ['400', '501'],
  },
  {
    id: 'coding-unknown',
    title: 'A coding before chunked that nobody decodes',
    why: 'The application would take compressed bytes for the content.',
    spec: ['RFC 9112 6.1'],
    level: 'should',
    send: post('Transfer-Encoding: gzip, chunked', '0\r\n\r\n'),
    status: ['501'],
    // Who decodes it finds no gzip in it.
    allowed: ['501 then open', '400 then fin', '400 then open'],
  },
  {
    id: 'coding-in-http10',
    title: 'Transfer-Encoding in HTTP/1.0',
    why: 'An HTTP/1.0 proxy has passed it on without understanding it.',
    spec: ['RFC 9112 6.1'],
    level: 'must',
    send: `POST {upload} HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    // It is to be closed when the message has been processed.
    allowed: ['2xx then fin', '4xx then fin', '5xx then fin', 'fin'],
  },
  {
    id: 'too-many-fields',
    title: 'A request of 101 fields',
    why: 'Each costs an allocation before anything is known of the client.',
    spec: ['RFC 6585 5'],
    level: 'policy',
    send: get('A: 1\r\n'.repeat(100).trimEnd()),
    status: ['431'],
  },
]

/** Refused heads that no application could be asked with. */
const targets: readonly Refused[] = [
  {
    id: 'connect',
    title: 'CONNECT',
    why: 'A server that is not a proxy and says 200 has opened a tunnel to itself.',
    spec: ['RFC 9110 9.1', 'RFC 9110 9.3.6'],
    level: 'policy',
    send: 'CONNECT target.example:443 HTTP/1.1\r\nHost: target.example:443\r\n\r\n',
    status: ['4xx', '501'],
  },
  {
    id: 'target-too-long',
    title: 'A target of 20,000 bytes',
    why: 'The client learns that it is the target, and not its cookies.',
    spec: ['RFC 9112 3', 'RFC 9110 15.5.15'],
    level: 'policy',
    send: `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${host}\r\n`,
    status: ['414'],
  },
]

/** Refused in their bodies, when the application has the head. */
const bodies: readonly Refused[] = [
  {
    id: 'chunk-size-hex',
    title: 'A chunk size with 0x',
    why: 'strtol reads 5, others 0: the end of the body.',
    spec: ['RFC 9112 7.1'],
    level: 'policy',
    send: chunked('0x5\r\nhello\r\n0\r\n\r\n'),
  },
  {
    id: 'chunk-size-empty',
    title: 'An empty chunk size',
    why: 'Read as 0 it is the end of the body.',
    spec: ['RFC 9112 7.1'],
    level: 'policy',
    send: chunked('\r\nhello\r\n0\r\n\r\n'),
  },
  {
    id: 'chunk-size-negative',
    title: 'A negative chunk size',
    why: 'As an unsigned number it is the rest of the memory.',
    spec: ['RFC 9112 7.1'],
    level: 'policy',
    send: chunked('-5\r\nhello\r\n0\r\n\r\n'),
  },
  {
    id: 'chunk-size-overflow',
    title: 'A chunk size beyond 64 bits',
    why: 'Modulo 2^64 it is 5.',
    spec: ['RFC 9112 7.1'],
    level: 'must',
    send: chunked('10000000000000005\r\nhello\r\n0\r\n\r\n'),
    status: ['400', '413'],
    allowed: notMisread,
  },
  {
    id: 'chunk-without-end',
    title: 'A chunk that is longer than it says',
    why: 'A parser that skips two bytes instead of looking at them reads on in another place.',
    spec: ['RFC 9112 7.1'],
    level: 'policy',
    send: chunked('5\r\nhello!\r\n0\r\n\r\n'),
  },
  {
    id: 'chunk-extension-long',
    title: 'A chunk extension of 20,000 bytes',
    why: 'Bytes that no body limit counts (CVE-2024-22019).',
    spec: ['RFC 9112 7.1.1'],
    level: 'policy',
    send: chunked(`5;a=${'b'.repeat(20_000)}\r\nhello\r\n0\r\n\r\n`),
    status: ['4xx'],
  },
  {
    id: 'trailer-forbidden',
    title: 'A Content-Length among the trailers',
    why: 'Merged into the head it is the length of a body that has been read.',
    spec: ['RFC 9110 6.5.1'],
    level: 'policy',
    send: chunked('5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n'),
  },
]

// The bytes inside TLS are read by the same parser.
const common: Pick<Case, 'profile' | 'needs' | 'transports'> = {
  profile: 'timed',
  needs: ['plain-get'],
  transports: ['tcp'],
}

/** The same head, for a route that counts how often it was asked. */
const counted = ({ send }: Refused) => send.replace(/^(?:GET|POST)( +)\{(?:hello|upload)\}/, 'POST$1{count}')

export default [
  ...[...heads, ...targets, ...bodies].map(
    ({ id, title, why, spec, level, send, status = ['400'], allowed }): Case => ({
      ...common,
      id: `strict-${id}`,
      level,
      title: `${title} is refused, and the connection closed`,
      why,
      spec: [...spec],
      steps: [
        { send },
        {
          closes: {
            due: { from: 'sent', withinMs: 1_000 },
            accept: status.map((code) => `${code} then fin`),
            ...(allowed && { allowed: [...allowed] }),
          },
        },
        { alive: true },
      ],
    }),
  ),
  {
    ...common,
    id: 'strict-nothing-executed',
    level: 'policy',
    title: 'Nothing of a request that is refused for its head reaches the application',
    why: 'A refusal that comes after the order was placed is not a refusal.',
    spec: ['RFC 9112 11.2'],
    steps: [
      { counted: 'note' },
      ...heads.flatMap((head): Step[] => [
        { connect: 'again' },
        { send: counted(head) },
        // How each is refused is for the cases above.
        {
          closes: {
            due: { from: 'sent', withinMs: 250 },
            accept: ['4xx then fin', '5xx then fin', '2xx then fin', 'fin', '4xx then open', '2xx then open'],
          },
        },
      ]),
      { counted: { more: 1 } },
    ],
  },
] satisfies Case[]
