/**
 * A clock for deadlines of what comes through sockets. A process that was stopped (SIGSTOP) or whose event loop was blocked finds its
 * timers over before it has read what came in time: whoever judged then would blame the others for its own pause. So a call that comes
 * late comes once more, a moment later, when everything that was there has been read.
 */
import type { Clock } from './clock.ts'

/** More than timers are late by on an idle machine, less than any deadline that matters. */
const lateMs = 20
/** Time for the loop to come round to its sockets, some rounds where a runtime needs them. */
const readMs = 50

export function readingFirst(clock: Clock): Clock {
  return {
    now: clock.now,
    after(ms, callback) {
      const dueAt = clock.now() + ms
      let cancel = clock.after(ms, () => {
        if (clock.now() - dueAt < lateMs) callback()
        else cancel = clock.after(readMs, callback)
      })
      return () => cancel()
    },
  }
}
