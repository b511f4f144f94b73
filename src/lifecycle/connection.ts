/**
 * One connection: where it is in its life, since when, and the one decision that matters, whether to hang up on it now.
 * Pure: it reads no clock and touches no socket; observers tell it what happened and what they see.
 */
import type { Coded } from '../policy/codes.ts'
import type { Policy } from '../policy/policy.ts'
import { MinRate } from './min-rate.ts'
import type { ReasonName } from './reasons.ts'
import {
  type Answering,
  answeringMoves,
  busy,
  type Event,
  type Receiving,
  receivingMoves,
  type State,
  stateOf,
} from './states.ts'

/** A bug in an observer: it reported something that can't happen in this state. */
export class IllegalMoveError extends Error implements Coded {
  override readonly name = 'IllegalMoveError'
  readonly code = 'CONN_ILLEGAL_MOVE'
}

/** What an observer sees of a connection's bytes at one instant. */
export interface Sight {
  /** Bytes that the peer has sent so far. */
  readonly received: number
  /** When the latest of them came, where that is known. */
  readonly receivedAt?: number
  /** Bytes of ours that left the process so far. */
  readonly taken: number
  /** When the last of them left, where that is known; else it is taken for now. */
  readonly takenAt?: number
  /** `false`: what has left the process is all of earlier answers. Undefined: the observer can't tell. */
  readonly begun?: boolean
  /** Bytes of ours that still wait for the peer. */
  readonly unsent: number
  /** Whether the application is waiting for bytes of the body: a peer is not blamed for what nobody reads. */
  readonly wanted: boolean
}

export class Connection {
  /** When it has lived long enough; Infinity: never. */
  readonly agesAt: number
  /** Requests begun on it. */
  requests = 0
  #receiving: Receiving
  #answering: Answering = 'none'
  #closing = false
  #since: number
  /** Bytes received when the state was entered: for a waiting connection, more of them mean that a head has begun. */
  #receivedAt = 0
  #bodyPace: MinRate | null = null
  #writePace: MinRate | null = null
  /** Bytes taken at the last look, and when they last moved: the quiet time of a stream. */
  #taken = 0
  #takenAt = 0
  #lookedAt: number

  constructor(now: number, policy: Policy, first: 'handshake' | 'accepted', random: () => number = Math.random) {
    this.#since = now
    this.#lookedAt = now
    this.#receiving = first
    // ± 10 %, so that connections opened together do not all come back together.
    this.agesAt =
      policy.maxConnectionAgeMs === 0
        ? Number.POSITIVE_INFINITY
        : now + policy.maxConnectionAgeMs * (0.9 + 0.2 * random())
  }

  get state(): State {
    return this.#closing ? 'closing' : stateOf(this.#receiving, this.#answering)
  }

  /** When the present state was entered. */
  get since(): number {
    return this.#since
  }

  get busy(): boolean {
    return busy[this.state]
  }

  /** A request has begun on it that is not answered yet. */
  get owesAnswer(): boolean {
    return this.#answering !== 'none'
  }

