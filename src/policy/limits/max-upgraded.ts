/** The WebSockets of a server. */
import { edge, type HeldBy, nobody, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'

export const spec: LimitSpec = {
  kind: 'count',
  default: 0,
  off: true,
  what: 'WebSockets open at once. A request for one more is answered before the application is asked; those that are being decided on count.',
  resets: '–',
  peerSees: '503 with `Retry-After`',
  why: 'A WebSocket is never idle, so none is closed to make room for a newcomer: without a limit they take what `maxConnections` and the descriptors leave for requests.',
  source: 'RFC 9110 15.6.4 (503), 10.2.3 (Retry-After)',
}

export const reasons = {
  upgradedFull: {
    label: 'full',
    status: 503,
    act: 'report',
    message: 'answered 503: there are as many WebSockets as may be',
  },
} as const satisfies Reasons

const ours = us('when a request asks for one')

export const heldBy: HeldBy = {
  socketEngine: ours,
  nodeHttp: ours,
  denoServe: ours,
  bunServe: ours,
  bunIdleTimer: ours,
  workers: nobody(edge.itsConnections),
}
