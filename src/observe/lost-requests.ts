/**
 * Whose requests our own closes lost. A request that crosses our FIN is answered by the kernel, with
 * RST, and no server hears of it. So a duplicate of each socket that we close while it waits for its
 * client is kept for a second: if data has come by then and the connection was reset, that was a
 * request. A client's own FIN or RST brings no data, and silence brings neither.
 *
 * What it costs is a few system calls for each such close; a connection that is not closed, and a
 * request, cost nothing.
 */
import type { Arrivals, SocketDuplicates } from '../kernel/duplicates.ts'
import type { Why } from '../lifecycle/cause.ts'
import type { Clock } from '../lifecycle/clock.ts'
import type { Member } from '../lifecycle/connections.ts'
import type { State } from '../lifecycle/states.ts'
import { hostOf, networkOf } from './network.ts'

export interface LostRequest {
  /** The client's address. */
  readonly peer: string
  /** Its network: /24, of IPv6 /48. */
  readonly network: string
  /** The state of the connection when we closed it, and why we did. */
  readonly phase: State
  readonly why: Why
  /** How long after our close it came. */
  readonly afterMs: number
  /** How long the connection had waited for its client when we closed it. */
  readonly waitedMs: number
}

export interface LostCount {
  readonly phase: State
  readonly why: Why
  readonly network: string
  readonly count: number
}

export interface LostReading {
  /**
   * `socket`: each close is watched. `namespace`: the kernel's `TCPAbortOnData` of the network
   * namespace since the start: every process in it counts, and so does what is no request. Null:
   * nothing is counted here.
   */
  readonly source: 'socket' | 'namespace' | null
  /** Requests lost since the start; null: unknown. */
  readonly total: number | null
  /** The same by reason and network; empty where the source is not `socket`. */
  readonly counts: readonly LostCount[]
  /** Closes of waiting connections that were not watched: what they lost is not in the total. */
  readonly unwatched: number
}

/** Of all listeners of a server. */
export function sumOfLost(readings: readonly LostReading[]): LostReading {
  const ofSockets = readings.filter(({ source }) => source === 'socket')
  // All listeners share the namespace: its count is none of theirs to be added up.
  if (ofSockets.length === 0) return readings[0] ?? { source: null, total: null, counts: [], unwatched: 0 }
  const counts = new Map<string, LostCount>()
  for (const each of ofSockets.flatMap((reading) => reading.counts)) {
    const key = keyOf(each)
    counts.set(key, { ...each, count: each.count + (counts.get(key)?.count ?? 0) })
  }
  return {
    source: 'socket',
    total: ofSockets.reduce((sum, { total }) => sum + (total ?? 0), 0),
    counts: [...counts.values()],
    unwatched: ofSockets.reduce((sum, { unwatched }) => sum + unwatched, 0),
  }
}

const keyOf = ({ phase, why, network }: Omit<LostCount, 'count'>): string => `${phase} ${why} ${network}`

/** What a connection must give to be watched. */
export type Watched = Pick<Member, 'connection' | 'describe' | 'duplicate' | 'readsOn'>

/** What comes later would have been sent on a new connection: its client has seen our FIN. */
export const watchMs = 1_000
/** One timer for all that are due about the same time. */
const batchMs = 50
const mostKept = 1_024
/** Of the descriptors that the process may have. */
const mostShare = 1 / 16
/** With so many in use none is taken for this. */
const shortShare = 0.8
/** A server that has told of a shortage is asked to again within this time, while it lasts. */
const shortageMs = 1_000
/** Of networks by reason. What is beyond is counted as `other`. */
const mostCounts = 256
export const otherNetwork = 'other'

interface Kept {
  readonly descriptor: number
  readonly before: Arrivals
  readonly closedAt: number
  readonly waitedMs: number
  readonly peer: string
  readonly phase: State
  readonly why: Why
  readonly readsOn: boolean
}

/**
 * Data came, and was not taken but answered with RST. The runtime may have been told of the reset
 * in our place; then it is seen from a connection that is over without the FIN of its client.
 */
function hasLost(before: Arrivals, after: Arrivals, wasReset: () => boolean): boolean {
  if (after.segmentsIn <= before.segmentsIn) return false
  return wasReset() || (after.isOver && after.received === before.received)
}

export class LostRequests {
  readonly #sockets: SocketDuplicates
  readonly #clock: Clock
  readonly #tell: (lost: LostRequest) => void
  readonly #most: number
  readonly #shortFrom: number
  /** By descriptor, the oldest first. */
  readonly #kept = new Map<number, Kept>()
  readonly #counts = new Map<
    string,
    { readonly phase: State; readonly why: Why; readonly network: string; count: number }
  >()
  #total = 0
  #unwatched = 0
  #shortUntil = Number.NEGATIVE_INFINITY
  #cancel: (() => void) | null = null

