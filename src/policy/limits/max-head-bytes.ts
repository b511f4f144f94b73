/** The size of a request head. */

import type { State } from '../../lifecycle/states.ts'
import { type HeldBy, platform, runtime, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'

export const spec: LimitSpec = {
  kind: 'bytes',
  default: 16 * 1024,
  off: false,
  what: 'The size of a request head.',
  resets: '–',
  peerSees: '431, close',
  why: 'What Node and Bun accept already.',
  source: 'Node http.maxHeaderSize 16 KiB; RFC 6585 5 (431)',
}

export const reasons = {
  headTooLarge: {
    label: 'too-large',
    status: 431,
    act: 'say',
    message: 'answered 431: a request head was too large',
  },
} as const satisfies Reasons

export const heldIn: State = 'head'

const ledger = runtime('http.maxHeaderSize, one for the whole process')

export const heldBy: HeldBy = {
  socketEngine: us('the parser'),
  nodeHttp: runtime('http maxHeaderSize; HTTP/2: SETTINGS_MAX_HEADER_LIST_SIZE, RST_STREAM'),
  denoServe: runtime('Deno’s own, 64 KB: 400; one that is set: by its fields, once the head is whole: 431'),
  bunServe: ledger,
  bunIdleTimer: ledger,
  workers: platform('128 KB of request headers, a URL of 16 KB; workerd alone: none up to 300 KB'),
}
