/**
 * One probe of one server: every case at once, as far as the budget of connections goes. Where
 * nothing is expected the limits are measured first, and a case begins as soon as what it stands on
 * is known.
 */

import { deferred } from '../deferred.ts'
import { type Clock, systemClock } from '../lifecycle/clock.ts'
import { every, sleep } from '../lifecycle/time.ts'
import { optionNames, type Policy } from '../policy/policy.ts'
import { format } from '../policy/units.ts'
import { type Case, limitsOf } from './case.ts'
import type { Connection } from './client/client.ts'
import type { Target } from './client/target.ts'
import {
  type Finding,
  findingOf,
  type Known,
  knownFrom,
  type Question,
  questions,
  unknownLimit,
} from './find/discover.ts'
import { Budget } from './judge/budget.ts'
import { unaskable } from './judge/judgeable.ts'
import { atLevel, unseen } from './judge/verdict.ts'
import { touches, withNeeds } from './needs.ts'
import type { Choice } from './request.ts'
import { type CaseRun, runCase } from './run.ts'
import { words } from './words/index.ts'

/** The server, without what is expected of it. */
export type Site = Omit<Target, 'policy' | 'enforcement' | 'profile' | 'measureMs' | 'opened'>

export interface Plan {
  readonly site: Site
  readonly choice: Choice
  /** What the server is to be judged by; null: what is found out of it. */
  readonly expected: Known | null
  /** How long an end is waited for that nobody has promised. */
  readonly limitMs: number
  /** What `Keep-Alive: timeout` said. */
  readonly hintMs: number
  readonly connections: number
  /**
   * As many clients as the server serves at once, where that is fewer than it was to be asked with.
   */
  readonly serves?: number | null
  /** Ends everything at once. */
  readonly stop: AbortSignal
  readonly watch?: (theCase: Case, state: 'running' | CaseRun) => void
  /** An option as the user writes it. */
  nameOf(option: string): string
}

export interface Judged {
  /** Its level is the one that it is judged by here. */
  readonly case: Case
  readonly run: CaseRun
}

export interface Outcome {
  readonly judged: readonly Judged[]
  readonly findings: readonly Finding[]
  readonly known: Known
  /** Why it ended before all was said. */
  readonly cutShort: string | null
}

/** Ends that do for a server that has promised none. */
const anyEnd = ['4xx then ', '5xx then ', 'partial 2xx then ', ''].flatMap((before) => [
  `${before}fin`,
  `${before}reset`,
])
/**
 * Between the starts of cases, so that their handshakes and first requests don't wait for each
 * other.
 */
const staggerMs = 15
/** Between the looks at one limit: a clock that moves in steps shows itself. */
const lookEveryMs = 1_300
const mostLooks = 3
/** What a probe may send and receive in all. */
const mostBytes = 2 ** 30
const countEveryMs = 200
/** How much longer than the limit a probe that has to measure first may take in all. */
const overtime = 1.25
const graceMs = 10_000
/** Where limits have to be measured one after another, so many times the limit in all. */
const mostTurns = 4

export async function probe(plan: Plan): Promise<Outcome> {
  const probing = new Probing(plan)
  try {
    return await probing.all()
  } finally {
    probing.end()
  }
}

class Probing {
  readonly #plan: Plan
  readonly #budget: Budget
  readonly #asked: readonly Question[]
  readonly #findings = new Map<Question, Finding>()
  readonly #answers = new Map<Question, Promise<CaseRun>>()
  readonly #results = new Map<string, Promise<CaseRun>>()
  readonly #connections = new Set<Connection>()
  readonly #clock: Clock
  readonly #startedMs: number
  readonly #stopped = deferred()
  readonly #stopCounting: () => void
  #cutShort: string | null = null

