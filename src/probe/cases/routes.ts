/**
 * Limits of one route: its requests have them until they are answered, and no other request has.
 */

import type { Case } from '../case.ts'
import type { Step } from '../words/index.ts'
import { lateHandler } from './handler.ts'
import { get } from './texts.ts'

const closesIdle: Step = { closes: { due: { by: ['idleTimeoutMs'], from: 'received' }, accept: ['fin'] } }

export default [
  {
    id: 'route-slow-upload',
    level: 'policy',
    title: 'An upload whose route has no time limits outlives those of the server; afterwards idle is idle',
    why: 'One upload route should not make every client of the server wait longer. What the route has lifted must come back with the answer, or the connection is never closed.',
    spec: ['RFC 9112 9.5'],
    profile: 'routed',
    limits: ['bodyTimeoutMs', 'uploadTimeoutMs', 'idleTimeoutMs'],
    steps: [
      { send: 'POST {patient/upload} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 10\r\n\r\nhello' },
      { wait: { outlive: ['bodyTimeoutMs', 'minBodyBytesPerSec', 'uploadTimeoutMs'] } },
      { send: 'world' },
      { answer: { status: [200], contains: '10', within: 2_000 } },
      closesIdle,
    ],
  },
  {
    id: 'route-limits-end-with-it',
    level: 'policy',
    title: 'The next body on the connection is under the server’s limit again',
    why: 'Limits belong to a request and clocks to a connection: one that keeps the limits of the route before it is held up by the next client that stops.',
    spec: ['RFC 9110 15.5.9'],
    profile: 'routed',
    needs: ['route-slow-upload'],
    steps: [
      { send: 'POST {patient/upload} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\n\r\nhello' },
      { answer: { status: [200], within: 2_000 }, setup: true },
      { send: 'POST {upload} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n\r\nhello' },
      { closes: { due: { by: ['bodyTimeoutMs'], from: 'sent' }, accept: ['408 then fin'] } },
    ],
  },
  {
    id: 'route-limits-pipelined',
    level: 'policy',
    title: 'Behind a pipelined request of such a route idle is idle, to the moment',
    why: 'Pipelined requests are on the connection together, and a server that parses ahead has both in hand at once: the limits of the first must not outlive its answer.',
    spec: ['RFC 9112 9.3.2'],
    profile: 'routed',
    limits: ['idleTimeoutMs'],
    steps: [
      { send: `GET {patient/slow}?ms=300 HTTP/1.1\r\nHost: {host}\r\n\r\n${get}` },
      { answer: { status: [200], contains: 'slow', within: 2_000 } },
      { answer: { status: [200], within: 2_000 } },
      closesIdle,
    ],
  },
  {
    id: 'route-slow-handler',
    level: 'policy',
    title: 'A handler whose route has no time limit outlives the server’s, and the next one does not',
    why: 'A report may take a minute; a page that takes one is broken.',
    spec: ['RFC 9110 15.6.4'],
    profile: 'routed',
    limits: ['handlerTimeoutMs'],
    steps: [
      {
        send: 'GET {patient/slow}?ms={ms} HTTP/1.1\r\nHost: {host}\r\n\r\n',
        with: { ms: { outlive: ['handlerTimeoutMs'] } },
      },
      { answer: { status: [200], contains: 'slow', within: { part: 2, of: 'handlerTimeoutMs', plusMs: 3_000 } } },
      ...lateHandler,
    ],
  },
  {
    id: 'route-quiet-stream',
    level: 'policy',
    title: 'A quiet stream whose route lets it be outlives the server’s limit, and the next one does not',
    why: 'An event stream is quiet for minutes; another response that is has lost its application.',
    spec: ['RFC 9112 8'],
    profile: 'routed',
    steps: [
      {
        send: 'GET {patient/stream}?ms={ms} HTTP/1.1\r\nHost: {host}\r\n\r\n',
        with: { ms: { outlive: ['streamIdleTimeoutMs'] } },
      },
      { answer: { status: [200], bytes: 11, within: { part: 2, of: 'streamIdleTimeoutMs', plusMs: 3_000 } } },
      {
        send: 'GET {stream}?ms={ms} HTTP/1.1\r\nHost: {host}\r\n\r\n',
        with: { ms: { part: 3, of: 'streamIdleTimeoutMs', plusMs: 10_000 } },
      },
      {
        closes: {
          due: { by: ['streamIdleTimeoutMs'], from: 'sent' },
          accept: ['partial 200 then fin', 'partial 200 then reset'],
        },
      },
    ],
  },
  {
    id: 'route-stalled-reader',
    level: 'policy',
    title: 'A reader that stalls in a response of such a route finds all of it when it reads on',
    why: 'A download that is paused for a while is the point of a route for it. What the runtime holds of the response is under the limits of its route as well.',
    spec: ['RFC 9112 9.5'],
    profile: 'routed',
    limits: ['writeTimeoutMs'],
    steps: [
      { send: 'GET {patient/large}?bytes=32mb HTTP/1.1\r\nHost: {host}\r\n\r\n' },
      { received: 20_000, within: 3_000, setup: true },
      { read: 'pause' },
      { wait: { outlive: ['writeTimeoutMs', 'minResponseBytesPerSec'] } },
      { read: 'resume' },
      { answer: { status: [200], bytes: 33_554_432, within: 10_000 } },
    ],
  },
  {
    id: 'route-large-body',
    level: 'policy',
    title: 'A route may take larger bodies than the server; the next route does not',
    why: 'The length is known before the route is: a server that refuses by it at once has no route for large bodies, and one that waits too long takes in what no route wants.',
    spec: ['RFC 9110 15.5.14'],
    profile: 'routed',
    limits: ['maxBodyBytes'],
    steps: [
      { send: 'POST {patient/upload} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {maxBodyBytes+1}\r\n\r\n' },
      { pour: 65_537 },
      { answer: { status: [200], contains: '65537', within: 3_000 } },
      { send: 'POST {upload} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {maxBodyBytes+1}\r\n\r\n' },
      { send: 'x'.repeat(1024) },
      { answer: { status: [413], within: 2_000 } },
    ],
  },
  {
    id: 'route-short-body',
    level: 'policy',
    title: 'A route may have less patience than the server: its body that stops is answered 408 sooner',
    why: 'A form of three fields is here at once, or its client is playing.',
    spec: ['RFC 9110 15.5.9'],
    profile: 'routed',
    suits: { bodyTimeoutMs: { least: 1_500 } },
    steps: [
      { send: 'POST {hasty/upload} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n\r\nhello' },
      { closes: { due: { from: 'sent', withinMs: 1_200 }, accept: ['408 then fin'] } },
    ],
  },
  {
    id: 'route-small-body',
    level: 'policy',
    title: 'A route may take smaller bodies than the server: what announces more gets 413',
    why: 'A login has no megabyte to send.',
    spec: ['RFC 9110 15.5.14'],
    profile: 'routed',
    suits: { maxBodyBytes: { least: 2_048 } },
    steps: [
      { send: 'POST {hasty/upload} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1025\r\n\r\n' },
      { send: 'x'.repeat(100) },
      { answer: { status: [413], within: 1_000 } },
    ],
  },
] satisfies Case[]
