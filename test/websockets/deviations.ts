/**
 * What the code for WebSockets of each runtime does otherwise. An entry that no longer holds turns
 * red. For the project's own engine on that runtime the same code reads the frames.
 */
import type { RuntimeName } from '../lib/runtimes.ts'

export interface Deviation {
  readonly on: RuntimeName
  /** Their ids; a star at the end stands for the rest. The first entry that names a case counts. */
  readonly cases: readonly string[]
  /** What was seen, as the judge says it; several: one of them. */
  readonly sees: string | readonly [string, ...string[]]
  readonly why: string
}

export const deviations: readonly Deviation[] = [
  {
    on: 'deno',
    cases: ['unmasked-text'],
    sees: 'answers: text bare; open',
    why: 'Deno.upgradeWebSocket takes frames that are not masked (RFC 6455 5.1: it must close)',
  },
  {
    on: 'deno',
    cases: ['unmasked-ping'],
    sees: 'answers: pong 62617265; open',
    why: 'as above',
  },
  {
    on: 'deno',
    cases: ['message-begun-twice'],
    sees: 'open',
    why: 'a first fragment inside another message is taken, and the message before it forgotten',
  },
  {
    on: 'deno',
    cases: ['not-utf8-cut-short-split'],
    sees: 'answers: text κόσμε; open',
    why: 'of fragments whose last ends inside a character, the application gets those before it',
  },
  {
    on: 'deno',
    cases: ['close-reason-too-long'],
    sees: 'close 1000 then fin',
    why: 'the 125 bytes of a control frame are not asked of a close frame',
  },
  {
    on: 'deno',
    cases: [
      'length-top-bit',
      'length-huge',
      'ping-too-long',
      'ping-fragmented',
      'pong-fragmented',
      'reserved-*',
      'continuation-*',
      'message-within-message',
      'not-utf8-*',
      'close-one-byte',
      'close-reason-not-utf8',
    ],
    sees: ['fin', 'reset'],
    why: 'a connection that has to fail is closed without a close frame, which RFC 6455 7.1.7 wants but does not require; frames behind the wrong one that have not been read make it a reset',
  },
]
