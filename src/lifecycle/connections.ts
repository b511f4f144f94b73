/**
 * All connections of one server under one timer: the sweep that asks each whether its time is up, the choice of whom to
 * hang up on when room is needed, and the count of what was done. One timer for ten thousand connections; it runs only
 * while there are any and never keeps a process alive.
 */
import type { Policy } from '../policy/policy.ts'
import { backgroundClock, type Clock } from './clock.ts'
import type { Connection, Sight } from './connection.ts'
import type { Budget, Shortage } from './descriptor-budget.ts'
import { readingFirst } from './reading-clock.ts'
import type { ReasonName } from './reasons.ts'
import { reasons } from './reasons.ts'
import { type State, waiting } from './states.ts'

export interface Member {
  readonly connection: Connection
  /** Nothing can be due before, so no sweep looks at it. A member that sets it to an earlier time calls `wake`. */
  readonly lookAt: number
  /** The book's own: where it waits while it need not be looked at. */
  parkedIn: Set<Member> | null
  /** What is to be seen now; called once a sweep, so it must be cheap. */
  sight(now: number): Sight
  /** Asked first where what is seen may be old: whether it is not to be ended after all. */
  spared?(reason: ReasonName, now: number): boolean
  /** Ends it as the reason says. Called again at each sweep until the member has left the book. */
  hangUp(reason: ReasonName, now: number): void
  /** Ends it at once, whatever it is doing. */
  cut(): void
}

export interface ConnectionsOptions {
  readonly policy: Policy
  readonly now: () => number
  /** Told once for each connection that is hung up on. */
  readonly onHangUp: (reason: ReasonName) => void
  readonly random?: () => number
  /** How long a sweep may take where looking is not free: the rest of it comes a little later. Default: as long as it takes. */
  readonly sliceMs?: number
  /** Of the process's descriptors. Default: they are nobody's concern. */
  readonly budget?: Budget | null
  /** Finds connections that the book does not know yet: asked when those that it knows do not make the room that is needed. */
  readonly discover?: () => void
  /** The runtime drops all that wait to be accepted once no descriptor is free: before that, the silent are turned away. */
  readonly turnsAway?: boolean
  /** Told while descriptors are short, as often as something is done about it. */
  readonly onShortage?: (shortage: Shortage) => void
}

/** Limits hold to 10 % or 250 ms, whichever is more: a sweep is late by a fraction of that. */
const sweepMs = 50
/** What is due later than this is parked: most of ten thousand connections are idle, and even to pass them by is not free. */
const parkMs = 500
const betweenSlicesMs = 1
/** Members that are passed by between two looks at the clock. */
const stride = 64
/** While descriptors are short all are asked so often how long they have been idle; so many are hung up on at a time, at most. */
const easeEveryMs = 250
const easeAtMost = 512

const turns: Readonly<Partial<Record<State, number>>> = Object.fromEntries(waiting.map((state, turn) => [state, turn]))
const byTurn = ({ connection: a }: Member, { connection: b }: Member): number =>
  turns[a.state]! - turns[b.state]! || a.since - b.since

export class Connections<M extends Member> {
  readonly #options: ConnectionsOptions
  /** Looked at in every sweep. */
  readonly #active = new Set<M>()
  /** By the sweep in which they are due, counted from the clock's zero. */
  readonly #parked = new Map<number, Set<M>>()
  #size = 0
  /** The last sweep whose parked members have come back. */
  #swept = 0
  readonly #hungUpOn = new WeakSet<M>()
  readonly #spread = new WeakMap<M, number>()
  readonly #counts: Record<string, number> = {}
  /** Where a sweep that was cut in slices goes on. */
  #pass: SetIterator<M> | null = null
  readonly #clock: Clock
  #cancelSweep: (() => void) | null = null
  #rest: (() => void) | null = null
  #easedAt = Number.NEGATIVE_INFINITY
  #full = false
  #brimful = false
  /** Hung up on for their descriptor, and not gone yet. */
  readonly #leaving = new Set<M>()

