/** The connections of a server; `make-room.ts` executes it. */
import { edge, type HeldBy, nobody, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'

export const spec: LimitSpec = {
  kind: 'count',
  default: 0,
  off: true,
  what: 'Connections open at once. At the limit the one that has waited longest for its client is closed; if all are in a request, a newcomer gets 503.',
  resets: '–',
  peerSees: 'FIN, or 503 with `Retry-After` and close',
  why: 'The right number depends on the machine’s memory and descriptors.',
  source: 'RFC 9110 15.6.4 (503), 10.2.3 (Retry-After)',
}

export const reasons = {
  pressure: {
    label: 'pressure',
    status: null,
    act: 'end',
    message: 'closed a waiting connection to make room',
  },
  full: { label: 'full', status: 503, act: 'report', message: 'answered 503: all connections are busy' },
} as const satisfies Reasons

const ledger = us('kernel ledger, when a connection is found or speaks')

export const heldBy: HeldBy = {
  socketEngine: us('at accept'),
  nodeHttp: us('at accept'),
  denoServe: ledger,
  bunServe: ledger,
  bunIdleTimer: nobody('Bun accepts without asking; a proxy in front or a limit in the kernel'),
  workers: nobody(edge.itsConnections),
}
