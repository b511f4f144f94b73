/**
 * What a server knows of its connections, for whoever operates it: who is connected, what ended and
 * why. It listens on nothing; the admin listener, the metrics and the commands read it.
 */
import type { Blame, Cause, Why } from '../lifecycle/cause.ts'
import type { ServerClock } from '../lifecycle/clock.ts'
import type { Connections, ConnectionsObserver, Member } from '../lifecycle/connections.ts'
import type { Description } from '../lifecycle/description.ts'
import type { Descriptors } from '../lifecycle/descriptor-budget.ts'
import { changesIn } from '../lifecycle/request-limits.ts'
import type { State } from '../lifecycle/states.ts'
import type { Trail, TrailMove } from '../lifecycle/trail.ts'
import type { OptionName } from '../policy/policy.ts'
import type { RequestChanges } from '../policy/request-limits.ts'
import type { AccessFeed } from './access.ts'
import { type Ended, type EndedConnection, FlightRecorder } from './flight-recorder.ts'
import { Histogram, type HistogramReading } from './histogram.ts'
import { type LostReading, type LostRequest, type LostRequests, sumOfLost } from './lost-requests.ts'
import { RequestTotals } from './request-totals.ts'

/** One open connection. */
export interface ConnectionView extends Description {
  /** Counts the server's connections. */
  readonly id: number
  readonly state: State
  /** How long it has been in this state. */
  readonly forMs: number
  /** Ms since 1970. */
  readonly openedAt: number
  readonly requests: number
  /**
   * When the next limit closes it if nothing happens, and which option that is; null: none does.
   */
  readonly dueInMs: number | null
  readonly dueBy: OptionName | null
  /**
   * Limits that the route of the request in flight has changed (`limits()`), 0 being off; null:
   * none.
   */
  readonly changedLimits: RequestChanges | null
}

/** One open connection with its last moves. */
export interface OpenConnection extends ConnectionView {
  readonly moves: readonly TrailMove[]
  /** How many there were before those. */
  readonly movesLeftOut: number
}

export interface ListOptions {
  /** At most so many, those that have been longest in their state first. Default 100. */
  readonly limit?: number
  readonly state?: State
}

/** Of the whole process. */
export interface DescriptorsInUse {
  readonly used: number
  /** RLIMIT_NOFILE. */
  readonly limit: number
}

export interface EndReading extends Cause {
  readonly lifetime: HistogramReading
}

type OrLater<T> = T | Promise<T>

/**
 * What whoever operates a server asks of its observer; of several processes some of it takes a
 * moment.
 */
export interface Observed
  extends Pick<Observer, 'list' | 'ends' | 'descriptors' | 'lifetimes' | 'lateness' | 'lost' | 'openedCount'> {
  readonly requests: { areRead: boolean }
  one(id: number): OrLater<OpenConnection | null>
  close(id: number): OrLater<boolean>
  closeIdle(): OrLater<number>
}

export const lifetimeBounds = [0.01, 0.1, 1, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400]
export const latenessBounds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

const none: ReadonlySet<number> = new Set()

/**
 * An end that nobody was blamed for is a gap in our bookkeeping; it is shown as what it most likely
 * was.
 */
const unknown: Blame = { by: 'client', phase: 'closing', why: 'left', route: null }

interface Found {
  readonly member: Member
  readonly connections: Connections<Member>
}

export class Observer implements ConnectionsObserver {
  readonly requests: RequestTotals
  /** Null: nobody keeps an access log. Set before its listener is there. */
  access: AccessFeed | null = null
  /** Connections since the start. */
  openedCount = 0
  readonly #clock: Pick<ServerClock, 'now' | 'date'>
  readonly #recorder = new FlightRecorder()
  readonly #lifetimes = new Map<string, { readonly cause: Cause; readonly lifetime: Histogram }>()
  readonly #lateness = new Histogram(latenessBounds)
  /** One of each listener. */
  readonly #ofListeners: { readonly connections: Connections<Member>; readonly lookAround: () => void }[] = []
  #lastId = 0
  readonly #onEnd = new Set<(ended: Ended) => void>()
  #onLate: ((seconds: number) => void) | null = null
  readonly #findDescriptors: () => Descriptors | null
  #descriptors: { readonly known: Descriptors; readonly others: number } | null | undefined
  readonly #onLost = new Set<(lost: LostRequest) => void>()
  #lostRequests: LostRequests | null = null
  /** One of each listener. */
  readonly #lostReadings: (() => LostReading)[] = []

