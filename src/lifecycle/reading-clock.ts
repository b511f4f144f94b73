/**
 * A clock for deadlines of what comes through sockets. A process that was stopped (SIGSTOP) or
 * whose event loop was blocked finds its timers over before it has read what came in time: whoever
 * judged then would blame the others for its own pause. So a call that comes late comes again, a
 * moment later, when everything that was there has been read.
 */
import type { Clock } from './clock.ts'

/** More than timers are late by on an idle machine, less than any deadline that matters. */
const lateMs = 20
/** Time for the loop to come round to its sockets, some rounds where a runtime needs them. */
const readMs = 50
/**
 * A wait that is late again saw another pause. A loop that is never on time must not keep everybody
 * open.
 */
const mostWaits = 4

export function readingFirst(clock: Clock): Clock {
  return {
    now: clock.now,
    after(ms, callback) {
      let cancel = () => {}
      const wait = (forMs: number, waits: number): void => {
        const dueAt = clock.now() + forMs
        cancel = clock.after(forMs, () => {
          if (waits === mostWaits || clock.now() - dueAt < lateMs) callback()
          else wait(readMs, waits + 1)
        })
      }
      wait(ms, 0)
      return () => cancel()
    },
  }
}
