/**
 * All connections of one server under one timer: the sweep that asks each whether its time is up,
 * the room that is made for newcomers, and the count of what was done. One timer for ten thousand
 * connections; it runs only while there are any.
 */
import type { Policy } from '../policy/policy.ts'
import type { Why } from './cause.ts'
import type { Clock } from './clock.ts'
import { type Closable, close } from './close.ts'
import { Connection } from './connection.ts'
import type { Description } from './description.ts'
import type { Budget, Shortage } from './descriptor-budget.ts'
import { bindLimits, type Limits, type Sample } from './limits.ts'
import { longestIn, longestWaiting } from './make-room.ts'
import { readingFirst } from './reading-clock.ts'
import type { ReasonName } from './reasons.ts'
import { reasons } from './reasons.ts'
import { type Beginning, type State, waiting } from './states.ts'

export interface Member extends Closable {
  /**
   * Nothing can be due before, so no sweep looks at it. A member that sets it to an earlier time
   * calls `wake`.
   */
  readonly lookAt: number
  /** Belongs to `Connections`: where the member waits while it need not be looked at. */
  parkedIn: Set<Member> | null
  /** What is to be seen now; called once a sweep, so it must be cheap. */
  sample(now: number): Sample
  /** Asked first where what is seen may be old: whether it is not to be closed after all. */
  spared?(reason: ReasonName, now: number): boolean
  /** Ends it at once, whatever it is doing. */
  cut(): void
  /** The response that it owes is its last. */
  finishSoon(now: number): void
  describe(): Description
  /**
   * A duplicate of its socket's descriptor, made by `dup` of the descriptor or by the runtime; -1:
   * there is none. Not of one that speaks TLS, whose clients answer our end with data.
   */
  duplicate?(dup: (fd: number) => number): number
  /** What has come when it is ended is still read, and its requests are executed. */
  readonly readsOn?: boolean
}

/** Told of each connection's beginning and end. */
export interface ConnectionsObserver {
  /** The number of a new connection; it may never be opened. */
  nextId(): number
  opened(): void
  /** It has left, and its `cause` says why. */
  ended(member: Member, now: number): void
  /** A limit that ran out so long ago is executed now. */
  late(ms: number): void
  /**
   * It waits for its client, and we are about to close it. What is returned is called when its
   * engine has done so.
   */
  closing(member: Member, why: Why, now: number): (() => void) | null
  /** Descriptors are short. Told in each sweep. */
  shortage(now: number): void
}

export interface ConnectionsOptions {
  readonly policy: Policy
  /** Its timers should not keep the process alive: see `backgroundClock`. */
  readonly clock: Clock
  /** Told once for each connection that is closed by the policy. */
  readonly onClosed: (reason: ReasonName) => void
  /** Spreads the ages, and the ends in a drain. */
  readonly random: () => number
  /**
   * How long a sweep may take where looking is not free: the rest of it comes a little later.
   * Default: as long as it takes.
   */
  readonly sliceMs?: number
  /**
   * The first slice of a sweep; each after it may take twice as long, up to `sliceMs`. So some
   * dozens of connections hold no request up, and thousands are through as soon. Default: `sliceMs`.
   */
  readonly firstSliceMs?: number
  /** The process's descriptor budget. Default: none. */
  readonly budget?: Budget | null
  /**
   * Finds connections that are not known yet: asked when the known ones do not make the room that
   * is needed.
   */
  readonly discover?: () => void
  /**
   * The runtime drops all that wait to be accepted once no descriptor is free: before that, silent
   * connections are closed.
   */
  readonly turnsAway?: boolean
  /**
   * The last of the reserved descriptors are for an operator: a newcomer is refused rather than
   * that they are used.
   */
  readonly keepsReserve?: boolean | undefined
  /** Told while descriptors are short, as often as something is done about it. */
  readonly onShortage?: (shortage: Shortage) => void
  /** Default: nobody looks, and no moves are kept. */
  readonly observer?: ConnectionsObserver | undefined
}

/** Limits hold to 10 % or 250 ms, whichever is more: a sweep is late by a fraction of that. */
const sweepMs = 50
/**
 * What is due later is parked: most of ten thousand connections are idle, and even to pass them by
 * is not free.
 */
const parkMs = 500
const betweenSlicesMs = 1
/** Members that are passed by between two looks at the clock. */
const stride = 64
/**
 * While descriptors are short all are asked so often how long they have been idle; at most so many
 * are closed at a time.
 */
const easeEveryMs = 250
const easeAtMost = 512

