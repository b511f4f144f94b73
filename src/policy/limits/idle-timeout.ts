/** The quiet time of an idle connection. */
import { bunClock, bunSteps, type HeldBy, platform, runtime, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'
import { type Rules, ranOut } from '../rule.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 5_000,
  off: true,
  what: 'Quiet time between two requests on one connection.',
  resets: 'the end of a response',
  peerSees: 'FIN, never inside a request',
  why: 'Browsers come back at once or not at all; every second costs a descriptor per client.',
  source: 'Node keepAliveTimeout 5 s, Apache KeepAliveTimeout 5 s; RFC 9112 9.5',
}

export const reasons = {
  idle: { label: 'timeout', status: null, act: 'end', message: null },
} as const satisfies Reasons

export const rules: Rules = {
  idle: ranOut('idleTimeoutMs', 'idle'),
}

const ledger = us('kernel ledger, looked at when due')

export const heldBy: HeldBy = {
  socketEngine: us('swept every 50 ms'),
  nodeHttp: us('swept every 100 ms; HTTP/2: GOAWAY'),
  denoServe: ledger,
  bunServe: ledger,
  bunIdleTimer: runtime('idleTimeout and server.timeout(), a clock in steps of 4 s', {
    ...bunSteps,
    max: bunClock.longestMs,
  }),
  workers: platform('400 s, HTTP/1.1 and HTTP/2; workerd alone: 15 s'),
}
