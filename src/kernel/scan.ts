/**
 * What keeps the ledger's table: finds new connections among the process's descriptors and forgets those that are gone.
 * A walk is cut in slices, and begins only when something says that it may find anything. Whom to look at again, and when,
 * the ledger's book says.
 */
import { eventsAtMost, type Kernel } from './kernel.ts'
import { type Address, emptySnapshot, isAt, TCP_LISTEN } from './layout.ts'
import { type Ledger, sliceMs } from './ledger.ts'

export interface ScanOptions {
  readonly kernel: Kernel
  readonly ledger: Ledger
  /** What our listener listens on. */
  readonly at: Address
  readonly now: () => number
  /** A listener of ours was found: what is set on it is inherited by what it accepts. */
  readonly onListener?: ((fd: number) => void) | undefined
  /** Before connections are judged: the time to note what has taken a while. */
  readonly beforeEach?: ((now: number) => void) | undefined
}

const everyMs = 50
const betweenSlicesMs = 4
/** A walk takes no more than a fiftieth of the time, and comes no more often, nor less often if something has changed. */
const walkShare = 50
const walkEveryMs = { least: 100, most: 1_000 }
const walkNowShare = 10
/** Descriptors whose walk costs no more than a TLS handshake, after which one may be asked for. */
const smallWalk = 2_000
/**
 * A newcomer in the place of a connection that ended unseen changes no count of descriptors; that somebody came at all is
 * known, but for all processes of the network namespace. It is asked for a few times within the shortest limit of a newcomer.
 */
const asksInALimit = 4
const askEveryMs = { least: 250, most: 5_000 }
/** In case a change went unseen: the runtime has closed one by itself, and another was opened in its place. */
const walkAnywayMs = 10_000
/** Between two looks at the clock. */
const stride = 64

export class Scan {
  readonly #options: ScanOptions
  /** Sockets that are not connections of ours, by descriptor. */
  readonly #others = new Map<number, number>()
  readonly #snapshot = emptySnapshot()
  #timer: ReturnType<typeof setInterval> | null = null
  #rest: ReturnType<typeof setTimeout> | null = null
  #untold: ReturnType<typeof setTimeout> | null = null
  /** Of what happened before, all has been told. */
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
    this.#toldUntil = options.now()
    const { headTimeoutMs, handshakeTimeoutMs } = options.ledger.policy
    const shortest = Math.min(...[headTimeoutMs, handshakeTimeoutMs].filter((ms) => ms > 0), Number.POSITIVE_INFINITY)
    this.#askEveryMs = Math.min(Math.max(shortest / asksInALimit, askEveryMs.least), askEveryMs.most)
  }

  start(): void {
    if (this.#timer !== null) return
    this.#timer = setInterval(() => this.tick(), everyMs)
    this.#timer.unref()
    this.walkNow()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    if (this.#rest !== null) clearTimeout(this.#rest)
    if (this.#untold !== null) clearTimeout(this.#untold)
    this.#timer = null
    this.#rest = null
    this.#untold = null
    this.#walk = null
  }

  tick(): void {
    const { kernel, ledger, now: clock, beforeEach } = this.#options
    const now = clock()
    beforeEach?.(now)
    this.#takeEvents(now)
    if (this.#walk !== null) return
    if (ledger.takeStrangers() > 0) this.#changed = true
    const count = kernel.count()
    const unknown = count === null ? null : count - ledger.book.size
    if (unknown === null || unknown !== this.#unknown) this.#changed = true
    this.#unknown = unknown
    if (now - this.#askedAt >= this.#askEveryMs) this.#ask(now)
    const pause = Math.min(Math.max(this.#walkMs * walkShare, walkEveryMs.least), walkEveryMs.most)
    const since = now - this.#walkedAt
    if ((this.#changed && since >= pause) || since >= walkAnywayMs) this.#beginWalk(now)
  }

  #takeEvents(now: number): void {
    const { kernel, ledger, now: clock } = this.#options
    for (;;) {
      const ids = kernel.events()
      ledger.stirred(ids, this.#toldUntil, now)
      if (ids.length < eventsAtMost) break
      if (clock() - now < sliceMs) continue
      this.#untold ??= setTimeout(() => {
        this.#untold = null
        this.#takeEvents(clock())
      }, betweenSlicesMs)
      this.#untold.unref()
      return
    }
    this.#toldUntil = now
  }

  /** Walks at once and to the end, however long it takes: when descriptors are short. */
  walkNow(): void {
    this.#beginWalk(this.#options.now(), Number.POSITIVE_INFINITY)
  }

  /** The same, unless walks are long and take more than a tenth of the time. */
  walkAgain(): void {
    const isSmall = (this.#options.kernel.count() ?? Number.POSITIVE_INFINITY) <= smallWalk
    if (isSmall || this.#options.now() - this.#walkedAt >= this.#walkMs * walkNowShare) this.walkNow()
  }

  #ask(now: number): void {
    this.#askedAt = now
    const opens = this.#options.kernel.passiveOpens()
    if (opens === null || opens !== this.#opens) this.#changed = true
    this.#opens = opens
  }

  #beginWalk(now: number, mostMs = sliceMs): void {
    if (this.#rest !== null) clearTimeout(this.#rest)
    this.#rest = null
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
    const { kernel, ledger, now: clock } = this.#options
    const startedAt = clock()
    while (walk.at < walk.end && (walk.left === null || walk.left > 0)) {
      const to = Math.min(walk.at + stride, walk.end)
      const used = kernel.used(walk.at, to - walk.at)
      let next = 0
      for (let fd = walk.at; fd < to; fd++) {
        if (used[next] === fd) {
          next += 1
          this.#see(fd, clock())
        } else ledger.closed(fd)
      }
      walk.at = to
      if (walk.left !== null) walk.left -= used.length
      if (clock() - startedAt < mostMs) continue
      this.#walkMs += clock() - startedAt
      this.#rest = setTimeout(() => {
        this.#rest = null
        this.#slice(mostMs)
      }, betweenSlicesMs)
      this.#rest.unref()
      return
    }
    this.#walkMs += clock() - startedAt
    this.#walk = null
    ledger.checkFrom(walk.at)
    const count = kernel.count()
    this.#unknown = count === null ? null : count - ledger.book.size
    // With others opened meanwhile it may have ended before the last.
    if (walk.left !== null && count !== this.#count) this.#changed = true
    else ledger.walked(this.#walkedAt)
  }

  #see(fd: number, now: number): void {
    const { kernel, ledger, at } = this.#options
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