  /**
   * When a connection that waits for its client is due, if nothing comes before: its limit, or its age. In any other state
   * 0: it has to be looked at.
   */
  dueAt({ headTimeoutMs, idleTimeoutMs, minIdleMs }: Policy): number {
    const after = (limitMs: number) => (limitMs === 0 ? Number.POSITIVE_INFINITY : this.#since + limitMs)
    switch (this.state) {
      case 'accepted':
        return after(headTimeoutMs)
      case 'idle':
        return Math.min(after(idleTimeoutMs), Math.max(this.agesAt, this.#since + minIdleMs))
      default:
        return 0
    }
  }

  /** When a client that stops in the middle of a body or an answer is due, as far as the last look knows. */
  get paceDueAt(): number {
    const never = Number.POSITIVE_INFINITY
    return Math.min(this.#bodyPace?.dueAt ?? never, this.#writePace?.dueAt ?? never)
  }

  /** `received`: bytes received so far, where the observer knows. A connection that is closing moves no more. */
  move(event: Event, now: number, received = this.#receivedAt): void {
    if (this.#closing) return
    const receiving = receivingMoves[this.#receiving][event]
    const answering = answeringMoves[this.#answering][event]
    if (receiving === undefined || answering === undefined) {
      throw new IllegalMoveError(`${event} while ${this.#receiving}/${this.#answering}`)
    }
    if (event === 'request' || event === 'requestWithBody') this.requests += 1
    if (event === 'requestWithBody' || receiving !== 'body') this.#bodyPace = null
    if (answering === 'none') this.#writePace = null
    // An early answer leaves the request's side as it is, and the rest is discarded: a body that then ends is the end of both.
    this.#receiving = receiving === 'whole' && answering === 'none' ? 'between' : receiving
    this.#answering = answering
    this.#since = now
    this.#receivedAt = received
    this.#takenAt = now
  }

  /** From now on only its end is awaited. */
  close(now: number): void {
    if (this.#closing) return
    this.#closing = true
    this.#since = now
  }

  /** Reports what changed in the bytes as moves, then says why the connection is to be hung up on now, or null. */
  look(sight: Sight, now: number, policy: Policy): ReasonName | null {
    const takenBefore = this.#taken
    const from = Math.max(this.#lookedAt, this.#since)
    this.#lookedAt = now
    if (this.#answering !== 'none') this.#watchAnswer(sight, now)
    switch (this.state) {
      case 'handshake':
        return this.#ranOut(policy.handshakeTimeoutMs, now) ? 'handshake' : null
      case 'accepted':
        if (sight.received > this.#receivedAt) {
          // The clock of the first head began at accept, and a first byte does not set it back.
          const since = this.#since
          this.move('bytes', now, sight.received)
          this.#since = since
          return this.#ranOut(policy.headTimeoutMs, now) ? 'head' : null
        }
        return this.#ranOut(policy.headTimeoutMs, now) ? 'silent' : null
      case 'idle':
        if (sight.received > this.#receivedAt) {
          this.move('bytes', now, sight.received)
          return null
        }
        if (this.#ranOut(policy.idleTimeoutMs, now)) return 'idle'
        return now >= this.agesAt && now - this.#since >= policy.minIdleMs ? 'age' : null
      case 'head':
        return this.#ranOut(policy.headTimeoutMs, now) ? 'head' : null
      case 'discarding':
        if (policy.discardBytes !== 0 && sight.received - this.#receivedAt > policy.discardBytes) return 'discard'
        return this.#ranOut(policy.discardTimeoutMs, now) ? 'discard' : null
      case 'body':
        return this.#judgeBody(sight, now, policy)
      case 'writing':
        return this.#judgeWrite(sight, takenBefore, from, now, policy) ?? this.#judgeBody(sight, now, policy)
      case 'streaming':
        this.#judgeWrite(sight, takenBefore, from, now, policy)
        if (policy.streamIdleTimeoutMs === 0) return null
        return now - this.#takenAt >= policy.streamIdleTimeoutMs ? 'streamIdle' : null
      default:
        return null
    }
  }

  #watchAnswer(sight: Sight, now: number): void {
    if (sight.begun === false) {
      this.#taken = sight.taken
      return
    }
    const moved = sight.taken > this.#taken
    const since = this.#since
    if (sight.unsent > 0 && this.#answering !== 'writing') this.move('blocked', now, sight.received)
    else if (sight.unsent === 0 && this.#answering === 'writing') this.move('flowing', now, sight.received)
    else if (moved && this.#answering === 'handling') this.move('begun', now, sight.received)
    if (this.#receiving === 'body') this.#since = since
    if (moved) {
      this.#taken = sight.taken
      this.#takenAt = Math.min(Math.max(sight.takenAt ?? now, this.#takenAt), now)
    }
  }

  #judgeBody(sight: Sight, now: number, policy: Policy): ReasonName | null {
    if (this.#receiving !== 'body') return null
    this.#bodyPace ??= new MinRate(
      { quietMs: policy.bodyTimeoutMs, bytesPerSec: policy.minBodyBytesPerSec, graceMs: policy.minRateGraceMs },
      // Whoever looks for the first time may come late, and after bytes that it has not seen come.
      sight.wanted ? Math.min(Math.max(this.#since, sight.receivedAt ?? 0), now) : now,
      sight.received,
    )
    const breach = this.#bodyPace.look(now, sight.received, sight.wanted)
    return breach && (breach === 'quiet' ? 'body' : 'bodyRate')
  }

  /** `from`: nothing had to be taken before. */
  #judgeWrite(sight: Sight, takenBefore: number, from: number, now: number, policy: Policy): ReasonName | null {
    if (sight.unsent === 0 && this.#writePace === null) return null
    const takenAt = Math.min(Math.max(sight.takenAt ?? now, from), now)
    this.#writePace ??= new MinRate(
      { quietMs: policy.writeTimeoutMs, bytesPerSec: policy.minResponseBytesPerSec, graceMs: policy.minRateGraceMs },
      takenAt,
      takenBefore,
    )
    const breach = this.#writePace.look(now, sight.taken, sight.unsent > 0, takenAt)
    return breach && (breach === 'quiet' ? 'write' : 'writeRate')
  }

  #ranOut(limitMs: number, now: number): boolean {
    return limitMs !== 0 && now - this.#since >= limitMs
  }
}
