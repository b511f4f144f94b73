/**
 * All connections of one server under one timer: the sweep that asks each whether its time is up, the choice of whom to
 * hang up on when room is needed, and the count of what was done. One timer for ten thousand connections; it runs only
 * while there are any and never keeps a process alive.
 */
import type { Policy } from '../policy.ts'
import type { Connection, Sight } from './connection.ts'
import type { ReasonName } from './reasons.ts'
import { reasons } from './reasons.ts'
import { busy, type State, waiting } from './states.ts'

export interface Member {
  readonly connection: Connection
  /** Nothing can be due before, so a sweep passes it by: most of ten thousand connections are idle, and a look is not free. */
  readonly lookAt: number
  /** What is to be seen now; called once a sweep, so it must be cheap. */
  sight(now: number): Sight
  /** Ends it as the reason says. Called again at each sweep until the member has left the book. */
  hangUp(reason: ReasonName, now: number): void
  /** Ends it at once, whatever it is doing. */
  cut(): void
}

export interface BookOptions {
  readonly policy: Policy
  readonly now: () => number
  /** Told once for each connection that is hung up on. */
  readonly onHangUp: (reason: ReasonName) => void
  readonly random?: () => number
}

/** Limits hold to 10 % or 250 ms, whichever is more: a sweep is late by a fraction of that. */
const sweepMs = 50

export class Book<M extends Member> {
  readonly #options: BookOptions
  readonly #members = new Set<M>()
  readonly #hungUpOn = new WeakSet<M>()
  readonly #spread = new WeakMap<M, number>()
  readonly #counts: Record<string, number> = {}
  #timer: ReturnType<typeof setInterval> | null = null

  constructor(options: BookOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#members.size
  }

  /** By the option that said so. */
  get hungUp(): Readonly<Record<string, number>> {
    return this.#counts
  }

  [Symbol.iterator](): Iterator<M> {
    return this.#members.values()
  }

  add(member: M): void {
    this.#members.add(member)
    if (this.#timer !== null) return
    this.#timer = setInterval(() => this.sweep(), sweepMs)
    this.#timer.unref()
  }

  remove(member: M): void {
    this.#members.delete(member)
    if (this.#members.size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  sweep(): void {
    const now = this.#options.now()
    for (const member of this.#members) {
      if (now < member.lookAt) continue
      const reason = member.connection.look(member.sight(now), now, this.#options.policy)
      if (reason !== null) this.hangUp(member, reason, now)
    }
  }

  hangUp(member: M, reason: ReasonName, now: number): void {
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

  /**
   * Hangs up on the connection that has waited longest: silent since accept first, then idle, then unfinished heads,
   * none younger than `minIdleMs`. Returns false if all are in a request or too young.
   */
  makeRoom(now: number): boolean {
    const longest: Partial<Record<State, M>> = {}
    for (const member of this.#members) {
      const { state, since } = member.connection
      const rival = longest[state]
      if (busy[state] || now - since < this.#options.policy.minIdleMs) continue
      if (!rival || since < rival.connection.since) longest[state] = member
    }
    for (const state of waiting) {
      const member = longest[state]
      if (!member) continue
      this.hangUp(member, 'pressure', now)
      return true
    }
    return false
  }

  /** One tick of a drain that has been closing for `closingForMs`: see `DrainActions.hangUpIdle`. */
  hangUpIdle(closingForMs: number): void {
    const { policy, now: clock, random = Math.random } = this.#options
    const now = clock()
    for (const member of this.#members) {
      const { connection } = member
      connection.look(member.sight(now), now, policy)
      const { state, since } = connection
      if (state !== 'idle' && state !== 'accepted' && state !== 'handshake') continue
      if (now - since < policy.minIdleMs) continue
      const momentMs = this.#spread.get(member) ?? random() * policy.drainSpreadMs
      this.#spread.set(member, momentMs)
      if (closingForMs >= momentMs) this.hangUp(member, 'drained', now)
    }
  }

  /** Ends all; returns how many were in a request. */
  cut(): number {
    let inRequest = 0
    for (const member of this.#members) {
      if (member.connection.busy) inRequest += 1
      member.cut()
    }
    return inRequest
  }

  states(): Partial<Record<State, number>> {
    const states: Partial<Record<State, number>> = {}
    for (const { connection } of this.#members) states[connection.state] = (states[connection.state] ?? 0) + 1
    return states
  }
}
