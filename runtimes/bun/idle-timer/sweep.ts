/**
 * One timer for all that is under watch: requests that take long, bodies that are waited for,
 * answers that are not taken.
 */
export interface Watched {
  look(now: number): void
}

/**
 * A sweep that is so late comes after a blocked event loop: what was sent, or taken, meanwhile is
 * handed over first.
 */
const lateMs = 100
/** Limits hold to 10 % or 250 ms, whichever is more. */
export const sweepMs = 100

export class Sweep {
  readonly #members = new Set<Watched>()
  #timer: ReturnType<typeof setInterval> | null = null
  #emptySweeps = 0
  #sweptAt = 0

  add(member: Watched): void {
    this.#members.add(member)
    if (this.#timer !== null) return
    this.#sweptAt = performance.now()
    this.#timer = setInterval(() => this.#sweep(), sweepMs)
    // A timer is no reason to stay alive.
    this.#timer.unref()
  }

  remove(member: Watched): void {
    this.#members.delete(member)
  }

  #sweep(): void {
    const now = performance.now()
    const isLate = now - this.#sweptAt >= sweepMs + lateMs
    this.#sweptAt = now
    if (isLate) return
    for (const member of this.#members) member.look(now)
    this.#emptySweeps = this.#members.size === 0 ? this.#emptySweeps + 1 : 0
    if (this.#emptySweeps < 10 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }
}
