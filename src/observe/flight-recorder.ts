/**
 * The last connections that ended, each with its last moves and no contents: a ring of a fixed
 * size.
 */
import type { Blame } from '../lifecycle/cause.ts'
import type { Trail, TrailMove } from '../lifecycle/trail.ts'

export interface Ended extends Blame {
  /** Counts the server's connections; the same as in the list of open ones. */
  readonly id: number
  readonly peer: string
  /** Ms since 1970. */
  readonly openedAt: number
  readonly endedAt: number
  readonly requests: number
  readonly received: number
  readonly sent: number
}

export interface EndedConnection extends Ended {
  /** The last moves, the oldest first. */
  readonly moves: readonly TrailMove[]
  /** How many there were before those. */
  readonly movesLeftOut: number
}

/** Ended connections that are remembered. */
export const recordedEnds = 256

export class FlightRecorder {
  readonly #ends: { readonly ended: Ended; readonly trail: Trail | null }[] = []
  #next = 0

  record(ended: Ended, trail: Trail | null): void {
    this.#ends[this.#next] = { ended, trail }
    this.#next = (this.#next + 1) % recordedEnds
  }

  /** The latest first. */
  read(): EndedConnection[] {
    const count = this.#ends.length
    return Array.from({ length: count }, (_, back) => {
      const { ended, trail } = this.#ends[(this.#next - 1 - back + count) % count]!
      return { ...ended, moves: trail?.read() ?? [], movesLeftOut: trail?.lost ?? 0 }
    })
  }
}
