/**
 * How late the event loop is: what an application that computes too much makes of everybody's turn.
 */
import type { Clock } from '../lifecycle/clock.ts'
import type { Fetch } from './contract.ts'
import { comeAgain } from './responses.ts'

const everyMs = 20

/** Measured only while somebody asks: an idle server has no timer of this. */
class LoopLag {
  readonly #clock: Clock
  #dueAt = 0
  #isArmed = false
  #asked = false
  /** Of the last turn that was measured. */
  #lastMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The later of the last turn and this one, which may still be going on. */
  nowMs(): number {
    this.#asked = true
    if (!this.#isArmed) this.#arm()
    return Math.max(this.#lastMs, this.#clock.now() - this.#dueAt)
  }

  #arm(): void {
    this.#isArmed = true
    this.#asked = false
    this.#dueAt = this.#clock.now() + everyMs
    this.#clock.after(everyMs, () => {
      this.#isArmed = false
      this.#lastMs = this.#clock.now() - this.#dueAt
      // What waited meanwhile is read after this.
      if (this.#asked || this.#lastMs >= everyMs) this.#arm()
    })
  }
}

export interface LoopLagOptions {
  /** 0: off, and the handler is returned as it is. */
  readonly maxLoopLagMs: number
  readonly onOverload: () => void
  readonly clock: Clock
}

/** Answers 503 in the handler's place while the loop is behind. */
export function withLoopLag(handler: Fetch, { maxLoopLagMs, onOverload, clock }: LoopLagOptions): Fetch {
  if (maxLoopLagMs === 0) return handler
  const lag = new LoopLag(clock)
  return (request, ...rest) => {
    if (lag.nowMs() <= maxLoopLagMs) return handler(request, ...rest)
    onOverload()
    return comeAgain()
  }
}
