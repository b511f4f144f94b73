/** A handler that has returned a promise, and Bun's clock, which runs against it. */
import type { BunServer } from '../server.ts'
import { type Sweep, sweepMs, type Watched } from './sweep.ts'

/**
 * To stop Bun's clock costs a request 1 µs, so only those pay that take longer than this; the clock
 * is never set to less than two steps, and so has at least 3 s left by then.
 */
const stopClockAfterMs = 1_000

export class Pending implements Watched {
  clockStopped = false
  /** The client has been answered in its place. */
  replaced = false
  readonly #request: Request
  readonly #server: BunServer
  readonly #sweep: Sweep
  #sweeps = 0

  constructor(request: Request, server: BunServer, sweep: Sweep) {
    this.#request = request
    this.#server = server
    this.#sweep = sweep
    sweep.add(this)
  }

  look(): void {
    this.#sweeps += 1
    if (this.#sweeps * sweepMs >= stopClockAfterMs) this.stopClock()
  }

  stopClock(): void {
    this.#sweep.remove(this)
    this.clockStopped = true
    this.#server.timeout(this.#request, 0)
  }

  done(): void {
    this.#sweep.remove(this)
  }
}
