/**
 * What keeps the ledger's table: finds new connections among the process's descriptors and forgets
 * those that are gone. A walk is cut in slices, and begins only when something says that it may
 * find anything.
 */
import type { Clock } from '../lifecycle/clock.ts'
import { shortestMs } from '../lifecycle/limits.ts'
import { eventsAtMost, type Kernel } from './kernel.ts'
import { type Address, emptySnapshot, isAt, TCP_LISTEN } from './layout.ts'
import type { Ledger } from './ledger.ts'
import { sliceMs } from './schedule.ts'

export interface ScanOptions {
  readonly kernel: Kernel
  readonly ledger: Ledger
  /** What our listener listens on. */
  readonly at: Address
  readonly clock: Clock
  /** A listener of ours was found: what is set on it is inherited by what it accepts. */
  readonly onListener?: ((fd: number) => void) | undefined
  /** Before connections are judged: the time to note what has taken a while. */
  readonly beforeEach?: ((now: number) => void) | undefined
  /** Descriptors of our own that are duplicates of connections, and none themselves. */
  readonly duplicates?: { readonly size: number; has(fd: number): boolean } | undefined
}

const everyMs = 50
const betweenSlicesMs = 4
/**
 * A walk takes no more than a fiftieth of the time, and comes no more often, nor less often if
 * something has changed.
 */
const walkShare = 50
const walkEveryMs = { least: 100, most: 1_000 }
const walkNowShare = 10
/** Descriptors whose walk costs no more than a TLS handshake, after which one may be asked for. */
const smallWalk = 2_000
/**
 * A newcomer in the place of a connection that ended unseen changes no count of descriptors; that
 * somebody came at all is known, but for all processes of the network namespace. It is asked for a
 * few times within the shortest limit of a newcomer.
 */
const asksInALimit = 4
const askEveryMs = { least: 250, most: 5_000 }
/**
 * In case a change went unseen: the runtime has closed one by itself, and another was opened in its
 * place.
 */
const walkAnywayMs = 10_000
/** Between two looks at the clock. */
const stride = 64

export class Scan {
  readonly #options: ScanOptions
  /** Sockets that are not connections of ours, by descriptor. */
  readonly #others = new Map<number, number>()
  readonly #snapshot = emptySnapshot()
  /** Each takes a call back that is still to come. */
  #cancelTick: (() => void) | null = null
  #cancelRest: (() => void) | null = null
  #cancelUntold: (() => void) | null = null
  /** Every event before this time has been reported. */
  #toldUntil: number
  #count: number | null = null
  /** Descriptors that are no connections of the ledger, as far as it knows. */
  #unknown: number | null = null
  readonly #askEveryMs: number
  #opens: number | null = null
  #askedAt = Number.NEGATIVE_INFINITY
  #changed = true
  #walk: Walk | null = null
  #walkedAt = Number.NEGATIVE_INFINITY
  /** Event-loop time that the last walk took. */
  #walkMs = 0

  constructor(options: ScanOptions) {
    this.#options = options
    this.#toldUntil = options.clock.now()
    const ofANewcomer = shortestMs(options.ledger.connections.limits, 'handshake', 'accepted')
    this.#askEveryMs = Math.min(Math.max(ofANewcomer / asksInALimit, askEveryMs.least), askEveryMs.most)
  }

