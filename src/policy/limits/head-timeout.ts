/** The total time of a request head, the wait for its first byte included. */
import { bunFirstRequest, edge, type HeldBy, platform, runtime, untilFirstRequest, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'
import { type Rules, ranOut } from '../rule.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 30_000,
  off: true,
  what: 'From accept, or from the first byte of a later request, to the end of its head.',
  resets: 'nothing: a trickle does not extend it',
  peerSees: '408 if a byte of the request came, else FIN',
  why: 'A head fits in one packet; 30 s forgives the worst mobile network and nobody else.',
  source: 'Kestrel RequestHeadersTimeout 30 s; RFC 9110 15.5.9 (408)',
}

export const reasons = {
  silent: { label: 'timeout', status: null, act: 'end', message: null },
  head: {
    label: 'timeout',
    status: 408,
    act: 'say',
    message: 'answered 408: a request head was not finished in time',
  },
} as const satisfies Reasons

export const rules: Rules = {
  accepted: ranOut('headTimeoutMs', 'silent'),
  head: ranOut('headTimeoutMs', 'head'),
}

const ledger = us('kernel ledger, looked at when due; under TLS FIN, no 408')

export const heldBy: HeldBy = {
  socketEngine: us('swept every 50 ms'),
  nodeHttp: us('swept every 100 ms'),
  denoServe: ledger,
  bunServe: untilFirstRequest(ledger),
  bunIdleTimer: runtime(
    'first head: Bun’s own, 8–12 s after accept, whatever is set; later heads: the idle clock since the last answer; FIN, no 408',
    { ...bunFirstRequest, sharesClockWith: ['idleTimeoutMs'] },
  ),
  workers: platform(`${edge.unpublished}; workerd alone: 15 s`),
}
