/** Request heads that don't come to their end. */
import type { Case, Step } from '../case.ts'
import { get } from './texts.ts'

const cutOff = (from: 'connected' | 'sent'): Step => ({
  closes: { due: { by: ['headTimeoutMs'], from }, accept: ['408 then fin'] },
})

export default [
  {
    id: 'partial-request-line',
    level: 'policy',
    title: 'Half a request line is answered 408 and the close',
    why: 'A byte came, so the client is there to be told.',
    spec: ['RFC 9110 15.5.9', 'RFC 9112 9.5'],
    profile: 'timed',
    steps: [{ send: 'GET /' }, cutOff('connected')],
  },
  {
    id: 'partial-head',
    level: 'policy',
    title: 'Half a head is answered 408 and the close',
    why: 'Slowloris without the trickle.',
    spec: ['RFC 9110 15.5.9', 'RFC 9112 9.5'],
    profile: 'timed',
    steps: [{ send: 'GET {hello} HTTP/1.1\r\nHost: {host}\r\nX-A: 1\r\n' }, cutOff('connected')],
  },
  {
    id: 'head-trickle',
    level: 'policy',
    title: 'A head that arrives a line at a time is cut off',
    why: 'Slowloris: each byte extends a limit that counts quiet time.',
    spec: ['RFC 9110 15.5.9', 'RFC 9112 9.5'],
    profile: 'timed',
    steps: [
      { send: 'GET {hello} HTTP/1.1\r\nHost: {host}\r\n' },
      { send: 'X-Pad: 1\r\n', everyMs: 250, until: 'closed' },
      {
        closes: { due: { by: ['headTimeoutMs'], from: 'connected' }, accept: ['408 then fin', '408 then reset'] },
      },
    ],
  },
  {
    id: 'partial-second-head',
    level: 'policy',
    title: 'Half a head on a connection that was used before is cut off as on a new one',
    why: 'The idle clock ends with the first byte; the head’s begins.',
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
    level: 'must',
    title: 'A head that comes in two parts inside the limit is answered',
    why: 'TCP has no messages.',
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
] satisfies Case[]
