/** The number of fields in a request head. */

import type { State } from '../../lifecycle/states.ts'
import { type HeldBy, nobody, runtime, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'

export const spec: LimitSpec = {
  kind: 'count',
  default: 100,
  off: false,
  what: 'The fields of a request head, and those of its trailers.',
  resets: '–',
  peerSees: '431, close',
  why: 'Browsers send about 20; each costs an allocation before anything is known of the client.',
  source: 'Apache LimitRequestFields 100; RFC 6585 5 (431)',
}

export const reasons = {
  headFields: {
    label: 'too-many-fields',
    status: 431,
    act: 'say',
    message: 'answered 431: a request head had too many fields',
  },
} as const satisfies Reasons

export const heldIn: State = 'head'

export const heldBy: HeldBy = {
  socketEngine: us('the parser'),
  nodeHttp: us('counted once the head is whole; HTTP/2: maxHeaderListPairs'),
  denoServe: runtime('Deno’s own, 128: 400; one that is set: by the names in a head, once it is whole: 431'),
  bunServe: runtime('Bun’s own, 198: 431; one that is set: by the names in a head, once it is whole: 431'),
  bunIdleTimer: nobody('Bun has no such limit below its own, 198 fields; the ledger counts them (Linux)'),
  workers: nobody('the edge publishes none'),
}
