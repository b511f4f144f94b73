/** What a program does with a clock beside reading it. */
import type { Clock } from './clock.ts'

/** Resolves after so many ms, or as soon as the signal fires. */
export function sleep(ms: number, clock: Clock, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const stop = () => {
      cancel()
      resolve()
    }
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', stop)
      resolve()
    })
    signal?.addEventListener('abort', stop, { once: true })
  })
}

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