  constructor(options: ConnectionsOptions) {
    this.#options = options
    // Nobody is due while what it sent in time waits to be read.
    this.#clock = readingFirst({ now: options.now, after: backgroundClock.after })
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
    if (this.#cancelSweep !== null) return
    this.#swept = Math.floor(this.#options.now() / sweepMs)
    this.#awaitSweep()
  }

  #awaitSweep(): void {
    this.#cancelSweep = this.#clock.after(sweepMs, () => {
      this.#awaitSweep()
      this.sweep()
    })
  }

  remove(member: M): void {
    const held = member.parkedIn === null ? this.#active.delete(member) : member.parkedIn.delete(member)
    member.parkedIn = null
    if (!held) return
    this.#size -= 1
    this.#leaving.delete(member)
    if (this.#size > 0 || this.#cancelSweep === null) return
    this.#parked.clear()
    this.#pass = null
    this.#cancelSweep()
    this.#cancelSweep = null
  }

  /** Its `lookAt` has come nearer. */
  wake(member: M): void {
    member.parkedIn?.delete(member)
    member.parkedIn = null
    this.#active.add(member)
  }

  sweep(): void {
    const now = this.#options.now()
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
  }

  #hasTime(since: number): boolean {
    const { sliceMs, now } = this.#options
    return sliceMs === undefined || now() - since < sliceMs
  }

  #look(member: M, now: number): void {
    const reason = member.connection.look(member.sight(now), now, this.#options.policy)
    if (reason !== null) this.hangUp(member, reason, now)
  }

  #later(): void {
    this.#rest ??= this.#clock.after(betweenSlicesMs, () => {
      this.#rest = null
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

  hangUp(member: M, reason: ReasonName, now: number): void {
    if (member.spared?.(reason, now)) return
    if (!this.#hungUpOn.has(member)) {
      this.#hungUpOn.add(member)
      this.count(reason)
    }
    member.hangUp(reason, now)
  }

  count(reason: ReasonName): void {
    const { option } = reasons[reason]
    this.#counts[option] = (this.#counts[option] ?? 0) + 1
    this.#options.onHangUp(reason)
  }

  /** Called for a newcomer before it is added: whether there is room for it under `maxConnections`, or room could be made. */
  admits(now: number): boolean {
    const { maxConnections } = this.#options.policy
    const hasRoom = maxConnections === 0 || this.#size < maxConnections || this.makeRoom(now)
    const { budget } = this.#options
    // Itself it has its descriptor already.
    if (budget) this.#keepWithin(budget, budget.used(this.#open + 1), now)
    return hasRoom
  }

  /**
   * Hangs up on the connection that has waited longest: silent since accept first, then idle, then unfinished heads,
   * none younger than `minIdleMs`. Returns false if all are in a request or too young.
   */
  makeRoom(now: number): boolean {
    const [longest] = this.#longestWaiting(now, 1)
    if (longest === undefined) return false
    this.hangUp(longest, 'pressure', now)
    return true
  }

  /** No descriptor is left for a newcomer, and nobody waits who could be hung up on: what is answered now is its connection's last. */
  get full(): boolean {
    return this.#full
  }

  /** Most of what is reserved is in use as well. */
  get brimful(): boolean {
    return this.#brimful
  }

  /**
   * Frees descriptors as `makeRoom` does, `atMost` so many; where that does not free as many as are needed, those that were
   * answered a moment ago are hung up on as well.
   */
  makeRoomFor(needed: number, now: number, atMost = needed): number {
    let freed = this.#free(this.#longestWaiting(now, atMost), now)
    const { discover } = this.#options
    if (freed < needed && discover !== undefined) {
      discover()
      for (const member of this.#active) if (member.lookAt <= now) this.#look(member, now)
      freed += this.#free(this.#longestWaiting(now, atMost - freed), now)
    }
    return freed >= needed ? freed : freed + this.#free(this.#longestAnswered(needed - freed), now)
  }

  /**
   * For a runtime that tells of requests and not of connections: keeps within the budget now. Returns how many may come before it
   * is to be called again.
   */
  keepWithinBudget(now: number): number {
    const { budget } = this.#options
    if (!budget) return Number.POSITIVE_INFINITY
    const used = budget.measure(this.#open)
    this.#keepWithin(budget, used, now)
    return Math.max(budget.most - used, budget.batch)
  }

  /** Hangs up on so many of those that have not said anything yet, the longest silent first. */
  turnAway(count: number, now: number): number {
    const silent: M[] = []
    for (const member of this) {
      const { state } = member.connection
      if (state === 'accepted' || state === 'handshake') silent.push(member)
    }
    silent.sort((a, b) => a.connection.since - b.connection.since)
    return this.#free(silent.slice(0, count), now)
  }

  #free(members: readonly M[], now: number): number {
    let freed = 0
    for (const member of members) {
      const { connection } = member
      const { state } = connection
      // What is known of it may be old.
      const reason = connection.look(member.sight(now), now, this.#options.policy) ?? 'descriptors'
      if (connection.state !== state) continue
      this.hangUp(member, reason, now)
      if (connection.state !== 'closing') continue
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
    const idleMs = budget.idleMs(used, policy)
    if (idleMs >= policy.idleTimeoutMs || now - this.#easedAt < easeEveryMs) return
    this.#easedAt = now
    let left = easeAtMost
    for (const member of this) {
      const { connection } = member
      if (connection.state !== 'idle' || now - connection.since < idleMs) continue
      const reason = connection.look(member.sight(now), now, policy) ?? 'descriptors'
      if (connection.state !== 'idle') continue
      this.hangUp(member, reason, now)
      left -= 1
      if (left === 0) break
    }
    this.#tellShortage(budget, used)
  }

  #tellShortage(budget: Budget, used: number): void {
    const { policy, onShortage } = this.#options
    onShortage?.({ used, soft: budget.soft, idleMs: budget.idleMs(used, policy), full: this.#full })
  }

  /** Those that have waited for `minIdleMs` or more, in the order in which they are hung up on. */
  #longestWaiting(now: number, count: number): M[] {
    if (count === 1) return this.#longestOfAll(now)
    const found: M[] = []
    this.#eachWaiting(now, (member) => found.push(member))
    return found.sort(byTurn).slice(0, count)
  }

  /** At `maxConnections` one is looked for at each newcomer, among all. */
  #longestOfAll(now: number): M[] {
    let longest: M | null = null
    this.#eachWaiting(now, (member) => {
      if (longest === null || byTurn(member, longest) < 0) longest = member
    })
    return longest === null ? [] : [longest]
  }

  #eachWaiting(now: number, seen: (member: M) => void): void {
    const before = now - this.#options.policy.minIdleMs
    const see = (member: M) => {
      const { connection } = member
      if (connection.since <= before && turns[connection.state] !== undefined) seen(member)
    }
    this.#active.forEach(see)
    for (const parked of this.#parked.values()) parked.forEach(see)
  }

  /** A client that has its answer loses nothing; the request of one that is silent may be on its way. */
  #longestAnswered(count: number): M[] {
    const found: M[] = []
    for (const member of this) if (member.connection.state === 'idle') found.push(member)
    return found.sort((a, b) => a.connection.since - b.connection.since).slice(0, count)
  }

  /** One tick of a drain that has been closing for `closingForMs`: see `DrainActions.hangUpIdle`. */
  hangUpIdle(closingForMs: number, atOnce = false): void {
    const { policy, now: clock, random = Math.random } = this.#options
    const now = clock()
    for (const member of this) {
      const { connection } = member
      connection.look(member.sight(now), now, policy)
      const { state, since } = connection
      if (state !== 'idle' && state !== 'accepted' && state !== 'handshake') continue
      if (!atOnce && now - since < policy.minIdleMs) continue
      const momentMs = this.#spread.get(member) ?? random() * policy.drainSpreadMs
      this.#spread.set(member, momentMs)
      if (closingForMs >= momentMs) this.hangUp(member, 'drained', now)
    }
  }

  /** Ends all; returns how many were in a request. */
  cut(): number {
    let inRequest = 0
    for (const member of this) {
      if (member.connection.busy) inRequest += 1
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
