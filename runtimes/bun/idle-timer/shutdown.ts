/** The drain of a server whose idle connections Bun closes together with its listener. */
import type { DrainActions } from '../../../src/lifecycle/drain.ts'
import type { LongLived } from '../../../src/lifecycle/long-lived.ts'
import type { Policy } from '../../../src/policy/policy.ts'
import type { BunServer } from '../server.ts'
import type { Exchanges } from './exchanges.ts'

export class Shutdown implements DrainActions {
  readonly #policy: Policy
  readonly #server: BunServer
  readonly #exchanges: Exchanges
  readonly longLived: LongLived
  #stopped = false
  #gone = false
  /** Since when the stopped server has had no request. */
  #quietSince = 0

  constructor(policy: Policy, server: BunServer, exchanges: Exchanges, longLived: LongLived) {
    this.#policy = policy
    this.#server = server
    this.#exchanges = exchanges
    this.longLived = longLived
  }

  announce(): void {
    this.#exchanges.announce()
  }

  /**
   * Bun shuts its listener and its idle connections in one act, and from then on closes each
   * connection with its response: `closeIdle` does it.
   */
  stopAccepting(): void {}

  closeIdle(closingForMs: number, atOnce: boolean): void {
    const now = performance.now()
    if (this.#stopped) this.#closeQuiet(now, atOnce)
    else this.#stop(now, closingForMs >= this.#policy.drainTimeoutMs / 2)
  }

  left(): number {
    return this.#gone ? 0 : Math.max(1, this.#inRequest)
  }

  cut(): number {
    const cut = this.#inRequest
    this.#server.stop(true)
    return cut
  }

  get #inRequest(): number {
    return this.#server.pendingRequests + this.#server.pendingWebSockets
  }

  /**
   * Waits for the streams that promised to keep their connection, but half of the time has to be
   * left for others.
   */
  #stop(now: number, halfTime: boolean): void {
    const { unmarkedAt, unmarkedStreams } = this.#exchanges
    if (now - unmarkedAt < this.#policy.minIdleMs && !halfTime) return
    if (unmarkedStreams > 0 && !halfTime) {
      this.#server.closeIdleConnections()
      return
    }
    this.#stopped = true
    this.#quietSince = now
    this.#server.stop().then(() => {
      this.#gone = true
    })
  }

  /**
   * What is left without a request are unfinished heads, and TLS clients that do not answer the end
   * of theirs.
   */
  #closeQuiet(now: number, atOnce: boolean): void {
    if (this.#inRequest > 0) this.#quietSince = now
    else if (atOnce || now - this.#quietSince >= this.#policy.minIdleMs) {
      this.#gone = true
      this.#server.stop(true)
    }
  }
}
