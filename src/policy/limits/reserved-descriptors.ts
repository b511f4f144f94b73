/** The descriptors that connections leave to the process; `descriptor-budget.ts` executes it. */
import { edge, type HeldBy, nobody, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'

export const spec: LimitSpec = {
  kind: 'count',
  default: 64,
  off: true,
  what: 'Descriptors of the process (`ulimit -n`) that connections leave to all else, at most half of them. From 80 % of the rest idleTimeoutMs shrinks towards minIdleMs; with none left the connections that wait for their clients are closed, longest first; if all are in a request, newcomers wait to be accepted.',
  resets: '–',
  peerSees: 'FIN, never inside a request',
  why: 'A process without a free descriptor opens no file and accepts nobody; enough for an application’s own files and look-ups.',
  source: 'Squid RESERVED_FD (100, at most a quarter); nginx ngx_drain_connections; getrlimit(2)',
}

export const reasons = {
  descriptors: {
    label: 'descriptors',
    status: null,
    act: 'end',
    // Said of all of them together: see `shortageLog`.
    message: null,
  },
} as const satisfies Reasons

const ours = us('at accept, and swept every 50 ms')
const ledger = us('kernel ledger, every 50 ms and as requests come')

export const heldBy: HeldBy = {
  socketEngine: ours,
  nodeHttp: ours,
  denoServe: ledger,
  bunServe: ledger,
  bunIdleTimer: nobody('Bun.serve shows no connection to close; the kernel ledger and the hangup engine do'),
  workers: nobody(edge.itsConnections),
}