  start(): void {
    if (this.#cancelTick !== null) return
    this.#awaitTick()
    this.walkNow()
  }

  #awaitTick(): void {
    this.#cancelTick = this.#options.clock.after(everyMs, () => {
      this.#awaitTick()
      this.tick()
    })
  }

  stop(): void {
    this.#cancelTick?.()
    this.#cancelRest?.()
    this.#cancelUntold?.()
    this.#cancelTick = null
    this.#cancelRest = null
    this.#cancelUntold = null
    this.#walk = null
  }

  tick(): void {
    const { kernel, ledger, clock, beforeEach } = this.#options
    const now = clock.now()
    beforeEach?.(now)
    this.#takeEvents(now)
    if (this.#walk !== null) return
    if (ledger.takeStrangers() > 0) this.#changed = true
    const unknown = this.#unknownOf(kernel.count())
    if (unknown === null || unknown !== this.#unknown) this.#changed = true
    this.#unknown = unknown
    if (now - this.#askedAt >= this.#askEveryMs) this.#ask(now)
    const pause = Math.min(Math.max(this.#walkMs * walkShare, walkEveryMs.least), walkEveryMs.most)
    const since = now - this.#walkedAt
    if ((this.#changed && since >= pause) || since >= walkAnywayMs) this.#beginWalk(now)
  }

  #takeEvents(now: number): void {
    const { kernel, ledger, clock } = this.#options
    for (;;) {
      const ids = kernel.events()
      ledger.stirred(ids, this.#toldUntil, now)
      if (ids.length < eventsAtMost) break
      if (clock.now() - now < sliceMs) continue
      this.#cancelUntold ??= clock.after(betweenSlicesMs, () => {
        this.#cancelUntold = null
        this.#takeEvents(clock.now())
      })
      return
    }
    this.#toldUntil = now
  }

  /** Walks at once and to the end, however long it takes: when descriptors are short. */
  walkNow(): void {
    this.#beginWalk(this.#options.clock.now(), Number.POSITIVE_INFINITY)
  }

  /**
   * The same, unless walks are long and take more than a tenth of the time. Returns whether it has.
   */
  walkAgain(): boolean {
    const isSmall = (this.#options.kernel.count() ?? Number.POSITIVE_INFINITY) <= smallWalk
    if (!isSmall && this.#options.clock.now() - this.#walkedAt < this.#walkMs * walkNowShare) return false
    this.walkNow()
    return true
  }

  #ask(now: number): void {
    this.#askedAt = now
    const opens = this.#options.kernel.passiveOpens()
    if (opens === null || opens !== this.#opens) this.#changed = true
    this.#opens = opens
  }

  #beginWalk(now: number, mostMs = sliceMs): void {
    this.#cancelRest?.()
    this.#cancelRest = null
    this.#changed = false
    this.#walkedAt = now
    this.#walkMs = 0
    this.#count = this.#options.kernel.count()
    this.#walk = { at: 0, end: this.#options.kernel.limit().soft, left: this.#count }
    this.#slice(mostMs)
  }

  #slice(mostMs: number): void {
    const walk = this.#walk
    if (walk === null) return
    const { kernel, ledger, clock } = this.#options
    const startedAt = clock.now()
    while (walk.at < walk.end && (walk.left === null || walk.left > 0)) {
      const to = Math.min(walk.at + stride, walk.end)
      const used = kernel.used(walk.at, to - walk.at)
      let next = 0
      for (let fd = walk.at; fd < to; fd++) {
        if (used[next] === fd) {
          next += 1
          this.#see(fd, clock.now())
        } else ledger.closed(fd)
      }
      walk.at = to
      if (walk.left !== null) walk.left -= used.length
      if (clock.now() - startedAt < mostMs) continue
      this.#walkMs += clock.now() - startedAt
      this.#cancelRest = clock.after(betweenSlicesMs, () => {
        this.#cancelRest = null
        this.#slice(mostMs)
      })
      return
    }
    this.#walkMs += clock.now() - startedAt
    this.#walk = null
    ledger.checkFrom(walk.at)
    const count = kernel.count()
    this.#unknown = this.#unknownOf(count)
    // With others opened meanwhile it may have ended before the last.
    if (walk.left !== null && count !== this.#count) this.#changed = true
    else ledger.walked(this.#walkedAt)
  }

  #unknownOf(count: number | null): number | null {
    const { ledger, duplicates } = this.#options
    return count === null ? null : count - ledger.connections.size - (duplicates?.size ?? 0)
  }

  #see(fd: number, now: number): void {
    const { kernel, ledger, at, duplicates } = this.#options
    if (duplicates?.has(fd)) {
      ledger.closed(fd)
      return
    }
    const cookie = kernel.cookie(fd)
    if (ledger.at(fd)?.cookie === cookie) return
    ledger.closed(fd)
    if (cookie === 0 || this.#others.get(fd) === cookie) return
    const local = kernel.local(fd)
    const isOurs = local !== null && isAt(at, local)
    const remote = isOurs ? kernel.remote(fd) : null
    if (remote !== null) {
      ledger.found(fd, cookie, remote, now)
      return
    }
    this.#others.set(fd, cookie)
    if (isOurs) this.#seeListener(fd)
  }

  #seeListener(fd: number): void {
    const { kernel, onListener } = this.#options
    if (!kernel.look(fd, this.#snapshot) || this.#snapshot.state !== TCP_LISTEN) return
    kernel.acceptSilent(fd)
    kernel.sendAtOnce(fd)
    onListener?.(fd)
  }
}

interface Walk {
  /** The next descriptor to see. */
  at: number
  readonly end: number
  /** Descriptors in use that have not been seen; null: unknown. */
  left: number | null
}