  /** Of all listeners together; null: there is one listener. */
  readonly #whole: Observer | null

  /** Of several processes of one server; 0: there is one. */
  readonly #worker: number

  /**
   * `descriptors`: the process's; default: they can't be told. `worker`: the number of this process
   * among several of one server, where connections are told apart by their numbers.
   */
  constructor(
    clock: Pick<ServerClock, 'now' | 'date'>,
    descriptors: () => Descriptors | null = () => null,
    whole: Observer | null = null,
    worker = 0,
  ) {
    this.#whole = whole
    this.#worker = worker
    this.#clock = clock
    this.#findDescriptors = descriptors
    this.requests = new RequestTotals(() => clock.now())
  }

  /**
   * By the engine. Before that, and where the runtime shows none, there are no connections.
   * `lookAround`: brings them up to date, where that is not the case all the time.
   */
  watch(connections: Connections<Member>, lookAround: () => void = () => {}): void {
    this.#ofListeners.push({ connections, lookAround })
    this.#whole?.watch(connections, lookAround)
  }

  /** What one of several listeners is told by; this one is told of all of them. */
  ofListener(): Observer {
    return new Observer(this.#clock, this.#findDescriptors, this)
  }

  /** What it is told is told of by the observer of all listeners, too. */
  get isOfListener(): boolean {
    return this.#whole !== null
  }

  nextId(): number {
    if (this.#whole !== null) return this.#whole.nextId()
    this.#lastId += 1
    return this.#worker === 0 ? this.#lastId : idOf(this.#lastId, this.#worker)
  }

  /** Once, before the engine starts: what its closes lose is looked for on its sockets. */
  watchLost(make: (tell: (lost: LostRequest) => void) => LostRequests): void {
    const requests = make((lost) => {
      for (const tell of this.#onLost) tell(lost)
      if (this.#whole !== null) for (const tell of this.#whole.#onLost) tell(lost)
    })
    this.#lostRequests = requests
    this.countLost(() => requests.read())
  }

  /** Where that can't be: what is known instead. */
  countLost(read: () => LostReading): void {
    this.#lostReadings.push(read)
    this.#whole?.countLost(read)
  }

  closing(member: Member, why: Why, now: number): (() => void) | null {
    return this.#lostRequests?.closing(member, why, now) ?? null
  }

  shortage(now: number): void {
    this.#lostRequests?.shortage(now)
  }

  /** The server has ended. */
  over(): void {
    this.#lostRequests?.end()
  }

  /** The requests that this server's own closes of waiting connections have lost. */
  get lost(): LostReading {
    return sumOfLost(this.#lostReadings.map((read) => read()))
  }

  /**
   * Told of each of them within a second, where they are looked for one by one; returns what takes
   * that back.
   */
  onLost(tell: (lost: LostRequest) => void): () => void {
    this.#onLost.add(tell)
    return () => this.#onLost.delete(tell)
  }

  /** Descriptors in use that are duplicates of closed sockets, and no connections. */
  get duplicates(): LostRequests['descriptors'] {
    return this.#lostRequests?.descriptors ?? none
  }

  opened(): void {
    this.openedCount += 1
    this.#whole?.opened()
  }

  ended(member: Member, now: number): void {
    const { connection } = member
    const { id, requests, trail, cause } = connection
    const { by, phase, why, route } = cause ?? unknown
    const { peer, received, sent } = member.describe()
    const endedAt = this.#clock.date()
    const openedAt = Math.round(endedAt - (now - connection.openedAt))
    const ended = { id, peer, by, phase, why, route, openedAt, endedAt, requests, received, sent }
    this.#record(ended, trail)
    this.access?.ended(ended, connection.owesAnswer)
  }

  #record(ended: Ended, trail: Trail | null): void {
    this.#lifetimeOf(ended).add((ended.endedAt - ended.openedAt) / 1_000)
    this.#recorder.record(ended, trail)
    for (const tell of this.#onEnd) tell(ended)
    if (this.#whole !== null) this.#whole.#record(ended, trail)
  }

  late(ms: number): void {
    this.#lateness.add(ms / 1_000)
    this.#onLate?.(ms / 1_000)
    this.#whole?.late(ms)
  }

  /** Tells one listener how late limits are executed; returns what takes that back. */
  onLate(tell: (seconds: number) => void): () => void {
    this.#onLate = tell
    return () => {
      this.#onLate = null
    }
  }

  /** Told of each end from now on; returns what takes that back. */
  onEnd(tell: (ended: Ended) => void): () => void {
    this.#onEnd.add(tell)
    return () => this.#onEnd.delete(tell)
  }

  /**
   * Open connections. To list all of them is work for each, so it is not for every second of a busy
   * server.
   */
  list({ limit = 100, state }: ListOptions = {}): ConnectionView[] {
    const members: Member[] = []
    this.#each((member) => {
      if (state === undefined || member.connection.state === state) members.push(member)
    })
    members.sort((a, b) => a.connection.since - b.connection.since)
    return members.slice(0, limit).map((member) => this.#view(member))
  }

  /** Null: there is none of that number. */
  one(id: number): OpenConnection | null {
    const { member } = this.#find(id) ?? {}
    if (member === undefined) return null
    const { trail } = member.connection
    return { ...this.#view(member), moves: trail?.read() ?? [], movesLeftOut: trail?.lost ?? 0 }
  }

  #view(member: Member): ConnectionView {
    const now = this.#clock.now()
    const { id, requests, since, openedAt, state, dueAt, dueBy, limits, ownLimits } = member.connection
    return {
      id,
      ...member.describe(),
      state,
      forMs: Math.round(now - since),
      openedAt: Math.round(this.#clock.date() - (now - openedAt)),
      requests,
      dueInMs: dueBy === null ? null : Math.round(dueAt - now),
      dueBy,
      changedLimits: changesIn(limits, ownLimits),
    }
  }

  /** The latest first. */
  ends(): EndedConnection[] {
    return this.#recorder.read()
  }

  /**
   * Ends one connection in an orderly way: at once if it only waits for its client, else with the
   * response that it owes. Returns false if there is none of that number.
   */
  close(id: number): boolean {
    const found = this.#find(id)
    found?.connections.closeByHand(found.member)
    return found !== null
  }

  /** Ends all idle connections; returns how many. */
  closeIdle(): number {
    const idle: Found[] = []
    this.#each((member, connections) => {
      if (member.connection.state === 'idle') idle.push({ member, connections })
    })
    for (const { member, connections } of idle) connections.closeByHand(member)
    return idle.length
  }

  get open(): number {
    return this.#ofListeners.reduce((sum, { connections }) => sum + connections.size, 0)
  }

  states(): Partial<Record<State, number>> {
    return summed(this.#ofListeners.map(({ connections }) => connections.states()))
  }

  /**
   * Of the process; null: not known. Where the system does not count them now, it did at the first
   * look.
   */
  descriptors(): DescriptorsInUse | null {
    if (this.#descriptors === undefined) {
      const known = this.#findDescriptors()
      this.#descriptors = known && { known, others: known.atStart - this.open }
    }
    if (this.#descriptors === null) return null
    const { known, others } = this.#descriptors
    return { used: known.used() ?? others + this.open, limit: known.soft }
  }

  lifetimes(): EndReading[] {
    return Array.from(this.#lifetimes.values(), ({ cause, lifetime }) => ({ ...cause, lifetime: lifetime.read() }))
  }

  lateness(): HistogramReading {
    return this.#lateness.read()
  }

  #each(see: (member: Member, connections: Connections<Member>) => void): void {
    for (const { connections, lookAround } of this.#ofListeners) {
      lookAround()
      connections.each((member) => see(member, connections))
    }
  }

  #find(id: number): Found | null {
    let found: Found | null = null
    this.#each((member, connections) => {
      if (member.connection.id === id) found = { member, connections }
    })
    return found
  }

  #lifetimeOf({ by, phase, why }: Cause): Histogram {
    const key = `${by} ${phase} ${why}`
    let known = this.#lifetimes.get(key)
    if (known === undefined) {
      known = { cause: { by, phase, why }, lifetime: new Histogram(lifetimeBounds) }
      this.#lifetimes.set(key, known)
    }
    return known.lifetime
  }
}

const mostWorkers = 1_000

/** The last three digits say the worker. */
const idOf = (count: number, worker: number): number => count * mostWorkers + (worker % mostWorkers)

/** Whether that worker can have given the number to a connection. */
export const isIdOf = (id: number, worker: number): boolean => id % mostWorkers === worker % mostWorkers

export function summed<Name extends string>(
  counts: readonly Partial<Record<Name, number>>[],
): Partial<Record<Name, number>> {
  const sums: Partial<Record<Name, number>> = {}
  for (const each of counts) {
    for (const [name, count] of Object.entries(each) as [Name, number][]) sums[name] = (sums[name] ?? 0) + count
  }
  return sums
}
