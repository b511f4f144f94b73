/**
 * The two clocks of a body or an answer: quiet time, and a minimum rate that is a clock as well.
 * Every byte buys the time that it may take at the minimum rate; the grace is the credit to begin
 * with, and the credit never grows beyond the grace or the quiet time, whichever is longer, so that
 * a fast beginning does not pay for an endless trickle. At the rate or above it the deadline never
 * comes, below it it always does. (Kestrel takes the average since the beginning instead, which a
 * client that first sends a gigabyte can starve for weeks.)
 */
export interface RateLimits {
  /** 0: off. */
  readonly quietMs: number
  /** 0: off. */
  readonly bytesPerSec: number
  readonly graceMs: number
}

export type RateBreach = 'quiet' | 'rate'

export class MinRate {
  #limits: RateLimits
  #total: number
  #lookedAt: number
  /** The quiet time counts from here. */
  #quietFrom: number
  #rateAt: number
  /**
   * Set while the other side is not to blame: the application does not read, or nothing waits to be
   * taken.
   */
  #pausedAt: number | null

  constructor(limits: RateLimits, now: number, total: number) {
    this.#limits = limits
    this.#total = total
    this.#lookedAt = now
    this.#quietFrom = now
    this.#rateAt = limits.bytesPerSec === 0 ? Number.POSITIVE_INFINITY : now + limits.graceMs
    this.#pausedAt = null
  }

  get limits(): RateLimits {
    return this.#limits
  }

  /**
   * Others hold from now on. What has been quiet so far counts, and so does the credit that is
   * left.
   */
  change(limits: RateLimits, now: number): void {
    const { bytesPerSec, graceMs } = this.#limits
    this.#limits = limits
    if (limits.bytesPerSec === 0) this.#rateAt = Number.POSITIVE_INFINITY
    else this.#rateAt = bytesPerSec === 0 ? now + limits.graceMs : this.#rateAt + limits.graceMs - graceMs
  }

  get #quietAt(): number {
    const { quietMs } = this.#limits
    return quietMs === 0 ? Number.POSITIVE_INFINITY : this.#quietFrom + quietMs
  }

  /** When it runs out if nothing more comes, as far as the last look knows. */
  get dueAt(): number {
    return this.#pausedAt === null ? Math.min(this.#quietAt, this.#rateAt) : Number.POSITIVE_INFINITY
  }

  /**
   * `total`: all bytes so far; `owed`: whether the peer is the one to move; `movedAt`: when the
   * last bytes did, where that is known. Returns what ran out, or null.
   */
  look(now: number, total: number, owed: boolean, movedAt = now): RateBreach | null {
    const { quietMs, bytesPerSec, graceMs } = this.#limits
    const at = Math.min(Math.max(movedAt, this.#lookedAt), now)
    this.#lookedAt = now
    if (this.#pausedAt !== null && owed) {
      this.#rateAt += now - this.#pausedAt
      this.#quietFrom = now
      this.#pausedAt = null
    }
    const bytes = total - this.#total
    if (bytes > 0) {
      this.#total = total
      this.#quietFrom = at
      if (bytesPerSec !== 0) {
        const from = this.#pausedAt ?? now
        const most = Math.max(graceMs, quietMs)
        this.#rateAt = Math.min(this.#rateAt + (bytes * 1000) / bytesPerSec, from + most)
      }
    }
    if (!owed) {
      this.#pausedAt ??= now
      return null
    }
    if (now >= this.#quietAt) return 'quiet'
    return now >= this.#rateAt ? 'rate' : null
  }
}

/** Null: both are off. */
export const rateLimits = (quietMs: number, bytesPerSec: number, graceMs: number): RateLimits | null =>
  quietMs === 0 && bytesPerSec === 0 ? null : { quietMs, bytesPerSec, graceMs }

/** The least time in which one of the two can run out. */
export const shortestMs = ({ quietMs, bytesPerSec, graceMs }: RateLimits): number =>
  Math.min(quietMs || Number.POSITIVE_INFINITY, bytesPerSec === 0 ? Number.POSITIVE_INFINITY : graceMs)
