/**
 * The last descriptors, kept for an operator from a runtime that accepts whoever comes: as many
 * newcomers are refused as would use them.
 */
import type { Peer } from './peers.ts'

export interface ReserveOptions {
  /** From here on every descriptor is the operator's: see `Budget`. */
  readonly from: number
  /** Descriptors in use. */
  used(): number
  /** Whether its connection may still be open. */
  knows(peer: Peer): boolean
}

export class Reserve {
  readonly #options: ReserveOptions
  /** Refused, and not answered yet. */
  readonly #refused = new Set<Peer>()

  constructor(options: ReserveOptions) {
    this.#options = options
  }

  refuses(newcomer: Peer): boolean {
    const { from, used, knows } = this.#options
    const excess = used() - from
    if (excess <= 0) return false
    for (const peer of this.#refused) {
      if (!knows(peer) || (peer.requests > 0 && peer.owed === 0)) this.#refused.delete(peer)
    }
    if (this.#refused.size >= excess) return false
    this.#refused.add(newcomer)
    return true
  }
}
