/**
 * The end of a server's life in three phases: announce, close, cut. It owns the order and the time;
 * a runtime says how each is done. `drainTimeoutMs` counts from the first call over all phases.
 */
import type { Policy } from '../policy/policy.ts'
import { type Clock, systemClock } from './clock.ts'
import { ownWordMs } from './ending.ts'
import type { LongLived, LongLivedResult } from './long-lived.ts'
import { readingFirst } from './reading-clock.ts'

export type Phase = 'serving' | 'announcing' | 'closing' | 'cutting' | 'closed'

/**
 * `eventStreams`, `webSockets`: those that the drain ended in order or cut, where there were any.
 */
export interface DrainResult extends LongLivedResult {
  /**
   * Connections that were cut in a request, or as a WebSocket, because `drainTimeoutMs` ran out or
   * `kill()` was called. 0: all were answered.
   */
  readonly cut: number
}

/** What a runtime does in each phase. */
export interface DrainActions {
  /** Every answer from now on says `Connection: close`; newcomers are still accepted. */
  announce(): void
  /** Shuts the listener; what is open stays open. */
  stopAccepting(): void
  /**
   * Closes idle connections, each no sooner than `minIdleMs` after its last answer and at its own
   * moment within
   * `drainSpreadMs`; called again every `tickMs` until nothing is left, so that a connection that
   * goes idle during the drain is closed then. `closingForMs`: time since the phase began, infinite
   * where `atOnce`: then none of them is waited for.
   */
  closeIdle(closingForMs: number, atOnce: boolean): void
  /**
   * What keeps the drain waiting: connections where the runtime shows them, else requests and
   * WebSockets.
   */
  left(): number
  /** Ends everything that is left; returns how many were in a request. */
  cut(): number
  /** What it ends in its own way. Default: nothing is known of any. */
  readonly longLived?: LongLived
}

const tickMs = 25

export interface DrainOptions {
  /** Default true; `false`: nobody is told beforehand. */
  readonly announce?: boolean
  /**
   * Default false; `true`: idle connections are closed now, whatever `minIdleMs` and
   * `drainSpreadMs` say.
   */
  readonly atOnce?: boolean
}

export class Drain {
  readonly #policy: Pick<Policy, 'drainDelayMs' | 'drainTimeoutMs'>
  readonly #actions: DrainActions
  readonly #clock: Clock
  #phase: Phase = 'serving'
  #startedAt = 0
  #closingAt = 0
  #atOnce = false
  #cancelTimer = (): void => {}
  #done: Promise<DrainResult> | null = null
  #resolve: (result: DrainResult) => void = () => {}

  constructor(
    policy: Pick<Policy, 'drainDelayMs' | 'drainTimeoutMs'>,
    actions: DrainActions,
    clock: Clock = readingFirst(systemClock),
  ) {
    this.#policy = policy
    this.#actions = actions
    this.#clock = clock
  }

  get phase(): Phase {
    return this.#phase
  }

  get longLived(): LongLived | undefined {
    return this.#actions.longLived
  }

  /** Whether answers are to say `Connection: close`. */
  get draining(): boolean {
    return this.#phase !== 'serving'
  }

  /**
   * Begins the drain; resolves when nothing is left. Later calls join the first: one without an
   * announcement ends a running one, and one that is `atOnce` closes the idle connections that are
   * left.
   */
  start({ announce = true, atOnce = false }: DrainOptions = {}): Promise<DrainResult> {
    this.#atOnce ||= atOnce
    if (this.#done) {
      if (!announce && this.#phase === 'announcing') this.#close()
      return this.#done
    }
    const done = this.#begin()
    this.#phase = 'announcing'
    this.#actions.announce()
    const { drainDelayMs } = this.#policy
    if (announce && drainDelayMs > 0) this.#cancelTimer = this.#clock.after(drainDelayMs, () => this.#close())
    else this.#close()
    return done
  }

  /** Cuts at once, whatever the phase. */
  kill(): Promise<DrainResult> {
    const done = this.#done ?? this.#begin()
    if (this.#phase === 'serving' || this.#phase === 'announcing') this.#actions.stopAccepting()
    if (this.#phase !== 'closed' && this.#phase !== 'cutting') this.#cut()
    return done
  }

  #begin(): Promise<DrainResult> {
    this.#startedAt = this.#clock.now()
    this.#actions.longLived?.announce()
    this.#done = new Promise((resolve) => {
      this.#resolve = resolve
    })
    return this.#done
  }

  #close(): void {
    this.#cancelTimer()
    this.#phase = 'closing'
    this.#closingAt = this.#clock.now()
    this.#actions.stopAccepting()
    this.#tick()
  }

  #tick(): void {
    const now = this.#clock.now()
    const closingForMs = this.#atOnce ? Number.POSITIVE_INFINITY : now - this.#closingAt
    const leftMs = this.#leftMs
    const { longLived } = this.#actions
    if (now - this.#startedAt >= ownWordMs) longLived?.tick(closingForMs, leftMs)
    this.#actions.closeIdle(closingForMs, this.#atOnce)
    const left = this.#actions.left()
    if (left === 0) this.#finish({ cut: 0, ...longLived?.result })
    else if (leftMs <= 0 || left <= (longLived?.unanswered(leftMs) ?? 0)) this.#cut()
    else this.#cancelTimer = this.#clock.after(tickMs, () => this.#tick())
  }

  get #leftMs(): number {
    return this.#startedAt + this.#policy.drainTimeoutMs - this.#clock.now()
  }

  #cut(): void {
    this.#cancelTimer()
    this.#phase = 'cutting'
    const { longLived } = this.#actions
    const unanswered = longLived?.letGo(this.#leftMs) ?? 0
    // Nobody is left to be counted afterwards.
    const result = longLived?.result
    this.#finish({ cut: Math.max(0, this.#actions.cut() - unanswered), ...result })
  }

  #finish(result: DrainResult): void {
    this.#phase = 'closed'
    this.#resolve(result)
  }
}
