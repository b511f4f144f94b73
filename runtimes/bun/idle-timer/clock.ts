/**
 * Bun's connection clock: one per connection, turned by a hand that moves every 4 s for all of
 * them. Set to N seconds it ends the connection between 4 × (⌈N/4⌉ − 1) and 4 × ⌈N/4⌉ s later
 * (measured on 1.4.5: set to 4 s it ended connections 0.02 to 4.00 s after their response). So it
 * is set a step longer than the limit: late, never early.
 */
import { bunClock } from '../../../src/policy/held-by.ts'

const { stepMs } = bunClock
/** `idleTimeout` and `server.timeout()` stop at 255 s, which is 64 steps. */
const mostSeconds = 255

/** Seconds for `idleTimeout` and `server.timeout()`; 0 stops the clock. */
export function clockSeconds(limitMs: number): number {
  if (limitMs === 0) return 0
  const steps = Math.ceil(limitMs / stepMs) + 1
  return Math.min((steps * stepMs) / 1000, mostSeconds)
}
