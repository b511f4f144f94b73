/** The total time of a TLS handshake. */
import { bunFirstRequest, edge, type HeldBy, platform, runtime, untilFirstRequest, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'
import { type Rules, ranOut } from '../rule.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 10_000,
  off: true,
  what: 'From accept to the end of the TLS handshake.',
  resets: 'nothing',
  peerSees: 'FIN',
  why: 'A handshake is two round trips; Node waits 120 s, long enough to hold a descriptor for nothing.',
  source: 'Go net/http and Kestrel (HandshakeTimeout) use 10 s',
}

export const reasons = {
  handshake: {
    label: 'timeout',
    status: null,
    act: 'end',
    message: 'closed a connection whose TLS handshake was not finished in time',
  },
} as const satisfies Reasons

export const rules: Rules = {
  handshake: ranOut('handshakeTimeoutMs', 'handshake'),
}

const ledger = us('kernel ledger, looked at when due')

export const heldBy: HeldBy = {
  socketEngine: us('swept every 50 ms'),
  nodeHttp: us('swept every 100 ms'),
  denoServe: ledger,
  bunServe: untilFirstRequest(ledger),
  bunIdleTimer: runtime('Bun’s own: 8–12 s after accept, whatever is set', bunFirstRequest),
  workers: platform(edge.unpublished),
}
