import type { ServerClock } from './clock.ts'

/** A clock whose hands a test moves. Callbacks run in the order of their time, as timers do. */
export class FakeClock implements ServerClock {
  #now = 0
  #timers: { readonly at: number; readonly callback: () => void }[] = []

  now = (): number => this.#now

  date = (): number => this.#now

  after = (ms: number, callback: () => void): (() => void) => {
    const timer = { at: this.#now + ms, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  afterTurn = (callback: () => void): void => void this.after(0, callback)

  /** Timers that are still to come. */
  get pending(): number {
    return this.#timers.length
  }

  /** Lets time pass, and what is due in it happen. */
  pass(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.#timers = this.#timers.filter((other) => other !== due)
      this.#now = Math.max(this.#now, due.at)
      due.callback()
    }
    this.#now = end
  }

  /** The loop is blocked: time goes by, and what is due in it waits. */
  block(ms: number): void {
    this.#now += ms
  }
}
