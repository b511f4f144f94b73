/** The requests of one connection; `isLast` executes it. */
import { edge, type HeldBy, nobody, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'

export const spec: LimitSpec = {
  kind: 'count',
  default: 0,
  off: true,
  what: 'Requests answered on one connection; the last answer says `Connection: close`.',
  resets: '–',
  peerSees: '`Connection: close`, FIN',
  why: 'A healthy connection is cheaper than a new one.',
  source: 'nginx keepalive_requests; RFC 9112 9.6',
}

export const heldBy: HeldBy = {
  socketEngine: us('counted'),
  nodeHttp: us('counted; HTTP/2: GOAWAY'),
  denoServe: us('counted'),
  bunServe: us('counted'),
  bunIdleTimer: us('counted by the client’s address and port'),
  workers: nobody(edge.itsConnections),
}
