/** The total time of a drain. */
import { edge, type HeldBy, nobody, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 10_000,
  off: false,
  what: 'Drain, phase 3 (cut): from the first signal over all phases until what is left is cut and counted.',
  resets: 'nothing',
  peerSees: 'RST or FIN in mid-response',
  why: 'Docker’s own grace before SIGKILL.',
  source: 'docker stop: 10 s',
}

export const reasons = {
  cut: { label: 'drain-timeout', status: null, act: 'reset', message: null },
} as const satisfies Reasons

export const heldBy: HeldBy = {
  socketEngine: us('drain'),
  nodeHttp: us('drain'),
  denoServe: us('drain'),
  bunServe: us('drain'),
  bunIdleTimer: us('drain; a connection that never sent a byte is left to Bun’s own clock'),
  workers: nobody(edge.noDrain),
}