export class Connections<M extends Member> {
  /** The rules of `limits.ts` under this server's policy. */
  readonly limits: Limits
  readonly #options: ConnectionsOptions
  /** Looked at in every sweep. */
  readonly #active = new Set<M>()
  /** By the sweep in which they are due, counted from the clock's zero. */
  readonly #parked = new Map<number, Set<M>>()
  #size = 0
  /** The last sweep whose parked members have come back. */
  #swept = 0
  readonly #counted = new WeakSet<M>()
  readonly #spread = new WeakMap<M, number>()
  readonly #counts: Record<string, number> = {}
  /** Where a sweep that was cut in slices goes on. */
  #pass: SetIterator<M> | null = null
  readonly #clock: Clock
  /** Of the sweep that goes on: how long its present slice may take. */
  #sliceMs: number
  #cancelSweep: (() => void) | null = null
  #rest: (() => void) | null = null
  #easedAt = Number.NEGATIVE_INFINITY
  #full = false
  #brimful = false
  /** Closed for their descriptor, and not gone yet. */
  readonly #leaving = new Set<M>()

  constructor(options: ConnectionsOptions) {
    this.#options = options
    this.limits = bindLimits(options.policy)
    // Nobody is due while what it sent in time waits to be read.
    this.#clock = readingFirst(options.clock)
    this.#sliceMs = this.#firstSliceMs
  }

  /** A new connection under this server's limits, not yet among the others. */
  begin(first: Beginning, now: number = this.#clock.now()): Connection {
    const { random, observer } = this.#options
    return new Connection(now, this.limits, first, random, observer?.nextId() ?? 0, observer !== undefined)
  }

  get size(): number {
    return this.#size
  }

  /** By the option that said so. */
  get hungUp(): Readonly<Record<string, number>> {
    return this.#counts
  }

