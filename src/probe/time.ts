/** What a probe does with a clock beside reading it. */
import type { Clock } from '../lifecycle/clock.ts'

export const sleep = (ms: number, clock: Clock): Promise<void> => new Promise((resolve) => clock.after(ms, resolve))

/** Calls back every so many ms; returns what stops that. */
export function every(ms: number, clock: Clock, callback: () => void): () => void {
  let stop = () => {}
  const wait = () => {
    stop = clock.after(ms, () => {
      wait()
      callback()
    })
  }
  wait()
  return () => stop()
}
