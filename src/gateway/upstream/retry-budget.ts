/**
 * The retry budget, so that an outage does not multiply its own load: a percentage of the requests
 * of the last ten seconds, and a small reserve for a gateway with little to do (Finagle's
 * RetryBudget, also in tower and Linkerd).
 */
const slots = 10
const slotMs = 1_000
/** Requests between two readings of the clock, each of which costs 0.05 to 0.4 µs. */
const requestsPerReading = 16

/** For `minPerSec`: a gateway with little to do may still try again. */
export const minRetriesPerSec = 3

export class RetryBudget {
  readonly #percent: number
  readonly #reserve: number
  readonly #now: () => number
  readonly #requests = new Float64Array(slots)
  readonly #retries = new Float64Array(slots)
  #slot: number
  #unread = 0

  /**
   * `percent` 0: no limit. The reserve is `minPerSec` for each second of the window, and may be
   * spent at once.
   */
  constructor(percent: number, minPerSec: number, now: () => number) {
    this.#percent = percent
    this.#reserve = minPerSec * slots
    this.#now = now
    this.#slot = Math.floor(now() / slotMs)
  }

  /** A client's request, not a retry. */
  request(): void {
    this.#unread += 1
    if (this.#unread >= requestsPerReading) this.#turn()
  }

  /** Spends a retry; returns whether there was one left. */
  tryRetry(): boolean {
    if (this.#percent === 0) return true
    const slot = this.#turn()
    let requests = 0
    let retries = 0
    for (let at = 0; at < slots; at++) {
      requests += this.#requests[at]!
      retries += this.#retries[at]!
    }
    if ((retries + 1) * 100 > requests * this.#percent + this.#reserve * 100) return false
    this.#retries[slot] = this.#retries[slot]! + 1
    return true
  }

  /** Forgets what is older than the window; returns the present slot. */
  #turn(): number {
    const last = this.#slot % slots
    this.#requests[last] = this.#requests[last]! + this.#unread
    this.#unread = 0
    const slot = Math.floor(this.#now() / slotMs)
    for (let at = Math.max(this.#slot + 1, slot - slots + 1); at <= slot; at++) {
      this.#requests[at % slots] = 0
      this.#retries[at % slots] = 0
    }
    this.#slot = slot
    return slot % slots
  }
}
