/** The slowest download. Its rule is that of `writeTimeoutMs`: one clock counts for both. */
import { type ByRoute, edge, type HeldBy, nobody, perConnection, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'

export const spec: LimitSpec = {
  kind: 'rate',
  default: 240,
  off: true,
  what: 'The slowest download that is still served, after minRateGraceMs, counted only while bytes wait.',
  resets: 'every byte buys time at this rate',
  peerSees: 'RST',
  why: 'The same as for an upload.',
  source: 'Kestrel MinResponseDataRate 240 B/s after 5 s',
}

export const reasons = {
  writeRate: {
    label: 'too-slow',
    status: null,
    act: 'reset',
    message: 'reset a connection whose client took its response too slowly',
  },
} as const satisfies Reasons

const ledger = us('kernel ledger: bytes that the client has acknowledged')

export const heldBy: HeldBy = {
  socketEngine: us('swept every 50 ms: bytes taken by the kernel; its send buffer is not seen'),
  nodeHttp: us('swept every 100 ms: bytes taken by the kernel; its send buffer is not seen'),
  denoServe: ledger,
  bunServe: ledger,
  bunIdleTimer: nobody('Bun does not say what the client has taken; the kernel does (Linux)'),
  workers: nobody(edge.noRate),
}

export const byRoute: ByRoute = perConnection