  constructor(plan: Plan) {
    this.#plan = plan
    this.#clock = plan.site.clock ?? systemClock
    this.#startedMs = this.#clock.now()
    this.#budget = new Budget(plan.connections)
    this.#asked = plan.expected ? [] : questions.filter((question) => this.#isWanted(question))
    if (plan.stop.aborted) this.#stop('interrupted')
    else plan.stop.addEventListener('abort', () => this.#stop('interrupted'), { once: true })
    this.#stopCounting = every(countEveryMs, this.#clock, () => this.#countBytes())
  }

  async all(): Promise<Outcome> {
    const { cases, isChosen: chosen } = this.#plan.choice
    const speaking = cases.filter((theCase) => this.#speaks(theCase))
    const mine = withNeeds(speaking, chosen)
    const question = ({ id }: Case) => this.#asked.find((one) => one.case === id)
    for (const one of this.#asked) this.#answers.set(one, this.#ask(one))
    mine
      .filter(({ heavy }) => !heavy)
      .forEach((theCase, number) => {
        const asked = question(theCase)
        const answer = asked && this.#answers.get(asked)
        this.#results.set(theCase.id, answer ?? this.#judge(theCase, number * staggerMs))
      })
    await Promise.all([...this.#results.values(), ...this.#answers.values()])
    const again = (theCase: Case) => {
      const run = this.#judge(theCase, 0)
      this.#results.set(theCase.id, run)
      return run
    }
    // What this process could not see in time, because another took the processor; a server's
    // failure is never looked at twice.
    const runs = await Promise.all(mine.map(({ id }) => this.#results.get(id)))
    await Promise.all(mine.filter((_, at) => runs[at]?.verdict === 'harness-failed').map(again))
    for (const theCase of mine.filter(({ heavy }) => heavy)) await again(theCase)
    const judged = await Promise.all(
      mine.filter(chosen).map(async (theCase) => ({
        case: question(theCase) ? theCase : this.#asJudged(theCase),
        run: (await this.#results.get(theCase.id)) as CaseRun,
      })),
    )
    return { judged, findings: this.#inOrder(), known: this.#known(), cutShort: this.#cutShort }
  }

  end(): void {
    this.#stopCounting()
    for (const connection of this.#connections) connection.destroy()
  }

  // What is asked

  #speaks({ transports }: Case): boolean {
    return transports?.includes(this.#plan.site.tls ? 'tls' : 'tcp') ?? true
  }

  /** It was chosen, or something that was chosen stands on its answer. */
  #isWanted({ case: id, gives }: Question): boolean {
    const { cases, isChosen: chosen } = this.#plan.choice
    const theCase = cases.find((one) => one.id === id)
    if (!theCase || !this.#speaks(theCase)) return false
    return chosen(theCase) || cases.some((one) => chosen(one) && touches(one).some((name) => gives.includes(name)))
  }

  #inOrder(): Finding[] {
    return this.#asked.flatMap((question) => this.#findings.get(question) ?? [])
  }

  #known(): Known {
    return this.#plan.expected ?? knownFrom(this.#inOrder(), this.#plan.hintMs)
  }

  /**
   * What only hangup promises is a server's fault where it is about a limit that somebody expects
   * of that server.
   */
  #asJudged(theCase: Case): Case {
    const { expected } = this.#plan
    const isExpected = touches(theCase).some((name) => (expected?.policy[name] ?? 0) > 0)
    return theCase.level !== 'policy' || isExpected ? theCase : { ...theCase, level: 'observe' }
  }

  // What is measured

  async #ask(question: Question): Promise<CaseRun> {
    const { choice, limitMs, watch } = this.#plan
    const theCase = choice.cases.find(({ id }) => id === question.case) as Case
    const unable = unaskable(theCase, this.#plan, this.#budget.size)
    const connections = words.connectionsOf(theCase.steps)
    const affordable = Math.floor(this.#budget.size / 2 / this.#asked.length / connections)
    const count = Math.min(mostLooks, Math.max(1, affordable))
    const looks =
      unable === null
        ? await Promise.all(Array.from({ length: count }, (_, number) => this.#look(theCase, number * lookEveryMs)))
        : [notJudged(theCase, unable)]
    const finding = findingOf(question, looks, limitMs)
    this.#findings.set(question, finding)
    const run =
      finding.kind === 'unknown'
        ? notJudged(theCase, finding.reason ?? '')
        : (looks.find(({ verdict }) => (verdict === 'fail') === (finding.kind === 'leak')) as CaseRun)
    watch?.(theCase, run)
    return run
  }

  async #look(theCase: Case, afterMs: number): Promise<CaseRun> {
    const { site, limitMs } = this.#plan
    await this.#needs(theCase)
    await this.#pause(afterMs)
    const release = await this.#take(theCase, Number.POSITIVE_INFINITY)
    if (this.#clock.now() + limitMs > this.#startedMs + limitMs * mostTurns) {
      release()
      return notJudged(theCase, 'the server serves few clients at once, and the others took all the time')
    }
    const policy = Object.fromEntries(optionNames.map((name) => [name, limitMs])) as Policy
    const target: Target = { ...site, ...this.#watched(), profile: 'any', policy, measureMs: limitMs }
    const options = { results: this.#results, tolerated: ['.*'] }
    return this.#unlessStopped(theCase, () => runCase(theCase, target, options), 'still open then').finally(release)
  }

  // What is judged

  async #judge(theCase: Case, afterMs: number): Promise<CaseRun> {
    const { expected, watch, choice } = this.#plan
    const judged = await this.#judged(theCase, afterMs, expected)
    // A regression test of the user's that cannot be asked must not look like one that passed.
    const isLost = judged.verdict === 'not-judged' && this.#cutShort === null && theCase.level !== 'observe'
    const run: CaseRun = isLost && choice.own.has(theCase.id) ? { ...judged, verdict: 'setup-failed' } : judged
    watch?.(this.#asJudged(theCase), run)
    return run
  }

  async #judged(theCase: Case, afterMs: number, expected: Known | null): Promise<CaseRun> {
    const { nameOf, choice } = this.#plan
    const unable = unaskable(theCase, this.#plan, this.#budget.size)
    if (unable !== null) return notJudged(theCase, unable)
    const stands = touches(theCase)
    const answers = this.#asked.filter(({ gives }) => gives.some((name) => stands.includes(name)))
    await Promise.all([this.#pause(afterMs), ...answers.map((question) => this.#answers.get(question))])
    const known = this.#known()
    for (const limit of limitsOf(theCase)) {
      const why = expected
        ? expected.policy[limit] > 0
          ? null
          : `nothing is expected of it; with ${nameOf(limit)} it is judged`
        : unknownLimit(limit, known.policy, this.#inOrder(), nameOf)
      if (why !== null) return notJudged(theCase, why)
    }
    await this.#needs(theCase)
    const lastsMs = words.durationMs(theCase.steps, known)
    const untilMs = this.#startedMs + this.#plan.limitMs * overtime + graceMs
    const release = await this.#take(theCase, lastsMs)
    const tooLong = expected === null && this.#clock.now() + lastsMs > untilMs
    if (tooLong) {
      release()
      const left = format('duration', Math.ceil(lastsMs / 1_000) * 1_000)
      return notJudged(
        theCase,
        `it would take ${left} more; with the limits in ${nameOf('expect')} nothing is measured first`,
      )
    }
    const asWritten = choice.own.has(theCase.id)
    const target: Target = { ...this.#plan.site, ...this.#watched(), ...known, profile: 'any', asWritten }
    const options = { results: this.#results, tolerated: anyEnd }
    const run = await this.#unlessStopped(theCase, () => runCase(theCase, target, options), 'not done by then').finally(
      release,
    )
    const { level } = this.#asJudged(theCase)
    // What nobody promised may also be impossible to set up.
    if (level === 'observe' && run.verdict === 'setup-failed') return { ...run, verdict: 'not-judged' }
    return atLevel(run, level)
  }

  async #needs({ needs = [] }: Case): Promise<void> {
    // A turn later every case is in the map, in whatever order they began.
    await null
    await Promise.all(needs.map((need) => this.#results.get(need)))
  }

  #take(theCase: Case, priority: number): Promise<() => void> {
    return this.#budget.take(words.connectionsOf(theCase.steps), priority)
  }

  // How it ends

  #watched(): Pick<Target, 'opened'> {
    return {
      opened: (connection) => {
        if (this.#cutShort === null) this.#connections.add(connection)
        else connection.abandon()
      },
    }
  }

  /** What was in flight is let go of, not waited for. */
  async #unlessStopped(theCase: Case, start: () => Promise<CaseRun>, then: string): Promise<CaseRun> {
    if (this.#cutShort !== null) return notJudged(theCase, `${this.#cutShort} before it began`)
    this.#plan.watch?.(theCase, 'running')
    const fromMs = this.#clock.now()
    const stopped = this.#stopped.promise.then(() => {
      const after = format('duration', Math.round((this.#clock.now() - fromMs) / 100) * 100)
      return notJudged(theCase, `${this.#cutShort} after ${after}, ${then}`)
    })
    return Promise.race([start(), stopped])
  }

  #pause(ms: number): Promise<void> {
    return Promise.race([sleep(ms, this.#clock), this.#stopped.promise])
  }

  #stop(why: string): void {
    this.#cutShort ??= why
    this.#stopped.resolve()
    for (const connection of this.#connections) connection.abandon()
  }

  #countBytes(): void {
    let bytes = 0
    for (const { receivedBytes, sentBytes } of this.#connections) bytes += receivedBytes + sentBytes
    if (bytes > mostBytes) this.#stop(`${format('bytes', mostBytes)} have gone over the wire`)
  }
}

function notJudged({ id }: Case, reason: string): CaseRun {
  return { ...unseen, id, verdict: 'not-judged', reason }
}
