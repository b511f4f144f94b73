/** What a case came to, and whose fault it was. */
import type { Case } from '../case.ts'

export const verdicts = [
  'pass',
  'deviation',
  'observed',
  'not-judged',
  'fail',
  'unexpected-pass',
  'setup-failed',
  'harness-failed',
] as const
/**
 * `observed`: it did otherwise than hangup would, where no rule and no promise says how. `fail`:
 * the server. `setup-failed`: it did not get as far as the question. `harness-failed`: we could not
 * look, or not in time. `deviation`: it fails as it is known to; `unexpected-pass`: it no longer
 * does, so the entry must go.
 */
export type Verdict = (typeof verdicts)[number]

/** Thrown by a step; anything else that is thrown is the harness's own fault. */
export class CaseError extends Error {
  override readonly name = 'CaseError'
  readonly verdict: 'fail' | 'setup-failed' | 'not-judged' | 'harness-failed'
  /** The end as it was seen, where the case is about an end. */
  readonly observed: string | null
  constructor(verdict: CaseError['verdict'], message: string, observed: string | null = null) {
    super(message)
    this.verdict = verdict
    this.observed = observed
  }
}

/** A known failure of one server: data, with where it is discussed. */
export interface Deviation {
  readonly cases: readonly string[]
  readonly transports?: readonly ('tcp' | 'tls')[]
  /**
   * Ends that the cases do not accept and this server is known for; on time all the same. Without
   * it: any failure.
   */
  readonly accept?: readonly string[]
  readonly what: string
  readonly issue: string
}

export interface Result {
  readonly id: string
  readonly verdict: Verdict
  /** The last end that was judged: `fin`, `408 then fin`, … */
  readonly observed: string | null
  /** When it came, counted as the case counts. */
  readonly observedMs: number | null
  /** Why it is not a pass; for a deviation, what is known of it. */
  readonly reason: string | null
  readonly tookMs: number
}

export function deviationOf(
  { id }: Case,
  transport: 'tcp' | 'tls',
  deviations: readonly Deviation[],
): Deviation | undefined {
  return deviations.find(
    (deviation) => deviation.cases.includes(id) && (deviation.transports?.includes(transport) ?? true),
  )
}

/** It fails as it is known to. */
export function isKnownFailure({ verdict }: Pick<Result, 'verdict'>, known: Deviation | undefined): boolean {
  return known !== undefined && known.accept === undefined && verdict === 'fail'
}

/**
 * Joins what was seen with what is known. `usedDeviation`: it passed only by an end that the
 * deviation accepts.
 */
export function judge<R extends Result>(result: R, known: Deviation | undefined, usedDeviation: boolean): R {
  if (!known) return result
  const note = `${known.what} (${known.issue})`
  if (isKnownFailure(result, known) || (usedDeviation && result.verdict === 'pass')) {
    return { ...result, verdict: 'deviation', reason: note }
  }
  if (result.verdict === 'pass') {
    return { ...result, verdict: 'unexpected-pass', reason: `the known deviation is gone: ${note}` }
  }
  return result
}

/** What is only written down can't fail. */
export function atLevel<R extends Pick<Result, 'verdict'>>(result: R, level: Case['level']): R {
  const { verdict } = result
  const isSeen = level === 'observe' && (verdict === 'fail' || verdict === 'unexpected-pass')
  return isSeen ? { ...result, verdict: 'observed' } : result
}

const red: readonly Verdict[] = ['fail', 'unexpected-pass', 'setup-failed', 'harness-failed']

/** Whether a run with this result is red, and its exit status 1. */
export const isRed = (verdict: Verdict): boolean => red.includes(verdict)

export type Counts = Readonly<Record<Verdict, number>>

/** The run of a case that opened no connection. */
export const unseen = { observed: null, observedMs: null, expected: null, tookMs: 0, timelines: [] } as const

/** The one count: every form of a report, and the exit status, says this. */
export function countVerdicts(results: readonly Pick<Result, 'verdict'>[]): Record<Verdict, number> {
  const counts = Object.fromEntries(verdicts.map((verdict) => [verdict, 0])) as Record<Verdict, number>
  for (const { verdict } of results) counts[verdict] += 1
  return counts
}

export const redIn = (counts: Counts): number => red.reduce((sum, verdict) => sum + counts[verdict], 0)

/** `97 pass, 3 fail` */
export const countsText = (counts: Counts): string =>
  verdicts
    .filter((verdict) => counts[verdict] > 0)
    .map((verdict) => `${counts[verdict]} ${verdict}`)
    .join(', ')

/** `4xx then fin` accepts `408 then fin`; `goaway then fin`: GOAWAY with any code. */
export function accepts(pattern: string, observed: string): boolean {
  const any = pattern.replace(/xx/g, '\\d\\d').replace('goaway then', 'goaway [A-Z0-9_ ]+ then')
  return new RegExp(`^${any}$`).test(observed)
}
