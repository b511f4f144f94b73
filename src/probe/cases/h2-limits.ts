/**
 * HTTP/2 under a client that means harm: frames that cost it next to nothing, windows that it never
 * opens, and what a session is told before its end.
 */
import type { Case } from '../case.ts'
import { data, frame, get, getOn, hex, session, setting } from './h2-rules.ts'

const transports: Case['transports'] = ['tls']
const needs = ['h2-get']
const common = { level: 'policy', profile: 'timed', transports, needs } as const

/** A session may end with or without its last word; the report keeps them apart. */
const ended = ['goaway then fin', 'fin', 'goaway then reset', 'reset']
const goodbye = ['goaway NO_ERROR then fin', 'goaway NO_ERROR then reset']
const survives: Case['steps'] = [
  { closes: { due: { from: 'sent', withinMs: 500 }, accept: [...ended, 'goaway then open', 'open'] } },
  { alive: true },
]

export default [
  {
    ...common,
    id: 'h2-reset-flood',
    title: 'A client that resets every request is cut off',
    why: 'What a reset stream has cost is spent, and no limit on open streams sees it. Only a budget of resets ends that: here twelve hundred requests, each reset at once.',
    spec: ['CVE-2023-44487', 'RFC 9113 10.5'],
    steps: [
      ...session,
      { h2: [{ request: 'GET', path: '{hello}' }, { reset: 'CANCEL' }], times: 1_200 },
      { closes: { due: { from: 'sent', withinMs: 2_000 }, accept: ended } },
      { alive: true },
    ],
  },
  {
    ...common,
    id: 'h2-settings-flood',
    title:
      'A thousand SETTINGS from a client that reads none of the acknowledgements do not take the server away from others',
    why: 'Each must be acknowledged, so each is memory while nobody reads. A server may end the session for it; which it does is reported. A new client must be served at once.',
    spec: ['CVE-2019-9515', 'RFC 9113 10.5'],
    steps: [
      ...session,
      { read: 'pause' },
      { h2: [frame('settings')], times: 1_000 },
      { wait: 300 },
      { alive: true },
      { read: 'resume' },
      { closes: { due: { from: 'resumed', withinMs: 500 }, accept: [...ended, 'goaway then open', 'open'] } },
    ],
  },
  {
    ...common,
    id: 'h2-empty-data-flood',
    title: 'A thousand empty DATA frames do not take the server away from others',
    why: 'They carry nothing, count against no window, and are read one by one. A server may take or refuse them; a new client must be served at once.',
    spec: ['CVE-2019-9518', 'RFC 9113 10.5'],
    steps: [
      ...session,
      { h2: [{ request: 'POST', path: '{upload}', open: true }] },
      { h2: [data(0, { flags: 0 })], times: 1_000 },
      ...survives,
    ],
  },
  {
    ...common,
    id: 'h2-empty-data-keeps-nothing',
    title: 'Empty DATA frames do not keep a body going',
    why: 'A body that makes no progress is a body that has stalled, however busy the connection looks. A clock that restarts with any frame lets nine bytes now and then hold a handler forever.',
    spec: ['RFC 9113 6.1', 'RFC 9110 15.5.9'],
    steps: [
      ...session,
      { h2: [{ request: 'POST', path: '{upload}', open: true }] },
      { h2: [data(0, { flags: 0 })], everyMs: 300, until: 'closed' },
      {
        frame: ['answer', 'rst_stream', 'goaway'],
        due: { by: ['bodyTimeoutMs', 'minBodyBytesPerSec'], from: 'connected', plusMs: 500 },
      },
    ],
  },
  {
    ...common,
    id: 'h2-empty-continuation-flood',
    title: 'A head that goes on in empty CONTINUATION frames is cut off',
    why: 'They add nothing to the head, so no limit on its size is ever reached; each is still read, and nothing else may be said on the session meanwhile.',
    spec: ['VU#421644', 'CVE-2024-27316'],
    steps: [
      ...session,
      { h2: [{ request: 'GET', path: '{hello}', unfinished: true }] },
      { h2: [frame('continuation', { stream: 1 })], times: 2_000 },
      {
        closes: { due: { from: 'sent', withinMs: 2_000 }, accept: ended },
      },
      { alive: true },
    ],
  },
  {
    ...common,
    id: 'h2-window-never-opened',
    title: 'A client that asks and never opens a window for the response is cut off',
    why: 'The response is made, and waits in the server’s memory for a window that never opens. A limit on slow readers that looks at TCP alone sees a connection that takes everything.',
    spec: ['RFC 9113 6.9', 'RFC 9113 10.5', 'CVE-2019-9517'],
    steps: [
      ...session,
      { h2: [setting(4, 0), get] },
      {
        closes: {
          due: { by: ['writeTimeoutMs', 'idleTimeoutMs'], from: 'sent', plusMs: 750 },
          accept: ended,
        },
      },
    ],
  },
  {
    ...common,
    id: 'h2-window-never-opened-again',
    title: 'A client that takes one window of a large response and opens no other is cut off',
    why: 'It reads from its socket all the time, and so looks like a client that is only slow.',
    spec: ['RFC 9113 6.9', 'RFC 9113 10.5'],
    steps: [
      ...session,
      { h2: [{ request: 'GET', path: '{large}?bytes=1mb' }] },
      { frame: ['answer'], status: 200, due: { from: 'sent', withinMs: 2_000 }, setup: true },
      {
        closes: { due: { by: ['writeTimeoutMs'], from: 'received', soonestFrom: 'sent', plusMs: 750 }, accept: ended },
      },
    ],
  },
  {
    ...common,
    id: 'h2-window-opened-late',
    title: 'A client that opens its window inside the limit gets its response',
    why: 'A phone on a train is slow and not hostile. The limit must begin again when something was taken.',
    spec: ['RFC 9113 6.9'],
    limits: ['writeTimeoutMs'],
    suits: { writeTimeoutMs: { least: 2_000 } },
    steps: [
      ...session,
      { h2: [setting(4, 0), get] },
      { wait: 1_000 },
      { h2: [frame('window_update', { stream: 1, payload: [{ u32: 65_535 }] })] },
      { frame: ['end', 'rst_stream', 'goaway'], due: { from: 'sent', withinMs: 1_000 } },
    ],
  },
  {
    ...common,
    id: 'h2-get-sized',
    level: 'must',
    title: 'Under limits of size a request over HTTP/2 is answered',
    why: 'The case about heads that are too large stands on it.',
    spec: ['RFC 9113 8.1'],
    profile: 'sized',
    needs: ['plain-get-sized'],
    steps: [...session, { h2: [get] }, { frame: ['answer'], status: 200, due: { from: 'sent', withinMs: 2_000 } }],
  },
  {
    ...common,
    id: 'h2-head-too-large',
    title: 'A head above the limit is refused over HTTP/2, too',
    why: 'Compression makes it worse: a field that is in the table once can be said again in one byte, and is as large each time for whoever takes it.',
    spec: ['RFC 9113 10.5.1', 'RFC 6585 5', 'CVE-2016-1544'],
    profile: 'sized',
    needs: ['h2-get-sized'],
    limits: ['maxHeadBytes'],
    suits: { maxHeadBytes: { most: 96 * 1024 } },
    steps: [
      ...session,
      // A field of 4 KB goes into the table once, and is said thirty times.
      {
        h2: [
          frame('headers', {
            flags: 0x5,
            stream: 1,
            payload: [
              {
                fields: [
                  [':method', 'GET'],
                  [':scheme', 'https'],
                  [':path', '{hello}'],
                  [':authority', '{host}'],
                ],
              },
              // RFC 7541 6.2.1: `x-a`, of 3,900 bytes.
              hex('40 03782d61 7fbd1d'),
              { x: 3_900 },
              hex('be'.repeat(30)),
            ],
          }),
        ],
      },
      { frame: ['answer', 'rst_stream', 'goaway'], refusal: true, due: { from: 'sent', withinMs: 1_000 } },
    ],
  },
  {
    ...common,
    id: 'h2-age-goaway',
    title: 'A session that reaches its age limit gets GOAWAY',
    why: 'A client that is told takes its next request to another connection. One that is only cut off has to find out, and to guess whether its last request was executed.',
    spec: ['RFC 9113 6.8'],
    profile: 'aged',
    needs: ['h2-get'],
    steps: [
      ...session,
      { h2: [get] },
      { frame: ['answer'], status: 200, due: { from: 'sent', withinMs: 2_000 }, setup: true },
      { frame: ['goaway'], due: { by: ['maxConnectionAgeMs'], from: 'connected' } },
      { closes: { due: { from: 'received', withinMs: 1_500 }, accept: ended } },
    ],
  },
  {
    id: 'h2-drain-announced',
    level: 'policy',
    title: 'In the announce phase a request on a session is answered, and GOAWAY follows',
    why: 'A balancer learns of a shutdown seconds late, and until then requests come. A server that says GOAWAY too early drops those that it has promised to take.',
    spec: ['RFC 9113 6.8'],
    profile: 'drain-announce',
    transports,
    limits: ['drainDelayMs'],
    requires: ['own-process'],
    steps: [
      ...session,
      { h2: [get] },
      { frame: ['answer'], status: 200, due: { from: 'sent', withinMs: 2_000 }, setup: true },
      { signal: 'SIGTERM' },
      { wait: 300 },
      { h2: [getOn(3)] },
      { frame: ['answer', 'rst_stream'], status: 200, due: { from: 'sent', withinMs: 1_000 } },
      { closes: { due: { from: 'signalled', withinMs: 4_000 }, accept: goodbye } },
      { exits: { code: 0, withinMs: 5_000 } },
    ],
  },
  {
    id: 'h2-drain-new-session',
    level: 'policy',
    title: 'In the announce phase a new session is answered',
    why: 'A session that is told GOAWAY before its first request is no use to its client, who comes again, and to the same server: a balancer has not heard yet.',
    spec: ['RFC 9113 6.8'],
    profile: 'drain-announce',
    transports,
    limits: ['drainDelayMs'],
    requires: ['own-process'],
    steps: [
      ...session,
      { signal: 'SIGTERM' },
      { wait: 300 },
      ...session,
      { h2: [get] },
      { frame: ['answer', 'rst_stream'], status: 200, due: { from: 'sent', withinMs: 1_000 } },
    ],
  },
  {
    id: 'h2-goaway-in-two',
    level: 'should',
    title: 'A drain begins with a GOAWAY that still takes every request, and answers those that were on their way',
    why: 'A request that crosses a GOAWAY on the wire has to be sent again. The first GOAWAY of two names the largest stream that there can be; the last one comes when no request can be on its way any more.',
    spec: ['RFC 9113 6.8'],
    profile: 'drain',
    transports,
    requires: ['own-process'],
    steps: [
      ...session,
      { h2: [{ request: 'GET', path: '{slow}?ms=1500' }] },
      { wait: 300 },
      { signal: 'SIGTERM' },
      { frame: ['announcement'], due: { from: 'signalled', withinMs: 1_000 } },
      { h2: [getOn(3)] },
      { frame: ['answer', 'rst_stream'], status: 200, due: { from: 'sent', withinMs: 1_000 } },
      { frame: ['end'], times: 2, due: { from: 'signalled', withinMs: 3_000 } },
      { closes: { due: { from: 'received', withinMs: 1_500 }, accept: goodbye } },
      { exits: { code: 0, withinMs: 2_000 } },
    ],
  },
] satisfies Case[]
