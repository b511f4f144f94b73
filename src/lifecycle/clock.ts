/**
 * Time as an argument: what decides on deadlines takes one of these, so that a test can hold the
 * hands.
 */
export interface Clock {
  /** Monotonic ms. */
  now(): number
  /** Calls back once; returns what takes the call back. */
  after(ms: number, callback: () => void): () => void
}

/** Resolves when so much time has passed. */
export const passed = (clock: Clock, ms: number): Promise<void> =>
  new Promise((resolve) => void clock.after(ms, resolve))

/** What a server needs beside that. */
export interface ServerClock extends Clock {
  /** Time of day, in ms since 1970: for `Date`. */
  date(): number
  /** Calls back when the sockets have had their turn. */
  afterTurn(callback: () => void): void
}

/** Node's global is an accessor, called at each use. */
const { performance } = globalThis

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}

/** Its timers do not keep the process alive. */
export const backgroundClock: ServerClock = {
  now: systemClock.now,
  date: () => Date.now(),
  afterTurn: (callback) => void setImmediate(callback),
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    // workerd’s is a number.
    timer.unref?.()
    return () => clearTimeout(timer)
  },
}
