/** Request heads that don't come to their end. */
import type { Case } from '../case.ts'
import type { Step } from '../words/index.ts'
import { get } from './texts.ts'

const cutOff = (from: 'connected' | 'sent'): Step => ({
  closes: { due: { by: ['headTimeoutMs'], from }, accept: ['408 then fin'] },
})

export default [
  {
    id: 'partial-request-line',
    level: 'policy',
    title: 'Half a request line is answered 408 and the close',
    why: 'A few bytes and then nothing. A byte came, so there is a client that can be told: 408 says that it was too slow, and that the request was not executed.',
    spec: ['RFC 9110 15.5.9', 'RFC 9112 9.5'],
    profile: 'timed',
    steps: [{ send: 'GET /' }, cutOff('connected')],
  },
  {
    id: 'partial-head',
    level: 'policy',
    title: 'Half a head is answered 408 and the close',
    why: 'Slowloris without the trickle: a head that never ends holds a parser, its buffer and a descriptor. Nothing has reached the application yet, so none of its own timeouts help.',
    spec: ['RFC 9110 15.5.9', 'RFC 9112 9.5'],
    profile: 'timed',
    steps: [{ send: 'GET {hello} HTTP/1.1\r\nHost: {host}\r\nX-A: 1\r\n' }, cutOff('connected')],
  },
  {
    id: 'head-trickle',
    level: 'policy',
    title: 'A head that arrives a line at a time is cut off',
    why: 'Slowloris: a line now and then extends every limit that counts quiet time. Only one that counts from the head’s beginning, and is not set back by bytes, ends it.',
    spec: ['CVE-2007-6750', 'RFC 9110 15.5.9', 'RFC 9112 9.5'],
    profile: 'timed',
    steps: [
      { send: 'GET {hello} HTTP/1.1\r\nHost: {host}\r\n' },
      {
        send: 'X-Pad: 1\r\n',
        everyMs: 250,
        until: 'closed',
        atMost: { times: 80, within: { outlive: ['headTimeoutMs'] } },
      },
      {
        closes: { due: { by: ['headTimeoutMs'], from: 'connected' }, accept: ['408 then fin', '408 then reset'] },
      },
    ],
  },
  {
    id: 'partial-second-head',
    level: 'policy',
    title: 'Half a head on a connection that was used before is cut off as on a new one',
    why: 'The idle clock ends with the first byte of the next request, and the head’s begins. A server with only one of them closes such a client too early, without a word, or never.',
    spec: ['RFC 9110 15.5.9', 'RFC 9112 9.5'],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [
      { send: get },
      { answer: { status: [200], within: 2_000 }, setup: true },
      { wait: { part: 0.5, of: 'idleTimeoutMs' } },
      { send: 'GET {hello} HTTP/1.1\r\nHost: {host}\r\n' },
      cutOff('sent'),
    ],
  },
  {
    id: 'head-in-two-parts',
    level: 'policy',
    title: 'A head that comes in two parts inside the limit is answered',
    why: 'TCP has no messages: a head may come in as many parts as the network likes. A limit on heads must leave room for an honest slow client.',
    spec: ['RFC 9112 2.2'],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [
      { send: 'GET {hello} HTTP/1.1\r\nHo' },
      { wait: { part: 0.4, of: 'headTimeoutMs' } },
      { send: 'st: {host}\r\n\r\n' },
      { answer: { status: [200], within: 2_000 } },
    ],
  },
  {
    id: 'head-byte-by-byte',
    level: 'must',
    title: 'A head that comes one byte at a time, but in time, is answered',
    why: 'TCP may cut anywhere, also between CR and LF: a parser that keeps no state between two reads, or a proxy that looks only at the first segment, loses such a request. Each byte is sent as a segment of its own.',
    spec: ['RFC 9112 2.2'],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [{ sendPieces: get, bytes: 1, everyMs: 5 }, { answer: { status: [200], within: 2_000 } }],
  },
  {
    id: 'head-byte-trickle',
    level: 'policy',
    title: 'A field that grows by a byte at a time is cut off like a head that stops',
    why: 'Slowloris at its cheapest: no line ever ends, so a parser that counts lines or waits for whole ones sees nothing happen, while a clock of quiet time is restarted by each byte.',
    spec: ['CVE-2007-6750', 'RFC 9110 15.5.9', 'RFC 9112 9.5'],
    profile: 'timed',
    steps: [
      { send: 'GET {hello} HTTP/1.1\r\nHost: {host}\r\nX-Pad: ' },
      { send: 'x', everyMs: 100, until: 'closed', atMost: { times: 4_000, within: { outlive: ['headTimeoutMs'] } } },
      { closes: { due: { by: ['headTimeoutMs'], from: 'connected' }, accept: ['408 then fin', '408 then reset'] } },
    ],
  },
  {
    id: 'head-timeout-said',
    level: 'observe',
    title: 'A head that stops half-way is answered 408, or the connection closed without a word',
    why: 'Both are allowed. 408 tells a live client what happened; a plain close tells a scanner nothing and cannot be mistaken for the response to a request that is just arriving. Which of them, and whether by FIN or by RST, is recorded, not judged.',
    spec: ['RFC 9110 15.5.9', 'RFC 9112 9.5'],
    profile: 'timed',
    steps: [
      { send: 'GET {hello} HTTP/1.1\r\nHost: {host}\r\nX-A: 1\r\n' },
      {
        closes: {
          due: { by: ['headTimeoutMs'], from: 'connected' },
          accept: ['408 then fin', '408 then reset', '4xx then fin', 'fin', 'reset'],
        },
      },
    ],
  },
  {
    id: 'head-of-many-fields',
    level: 'policy',
    title: 'A head of twenty thousand short fields is refused before its end',
    why: 'Each field costs an allocation and a place in a hash table before anything is known of the client; 160 kB of them are far above any limit on heads. A server that reads them all has a limit on bytes that does not count, or none.',
    spec: ['RFC 6585 5'],
    profile: 'sized',
    needs: ['plain-get-sized'],
    limits: ['maxHeadBytes'],
    suits: { maxHeadBytes: { most: 128 * 1024 } },
    steps: [
      { send: 'GET {hello} HTTP/1.1\r\nHost: {host}\r\n' },
      { send: 'A: 123\r\n'.repeat(20_000) },
      // What was not read makes the kernel answer with RST.
      { closes: { due: { from: 'sent', withinMs: 1_000 }, accept: ['431 then fin', '431 then reset', 'reset'] } },
      { alive: true },
    ],
  },
  {
    id: 'head-fields-counted',
    level: 'policy',
    title: 'A head of as many fields as are allowed is served, one with another field refused',
    why: 'A limit that is off by some refuses the clients that it was set for, or is none.',
    spec: ['RFC 6585 5'],
    profile: 'sized',
    needs: ['plain-get-sized'],
    limits: ['maxHeadFields'],
    suits: { maxHeadFields: { most: 1_000 } },
    steps: [
      { send: 'GET {hello} HTTP/1.1\r\nHost: {host}\r\n{fields*maxHeadFields-1}\r\n' },
      { answer: { status: [200], within: 2_000 } },
      { send: 'GET {hello} HTTP/1.1\r\nHost: {host}\r\n{fields*maxHeadFields}\r\n' },
      { closes: { due: { from: 'sent', withinMs: 1_000 }, accept: ['431 then fin', '431 then reset'] } },
    ],
  },
  {
    id: 'pipelined-half',
    level: 'policy',
    title: 'Half a request behind a whole one is cut off as a head, after the whole one was answered',
    why: 'The bytes were there before the connection became idle, so nothing new arrives that could start a clock: a server that begins the head’s limit with the next read never looks at them again, and one that takes the connection for idle says nothing to a client that has begun.',
    spec: ['RFC 9112 9.3.2', 'RFC 9112 9.5'],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [
      { send: `${get}GET {hello} HTTP/1.1\r\nHo` },
      { answer: { status: [200], within: 2_000 } },
      { closes: { due: { by: ['headTimeoutMs', 'idleTimeoutMs'], from: 'sent' }, accept: ['408 then fin'] } },
    ],
  },
] satisfies Case[]
