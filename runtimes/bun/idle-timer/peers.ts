/**
 * Requests and age per connection, for a server that shows no connections: they are told apart by
 * the client's address and port. What has been quiet longer than any connection can be is gone, and
 * its port may be a new connection's.
 */
import { isLast } from '../../../src/lifecycle/last-answer.ts'
import type { Policy } from '../../../src/policy/policy.ts'

interface Peer {
  answers: number
  lastAt: number
  readonly agesAt: number
}

/**
 * Of the server's circumstances Bun's own engine is told elsewhere, and connections it does not
 * count.
 */
const elsewhere = { surplus: false, draining: false, full: false }

export type PeerPolicy = Pick<Policy, 'maxRequestsPerConnection' | 'maxConnectionAgeMs'>

export class Peers {
  readonly #policy: PeerPolicy
  readonly #goneAfterMs: number
  readonly #random: () => number
  readonly #peers = new Map<string, Peer>()
  #forgottenAt = 0

  /** `goneAfterMs`: quiet time after which a connection has certainly been closed. */
  constructor(policy: PeerPolicy, goneAfterMs: number, random: () => number = Math.random) {
    this.#policy = policy
    this.#goneAfterMs = goneAfterMs
    this.#random = random
  }

  get size(): number {
    return this.#peers.size
  }

  /** Counts an answer; returns whether it is the connection's last, and then knows it no more. */
  answered(name: string, now: number): boolean {
    this.#forget(now)
    const { maxConnectionAgeMs } = this.#policy
    let peer = this.#peers.get(name)
    if (peer === undefined || now - peer.lastAt > this.#goneAfterMs) {
      // ± 10 %, so that connections opened together do not all come back together.
      const ageMs =
        maxConnectionAgeMs === 0 ? Number.POSITIVE_INFINITY : maxConnectionAgeMs * (0.9 + this.#random() * 0.2)
      peer = { answers: 0, lastAt: now, agesAt: now + ageMs }
      this.#peers.set(name, peer)
    }
    peer.answers += 1
    peer.lastAt = now
    const last = isLast({ requests: peer.answers, agesAt: peer.agesAt }, this.#policy, now, elsewhere)
    if (last) this.#peers.delete(name)
    return last
  }

  #forget(now: number): void {
    if (now - this.#forgottenAt < this.#goneAfterMs) return
    this.#forgottenAt = now
    for (const [name, { lastAt }] of this.#peers) if (now - lastAt > this.#goneAfterMs) this.#peers.delete(name)
  }
}
