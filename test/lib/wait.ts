/** Waiting for what comes of itself. */
import { setTimeout as sleep } from 'node:timers/promises'

/** The first value that will do, or the last at the deadline. */
export async function eventually<T>(
  look: () => T | Promise<T>,
  willDo: (value: T) => boolean,
  withinMs: number,
): Promise<T> {
  const deadlineMs = performance.now() + withinMs
  for (;;) {
    const value = await look()
    if (willDo(value) || performance.now() >= deadlineMs) return value
    await sleep(20)
  }
}

/** Rejects if it does not hold in time. `what`: as the error says it. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string | (() => string),
  withinMs: number,
): Promise<void> {
  if (await eventually(holds, Boolean, withinMs)) return
  throw new Error(`not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`)
}
