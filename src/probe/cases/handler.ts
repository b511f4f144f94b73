/** A handler that takes too long, where the policy says what that is. */
import type { Case } from '../case.ts'
import type { Step } from '../words/index.ts'
import { get } from './texts.ts'

/** A handler that is late by far: 503, on time. */
export const lateHandler: readonly Step[] = [
  {
    send: 'GET {slow}?ms={ms} HTTP/1.1\r\nHost: {host}\r\n\r\n',
    with: { ms: { part: 3, of: 'handlerTimeoutMs', plusMs: 7_000 } },
  },
  {
    answer: {
      status: [503],
      within: { part: 2, of: 'handlerTimeoutMs', plusMs: 3_000 },
      due: { by: ['handlerTimeoutMs'], from: 'sent' },
    },
  },
]

export default [
  {
    id: 'handler-timeout',
    level: 'policy',
    title: 'A handler that takes longer than its limit is answered with 503 in its place',
    why: 'The client should hear something while it still listens: its own timeout, or the balancer’s, is not far. 503 says that it may try again.',
    spec: ['RFC 9110 15.6.4'],
    profile: 'handler',
    steps: [...lateHandler],
  },
  {
    id: 'handler-inside-limit',
    level: 'policy',
    title: 'A stream that goes on after the limit may finish once it was returned in time',
    why: 'The limit is on the time to a response, not on its length: once a stream was returned in time, it may go on.',
    spec: ['RFC 9110 15.6.4'],
    profile: 'handler',
    limits: ['handlerTimeoutMs'],
    steps: [
      {
        send: 'GET {stream}?ms={ms} HTTP/1.1\r\nHost: {host}\r\n\r\n',
        with: { ms: { outlive: ['handlerTimeoutMs'] } },
      },
      { answer: { status: [200], bytes: 11, within: { part: 2, of: 'handlerTimeoutMs', plusMs: 3_000 } } },
    ],
  },
  {
    id: 'loop-behind-503',
    level: 'policy',
    title: 'While the event loop is behind, a new request is answered 503 and when to come again',
    why: 'A server that is asked for more than it can compute does all of it too late, for clients that have given up. A quick no keeps it in time for the others.',
    spec: ['RFC 9110 15.6.4', 'RFC 9110 10.2.3'],
    profile: 'behind',
    limits: ['maxLoopLagMs'],
    requires: ['own-process'],
    suits: { maxLoopLagMs: { least: 1, most: 500 } },
    steps: [
      { send: get },
      { answer: { status: [200], within: 2_000 }, setup: true },
      {
        crowd: 1,
        keep: true,
        steps: [{ send: 'GET {busy}?ms=1000 HTTP/1.1\r\nHost: {host}\r\n\r\n' }, { quiet: 200 }],
        setup: true,
      },
      { send: get },
      { answer: { status: [503], header: { name: 'retry-after', matches: '^\\d+$' }, within: 3_000 } },
      { wait: 500 },
      { send: get },
      { answer: { status: [200], within: 2_000 } },
    ],
  },
] satisfies Case[]