  *[Symbol.iterator](): Generator<M> {
    yield* this.#active
    for (const parked of this.#parked.values()) yield* parked
  }

  add(member: M): void {
    this.#active.add(member)
    this.#size += 1
    this.#options.observer?.opened()
    if (this.#cancelSweep !== null) return
    this.#swept = Math.floor(this.#clock.now() / sweepMs)
    this.#awaitSweep()
  }

  #awaitSweep(): void {
    this.#cancelSweep = this.#clock.after(sweepMs, () => {
      this.#awaitSweep()
      this.sweep()
    })
  }

  remove(member: M): void {
    if (!this.#take(member)) return
    this.#options.observer?.ended(member, this.#clock.now())
    if (this.#size > 0 || this.#cancelSweep === null) return
    this.#parked.clear()
    this.#pass = null
    this.#cancelSweep()
    this.#cancelSweep = null
  }

  /** The same connection, which speaks another protocol from now on. */
  replace(member: M, by: M): void {
    if (!this.#take(member)) return
    this.#active.add(by)
    this.#size += 1
  }

  #take(member: M): boolean {
    const held = member.parkedIn === null ? this.#active.delete(member) : member.parkedIn.delete(member)
    member.parkedIn = null
    if (!held) return false
    this.#size -= 1
    this.#leaving.delete(member)
    return true
  }

  /** Its `lookAt` has come nearer. */
  wake(member: M): void {
    member.parkedIn?.delete(member)
    member.parkedIn = null
    this.#active.add(member)
  }

  sweep(): void {
    const now = this.#clock.now()
    const current = Math.floor(now / sweepMs)
    let passed = 0
    const mayGoOn = () => ++passed % stride !== 0 || this.#hasTime(now)
    for (; this.#swept < current; this.#swept++) {
      const due = this.#parked.get(this.#swept + 1)
      for (const member of due ?? []) {
        this.wake(member)
        if (!mayGoOn()) {
          this.#later()
          return
        }
      }
      this.#parked.delete(this.#swept + 1)
    }
    this.#ease(now)
    this.#pass ??= this.#active.values()
    for (const member of this.#pass) {
      const { lookAt } = member
      if (now < lookAt) {
        if (lookAt - now > parkMs) this.#park(member)
        if (mayGoOn()) continue
        this.#later()
        return
      }
      this.#look(member, now)
      if (!this.#hasTime(now)) {
        this.#later()
        return
      }
    }
    this.#pass = null
    this.#sliceMs = this.#firstSliceMs
  }

  get #firstSliceMs(): number {
    const { sliceMs = Number.POSITIVE_INFINITY, firstSliceMs = sliceMs } = this.#options
    return firstSliceMs
  }

  #hasTime(since: number): boolean {
    return this.#sliceMs === Number.POSITIVE_INFINITY || this.#clock.now() - since < this.#sliceMs
  }

  #look(member: M, now: number): void {
    const { connection } = member
    const reason = connection.look(member.sample(now), now)
    if (reason === null) return
    const { dueAt } = connection
    if (dueAt <= now && !connection.isEnded) this.#options.observer?.late(now - dueAt)
    this.close(member, reason, now)
  }

  #later(): void {
    this.#rest ??= this.#clock.after(betweenSlicesMs, () => {
      this.#rest = null
      this.#sliceMs = Math.min(this.#sliceMs * 2, this.#options.sliceMs ?? Number.POSITIVE_INFINITY)
      this.sweep()
    })
  }

  #park(member: M): void {
    // Back one sweep early rather than one late.
    const sweep = Math.floor(member.lookAt / sweepMs)
    let parked = this.#parked.get(sweep)
    if (parked === undefined) {
      parked = new Set()
      this.#parked.set(sweep, parked)
    }
    this.#active.delete(member)
    parked.add(member)
    member.parkedIn = parked as unknown as Set<Member>
  }

  close(member: M, reason: ReasonName, now: number): void {
    if (member.spared?.(reason, now)) return
    // The end of one that is closing was counted as what it was, or was no limit's doing.
    let closed: (() => void) | null | undefined
    if (!this.#counted.has(member) && !member.connection.isEnded) {
      this.#counted.add(member)
      member.connection.blame(reason === 'drained' ? 'operator' : 'server', reason, member.describe().route)
      this.count(reason)
      if (reasons[reason].act === 'end') closed = this.#closing(member, reason, now)
    }
    close(member, reason, now, this.#options.policy)
    closed?.()
  }

  #closing(member: M, why: Why, now: number): (() => void) | null | undefined {
    const { observer } = this.#options
    return waiting.includes(member.connection.state) ? observer?.closing(member, why, now) : null
  }

  /**
   * An operator ends it: at once if it only waits for its client, else with the response that it
   * owes. One that is spared is asked again until it is neither.
   */
  closeByHand(member: M): void {
    const { connection } = member
    const now = this.#clock.now()
    connection.look(member.sample(now), now)
    if (connection.isEnded) return
    if (member.spared?.('drained', now)) {
      this.#clock.after(sweepMs, () => this.closeByHand(member))
      return
    }
    connection.blame('operator', 'operator', member.describe().route)
    if (connection.busy) {
      member.finishSoon(now)
      return
    }
    const closed = this.#closing(member, 'operator', now)
    member.end(now)
    closed?.()
  }

  count(reason: ReasonName): void {
    const { option } = reasons[reason]
    this.#counts[option] = (this.#counts[option] ?? 0) + 1
    this.#options.onClosed(reason)
  }

  /**
   * Called for a newcomer before it is added: whether `maxConnections` has room for it, or room
   * could be made.
   */
  admits(now: number): boolean {
    const { maxConnections } = this.#options.policy
    const hasRoom = maxConnections === 0 || this.#size < maxConnections || this.makeRoom(now)
    const { budget } = this.#options
    // Itself it has its descriptor already.
    if (budget) this.#keepWithin(budget, budget.used(this.#open + 1), now)
    return hasRoom && !(this.#brimful && this.#options.keepsReserve === true)
  }

  /**
   * Closes the connection that has waited longest: silent since accept first, then idle, then
   * unfinished heads, none younger than `minIdleMs`. Returns false if all are in a request or too
   * young.
   */
  makeRoom(now: number): boolean {
    const [longest] = this.#longestWaiting(now, 1)
    if (longest === undefined) return false
    this.close(longest, 'pressure', now)
    return true
  }

  /**
   * No descriptor is left for a newcomer, and no connection waits that could be closed: see
   * `isLast`.
   */
  get full(): boolean {
    return this.#full
  }

  /** Most of what is reserved is in use as well. */
  get brimful(): boolean {
    return this.#brimful
  }

  /**
   * Frees descriptors as `makeRoom` does, `atMost` so many. Where that does not free as many as are
   * needed, connections that were answered a moment ago are closed as well: a client that has its
   * response loses nothing, but the request of one that is silent may be on its way.
   */
  makeRoomFor(needed: number, now: number, atMost = needed): number {
    let freed = this.#free(this.#longestWaiting(now, atMost), now)
    const { discover } = this.#options
    if (freed < needed && discover !== undefined) {
      discover()
      for (const member of this.#active) if (member.lookAt <= now) this.#look(member, now)
      freed += this.#free(this.#longestWaiting(now, atMost - freed), now)
    }
    return freed >= needed ? freed : freed + this.#free(longestIn(this, ['idle'], needed - freed), now)
  }

  /**
   * For a runtime that tells of requests and not of connections: keeps within the budget now.
   * Returns how many may come before it is to be called again.
   */
  keepWithinBudget(now: number): number {
    const { budget } = this.#options
    if (!budget) return Number.POSITIVE_INFINITY
    const used = budget.measure(this.#open)
    this.#keepWithin(budget, used, now)
    return Math.max(budget.most - used, budget.batch)
  }

  /** Closes so many of those that have not said anything yet, the longest silent first. */
  turnAway(count: number, now: number): number {
    return this.#free(longestIn(this, ['accepted', 'handshake'], count), now)
  }

  #free(members: readonly M[], now: number): number {
    let freed = 0
    for (const member of members) {
      const { connection } = member
      const { state } = connection
      // What is known of it may be old.
      const reason = connection.look(member.sample(now), now) ?? 'descriptors'
      if (connection.state !== state) continue
      this.close(member, reason, now)
      if (!connection.isEnded) continue
      this.#leaving.add(member)
      freed += 1
    }
    return freed
  }

  /** Connections whose descriptor is in use. */
  get #open(): number {
    return this.#size - this.#leaving.size
  }

  #keepWithin(budget: Budget, used: number, now: number): void {
    const excess = used - budget.most
    if (excess > 0) this.#options.observer?.shortage(now)
    let freed = excess > 0 ? this.makeRoomFor(excess, now, Math.max(excess, budget.batch)) : 0
    if (this.#options.turnsAway && used - freed > budget.brim) freed += this.turnAway(used - freed - budget.brim, now)
    this.#full = freed < excess
    this.#brimful = used - freed > budget.brim
    if (excess > 0) this.#tellShortage(budget, used)
  }

  /** Idle connections have less time the fewer descriptors there are. */
  #ease(now: number): void {
    const { budget, policy } = this.#options
    if (!budget) return
    const used = budget.measure(this.#open)
    this.#keepWithin(budget, used, now)
    if (used >= budget.easeFrom) this.#options.observer?.shortage(now)
    const idleMs = budget.idleMs(used, policy)
    if (idleMs >= policy.idleTimeoutMs || now - this.#easedAt < easeEveryMs) return
    this.#easedAt = now
    let left = easeAtMost
    for (const member of this) {
      const { connection } = member
      if (connection.state !== 'idle' || now - connection.since < idleMs) continue
      const reason = connection.look(member.sample(now), now) ?? 'descriptors'
      if (connection.state !== 'idle') continue
      this.close(member, reason, now)
      left -= 1
      if (left === 0) break
    }
    this.#tellShortage(budget, used)
  }

  #tellShortage(budget: Budget, used: number): void {
    const { policy, onShortage } = this.#options
    onShortage?.({ used, soft: budget.soft, idleMs: budget.idleMs(used, policy), full: this.#full })
  }

  #longestWaiting(now: number, count: number): M[] {
    return longestWaiting(this, now - this.#options.policy.minIdleMs, count)
  }

  each(see: (member: M) => void): void {
    this.#active.forEach(see)
    for (const parked of this.#parked.values()) parked.forEach(see)
  }

  /**
   * One tick of a drain that has been closing for `closingForMs`: see `DrainActions.closeIdle`.
   */
  closeIdle(closingForMs: number, atOnce = false): void {
    const { policy, random } = this.#options
    const now = this.#clock.now()
    for (const member of this) {
      const { connection } = member
      connection.look(member.sample(now), now)
      const { state, since } = connection
      if (state !== 'idle' && state !== 'accepted' && state !== 'handshake') continue
      if (!atOnce && now - since < policy.minIdleMs) continue
      const momentMs = this.#spread.get(member) ?? random() * policy.drainSpreadMs
      this.#spread.set(member, momentMs)
      if (closingForMs >= momentMs) this.close(member, 'drained', now)
    }
  }

  /** Ends all; returns how many were in a request. */
  cut(): number {
    let inRequest = 0
    for (const member of this) {
      if (member.connection.busy) inRequest += 1
      member.connection.blame('operator', 'cut', member.describe().route)
      member.cut()
    }
    return inRequest
  }

  states(): Partial<Record<State, number>> {
    const states: Partial<Record<State, number>> = {}
    for (const { connection } of this) states[connection.state] = (states[connection.state] ?? 0) + 1
    return states
  }
}
