/** Whether the idle limit of a server outlives the pools of what stands in front of it. */
import type { Case } from '../case.ts'
import type { Finding } from '../find/discover.ts'
import type { Judged, Outcome } from '../probing.ts'
import type { Pool } from './expectation.ts'
import { unseen } from './verdict.ts'

/**
 * Behind a pool an idle limit must outlive it. That none was seen by then is not a leak: it may be
 * as long as it likes, and a longer look tells whether there is one.
 */
export function judgedBehind(outcome: Outcome, behind: readonly Pool[], nameOf: (option: string) => string): Outcome {
  const isIdle = ({ question }: Finding) => question.gives.includes('idleTimeoutMs')
  const idle = outcome.findings.find(isIdle)
  const against = behind.map((pool) => againstPool(pool, idle))
  if (idle?.kind !== 'leak') return { ...outcome, judged: [...outcome.judged, ...against] }
  const reason = `${idle.reason}, which is long enough; a longer ${nameOf('limitMs')} tells whether it ever ends`
  return {
    ...outcome,
    findings: outcome.findings.map((finding) =>
      isIdle(finding) ? { ...finding, kind: 'unknown', reason, watchedMs: null } : finding,
    ),
    judged: [
      ...outcome.judged.map((one) =>
        one.case.id === idle.question.case
          ? { ...one, run: { ...one.run, verdict: 'not-judged' as const, reason } }
          : one,
      ),
      ...against,
    ],
  }
}

function againstPool(pool: Pool, idle: Finding | undefined): Judged {
  const theCase: Case = {
    id: `outlives-${pool.name}`,
    level: 'policy',
    title: `An idle connection lives longer than the ${pool.keepsIdleMs / 1_000} s for which ${pool.behind} keeps it`,
    why: 'Whoever ends first must be the one that sends requests; else they cross a close, and its client gets a 502.',
    spec: [pool.source],
    profile: 'timed',
    steps: [{ closes: { due: { by: ['idleTimeoutMs'], from: 'received' }, accept: ['fin'] } }],
  }
  const why = idle?.kind === 'found' ? outlives(pool, idle.fromMs ?? 0) : null
  const unknown = idle === undefined || idle.kind === 'unknown'
  return {
    case: theCase,
    run: {
      ...unseen,
      id: theCase.id,
      verdict: unknown ? 'not-judged' : why === null ? 'pass' : 'fail',
      observed: idle?.end ?? null,
      observedMs: idle?.fromMs ?? null,
      reason: unknown ? 'the idle limit is not known' : why,
    },
  }
}

/**
 * What becomes of requests that such a pool sends into a connection that the server has just
 * closed.
 */
export function outlives(pool: Pool, idleFromMs: number): string | null {
  if (idleFromMs > pool.keepsIdleMs) return null
  const mine = (idleFromMs / 1_000).toFixed(idleFromMs < 10_000 ? 1 : 0)
  return `your server’s ${mine} s is under the ${pool.keepsIdleMs / 1_000} s for which ${pool.behind} keeps an idle connection: it sends requests into connections that are being closed, an intermittent 502`
}
