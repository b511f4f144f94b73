/** The quiet time of the application in a response that it gives piece by piece. */
import { type ByRoute, type HeldBy, nobody, perConnection, perRequest, us } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'
import type { Rule, Rules } from '../rule.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 0,
  off: true,
  what: 'Quiet time in a response that the application has begun and not ended (server-sent events).',
  resets: 'bytes of the response',
  peerSees: 'FIN in mid-response: the response never looks whole',
  why: 'A quiet event stream is healthy.',
  source: 'HTML Living Standard 9.2 (server-sent events)',
}

export const reasons = {
  streamIdle: {
    label: 'timeout',
    status: null,
    act: 'end',
    message: 'ended a response in which the application fell silent',
  },
} as const satisfies Reasons

const rule: Rule = {
  options: ['streamIdleTimeoutMs'],
  reasons: ['streamIdle'],
  bind({ streamIdleTimeoutMs }) {
    if (streamIdleTimeoutMs === 0) return null
    return {
      shortestMs: streamIdleTimeoutMs,
      needsLook: true,
      dueAt: ({ takenAt }) => takenAt + streamIdleTimeoutMs,
      breach: ({ takenAt }, _, now) => (now - takenAt >= streamIdleTimeoutMs ? 'streamIdle' : null),
    }
  },
}

export const rules: Rules = { streaming: rule }

const ledger = us('kernel ledger')

export const heldBy: HeldBy = {
  socketEngine: us('swept every 50 ms'),
  nodeHttp: us('swept every 100 ms'),
  denoServe: ledger,
  bunServe: ledger,
  bunIdleTimer: us('swept every 100 ms; the peer sees RST'),
  workers: nobody('a quiet stream lives as long as its client is connected'),
}

export const byRoute: ByRoute = { ...perConnection, bunIdleTimer: perRequest.bunIdleTimer }
