/**
 * Heads that no server may guess at: a 4xx, then the close, because nobody knows where the next
 * request would begin.
 */
import type { Case } from '../case.ts'

/** `allowed`: what the RFC leaves to the server beside it. */
const refused = (status: string, ...allowed: string[]): Case['steps'][number] => ({
  closes: {
    due: { from: 'sent', withinMs: 1_000 },
    accept: [`${status} then fin`],
    ...(allowed.length > 0 && { allowed }),
  },
})

export default [
  {
    id: 'malformed-request-line',
    level: 'should',
    title: 'What is not a request line gets 400 and the close',
    why: 'A server that reads on reads somebody else’s bytes as a request.',
    spec: ['RFC 9112 2.2', 'RFC 9112 3.2'],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [{ send: 'GARBAGE\r\n\r\n' }, refused('4xx')],
  },
  {
    id: 'malformed-header-name',
    level: 'must',
    title: 'A space before the colon gets 400 and the close',
    why: 'Two servers that read such a line differently can be played against each other.',
    spec: ['RFC 9112 5.1'],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [{ send: 'GET {hello} HTTP/1.1\r\nHost: {host}\r\nX-A : 1\r\n\r\n' }, refused('400', '400 then open')],
  },
  {
    id: 'malformed-no-host',
    level: 'must',
    title: 'HTTP/1.1 without Host gets 400',
    why: 'Without it nobody knows whose request it is.',
    spec: ['RFC 9112 3.2'],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [{ send: 'GET {hello} HTTP/1.1\r\n\r\n' }, { answer: { status: [400], within: 1_000 } }],
  },
  {
    id: 'malformed-two-lengths',
    level: 'must',
    title: 'Two different Content-Lengths get 400 and the close',
    why: 'Request smuggling.',
    spec: ['RFC 9112 6.3'],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [
      {
        send: 'POST {upload} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
      },
      refused('400'),
    ],
  },
  {
    id: 'malformed-length',
    level: 'must',
    title: 'A Content-Length that is not a number gets 400 and the close',
    why: 'The end of the body is unknown, and so is the beginning of the next request.',
    spec: ['RFC 9112 6.3'],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [{ send: 'POST {upload} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5x\r\n\r\nhello' }, refused('400')],
  },
  {
    id: 'malformed-length-and-chunked',
    level: 'must',
    title: 'The response to Content-Length beside Transfer-Encoding is the last of its connection',
    why: 'Request smuggling: a server may refuse it, or read the chunks, but what follows on the connection cannot be trusted.',
    spec: ['RFC 9112 6.1'],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [
      {
        send:
          'POST {upload} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n' +
          '5\r\nhello\r\n0\r\n\r\n',
      },
      { closes: { due: { from: 'sent', withinMs: 1_000 }, accept: ['4xx then fin', '200 then fin'] } },
    ],
  },
  {
    id: 'malformed-chunk',
    level: 'policy',
    title: 'A chunk size that is not a number gets 400 and the close',
    why: 'The end of the body is unknown, and so is the beginning of the next request.',
    spec: ['RFC 9112 7.1'],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [
      { send: 'POST {upload} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n' },
      refused('4xx'),
    ],
  },
] satisfies Case[]
