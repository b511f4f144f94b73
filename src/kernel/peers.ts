/**
 * What the application says of requests, by the client's address and port: the other half of what
 * is known of a connection, which the kernel may not have shown yet.
 */
import type { ChangedLimits } from '../lifecycle/request-limits.ts'
import { freshNote, type IncomingBody, type Note } from './observe.ts'
import type { TrackedSocket } from './tracked-socket.ts'

/** A peer that the application has spoken of, a connection that the kernel shows, or both. */
export interface Peer extends Note {
  readonly name: string
  socket: TrackedSocket | null
  /** When its first request was noted, if its connection had not been found by then. */
  firstAt: number
  /** Begun, of those that were noted. */
  requests: number
  /** It came when all were busy: its first request is to be answered 503. */
  surplus: boolean
  /** A response has said that it is the connection's last. */
  last: boolean
  /** And the runtime ends the connection with it. */
  endsItself: boolean
  /** Of its requests whose routes changed them, until the next begins; null: none has. */
  changed: ChangedLimits | null
}

export class Peers {
  readonly #byName = new Map<string, Peer>()
  /** Of whom no connection is known. */
  readonly #unfound = new Set<Peer>()
  /** Told when the application has spoken of one that is forgotten now. */
  readonly #onForgotten: (peer: Peer) => void
  #strangers = 0

  constructor(onForgotten: (peer: Peer) => void) {
    this.#onForgotten = onForgotten
  }

  get unfound(): number {
    return this.#unfound.size
  }

  of(name: string): Peer | undefined {
    return this.#byName.get(name)
  }

  /** In the place of one of the same name: the port is another connection's by now. */
  fresh(name: string): Peer {
    const peer: Peer = {
      ...freshNote(),
      name,
      socket: null,
      firstAt: Number.POSITIVE_INFINITY,
      requests: 0,
      surplus: false,
      last: false,
      endsItself: false,
      changed: null,
    }
    this.#byName.set(name, peer)
    return peer
  }

  /** One that speaks before its connection has been found. */
  stranger(name: string, startedAt: number): Peer {
    const peer = this.fresh(name)
    peer.firstAt = startedAt
    this.#strangers += 1
    return peer
  }

  /** Those since the last time this was asked. */
  takeStrangers(): number {
    const strangers = this.#strangers
    this.#strangers = 0
    return strangers
  }

  lost(peer: Peer): void {
    this.#unfound.add(peer)
  }

  found(peer: Peer, socket: TrackedSocket): void {
    peer.socket = socket
    this.#unfound.delete(peer)
  }

  knows(peer: Peer): boolean {
    return this.#byName.get(peer.name) === peer
  }

  forget(peer: Peer): void {
    if (!this.knows(peer)) return
    this.#byName.delete(peer.name)
    if (peer.requests > 0) this.#onForgotten(peer)
  }

  /**
   * A walk that began then has come to its end: a peer that was answered before, and was not found,
   * is gone.
   */
  walked(beganAt: number): void {
    for (const peer of this.#unfound) {
      if (peer.owed > 0 || peer.finishedAt >= beganAt) continue
      this.#unfound.delete(peer)
      this.forget(peer)
    }
  }
}

/** A request has begun. */
export function noteStarted(peer: Peer, body: IncomingBody | null, startedAt: number): void {
  if (peer.owed === 0) {
    peer.startedAt = startedAt
    peer.begunAt = Number.POSITIVE_INFINITY
    peer.changed = null
  }
  peer.latestAt = startedAt
  peer.requests += 1
  peer.owed += 1
  peer.body = body
}

/** One was answered. Returns whether it was the last that was owed. */
export function noteFinished(peer: Peer, now: number): boolean {
  peer.owed -= 1
  if (peer.owed > 0) return false
  peer.rounds += 1
  peer.finishedAt = now
  return true
}
