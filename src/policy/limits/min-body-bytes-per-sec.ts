/** The slowest upload. Its rule is that of `bodyTimeoutMs`: one clock counts for both. */
import { type ByRoute, edge, type HeldBy, nobody, perConnection, perRequest, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'

export const spec: LimitSpec = {
  kind: 'rate',
  default: 240,
  off: true,
  what: 'The slowest upload that is still taken, after minRateGraceMs.',
  resets: 'every byte buys time at this rate',
  peerSees: '408, close',
  why: 'Two thousand bits a second: slower than any modem, faster than an attack that wants to be cheap.',
  source: 'Kestrel MinRequestBodyDataRate 240 B/s after 5 s',
}

export const reasons = {
  bodyRate: {
    label: 'too-slow',
    status: 408,
    act: 'refuse-body',
    message: 'answered 408: a request body came too slowly',
  },
} as const satisfies Reasons

const ledger = us('kernel ledger, while the application reads the body through the Request it was given')

export const heldBy: HeldBy = {
  socketEngine: us('swept every 50 ms while the application reads'),
  nodeHttp: us('swept every 100 ms while the application reads; HTTP/2: per session'),
  denoServe: ledger,
  bunServe: ledger,
  bunIdleTimer: us('swept every 100 ms while the application reads the body through the Request it was given'),
  workers: nobody(edge.noRate),
}

export const byRoute: ByRoute = { ...perConnection, bunIdleTimer: perRequest.bunIdleTimer }
