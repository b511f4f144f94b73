/** What each runtime is known to do otherwise, with where that is said. An entry that no longer holds turns red. */
import type { Deviation } from '../../src/probe/verdict.ts'
import type { RuntimeName } from './runtimes.ts'

export const deviations: Readonly<Record<RuntimeName, readonly Deviation[]>> = {
  node: [
    {
      cases: ['head-in-step'],
      what: 'the answer to HEAD says no length: @hono/node-server is given an answer without its body',
      issue: 'https://github.com/honojs/node-server/blob/main/src/listener.ts',
    },
    {
      cases: ['upgrade-websocket-ignored'],
      what: 'a WebSocket that the route does not accept is answered without a body, and the connection ends',
      issue: 'https://github.com/honojs/node-server/blob/main/src/websocket.ts',
    },
    {
      cases: ['later-minor-version', 'strict-repeated-host', 'strict-coding-unknown', 'strict-two-spaces'],
      what: 'the parser knows HTTP/1.0 and 1.1 only, and takes a second Host, gzip before chunked and two spaces',
      issue: 'https://github.com/nodejs/llhttp',
    },
    {
      cases: ['strict-coding-in-http10'],
      accept: ['2xx then fin'],
      what: 'Transfer-Encoding is believed of HTTP/1.0',
      issue: 'https://github.com/nodejs/llhttp',
    },
    {
      cases: ['strict-invalid-host'],
      what: 'an invalid Host is answered 400, and the connection kept',
      issue: 'https://github.com/honojs/node-server/blob/main/src/listener.ts',
    },
  ],
  'node-hangup': [],
  bun: [
    {
      cases: ['head-in-step'],
      what: 'the answer to HEAD says a length of 0',
      issue: 'https://github.com/oven-sh/bun/blob/main/src/bun.js/api/server.zig',
    },
    {
      cases: ['continue-when-asked', 'no-continue-unasked'],
      what: '100 goes to HTTP/1.0, and not to who asks in other letters',
      issue: 'https://github.com/oven-sh/bun/blob/main/packages/bun-uws/src/HttpContext.h',
    },
    {
      cases: ['trailers-read', 'bad-pipelined-request', 'absolute-target-decides', 'later-minor-version'],
      what: 'trailers are refused, a malformed request takes the answer before it, Host wins over the target, HTTP/1.2 is 505',
      issue: 'https://github.com/oven-sh/bun/blob/main/packages/bun-uws/src/HttpParser.h',
    },
    {
      cases: ['strict-bare-lf'],
      accept: ['505 then fin'],
      what: 'a bare LF is taken for a version that is not supported',
      issue: 'https://github.com/oven-sh/bun/blob/main/packages/bun-uws/src/HttpParser.h',
    },
    {
      cases: ['strict-repeated-host', 'strict-invalid-host', 'strict-connect'],
      what: 'a second Host, an invalid one and CONNECT reach the application',
      issue: 'https://github.com/oven-sh/bun/blob/main/packages/bun-uws/src/HttpParser.h',
    },
    {
      cases: ['pipelining'],
      what: 'two or more pipelined requests to an asynchronous handler get no answer, but FIN',
      issue: 'https://github.com/oven-sh/bun/issues/38128',
    },
    {
      cases: ['partial-request-line', 'partial-head', 'head-trickle', 'partial-second-head'],
      accept: ['fin'],
      what: 'Bun’s idle clock ends a connection without a word: no 408',
      issue: 'https://bun.com/docs/runtime/http/server#idletimeout',
    },
    {
      cases: ['reader-stalls', 'reader-stalls-stream'],
      accept: ['partial 200 then fin'],
      what: 'Bun’s idle clock ends a connection with FIN, after what its kernel still holds',
      issue: 'https://bun.com/docs/runtime/http/server#idletimeout',
    },
    {
      cases: ['half-close-in-handler'],
      what: 'FIN closes the connection unless the answer has already been made',
      issue: 'https://github.com/oven-sh/bun/pull/35088',
    },
    {
      cases: ['connection-close-said'],
      what: 'the connection is closed, but the answer does not say so',
      issue: 'https://github.com/oven-sh/bun/pull/33005',
    },
    {
      cases: ['connection-age-idle'],
      what: 'an idle connection is ended by the idle clock alone: Bun shows no connection outside a request',
      issue: 'runtimes/bun/enforcement.ts',
    },
    {
      cases: ['drain-refuses-new'],
      what: 'stop() ends the idle connections with the listener, so both wait for minIdleMs',
      issue: 'runtimes/bun/enforcement.ts',
    },
  ],
  'bun-hangup': [],
  'deno-hangup': [],
  workers: [
    {
      cases: ['head-in-step'],
      what: 'the answer to HEAD says no length',
      issue: 'https://github.com/capnproto/capnproto/blob/v2/c++/src/kj/compat/http.h',
    },
    {
      cases: ['early-answer-to-expecting'],
      what: 'wrangler dev waits for the body before it answers',
      issue: 'https://developers.cloudflare.com/workers/wrangler/',
    },
    {
      cases: ['absolute-target-decides', 'later-minor-version', 'strict-bare-lf', 'strict-coding-unknown'],
      what: 'Host wins over the target, HTTP/1.2 is 400, bare LF and gzip before chunked are taken',
      issue: 'https://github.com/capnproto/capnproto/blob/v2/c++/src/kj/compat/http.h',
    },
    {
      cases: ['strict-repeated-host', 'strict-invalid-host'],
      accept: ['500 then fin'],
      what: 'a second or invalid Host is the Worker’s 500, not the client’s 400',
      issue: 'https://github.com/capnproto/capnproto/blob/v2/c++/src/kj/compat/http.h',
    },
    {
      cases: ['strict-length-with-coding'],
      accept: ['2xx then fin'],
      what: 'Content-Length with Transfer-Encoding is taken',
      issue: 'https://github.com/capnproto/capnproto/blob/v2/c++/src/kj/compat/http.h',
    },
    {
      cases: [
        'strict-chunk-size-hex',
        'strict-chunk-size-empty',
        'strict-chunk-size-negative',
        'strict-chunk-size-overflow',
        'strict-chunk-without-end',
      ],
      accept: ['500 then fin'],
      what: 'a malformed chunk is the Worker’s 500, not the client’s 400',
      issue: 'https://github.com/capnproto/capnproto/blob/v2/c++/src/kj/compat/http.h',
    },
    {
      cases: ['partial-request-line', 'partial-head', 'head-trickle'],
      accept: ['fin'],
      what: 'the clock of a head ends a connection without a word: no 408',
      issue: 'https://github.com/capnproto/capnproto/blob/v2/c++/src/kj/compat/http.h',
    },
    {
      cases: ['partial-second-head'],
      what: 'a later head runs on the idle clock, which its first byte does not end',
      issue: 'https://github.com/capnproto/capnproto/blob/v2/c++/src/kj/compat/http.h',
    },
    {
      cases: ['malformed-chunk'],
      accept: ['500 then fin'],
      what: 'a malformed chunk is the Worker’s 500, not the client’s 400',
      issue: 'https://github.com/capnproto/capnproto/blob/v2/c++/src/kj/compat/http.h',
    },
  ],
}
