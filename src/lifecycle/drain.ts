/**
 * The end of a server's life in three phases: announce, close, cut. It owns the order and the time;
 * a runtime says how each is done. `drainTimeoutMs` counts from the first call over all phases.
 */
import type { Policy } from '../policy/policy.ts'
import { type Clock, systemClock } from './clock.ts'
import { readingFirst } from './reading-clock.ts'

export type Phase = 'serving' | 'announcing' | 'closing' | 'cutting' | 'closed'

export interface DrainResult {
  /**
   * Connections that were cut in a request because `drainTimeoutMs` ran out or `kill()` was called.
   * 0: all were answered.
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
  /** What keeps the drain waiting: connections where the runtime shows them, else requests. */
  left(): number
  /** Ends everything that is left; returns how many were in a request. */
  cut(): number
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
    this.#actions.closeIdle(this.#atOnce ? Number.POSITIVE_INFINITY : now - this.#closingAt, this.#atOnce)
    if (this.#actions.left() === 0) this.#finish(0)
    else if (now - this.#startedAt >= this.#policy.drainTimeoutMs) this.#cut()
    else this.#cancelTimer = this.#clock.after(tickMs, () => this.#tick())
  }

  #cut(): void {
    this.#cancelTimer()
    this.#phase = 'cutting'
    this.#finish(this.#actions.cut())
  }

  #finish(cut: number): void {
    this.#phase = 'closed'
    this.#resolve({ cut })
  }
}
