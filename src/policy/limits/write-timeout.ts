/** The quiet time of a client that takes a response, and the rule of its two rates. */
import {
  type ByRoute,
  bunClock,
  bunSteps,
  edge,
  type HeldBy,
  perConnection,
  perRequest,
  platform,
  us,
} from '../held-by.ts'
import { MinRate, rateLimits, shortestMs } from '../min-rate.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'
import { never, type Rule, type Rules } from '../rule.ts'

export const spec: LimitSpec = {
  kind: 'duration',
  default: 30_000,
  off: true,
  what: 'Time in which a client that has bytes waiting takes none of them.',
  resets: 'bytes taken',
  peerSees: 'RST',
  why: 'A reader that takes nothing for so long is gone or hostile, and holds a socket and its buffers.',
  source: 'nginx send_timeout 60 s, H2O 30 s',
}

export const reasons = {
  write: {
    label: 'timeout',
    status: null,
    act: 'reset',
    message: 'reset a connection whose client took nothing of its response',
  },
} as const satisfies Reasons

/**
 * While bytes wait for the client. `judges` false: it only watches, so that a client that stops
 * and goes on is not given a new grace each time.
 */
const rule = (judges: boolean): Rule => ({
  options: ['writeTimeoutMs', 'minResponseBytesPerSec', 'minRateGraceMs'],
  reasons: judges ? ['write', 'writeRate'] : [],
  bind({ writeTimeoutMs, minResponseBytesPerSec, minRateGraceMs }) {
    const limits = rateLimits(writeTimeoutMs, minResponseBytesPerSec, minRateGraceMs)
    if (limits === null) return null
    return {
      shortestMs: shortestMs(limits),
      needsLook: true,
      dueAt: (clocks) => clocks.writeRate?.dueAt ?? never,
      breach(clocks, { taken, unsent, takenAt }, now) {
        if (unsent === 0 && clocks.writeRate === null) return null
        const at = Math.min(Math.max(takenAt ?? now, clocks.takenFrom), now)
        clocks.writeRate ??= new MinRate(limits, at, clocks.takenBefore)
        if (clocks.writeRate.limits !== limits) clocks.writeRate.change(limits, now)
        const breach = clocks.writeRate.look(now, taken, unsent > 0, at)
        return judges && breach !== null ? (breach === 'quiet' ? 'write' : 'writeRate') : null
      },
    }
  },
})

export const rules: Rules = { writing: rule(true), streaming: rule(false) }

const ledger = us('kernel ledger: bytes that the client has acknowledged')

export const heldBy: HeldBy = {
  socketEngine: us('swept every 50 ms: bytes taken by the kernel; its send buffer is not seen'),
  nodeHttp: us('swept every 100 ms: bytes taken by the kernel; its send buffer is not seen'),
  denoServe: ledger,
  bunServe: ledger,
  bunIdleTimer: {
    by: 'us',
    stepMs: bunSteps.stepMs,
    max: bunClock.longestMs,
    sharesClockWith: ['idleTimeoutMs'],
    how: 'streams: no piece taken, then Bun’s clock, up to 4 s; over 256 KB: Bun’s clock, which then runs until the next request; smaller: the idle clock; FIN after what the kernel holds',
  },
  workers: platform(`${edge.unpublished}; workerd alone: none`),
}

export const byRoute: ByRoute = { ...perConnection, bunIdleTimer: perRequest.bunIdleTimer }
