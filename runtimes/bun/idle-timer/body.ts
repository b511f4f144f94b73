/**
 * The body of a request under its clocks. Bun's own clock is none for a body: it wants 16 KB a
 * second and ends the connection without an answer. So it stands still while a handler runs, a body
 * is read chunk by chunk, and each chunk turns the clocks back.
 */

import { backgroundClock } from '../../../src/lifecycle/clock.ts'
import { type BodyReason, RequestBody } from '../../../src/native/request-body.ts'
import { MinRate, type RateLimits } from '../../../src/policy/min-rate.ts'
import type { Policy } from '../../../src/policy/policy.ts'
import type { Sweep, Watched } from './sweep.ts'

export type BodyPolicy = Pick<Policy, 'bodyTimeoutMs' | 'minBodyBytesPerSec' | 'minRateGraceMs' | 'maxBodyBytes'>

export class TimedBody extends RequestBody implements Watched {
  #policy: BodyPolicy
  readonly #sweep: Sweep
  readonly #onRefused: (reason: BodyReason) => void
  #pace: MinRate | null = null
  #isWhole = false

  constructor(
    request: Request,
    announced: number | null,
    policy: BodyPolicy,
    sweep: Sweep,
    onRefused: (reason: BodyReason) => void,
  ) {
    super(request, announced, { clock: backgroundClock, maxBytes: policy.maxBodyBytes })
    this.#policy = policy
    this.#sweep = sweep
    this.#onRefused = onRefused
  }

  /** A route has changed its limits. Throws the refusal of one that is known to be larger. */
  holdTo(policy: BodyPolicy): void {
    this.#policy = policy
    this.#pace?.change(this.#rateLimits, performance.now())
    this.limitTo(policy.maxBodyBytes)
  }

  look(now: number): void {
    const breach = this.#pace?.look(now, this.content ?? 0, this.wanted)
    if (!breach) return
    const reason = breach === 'quiet' ? 'body' : 'bodyRate'
    this.ended()
    this.#onRefused(reason)
    this.refuse(reason)
  }

  /**
   * So small that at the minimum rate it is whole before the quiet time is over: one deadline
   * serves for both, and the body can be left to Bun, which reads 10 KB in 8 µs less than a stream
   * does.
   */
  protected override get mayReadWhole(): boolean {
    const { bodyTimeoutMs, minBodyBytesPerSec, minRateGraceMs } = this.#policy
    if (this.announced === null) return false
    if (bodyTimeoutMs === 0 && minBodyBytesPerSec === 0) return true
    if (bodyTimeoutMs === 0 || minBodyBytesPerSec === 0) return false
    return minRateGraceMs + (this.announced * 1000) / minBodyBytesPerSec <= bodyTimeoutMs
  }

  protected override foundTooLarge(): void {
    this.#onRefused('bodyTooLarge')
  }

  protected override began(whole: boolean): void {
    this.#isWhole = whole
    this.#pace = new MinRate(this.#rateLimits, performance.now(), 0)
    this.#sweep.add(this)
  }

  /** Of one that Bun reads whole nobody sees how fast it comes. */
  get #rateLimits(): RateLimits {
    const { bodyTimeoutMs, minBodyBytesPerSec, minRateGraceMs } = this.#policy
    const rate = this.#isWhole
      ? { bytesPerSec: 0, graceMs: 0 }
      : { bytesPerSec: minBodyBytesPerSec, graceMs: minRateGraceMs }
    return { quietMs: bodyTimeoutMs, ...rate }
  }

  protected override ended(): void {
    this.#sweep.remove(this)
  }
}
