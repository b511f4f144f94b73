/**
 * One connection: where it is in its life, since when, and the one decision that matters, whether
 * to close it now. Pure: it reads no clock and touches no socket; observers tell it what happened
 * and what they see.
 */
import type { Coded } from '../policy/codes.ts'
import type { MinRate } from '../policy/min-rate.ts'
import type { OptionName } from '../policy/policy.ts'
import type { Blame, By, Why } from './cause.ts'
import { lingerMs } from './ending.ts'
import type { Clocks, Limit, Limits, Sample } from './limits.ts'
import type { ReasonName } from './reasons.ts'
import {
  type Beginning,
  beginnings,
  busy,
  type Ending,
  type EndingEvent,
  type Event,
  endingMoves,
  keepsClock,
  type Pair,
  type State,
  stateOf,
  step,
} from './states.ts'
import { Trail } from './trail.ts'

/** A bug in an observer: it reported something that can't happen in this state. */
export class IllegalMoveError extends Error implements Coded {
  override readonly name = 'IllegalMoveError'
  readonly code = 'CONN_ILLEGAL_MOVE'
}

export class Connection implements Clocks {
  readonly agesAt: number
  /** Counts the server's connections. */
  readonly id: number
  readonly openedAt: number
  /** Its last moves; null: nobody records them. */
  readonly trail: Trail | null
  /** Requests begun on it. */
  requests = 0
  bodyRate: MinRate | null = null
  writeRate: MinRate | null = null
  /** The server's. */
  readonly #own: Limits
  /** Those that hold now. */
  #limits: Limits
  #pair: Pair
  #ending: Ending = 'open'
  #state: State
  #since: number
  #lingerMs = Number.POSITIVE_INFINITY
  #refusedAt: number | null = null
  /** For a waiting connection, more bytes than these mean that a head has begun. */
  #receivedBefore = 0
  #takenBefore = 0
  #taken = 0
  #takenFrom = 0
  #takenAt = 0
  #heardAt = 0
  #lookedAt: number
  #cause: Blame | null = null

  constructor(now: number, limits: Limits, first: Beginning, random: () => number, id = 0, records = false) {
    this.id = id
    this.#own = limits
    this.#limits = limits
    this.openedAt = now
    this.trail = records ? new Trail() : null
    this.#since = now
    this.#lookedAt = now
    this.#pair = beginnings[first]
    this.#state = first
    const { maxConnectionAgeMs } = limits.policy
    // ± 10 %, so that connections opened together do not all come back together.
    this.agesAt =
      maxConnectionAgeMs === 0 ? Number.POSITIVE_INFINITY : now + maxConnectionAgeMs * (0.9 + 0.2 * random())
  }

  get state(): State {
    return this.#state
  }

  get ending(): Ending {
    return this.#ending
  }

  /** Our side is ended, or the connection is gone: nothing more is written. */
  get isEnded(): boolean {
    return this.#state === 'closing'
  }

  get isGone(): boolean {
    return this.#ending === 'closed'
  }

  /** The response that is owed, or the next one, is the last. */
  get isLast(): boolean {
    return this.#ending !== 'open'
  }

  get since(): number {
    return this.#since
  }

  /** Null until somebody is to blame for its end. */
  get cause(): Blame | null {
    return this.#cause
  }

  /** The first call counts: what follows an end is not its cause. `route`: what was in flight. */
  blame(by: By, why: Why, route: string | null = null): void {
    this.#cause ??= { by, phase: this.#state, why, route }
  }

  get lingerMs(): number {
    return this.#lingerMs
  }

  /** When the body of the latest request was refused; null: it was not. */
  get refusedAt(): number | null {
    return this.#refusedAt
  }

  get receivedBefore(): number {
    return this.#receivedBefore
  }

  get receivesBody(): boolean {
    return this.#pair.receiving === 'body'
  }

  get takenBefore(): number {
    return this.#takenBefore
  }

  get takenFrom(): number {
    return this.#takenFrom
  }

  get takenAt(): number {
    return this.#takenAt
  }

  get heardAt(): number {
    return this.#heardAt
  }

