/** Runs cases on one target: all at once but the heavy ones, each judged for itself. */
import { type Clock, systemClock } from '../lifecycle/clock.ts'
import { every, sleep } from '../lifecycle/time.ts'
import type { Case } from './case.ts'
import type { Connection } from './client/client.ts'
import type { Target } from './client/target.ts'
import { unjudgeable } from './judge/judgeable.ts'
import { type Timeline, timelineOf } from './judge/timeline.ts'
import { atLevel, CaseError, type Deviation, deviationOf, isKnownFailure, judge, type Result } from './judge/verdict.ts'
import { type Expected, forgivenLagMs, nothingSeen, Play } from './play.ts'
import { words } from './words/index.ts'

export interface RunOptions {
  readonly deviations?: readonly Deviation[]
  /** Verdicts that cases of other targets need: one map for all runs of one server program. */
  readonly results?: Map<string, Promise<CaseRun>>
  /**
   * Ends that do where a case is about hangup's own promise: a server that made none may choose
   * (RFC 9112 9.5).
   */
  readonly tolerated?: readonly string[]
}

export interface CaseRun extends Result {
  /** When its end was due, if it is about one. */
  readonly expected: (Expected & { readonly lagMs: number }) | null
  /** What happened on its connections. */
  readonly timelines: readonly Timeline[]
}

/** Connections of a crowd are alike: a few tell the story. */
const keptTimelines = 3

export async function runCase(theCase: Case, target: Target, options: RunOptions = {}): Promise<CaseRun> {
  return atLevel(await carriedOut(theCase, target, options), theCase.level)
}

async function carriedOut(theCase: Case, target: Target, options: RunOptions): Promise<CaseRun> {
  const { deviations = [], results, tolerated } = options
  const clock = target.clock ?? systemClock
  const fromMs = clock.now()
  const seen = nothingSeen()
  let connections: readonly Connection[] = []
  let lag: LagMonitor | null = null
  const end = (verdict: Result['verdict'], reason: string | null): CaseRun => {
    const nowMs = clock.now()
    const zeroMs = Math.min(nowMs, ...connections.map(({ connectedMs }) => connectedMs))
    return {
      id: theCase.id,
      verdict,
      ...{ observed: seen.observed, observedMs: seen.observedMs },
      expected: seen.expected && {
        ...seen.expected,
        fromMs: seen.expected.fromMs - zeroMs,
        lagMs: Math.min(lag?.worstMs ?? 0, forgivenLagMs),
      },
      reason,
      tookMs: nowMs - fromMs,
      timelines: connections.slice(0, keptTimelines).map((connection) => timelineOf(connection, zeroMs, nowMs)),
    }
  }

  const unable = unjudgeable(theCase, target)
  if (unable !== null) return end('not-judged', unable)
  for (const need of theCase.needs ?? []) {
    const needed = await results?.get(need)
    if (needed && needed.verdict !== 'pass' && needed.verdict !== 'deviation') {
      return end('not-judged', unmet(need, needed))
    }
  }

  const known = deviationOf(theCase, target.tls ? 'tls' : 'tcp', deviations)
  const monitor = new LagMonitor(clock)
  lag = monitor
  const accept = known?.accept ?? (theCase.level === 'policy' ? tolerated : undefined)
  const play = new Play(target, seen, { tolerated: accept, lagMs: () => monitor.worstMs })
  connections = play.opened
  try {
    await words.carryOut(theCase.steps, play)
    if (!known && seen.usedDeviation) return end('deviation', 'it ends in time, but otherwise than hangup would')
    return judge(end('pass', null), known, seen.usedDeviation)
  } catch (error) {
    if (!(error instanceof CaseError)) return end('harness-failed', (error as Error).stack ?? String(error))
    seen.observed = error.observed ?? seen.observed
    const failed = end(error.verdict, error.message)
    // A known failure may come in any shape, so it is not the harness's lag that explains it.
    if (isKnownFailure(failed, known)) return judge(failed, known, seen.usedDeviation)
    // What is still open after a long look is so whatever happened in a moment of it.
    if (error.verdict === 'fail' && monitor.worstMs > forgivenLagMs && target.measureMs === undefined) {
      return end('harness-failed', `our event loop stood still for ${Math.round(monitor.worstMs)} ms; ${error.message}`)
    }
    return failed
  } finally {
    play.close()
    monitor.stop()
  }
}

/** The first cause, however long the chain of needs. */
function unmet(need: string, { verdict, reason }: CaseRun): string {
  if (verdict !== 'not-judged' || reason === null) return `${need} did not pass`
  return / did not pass$| was not judged: /.test(reason) ? reason : `${need} was not judged: ${reason}`
}

/**
 * Between the starts of cases, so that their handshakes and first requests don't wait for each
 * other.
 */
const staggerMs = 15

/** All cases of the target's profile. Heavy ones run one after another when the others are done. */
export async function runCases(cases: readonly Case[], target: Target, options: RunOptions = {}): Promise<CaseRun[]> {
  const results = options.results ?? new Map<string, Promise<CaseRun>>()
  const mine = cases.filter(({ profile }) => target.profile === 'any' || target.profile === profile)
  const start = (theCase: Case, number: number) => {
    const run = sleep(number * staggerMs, target.clock ?? systemClock).then(() =>
      runCase(theCase, target, { ...options, results }),
    )
    results.set(theCase.id, run)
    return run
  }
  const light = await Promise.all(mine.filter(({ heavy }) => !heavy).map(start))
  const heavy: CaseRun[] = []
  for (const theCase of mine) if (theCase.heavy) heavy.push(await start(theCase, 0))
  return [...light, ...heavy]
}

/**
 * How late this process's own timers are: what it cannot see in time it must not blame on a server.
 */
class LagMonitor {
  readonly stop: () => void
  readonly #clock: Clock
  readonly #everyMs: number
  #lastMs: number
  #worstMs = 0

  constructor(clock: Clock, everyMs = 20) {
    this.#clock = clock
    this.#everyMs = everyMs
    this.#lastMs = clock.now()
    this.stop = every(everyMs, clock, () => {
      this.#worstMs = this.worstMs
      this.#lastMs = clock.now()
    })
  }

  /** With what is late now: after a standstill, sockets are heard before timers. */
  get worstMs(): number {
    return Math.max(this.#worstMs, this.#clock.now() - this.#lastMs - this.#everyMs)
  }
}
