/**
 * Two connections joined after an upgrade: bytes pass both ways unchanged, and quiet in both
 * directions ends both.
 */
import type { Duplex } from 'node:stream'

/** After FIN in both directions, a side that does not end is cut after this. */
const lingerMs = 1_000

export class Tunnel {
  readonly #client: Duplex
  readonly #upstream: Duplex
  readonly #onEnd: () => void
  readonly #quietMs: number
  #movedAt: number
  #endingSince: number | null = null
  #over = false

  /** `quietMs` 0: no limit. `now` is called for each piece. `onEnd`: both sides are gone. */
  constructor(client: Duplex, upstream: Duplex, quietMs: number, now: () => number, onEnd: () => void) {
    this.#client = client
    this.#upstream = upstream
    this.#onEnd = onEnd
    this.#quietMs = quietMs
    this.#movedAt = now()
    const moved = () => {
      this.#movedAt = now()
    }
    this.#join(client, upstream, moved)
    this.#join(upstream, client, moved)
  }

  /** Ends a quiet tunnel, and cuts a side that does not end. */
  tick(now: number): void {
    if (this.#endingSince !== null) {
      if (now - this.#endingSince >= lingerMs) this.cut()
    } else if (this.#quietMs !== 0 && now - this.#movedAt >= this.#quietMs) {
      this.#endingSince = now
      this.#client.end()
      this.#upstream.end()
    }
  }

  cut(): void {
    this.#client.destroy()
    this.#upstream.destroy()
    this.#finish()
  }

  #join(from: Duplex, to: Duplex, moved: () => void): void {
    from.on('data', moved)
    from.pipe(to)
    // A close follows each error, and it ends both sides.
    from.on('error', () => {})
    from.once('close', () => {
      if (to.writableEnded || to.destroyed) this.#finishIfGone()
      else to.end()
      if (!from.readableEnded) to.destroy()
    })
    // Both directions have ended: nothing else closes a socket that may be half open.
    const ended = () => {
      if (from.readableEnded && to.readableEnded && from.writableFinished && to.writableFinished) {
        from.destroy()
        to.destroy()
      }
    }
    from.once('end', ended)
    from.once('finish', ended)
  }

  #finishIfGone(): void {
    if (this.#client.destroyed && this.#upstream.destroyed) this.#finish()
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.#onEnd()
  }
}
