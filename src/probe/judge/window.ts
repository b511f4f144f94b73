/** When an end is due under a policy: not early, not late. Arithmetic only. */
import type { Enforcement } from '../../policy/enforcement.ts'
import type { OptionName, Policy } from '../../policy/policy.ts'
import type { Due, Span } from '../terms.ts'

/**
 * Ends seen so much earlier than the limit are still "not early": the two sides do not start their
 * clocks together.
 */
const earlySlackMs = 50
/** What the harness's own event loop and the loopback may add. */
export const harnessSlackMs = 150

export interface Limits {
  readonly policy: Policy
  /** Without it every limit that is set is expected to be held, exactly. */
  readonly enforcement?: Enforcement | undefined
  /**
   * The policy is what was seen, and what was seen was as late as a server may be: the limit itself
   * may be shorter.
   */
  readonly measured?: boolean | undefined
  /** Nothing is expected yet: whenever a limit acts is in time, up to here. */
  readonly measureMs?: number | undefined
}

interface Trickle {
  readonly everyMs?: number | undefined
  readonly atMost?: { readonly times: number; readonly within: Span } | undefined
}

export interface Window {
  readonly earliestMs: number
  readonly latestMs: number
}

/** A rate has no time of its own: what falls below it is due at the end of the grace. */
const timedBy: Partial<Record<OptionName, OptionName>> = {
  minBodyBytesPerSec: 'minRateGraceMs',
  minResponseBytesPerSec: 'minRateGraceMs',
}

/** gRPC's jitter (proposal A9): connections that were opened together must not end together. */
const jitter: Partial<Record<OptionName, number>> = { maxConnectionAgeMs: 0.1 }

export function limitWindow(name: OptionName, { policy, enforcement, measured }: Limits): Window {
  const enforced = enforcement?.[name]
  const clocks = [timedBy[name] ?? name, ...(enforced?.sharesClockWith ?? [])]
  const limitMs = Math.max(...clocks.map((clock) => policy[clock]))
  const spreadMs = limitMs * (jitter[name] ?? 0)
  const lateMs = Math.max(limitMs / 10, 250)
  const { stepMs = 0 } = enforced ?? {}
  return {
    earliestMs: limitMs - spreadMs - earlySlackMs - (measured ? lateMs + stepMs : 0),
    latestMs: limitMs + spreadMs + lateMs + stepMs + harnessSlackMs,
  }
}

/**
 * Of several limits the first to act ends the connection, and which that is may be the server's
 * choice.
 */
export function dueWindow(due: Due, limits: Limits): Window {
  if ('withinMs' in due) return { earliestMs: Number.NEGATIVE_INFINITY, latestMs: due.withinMs + harnessSlackMs }
  if (limits.measureMs !== undefined) return { earliestMs: Number.NEGATIVE_INFINITY, latestMs: limits.measureMs }
  const windows = due.by.filter((name) => limits.policy[name] > 0).map((name) => limitWindow(name, limits))
  return {
    earliestMs: Math.min(...windows.map((window) => window.earliestMs)),
    latestMs: Math.max(...windows.map((window) => window.latestMs)) + (due.plusMs ?? 0),
  }
}

export function spanMs(span: Span, limits: Limits): number {
  if (typeof span === 'number') return span
  if ('part' in span) return limits.policy[span.of] * span.part + (span.plusMs ?? 0)
  const latest = span.outlive
    .filter((name) => limits.policy[name] > 0 && limits.enforcement?.[name].by !== 'nobody')
    .map((name) => limitWindow(name, limits).latestMs)
  return Math.ceil(Math.max(500, ...latest) + 300)
}

/** Between two sends of a trickle that lasts until it is cut off. */
export function paceMs({ everyMs = 0, atMost }: Trickle, limits: Limits): number {
  return atMost === undefined ? everyMs : Math.max(everyMs, spanMs(atMost.within, limits) / atMost.times)
}

/** Why nobody can be blamed for this limit on this target, or null. */
export function unenforced(name: OptionName, { policy, enforcement }: Limits): string | null {
  const enforced = enforcement?.[name]
  if (enforced?.by === 'nobody') return `nobody enforces ${name}: ${enforced.how}`
  if (enforced?.max !== undefined && policy[name] > enforced.max) {
    return `nobody enforces ${name} above ${enforced.max}: ${enforced.how}`
  }
  if (policy[name] === 0) return `${name} is off`
  return null
}
