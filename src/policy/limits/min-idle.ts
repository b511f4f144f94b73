/** The time that a drain and pressure spare an idle connection. */
import { edge, type HeldBy, nobody, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 1_000,
  off: true,
  what: 'How long a connection that has just answered is spared by a drain or by pressure.',
  resets: 'the end of a response',
  peerSees: '–',
  why: 'A client’s next request may be on its way.',
  source: 'nginx keepalive_min_timeout; haproxy#1506, nodejs/node#60617',
}

const ours = us('asked before a drain or pressure closes it')

export const heldBy: HeldBy = {
  socketEngine: ours,
  nodeHttp: ours,
  denoServe: ours,
  bunServe: ours,
  bunIdleTimer: us(
    'a drain shuts listener and idle connections together, this long after the last answer that did not say so, at half time at the latest',
  ),
  workers: nobody(edge.noDrain),
}
