/** HTTP/1.1 itself: what must work before any limit means anything. */
import type { Case } from '../case.ts'
import { get } from './texts.ts'

export default [
  {
    id: 'plain-get',
    level: 'should',
    title: 'A request is answered and the connection stays',
    why: 'Everything else is measured against this: a server that does not answer a small request, or closes after it, has no limits that could be told apart.',
    spec: ['RFC 9112 9.3'],
    profile: 'timed',
    steps: [{ send: get }, { answer: { status: [200], within: 2_000 } }, { quiet: 300 }],
  },
  {
    id: 'keep-alive-hint',
    level: 'policy',
    title: 'A response says how long the connection will be kept',
    why: 'A client that knows how long the connection will be kept never sends into one that is being closed: undici and others honour it.',
    spec: ['RFC 2068 19.7.1.1'],
    profile: 'timed',
    needs: ['plain-get'],
    limits: ['keepAliveHintMs'],
    steps: [
      { send: get },
      { answer: { status: [200], header: { name: 'keep-alive', matches: 'timeout={hintSec}(,|$)' }, within: 2_000 } },
    ],
  },
  {
    id: 'http10-closes',
    level: 'must',
    title: 'An HTTP/1.0 client that asks for nothing gets its response and the close',
    why: 'HTTP/1.0 connections do not persist unless both say so.',
    spec: ['RFC 9112 9.3', 'RFC 9112 C.2.2'],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [
      { send: 'GET {hello} HTTP/1.0\r\nHost: {host}\r\n\r\n' },
      { answer: { status: [200], contains: 'hello', within: 2_000 } },
      { closes: { due: { from: 'sent', withinMs: 1_000 }, accept: ['fin'] } },
    ],
  },
  {
    id: 'http10-close-framed',
    level: 'must',
    title: 'A stream of unknown length to an HTTP/1.0 client ends with the close',
    why: 'HTTP/1.0 knows no chunks: only the FIN tells a whole response from half of one.',
    spec: ['RFC 9112 6.1', 'RFC 9112 6.3'],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [
      { send: 'GET {stream}?ms=300 HTTP/1.0\r\nHost: {host}\r\n\r\n' },
      { answer: { status: [200], bytes: 11, header: { name: 'transfer-encoding', absent: true }, within: 2_000 } },
      { closes: { due: { from: 'sent', withinMs: 2_000 }, accept: ['fin'] } },
    ],
  },
  {
    id: 'connection-close',
    level: 'must',
    title: 'Connection: close is answered, and the connection closed',
    why: 'The client has said that it will not use the connection again.',
    spec: ['RFC 9112 9.6'],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [
      { send: 'GET {hello} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n' },
      { answer: { status: [200], within: 2_000 } },
      { closes: { due: { from: 'sent', withinMs: 1_000 }, accept: ['fin'] } },
    ],
  },
  {
    id: 'connection-close-said',
    level: 'should',
    title: 'The response to Connection: close says the same',
    why: 'A client behind a pool learns that it must not wait for more.',
    spec: ['RFC 9112 9.6'],
    profile: 'timed',
    needs: ['connection-close'],
    steps: [
      { send: 'GET {hello} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n' },
      { answer: { status: [200], header: { name: 'connection', matches: 'close' }, within: 2_000 } },
    ],
  },
  {
    id: 'pipelining',
    level: 'must',
    title: 'Ten pipelined requests get ten responses',
    why: 'Requests may queue up behind a slow one on any persistent connection. Responses that are lost or out of order are given to the wrong request.',
    spec: ['RFC 9112 9.3.2'],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [
      { send: 'GET {slow}?ms=20 HTTP/1.1\r\nHost: {host}\r\n\r\n'.repeat(10) },
      { answer: { status: [200], contains: 'slow', within: 3_000 }, times: 10 },
      { quiet: 200 },
    ],
  },
  {
    id: 'half-close',
    level: 'policy',
    title: 'A request followed by FIN is answered',
    why: 'FIN ends what the client sends, not what it wants to read: `printf … | nc` and some HTTP libraries end their side with the request.',
    spec: ['RFC 9112 9.6', 'RFC 9293 3.6'],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [
      { send: get },
      { end: 'fin' },
      { answer: { status: [200], contains: 'hello', within: 2_000 } },
      { closes: { due: { from: 'sent', withinMs: 1_000 }, accept: ['fin'] } },
    ],
  },
  {
    id: 'half-close-in-handler',
    level: 'policy',
    title: 'FIN while the handler works does not cost the client its response',
    why: 'As in Go’s net/http: the application is told that the client ended its side, and what it answers is written all the same.',
    spec: ['RFC 9112 9.6'],
    profile: 'timed',
    needs: ['half-close'],
    steps: [
      { send: 'GET {slow}?ms=600 HTTP/1.1\r\nHost: {host}\r\n\r\n' },
      { wait: 150 },
      { end: 'fin' },
      // The built-in route gives up with a 503 when its signal is aborted: an answer all the same.
      { answer: { status: 'any', within: 2_000 } },
      { closes: { due: { from: 'received', withinMs: 1_000 }, accept: ['fin'] } },
    ],
  },
  {
    id: 'whoami',
    level: 'policy',
    title: 'The application sees the client’s address through Hono’s getConnInfo',
    why: 'A server that hides its adapter’s env breaks the application’s own helpers.',
    spec: [],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [
      { send: 'GET {whoami} HTTP/1.1\r\nHost: {host}\r\n\r\n' },
      { answer: { status: [200], contains: '127.0.0.1 {localPort}\n', within: 2_000 } },
    ],
  },
  {
    id: 'websocket-echo',
    level: 'policy',
    title: 'Hono’s WebSocket helper works, and limits of HTTP leave the upgraded connection alone',
    why: 'An idle WebSocket is not an idle HTTP connection: after the upgrade the limits of HTTP must be off, and bytes must pass both ways.',
    spec: ['RFC 6455 4.2.2', 'RFC 6455 5.7'],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [
      {
        send:
          'GET {ws} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      },
      {
        answer: {
          status: [101],
          header: { name: 'sec-websocket-accept', matches: '^s3pPLMBiTxaQ9kYGzzhZRbK\\+xOo=$' },
          within: 2_000,
        },
        setup: true,
      },
      { quiet: { outlive: ['idleTimeoutMs', 'headTimeoutMs'] } },
      { sendHex: '818537fa213d7f9f4d5158' }, // "Hello", masked
      { receives: '810548656c6c6f', within: 2_000 },
    ],
  },
  {
    id: 'websocket-silence',
    level: 'observe',
    title: 'A WebSocket that is silent after its upgrade is pinged, closed or kept',
    why: 'Once upgraded, no limit of HTTP applies any more, and TCP says nothing of a peer that is gone: only a ping that stays unanswered shows it. A server without one keeps every laptop that was shut. What happens in the first seconds is recorded, not judged.',
    spec: ['RFC 6455 5.5.2'],
    profile: 'timed',
    needs: ['plain-get'],
    steps: [
      {
        send:
          'GET {ws} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      },
      { answer: { status: [101], within: 2_000 }, setup: true },
      { closes: { due: { from: 'received', withinMs: 5_000 }, accept: ['open', 'fin'] } },
    ],
  },
] satisfies Case[]
