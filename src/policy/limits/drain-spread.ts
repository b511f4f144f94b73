/** The second phase of a drain: close what is idle. */
import { edge, type HeldBy, nobody, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 0,
  off: true,
  what: 'Drain, phase 2 (close): time over which the idle connections are closed.',
  resets: '–',
  peerSees: 'FIN',
  why: 'Only with very many clients does a reconnect at once hurt.',
  source: 'HAProxy close-spread-time',
}

export const reasons = {
  drained: { label: 'drain', status: null, act: 'end', message: null },
} as const satisfies Reasons

const ours = us('drain, in steps of 25 ms')

export const heldBy: HeldBy = {
  socketEngine: ours,
  nodeHttp: ours,
  denoServe: ours,
  bunServe: ours,
  bunIdleTimer: nobody('Bun ends all idle connections at once'),
  workers: nobody(edge.noDrain),
}
