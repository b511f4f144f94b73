/** The credit of the two minimum rates; their rules are those of the quiet times. */
import { type ByRoute, edge, type HeldBy, nobody, perConnection, perRequest, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 5_000,
  off: false,
  what: 'How long a body may be slower than the two minimum rates before they count.',
  resets: '–',
  peerSees: '–',
  why: 'TCP needs a moment to find its speed.',
  source: 'Kestrel MinDataRate grace period 5 s',
}

const ours = us('credit of the two rates')

export const heldBy: HeldBy = {
  socketEngine: ours,
  nodeHttp: ours,
  denoServe: ours,
  bunServe: ours,
  bunIdleTimer: us('credit of the upload rate'),
  workers: nobody(edge.noRate),
}

export const byRoute: ByRoute = { ...perConnection, bunIdleTimer: perRequest.bunIdleTimer }