  /** `clock`: its timers should not keep the process alive. */
  constructor(sockets: SocketDuplicates, clock: Clock, tell: (lost: LostRequest) => void) {
    this.#sockets = sockets
    this.#clock = clock
    this.#tell = tell
    this.#most = Math.min(mostKept, Math.floor(sockets.soft * mostShare))
    this.#shortFrom = sockets.soft * shortShare
  }

  /** To whoever looks through the process's descriptors: these are no connections. */
  get descriptors(): { readonly size: number; has(descriptor: number): boolean } {
    return this.#kept
  }

  read(): LostReading {
    return {
      source: 'socket',
      total: this.#total,
      counts: Array.from(this.#counts.values(), (count) => ({ ...count })),
      unwatched: this.#unwatched,
    }
  }

  /**
   * We are about to close a connection that waits for its client. Returns what is to be called once
   * its engine has done so; null: it is not watched.
   */
  closing(member: Watched, why: Why, now: number): (() => void) | null {
    const kept = this.#keep(member, why, now)
    if (kept === null) this.#unwatched += 1
    return kept && (() => this.#closed(kept))
  }

  /** Descriptors are short: all that are kept go, and for a while no more are. */
  shortage(now: number): void {
    this.#shortUntil = now + shortageMs
    this.#unwatched += this.#kept.size
    this.#judge(Number.POSITIVE_INFINITY)
  }

  /** The server has ended: what is kept is judged by what has come until now. */
  end(): void {
    this.#judge(Number.POSITIVE_INFINITY)
  }

  #keep(member: Watched, why: Why, now: number): Kept | null {
    const sockets = this.#sockets
    if (now < this.#shortUntil || this.#kept.size >= this.#most) return null
    const descriptor = member.duplicate?.((fd) => sockets.duplicate(fd)) ?? -1
    if (descriptor < 0) return null
    // It is the lowest that was free: at least so many are in use.
    const before = descriptor < this.#shortFrom ? sockets.look(descriptor) : null
    if (before === null) {
      sockets.close(descriptor)
      return null
    }
    const { connection, readsOn = false } = member
    const { peer } = member.describe()
    const { state: phase, since } = connection
    return { descriptor, before, closedAt: now, waitedMs: now - since, peer, phase, why, readsOn }
  }

  #closed(kept: Kept): void {
    const { descriptor, readsOn } = kept
    this.#sockets.end(descriptor)
    if (this.#sockets.unread(descriptor) > 0) {
      // It came in the instant of our close. Without a duplicate the kernel resets the connection now.
      this.#sockets.close(descriptor)
      if (!readsOn) this.#lost(kept, 0)
      return
    }
    this.#kept.set(descriptor, kept)
    this.#await()
  }

  #await(): void {
    if (this.#cancel !== null) return
    const [oldest] = this.#kept.values()
    if (oldest === undefined) return
    const inMs = oldest.closedAt + watchMs - this.#clock.now()
    this.#cancel = this.#clock.after(Math.max(inMs, batchMs), () => {
      this.#cancel = null
      this.#judge(this.#clock.now() - watchMs)
      this.#await()
    })
  }

  /** Those that were closed by then. */
  #judge(until: number): void {
    const sockets = this.#sockets
    for (const kept of this.#kept.values()) {
      if (kept.closedAt > until) return
      const { descriptor, closedAt } = kept
      this.#kept.delete(descriptor)
      const after = sockets.look(descriptor)
      const now = this.#clock.now()
      const isLost = after !== null && hasLost(kept.before, after, () => sockets.wasReset(descriptor))
      sockets.close(descriptor)
      if (isLost) this.#lost(kept, Math.max(0, now - after.heardAgoMs - closedAt))
    }
  }

  #lost({ peer, phase, why, waitedMs }: Kept, afterMs: number): void {
    this.#total += 1
    const host = hostOf(peer)
    const network = networkOf(host)
    const count = this.#countOf(phase, why, network)
    count.count += 1
    this.#tell({ peer: host, network, phase, why, afterMs, waitedMs })
  }

  #countOf(phase: State, why: Why, network: string): { count: number } {
    const counts = this.#counts
    const key = keyOf({ phase, why, network })
    const known = counts.get(key)
    if (known !== undefined) return known
    if (counts.size >= mostCounts && network !== otherNetwork) return this.#countOf(phase, why, otherNetwork)
    const count = { phase, why, network, count: 0 }
    counts.set(key, count)
    return count
  }
}
