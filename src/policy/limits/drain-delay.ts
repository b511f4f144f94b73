/** The first phase of a drain: announce. */
import { edge, type HeldBy, nobody, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 0,
  off: true,
  what: 'Drain, phase 1 (announce): still accepting, not ready, every answer says `Connection: close`.',
  resets: '–',
  peerSees: '`Connection: close`',
  why: 'Only a balancer that learns of the shutdown late needs it; see the preset kubernetes.',
  source: 'Kubernetes: termination of endpoints is not synchronous with SIGTERM',
}

export const heldBy: HeldBy = {
  socketEngine: us('drain'),
  nodeHttp: us('drain'),
  denoServe: us('drain'),
  bunServe: us('drain'),
  bunIdleTimer: us('drain'),
  workers: nobody(edge.noDrain),
}
