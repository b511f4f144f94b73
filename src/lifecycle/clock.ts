/** Time as an argument: what decides on deadlines takes one of these, so that a test can hold the hands. */
export interface Clock {
  /** Monotonic ms. */
  now(): number
  /** Calls back once; returns what takes the call back. */
  after(ms: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}

/** For work that is no reason to stay alive. */
export const backgroundClock: Clock = {
  now: systemClock.now,
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
