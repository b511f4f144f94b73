/** What each runtime is known to do otherwise, with where that is said. An entry that no longer holds turns red. */
import type { Deviation } from '../../src/probe/verdict.ts'
import type { RuntimeName } from './runtimes.ts'

export const deviations: Readonly<Record<RuntimeName, readonly Deviation[]>> = {
  node: [],
  'node-hangup': [],
  bun: [
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
