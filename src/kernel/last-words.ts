/**
 * Connections whose last response is with the runtime: they end as soon as the kernel shows that it
 * is out.
 */
import { type Clock, passed } from '../lifecycle/clock.ts'
import { settleMs } from './observe.ts'
import type { Peer } from './peers.ts'

/**
 * Between two looks, in a turn of the event loop each: what is with the runtime is written by then.
 */
const outMs = 2

export class LastWords {
  readonly #clock: Clock
  readonly #discover: () => void
  /** With each what its client had acknowledged at the last look. */
  readonly #finishing = new Map<Peer, number>()

  /** `discover`: finds connections that are not known yet. */
  constructor(clock: Clock, discover: () => void) {
    this.#clock = clock
    this.#discover = discover
  }

  /** Ends it as soon as nothing waits and nothing has gone out between two looks. */
  finishSoon(peer: Peer): void {
    this.#finishing.set(peer, -1)
    if (this.#finishing.size === 1) this.#lookLater()
  }

  #lookLater(): void {
    this.#clock.after(outMs, () => {
      const now = this.#clock.now()
      for (const { socket } of this.#finishing.keys()) {
        if (socket !== null) continue
        this.#discover()
        break
      }
      for (const [peer, acked] of this.#finishing) if (this.#isOver(peer, acked, now)) this.#finishing.delete(peer)
      if (this.#finishing.size > 0) this.#lookLater()
    })
  }

  #isOver(peer: Peer, acked: number, now: number): boolean {
    const { socket, owed, finishedAt } = peer
    const isLate = now - finishedAt > settleMs
    if (owed > 0) return true
    // Found by a walk that is yet to come, perhaps.
    if (socket === null) return isLate
    if (socket.connection.isEnded) return true
    const snapshot = socket.look()
    if (snapshot === null) return true
    if (snapshot.unsent > 0 || snapshot.acked === 0 || snapshot.acked !== acked) {
      this.#finishing.set(peer, snapshot.acked)
      return isLate
    }
    socket.finish(now)
    socket.wakeAt(now + settleMs)
    return true
  }

  /**
   * Its response has failed, and an orderly end would look like the response's: RST once what was
   * sent has been taken.
   */
  async resetSoon(peer: Peer): Promise<void> {
    const until = this.#clock.now() + settleMs
    for (;;) {
      if (peer.socket === null) this.#discover()
      const { socket } = peer
      const snapshot = socket?.look()
      const isLate = this.#clock.now() >= until
      if (socket !== null && (snapshot?.unsent === 0 || isLate)) {
        if (snapshot !== null) socket.drop()
        return
      }
      if (isLate) return
      await passed(this.#clock, outMs)
    }
  }
}