  get busy(): boolean {
    return busy[this.#state]
  }

  /** A request has begun on it that is not answered yet. */
  get owesAnswer(): boolean {
    return this.#pair.answering !== 'none'
  }

  /**
   * When a limit runs out if nothing more happens, as far as the last look knows; Infinity: none
   * does.
   */
  get dueAt(): number {
    let dueAt = Number.POSITIVE_INFINITY
    for (const limit of this.#limitsNow) dueAt = Math.min(dueAt, limit.dueAt(this))
    return dueAt
  }

  /** The option that `dueAt` is of; null: no limit runs out. */
  get dueBy(): OptionName | null {
    const { dueAt } = this
    if (dueAt === Number.POSITIVE_INFINITY) return null
    return this.#limitsNow.find((limit) => limit.dueAt(this) === dueAt)?.option ?? null
  }

  /**
   * When it has to be looked at: `dueAt`, or 0 where bytes decide, or a response has moves to
   * report.
   */
  get lookAt(): number {
    if (this.owesAnswer) return 0
    let dueAt = Number.POSITIVE_INFINITY
    for (const limit of this.#limitsNow) {
      if (limit.needsLook) return 0
      dueAt = Math.min(dueAt, limit.dueAt(this))
    }
    return dueAt
  }

  /** The server's limits, or those of the requests in flight, whose routes changed some. */
  get limits(): Limits {
    return this.#limits
  }

  get ownLimits(): Limits {
    return this.#own
  }

  /** These hold until what is in flight has been answered; then the server's own again. */
  limitTo(limits: Limits): void {
    if (this.owesAnswer) this.#limits = limits
  }

  get #limitsNow(): readonly Limit[] {
    return this.#limits.in[this.#state]
  }

  /**
   * `received`: bytes received so far, where the observer knows. A connection that is closing moves
   * no more.
   */
  move(event: Event, now: number, received = this.#receivedBefore): void {
    if (this.#state === 'closing') return
    const before = this.#pair
    const after = step(before, event)
    if (after === null) throw new IllegalMoveError(`${event} while ${before.receiving}/${before.answering}`)
    this.trail?.note(event, now - this.openedAt)
    if (event === 'request' || event === 'requestWithBody') this.requests += 1
    if (event === 'requestWithBody' || after.receiving !== 'body') {
      this.bodyRate = null
      this.#refusedAt = null
    }
    if (after.answering === 'none') {
      this.writeRate = null
      this.#limits = this.#own
    }
    this.#pair = after
    this.#state = after.state
    if (!keepsClock[before.receiving]?.includes(event)) this.#since = now
    this.#receivedBefore = received
    this.#takenAt = now
    this.#heardAt = now
  }

  /** The application's read of the body fails from now on; the first call counts. */
  refuseBody(now: number): void {
    if (this.#refusedAt !== null) return
    this.#refusedAt = now
    this.trail?.note('bodyRefused', now - this.openedAt)
  }

  /** The client has ended its side; what it is owed may still be written. */
  left(now: number): void {
    this.trail?.note('left', now - this.openedAt)
  }

  /**
   * One step of the connection's end. `forMs`, with `ended`: how long it lingers at most. Once it
   * is closing, only `gone` changes anything.
   */
  end(event: EndingEvent, now: number, forMs: number = lingerMs(this.#own.policy)): void {
    const before = this.#state
    const ending = endingMoves[this.#ending][event]
    if (ending !== this.#ending) this.trail?.note(event, now - this.openedAt)
    this.#ending = ending
    this.#state = stateOf(this.#pair, this.#ending)
    if (this.#state === before) return
    this.#since = now
    this.#lingerMs = forMs
  }

  /**
   * Reports what changed in the bytes as moves, then says why the connection is to be closed now,
   * or null.
   */
  look(sample: Sample, now: number): ReasonName | null {
    this.#takenBefore = this.#taken
    this.#takenFrom = Math.max(this.#lookedAt, this.#since)
    this.#lookedAt = now
    if (this.#ending === 'closed') return null
    if (this.#state !== 'closing') {
      if (this.#state === 'upgraded') this.#hear(sample, now)
      else if (this.owesAnswer) this.#watchResponse(sample, now)
      else if (this.#waitsForHead && sample.received > this.#receivedBefore) this.move('bytes', now, sample.received)
    }
    for (const limit of this.#limitsNow) {
      const reason = limit.breach(this, sample, now)
      if (reason !== null) return reason
    }
    return null
  }

  /** What the application does not read says nothing of its client. */
  #hear({ received, receivedAt = 0, wanted }: Sample, now: number): void {
    if (wanted && received <= this.#receivedBefore) return
    this.#receivedBefore = received
    this.#heardAt = wanted && receivedAt > 0 ? Math.min(Math.max(receivedAt, this.#heardAt), now) : now
  }

  get #waitsForHead(): boolean {
    return this.#state === 'accepted' || this.#state === 'idle'
  }

  #watchResponse(sample: Sample, now: number): void {
    if (sample.begun === false) {
      this.#taken = sample.taken
      return
    }
    const moved = sample.taken > this.#taken
    const { answering } = this.#pair
    if (sample.unsent > 0 && answering !== 'writing') this.move('blocked', now, sample.received)
    else if (sample.unsent === 0 && answering === 'writing') this.move('flowing', now, sample.received)
    else if (moved && answering === 'handling') this.move('begun', now, sample.received)
    if (!moved) return
    this.#taken = sample.taken
    this.#takenAt = Math.min(Math.max(sample.takenAt ?? now, this.#takenAt), now)
  }
}
