/**
 * What each runtime is known to do otherwise, with where that is said. An entry that no longer
 * holds turns red.
 */
import type { Deviation } from '../../src/probe/judge/verdict.ts'
import type { RuntimeName } from './runtimes.ts'

/** What the kernel does not show, and what can't be written past a runtime's own server. */
const underLedger: readonly Deviation[] = [
  {
    cases: ['pipelined-half'],
    accept: ['fin'],
    what: 'a head that has begun with the bytes of the request before it is not seen by the kernel: the idle clock ends it, without a word',
    issue: 'src/kernel/ledger.ts',
  },
  {
    cases: ['idle-close-loses-no-byte'],
    what: 'what the client has not taken is not answered: idle begins when it has',
    issue: 'src/kernel/ledger.ts',
  },
  {
    cases: ['partial-request-line', 'partial-head', 'head-trickle', 'head-byte-trickle', 'partial-second-head'],
    transports: ['tls'],
    accept: ['fin'],
    what: 'over TLS the clock of a head ends a connection without a word: nothing is written past the runtime that encrypts',
    issue: 'src/kernel/ledger.ts',
  },
]

export const deviations: Readonly<Record<RuntimeName, readonly Deviation[]>> = {
  node: [
    {
      cases: ['upgrade-websocket-ignored'],
      what: 'Node gives up the connection with a request for a WebSocket: what the route answers in its place is its last',
      issue: 'https://nodejs.org/api/http.html#event-upgrade_1',
    },
    {
      cases: ['pipelined-half'],
      accept: ['fin'],
      what: 'the parser does not show that a head has begun with the bytes of the request before it, so the idle clock ends it, without a word',
      issue: 'runtimes/node/http1-connection.ts',
    },
    {
      cases: ['no-continue-before-refusal'],
      what: '100 is written before the application is asked, as the RFC allows',
      issue: 'https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1',
    },
    {
      cases: ['later-minor-version'],
      what: 'the parser knows no version between HTTP/1.1 and HTTP/2.0',
      issue: 'https://www.rfc-editor.org/rfc/rfc9110#section-2.5',
    },
    {
      cases: ['strict-repeated-host'],
      what: 'the first Host is taken: a test of Node’s own asks for it',
      issue: 'https://github.com/nodejs/node/blob/main/test/parallel/test-http-server-multiheaders.js',
    },
    {
      cases: ['strict-two-spaces'],
      what: 'two spaces are taken for one',
      issue: 'https://www.rfc-editor.org/rfc/rfc9112#section-3-3',
    },
    {
      cases: ['strict-coding-unknown'],
      what: 'gzip before chunked is taken, and the application given the compressed bytes',
      issue: 'https://github.com/nodejs/llhttp/issues/242',
    },
    {
      cases: ['strict-coding-in-http10'],
      accept: ['2xx then fin'],
      what: 'Transfer-Encoding is believed of HTTP/1.0',
      issue: 'https://www.rfc-editor.org/rfc/rfc9112#section-6.1',
    },
    {
      cases: ['strict-connect'],
      accept: ['fin'],
      what: 'CONNECT is closed without an answer',
      issue: 'https://nodejs.org/api/http.html#event-connect_1',
    },
    {
      cases: ['strict-target-too-long'],
      accept: ['431 then fin'],
      what: 'a target that does not fit into the head is 431, not 414',
      issue: 'https://www.rfc-editor.org/rfc/rfc9112#section-3-4',
    },
    {
      cases: ['strict-nothing-executed'],
      what: 'what is taken is executed, and a misspelt coding too: its 400 comes with the body, when the application has been asked',
      issue: 'https://www.rfc-editor.org/rfc/rfc9112#section-11.2',
    },
    {
      cases: [
        'h2-name-with-space',
        'h2-name-with-colon',
        'h2-name-with-control',
        'h2-name-beyond-ascii',
        'h2-name-empty',
        'h2-value-with-nul',
        'h2-value-with-cr',
        'h2-value-with-lf',
        'h2-value-with-space-before',
        'h2-value-with-space-after',
      ],
      accept: ['headers 200'],
      what: 'nghttp2 drops a malformed field, and takes the request without it',
      issue: 'https://github.com/nghttp2/nghttp2/issues/2871',
    },
    {
      cases: ['h2-stream-going-back', 'h2-stream-number-of-reset'],
      what: 'HEADERS with a number that is not larger than the last are ignored',
      issue: 'https://www.rfc-editor.org/rfc/rfc9113#section-5.1.1',
    },
    {
      cases: ['h2-goaway-in-two'],
      what: 'node:http2 has no shutdown notice: its one GOAWAY names the last request that is answered',
      issue: 'https://nghttp2.org/documentation/nghttp2_submit_shutdown_notice.html',
    },
    {
      cases: ['h2-priority-on-connection'],
      what: 'PRIORITY is not looked at',
      issue: 'https://www.rfc-editor.org/rfc/rfc9113#section-5.3.2',
    },
  ],
  'node-hangup': [],
  bun: [
    {
      cases: ['head-says-date'],
      what: 'an answer without a body has no Date',
      issue: 'https://github.com/oven-sh/bun/pull/33427',
    },
    {
      cases: ['continue-when-asked'],
      what: '100 goes only to who asks in small letters',
      issue: 'https://github.com/oven-sh/bun/issues/30248',
    },
    {
      cases: ['no-continue-unasked'],
      what: '100 goes to HTTP/1.0, too',
      issue: 'https://github.com/oven-sh/bun/pull/30250',
    },
    {
      cases: ['no-continue-before-refusal'],
      what: '100 is written before the application is asked, as the RFC allows',
      issue: 'https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1',
    },
    {
      cases: ['trailers-read', 'trailers-never-end'],
      what: 'trailers are refused',
      issue: 'https://github.com/oven-sh/bun/pull/32887',
    },
    {
      cases: ['bad-pipelined-request'],
      what: 'a malformed request takes the answer before it',
      issue: 'https://github.com/oven-sh/bun/pull/38128',
    },
    {
      cases: ['absolute-target-decides'],
      what: 'Host wins over the target',
      issue: 'https://github.com/oven-sh/bun/pull/33002',
    },
    {
      cases: ['later-minor-version'],
      what: 'HTTP/1.2 is 505',
      issue: 'https://www.rfc-editor.org/rfc/rfc9110#section-2.5',
    },
    {
      cases: ['strict-bare-lf'],
      accept: ['505 then fin'],
      what: 'a bare LF is taken for a version that is not supported',
      issue: 'https://www.rfc-editor.org/rfc/rfc9112#section-2.2',
    },
    {
      cases: ['strict-repeated-host'],
      what: 'a second Host is taken, and shown in one place but not in the other',
      issue: 'https://github.com/oven-sh/bun/pull/33717',
    },
    {
      cases: ['strict-invalid-host'],
      what: 'an invalid Host is taken',
      issue: 'https://github.com/oven-sh/bun/pull/33721',
    },
    {
      cases: ['strict-coding-unknown'],
      accept: ['400 then fin'],
      what: 'gzip before chunked is 400, not 501',
      issue: 'https://www.rfc-editor.org/rfc/rfc9112#section-6.1',
    },
    {
      cases: ['strict-too-many-fields'],
      what: '101 fields are taken',
      issue: 'https://www.rfc-editor.org/rfc/rfc6585#section-5',
    },
    {
      cases: ['strict-connect'],
      what: 'CONNECT reaches the application',
      issue: 'https://github.com/oven-sh/bun/pull/34261',
    },
    {
      cases: ['strict-target-too-long'],
      accept: ['431 then fin'],
      what: 'a target that does not fit into the head is 431, not 414',
      issue: 'https://www.rfc-editor.org/rfc/rfc9112#section-3-4',
    },
    {
      cases: ['strict-nothing-executed'],
      what: 'what is taken is executed: a second Host and 101 fields',
      issue: 'https://www.rfc-editor.org/rfc/rfc9112#section-11.2',
    },
    {
      cases: ['pipelining', 'route-limits-pipelined'],
      what: 'two or more pipelined requests to an asynchronous handler get no answer, but FIN',
      issue: 'https://github.com/oven-sh/bun/issues/38128',
    },
    ...underLedger,
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
  ],
  'bun-hangup': [],
  deno: [
    {
      cases: ['head-of-many-fields'],
      accept: ['400 then fin', '400 then reset'],
      what: 'Deno’s own limits on a head, 64 KB and 128 fields, answer 400, not 431',
      issue: 'https://github.com/denoland/deno/blob/main/libs/http_h1/conn.rs',
    },
    {
      cases: ['half-close-in-handler'],
      what: 'FIN while the handler works ends the connection without its answer',
      issue: 'https://github.com/denoland/deno/blob/main/ext/http/http_next.rs',
    },
    {
      cases: ['reset-content-in-step'],
      what: '205 without a body has no end of its own: the connection’s is it',
      issue: 'https://github.com/denoland/deno/blob/main/libs/http_h1/conn.rs',
    },
    {
      cases: ['no-continue-unasked'],
      what: '100 goes to HTTP/1.0, too',
      issue: 'https://github.com/denoland/deno/blob/main/libs/http_h1/conn.rs',
    },
    {
      cases: ['no-continue-before-refusal'],
      what: '100 is written before the application is asked, as the RFC allows',
      issue: 'https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1',
    },
    {
      cases: ['later-minor-version'],
      what: 'HTTP/1.2 is 400',
      issue: 'https://www.rfc-editor.org/rfc/rfc9110#section-2.5',
    },
    {
      cases: ['malformed-no-host'],
      what: 'HTTP/1.1 without Host is taken',
      issue: 'https://github.com/denoland/deno/blob/main/ext/http/http_next.rs',
    },
    {
      cases: [
        'malformed-chunk',
        'strict-chunk-size-hex',
        'strict-chunk-size-empty',
        'strict-chunk-size-negative',
        'strict-chunk-size-overflow',
        'strict-chunk-without-end',
      ],
      accept: ['fin'],
      what: 'a malformed chunk ends the connection without an answer',
      issue: 'https://github.com/denoland/deno/blob/main/libs/http_h1/conn.rs',
    },
    {
      cases: ['strict-chunk-extension-long'],
      accept: ['500 then fin'],
      what: 'a chunk extension that is too long fails the application’s read: its 500, not a 400',
      issue: 'https://github.com/denoland/deno/blob/main/libs/http_h1/conn.rs',
    },
    {
      cases: ['strict-major-version'],
      accept: ['400 then fin'],
      what: 'HTTP/2.0 is 400, not 505',
      issue: 'https://www.rfc-editor.org/rfc/rfc9110#section-15.6.6',
    },
    {
      cases: ['strict-bare-lf'],
      what: 'a bare LF ends a line, as the RFC allows',
      issue: 'https://www.rfc-editor.org/rfc/rfc9112#section-2.2',
    },
    {
      cases: ['strict-invalid-host', 'strict-connect', 'strict-coding-unknown', 'strict-trailer-forbidden'],
      what: 'an invalid Host, CONNECT, gzip before chunked and any trailer reach the application',
      issue: 'https://github.com/denoland/deno/blob/main/libs/http_h1/conn.rs',
    },
    {
      cases: ['strict-too-many-fields', 'strict-target-too-long'],
      what: '101 fields and a target of 20,000 bytes are taken',
      issue: 'https://github.com/denoland/deno/blob/main/libs/http_h1/conn.rs',
    },
    {
      cases: ['strict-nothing-executed'],
      what: 'what is taken is executed',
      issue: 'https://www.rfc-editor.org/rfc/rfc9112#section-11.2',
    },
    ...underLedger,
    {
      cases: ['h2-idle-goaway', 'h2-pings-do-not-keep', 'h2-age-goaway'],
      what: 'no GOAWAY before the end of an idle connection, which comes on time: nothing is written past the runtime that encrypts',
      issue: 'src/kernel/ledger.ts',
    },
    {
      cases: [
        'h2-ping-too-short',
        'h2-ping-too-long',
        'h2-priority-too-short',
        'h2-rst-stream-too-short',
        'h2-settings-not-in-sixes',
        'h2-settings-ack-with-payload',
        'h2-window-update-too-short',
        'h2-goaway-too-short',
        'h2-initial-window-out-of-range',
        'h2-hpack-index-zero',
        'h2-hpack-index-beyond',
        'h2-hpack-index-far-beyond',
        'h2-hpack-name-beyond',
        'h2-hpack-block-cut-in-string',
        'h2-hpack-block-cut-in-integer',
        'h2-hpack-integer-too-large',
        'h2-hpack-block-garbage',
        'h2-hpack-huffman-padded-with-zeros',
        'h2-hpack-huffman-padded-too-long',
        'h2-hpack-huffman-with-eos',
        'h2-hpack-size-update-at-end',
        'h2-hpack-size-update-too-large',
        'h2-hpack-table-emptied',
      ],
      accept: ['goaway PROTOCOL_ERROR'],
      what: 'the connection is ended, but every error of a frame or of compression is called PROTOCOL_ERROR',
      issue: 'https://github.com/hyperium/h2/pull/900',
    },
    {
      cases: ['h2-data-after-end', 'h2-headers-after-end'],
      accept: ['goaway PROTOCOL_ERROR'],
      what: 'what follows END_STREAM is called PROTOCOL_ERROR',
      issue: 'https://www.rfc-editor.org/rfc/rfc9113#section-5.1',
    },
    {
      cases: ['h2-drain-announced'],
      accept: ['fin'],
      what: 'a session that has been answered in the announce phase is ended without GOAWAY: nothing is written past the runtime that encrypts',
      issue: 'src/kernel/ledger.ts',
    },
    {
      cases: ['h2-preface-without-settings'],
      what: 'a preface without SETTINGS is taken',
      issue: 'https://www.rfc-editor.org/rfc/rfc9113#section-3.4',
    },
    {
      cases: [
        'h2-value-with-space-before',
        'h2-value-with-space-after',
        'h2-pseudo-header-in-trailers',
        'h2-host-other-than-authority',
        'h2-lengths-that-differ',
      ],
      accept: ['headers 200'],
      what: 'space around a field value, pseudo-header fields in trailers, Host that differs from :authority and two lengths are taken',
      issue: 'https://www.rfc-editor.org/rfc/rfc9113#section-8.1.1',
    },
  ],
  'deno-hangup': [],
  workers: [
    {
      cases: ['head-says-date'],
      what: 'workerd sends no Date with any answer: Cloudflare’s edge adds it',
      issue: 'https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1',
    },
    {
      cases: ['early-answer-to-expecting', 'no-continue-before-refusal'],
      what: 'wrangler dev waits for the body before it answers',
      issue: 'https://developers.cloudflare.com/workers/wrangler/',
    },
    {
      cases: ['absolute-target-decides'],
      what: 'Host wins over the target',
      issue: 'https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2',
    },
    {
      cases: ['later-minor-version'],
      what: 'HTTP/1.2 is 400',
      issue: 'https://www.rfc-editor.org/rfc/rfc9110#section-2.5',
    },
    {
      cases: ['strict-major-version'],
      accept: ['400 then fin'],
      what: 'HTTP/2.0 is 400, not 505',
      issue: 'https://www.rfc-editor.org/rfc/rfc9110#section-15.6.6',
    },
    {
      cases: ['strict-bare-lf'],
      what: 'a bare LF ends a line, as the RFC allows',
      issue: 'https://www.rfc-editor.org/rfc/rfc9112#section-2.2',
    },
    {
      cases: ['strict-repeated-host', 'strict-invalid-host', 'strict-connect'],
      accept: ['500 then fin'],
      what: 'a second or invalid Host and CONNECT are the Worker’s 500, not the client’s 400 or 501',
      issue: 'https://www.rfc-editor.org/rfc/rfc9112#section-3.2',
    },
    {
      cases: ['strict-coding-unknown'],
      what: 'gzip before chunked is taken',
      issue: 'https://www.rfc-editor.org/rfc/rfc9112#section-6.1',
    },
    {
      cases: ['strict-length-with-coding'],
      accept: ['2xx then fin'],
      what: 'Content-Length with Transfer-Encoding is taken, and the connection closed, as the RFC allows',
      issue: 'https://www.rfc-editor.org/rfc/rfc9112#section-6.1',
    },
    {
      cases: ['strict-too-many-fields', 'strict-target-too-long'],
      what: '101 fields and a target of 20,000 bytes are taken',
      issue: 'https://developers.cloudflare.com/workers/platform/limits/#request-limits',
    },
    {
      cases: ['strict-trailer-forbidden'],
      what: 'trailers are read and dropped, whatever they say',
      issue: 'https://www.rfc-editor.org/rfc/rfc9110#section-6.5.1',
    },
    {
      cases: [
        'strict-chunk-size-hex',
        'strict-chunk-size-empty',
        'strict-chunk-size-negative',
        'strict-chunk-size-overflow',
        'strict-chunk-without-end',
        'strict-chunk-extension-long',
      ],
      accept: ['500 then fin'],
      what: 'a malformed chunk is the Worker’s 500, not the client’s 400',
      issue: 'https://github.com/capnproto/capnproto/blob/v2/c++/src/kj/compat/http.h',
    },
    {
      cases: ['partial-request-line', 'partial-head', 'head-trickle', 'head-byte-trickle', 'pipelined-half'],
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
