/** The quiet time of a request body, and the rule of its two rates. */
import { type ByRoute, edge, type HeldBy, perConnection, perRequest, platform, us } from '../held-by.ts'
import { MinRate, rateLimits, shortestMs } from '../min-rate.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'
import { never, type Rule, type Rules } from '../rule.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 30_000,
  off: true,
  what: 'Quiet time inside a request body that the application is waiting for; never a total.',
  resets: 'bytes of the body',
  peerSees: '408, close',
  why: 'A live upload is never quiet for so long; totals killed live uploads.',
  source: 'H2O 30 s, nginx client_body_timeout 60 s; caddy#1464, traefik#10654 on totals',
}

export const reasons = {
  body: {
    label: 'timeout',
    status: 408,
    act: 'refuse-body',
    message: 'answered 408: a request body fell silent',
  },
} as const satisfies Reasons

/** While the application waits for the body: a client is not blamed for what nobody reads. */
const rule: Rule = {
  options: ['bodyTimeoutMs', 'minBodyBytesPerSec', 'minRateGraceMs'],
  reasons: ['body', 'bodyRate'],
  bind({ bodyTimeoutMs, minBodyBytesPerSec, minRateGraceMs }) {
    const limits = rateLimits(bodyTimeoutMs, minBodyBytesPerSec, minRateGraceMs)
    if (limits === null) return null
    return {
      shortestMs: shortestMs(limits),
      needsLook: true,
      dueAt: (clocks) => clocks.bodyRate?.dueAt ?? never,
      breach(clocks, { received, receivedAt = 0, wanted }, now) {
        if (!clocks.receivesBody) return null
        // Whoever looks for the first time may come late, and after bytes that it has not seen
        // come.
        const from = wanted ? Math.min(Math.max(clocks.since, receivedAt), now) : now
        clocks.bodyRate ??= new MinRate(limits, from, received)
        if (clocks.bodyRate.limits !== limits) clocks.bodyRate.change(limits, now)
        const breach = clocks.bodyRate.look(now, received, wanted)
        return breach && (breach === 'quiet' ? 'body' : 'bodyRate')
      },
    }
  },
}

export const rules: Rules = { body: rule, writing: rule }

const ledger = us('kernel ledger, while the application reads the body through the Request it was given')

export const heldBy: HeldBy = {
  socketEngine: us('swept every 50 ms while the application reads'),
  nodeHttp: us('swept every 100 ms while the application reads; HTTP/2: per session'),
  denoServe: ledger,
  bunServe: ledger,
  bunIdleTimer: us('swept every 100 ms while the application reads the body through the Request it was given'),
  workers: platform(`${edge.unpublished}; workerd alone: none`),
}

export const byRoute: ByRoute = { ...perConnection, bunIdleTimer: perRequest.bunIdleTimer }
