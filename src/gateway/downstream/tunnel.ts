/**
 * Two connections joined after an upgrade: bytes pass both ways unchanged, and quiet in both
 * directions ends both. A WebSocket can be closed between two frames of its upstream.
 */
import type { Duplex } from 'node:stream'
import { closeFrame, WebSocketFrames } from './web-socket-frames.ts'

/** After FIN in both directions, a side that does not end is cut after this. */
const lingerMs = 1_000

export interface TunnelOptions {
  /** 0: no limit. */
  readonly quietMs: number
  /** Called for each piece. */
  readonly now: () => number
  /** Both sides are gone. */
  readonly onEnd: () => void
  readonly isWebSocket: boolean
}

export class Tunnel {
  readonly #client: Duplex
  readonly #upstream: Duplex
  readonly #onEnd: () => void
  readonly #quietMs: number
  #movedAt: number
  #endingSince: number | null = null
  #over = false
  /** What the upstream sends; null: not a WebSocket. */
  readonly #frames: WebSocketFrames | null

  constructor(client: Duplex, upstream: Duplex, { quietMs, now, onEnd, isWebSocket }: TunnelOptions) {
    this.#client = client
    this.#upstream = upstream
    this.#onEnd = onEnd
    this.#frames = isWebSocket ? new WebSocketFrames() : null
    const frames = this.#frames
    if (frames !== null) upstream.on('data', (piece: Uint8Array) => frames.pass(piece))
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

  /**
   * Closes a WebSocket towards its client, once the frame that its upstream sends is whole. The
   * client's answer to that closes it towards the upstream.
   */
  close(code: number): void {
    const client = this.#client
    const upstream = this.#upstream
    const frames = this.#frames
    if (frames === null || frames.hasClosed) return
    upstream.unpipe(client)
    upstream.once('end', () => client.end())
    let isClosed = frames.between
    if (isClosed) client.write(closeFrame(code))
    else {
      const rest = new WebSocketFrames(frames)
      upstream.on('data', (piece: Uint8Array) => {
        if (isClosed) return
        const whole = rest.pass(piece)
        isClosed = whole > 0
        const isTaken = client.write(isClosed ? piece.subarray(0, whole) : piece)
        if (isClosed) client.write(closeFrame(code))
        else if (!isTaken) {
          upstream.pause()
          client.once('drain', () => upstream.resume())
        }
      })
    }
    upstream.resume()
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
