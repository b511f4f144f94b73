/**
 * One connection of the ledger: what the kernel shows of it becomes moves of the lifecycle, and the
 * verbs of the lifecycle become calls of the kernel. Its descriptor stays the runtime's; the
 * socket's cookie tells whether it is still the same socket.
 */
import type { ServerClock } from '../lifecycle/clock.ts'
import type { Connection } from '../lifecycle/connection.ts'
import type { Connections, Member } from '../lifecycle/connections.ts'
import { type Description, peerText } from '../lifecycle/description.ts'
import { goAwayMs, lingerMs } from '../lifecycle/ending.ts'
import type { Sample } from '../lifecycle/limits.ts'
import { type ReasonName, reasons } from '../lifecycle/reasons.ts'
import type { ChangedLimits } from '../lifecycle/request-limits.ts'
import { waiting } from '../lifecycle/states.ts'
import type { Policy } from '../policy/policy.ts'
import type { Kernel } from './kernel.ts'
import { type Snapshot, TCP_CLOSE_WAIT, TCP_FIN_WAIT1, TCP_FIN_WAIT2 } from './layout.ts'
import { figuresOf, type Reading, settleMs, tickMs } from './observe.ts'
import type { Peer } from './peers.ts'
import { type LookEvery, lookEvery, nextLook } from './schedule.ts'
import type { Threads } from './threads.ts'

/** What the sockets of one ledger have in common. */
export interface Tracking {
  readonly policy: Policy
  readonly kernel: Kernel
  readonly connections: Connections<TrackedSocket>
  readonly clock: ServerClock
  readonly every: LookEvery
  readonly secure: boolean
  readonly threads: Threads | undefined
  /** Filled in by each look. */
  readonly snapshot: Snapshot
  /** See `LedgerOptions`. */
  readonly refuse: ((peer: Peer, reason: ReasonName) => void) | undefined
  readonly notedUntil: (() => number) | undefined
  noteNow(now: number): void
  /** The descriptor is another's by now, or nobody's; or the connection is another thread's. */
  gone(socket: TrackedSocket): void
  isTracked(socket: TrackedSocket): boolean
  /** A request came while its connection was being ended. */
  closeRaced(): void
}

export interface Found {
  readonly fd: number
  readonly cookie: number
  /** What `Kernel.events` calls it. */
  readonly id: number
  readonly peer: Peer
  readonly connection: Connection
  readonly reading: Reading
  readonly bornAt: number
}

/** A connection that is stirred all the time is looked at no more often. */
const stirredEveryMs = 100
/** Upper bound on the re-checks that a stream of HTTP/2 PINGs can cause. */
const mostStirrings = 3
/**
 * A look that is so late comes after a blocked event loop: what the client sent meanwhile is
 * unread.
 */
const lateMs = 150

/** Of the reasons that are said, the ledger meets one: an unfinished head. */
const refusal = (status: number, at: number): string =>
  `HTTP/1.1 ${status} Request Timeout\r\nDate: ${new Date(at).toUTCString()}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`

export class TrackedSocket implements Member {
  readonly connection: Connection
  readonly fd: number
  readonly cookie: number
  readonly id: number
  readonly peer: Peer
  readonly reading: Reading
  lookAt = 0
  parkedIn: Set<Member> | null = null
  /** The runtime reads what has come before it sees the end. */
  readonly readsOn = true
  /** The kernel tells of bytes on it. */
  readonly watched: boolean
  /** Until when nothing had come, when something has that has not been looked at yet. */
  quietUntil: number | null
  lookedAt: number
  readonly #tracking: Tracking
  /** Its last look came late. */
  #wasLate = false
  /** A request of it that may not be noted yet was asked for, in the state that began then. */
  #asked: { readonly since: number; readonly at: number } | null = null
  /**
   * Looks in a row that saw bytes come, of HTTP/2: a request among them may not have been handed
   * over yet.
   */
  #stirrings = 0
  /** Bytes without a request have been seen, and have not been looked at again yet. */
  #headSeen = false
  #sample: Sample = { received: 0, taken: 0, unsent: 0, wanted: false }

  constructor(tracking: Tracking, now: number, { fd, cookie, id, peer, connection, reading, bornAt }: Found) {
    this.#tracking = tracking
    this.fd = fd
    this.cookie = cookie
    this.id = id
    this.peer = peer
    this.connection = connection
    this.reading = reading
    this.quietUntil = bornAt
    this.lookedAt = now
    this.watched = tracking.kernel.watch(fd, id)
  }

  /** What the kernel says now; null: it is gone, and no longer tracked. */
  look(): Snapshot | null {
    const { kernel, threads, snapshot, gone } = this.#tracking
    const isOurs = threads?.isOurs(this.peer.name) !== false
    if (isOurs && this.isSame && kernel.look(this.fd, snapshot)) return snapshot
    gone(this)
    return null
  }

  /** The descriptor is still this socket's. */
  get isSame(): boolean {
    return this.#tracking.kernel.cookie(this.fd) === this.cookie
  }

  sample(now: number): Sample {
    const { connection, reading, peer } = this
    const snapshot = this.look()
    if (snapshot === null) {
      connection.end('gone', now)
      return this.#sample
    }
    if (!connection.isEnded) {
      const quietUntil = this.quietUntil ?? this.lookedAt
      this.#stirrings = peer.http2 && snapshot.received > reading.seen.received ? this.#stirrings + 1 : 0
      if (snapshot.state === TCP_CLOSE_WAIT) connection.blame('client', 'fin')
      reading.read(connection, figuresOf(snapshot, now), peer, quietUntil, now)
      if (peer.changed !== null) this.#limit(peer.changed)
      if (peer.last && peer.owed === 0 && !connection.busy) this.finish(now)
      if (connection.state === 'upgraded' && hasEnded(snapshot)) this.#lingerUpgraded(now)
    }
    this.quietUntil = null
    this.#wasLate = this.lookAt > 0 && now - this.lookAt >= lateMs
    this.lookedAt = now
    this.lookAt = this.#nextLook(now)
    const { received, unsent } = snapshot
    // What nobody reads the kernel takes, and counts, all the same.
    const { wanted = peer.upgraded, content } = (connection.owesAnswer && peer.body) || {}
    const { taken, seen } = reading
    // Of HTTP/2 bytes are not a head.
    const counted = peer.http2 && connection.state === 'idle' ? 0 : received
    const waits = unsent > 0 || (peer.held > 0 && peer.owed > 0)
    this.#sample = {
      received: content ?? counted,
      receivedAt: seen.receivedAt,
      unsent: waits ? unsent || 1 : 0,
      taken,
      takenAt: seen.sentAt,
      wanted,
    }
    return this.#sample
  }

  /** What has been handed over keeps the limits of its route until it is out. */
  #limit(changed: ChangedLimits): void {
    const { connection, peer } = this
    if (peer.owed > 0 || connection.owesAnswer) {
      connection.limitTo(changed.together(connection.ownLimits, peer.owed))
    } else peer.changed = null
  }

  get #every(): LookEvery {
    const { limits, ownLimits } = this.connection
    return limits === ownLimits ? this.#tracking.every : lookEvery(limits)
  }

  #nextLook(now: number): number {
    const { connection, watched, peer, reading } = this
    const headSeen = this.#headSeen
    this.#headSeen = connection.state === 'head'
    const settlesAt = connection.owesAnswer ? reading.settlesAt : now + settleMs
    return nextLook(connection, { watched, headSeen, owes: peer.owed > 0, settlesAt }, this.#every, now)
  }

  /** Something happened on it; until `quietUntil` nothing had. */
  stirred(quietUntil: number, now: number): void {
    this.quietUntil ??= quietUntil
    // What is in a request is looked at anyway.
    if (this.connection.owesAnswer && this.peer.owed > 0) return
    const lookAt = Math.max(now, Math.min(this.lookAt, this.lookedAt + stirredEveryMs))
    if (lookAt < this.lookAt) this.wakeAt(lookAt)
  }

  /**
   * The application has a request of it, which no event may have told of: the kernel drops one of
   * bytes that have been read by the time it is asked, where the response has filled the socket.
   */
  asked(startedAt: number): void {
    const lookAt = startedAt + this.#tracking.every.requestMs
    if (lookAt < this.lookAt) this.wakeAt(lookAt)
  }

  /** What holds for it has changed. */
  lookSoon(now: number): void {
    const lookAt = now + settleMs
    if (lookAt < this.lookAt) this.wakeAt(lookAt)
  }

  /** It may be parked: who is closed for room, or in a drain, is not due yet. */
  wakeAt(lookAt: number): void {
    this.lookAt = lookAt
    this.#tracking.connections.wake(this)
  }

  /**
   * Whether it has a request by now, or is gone, or may have something that nobody has read yet.
   */
  spared(reason: ReasonName, now: number): boolean {
    const { connection, reading } = this
    const { kernel, isTracked, noteNow } = this.#tracking
    // In a sweep it has been looked at just now.
    const snapshot = this.lookedAt === now ? null : this.look()
    if (!isTracked(this)) return true
    // What the kernel itself has counted is a reason to reset. For silence our own pause may be to
    // blame.
    if (connection.busy) return reasons[reason].act !== 'reset' && this.#mayBeUnread(now)
    if (!waiting.includes(connection.state)) return false
    if (connection.state === 'head') noteNow(now)
    const { received, unsent } = snapshot ?? reading.seen
    if (this.peer.owed > 0 || unsent > 0) return true
    if (received === reading.seen.received && kernel.queued(this.fd) === 0) {
      if (this.#stirrings === 0 || this.#stirrings > mostStirrings) return this.#mayBeUnnoted(now)
      this.wakeAt(now + 1)
      return true
    }
    this.wakeAt(now)
    return true
  }

  /**
   * The loop was blocked, or bytes wait to be read: the runtime reads, and hands over, before the
   * next look.
   */
  #mayBeUnread(now: number): boolean {
    if (this.connection.refusedAt !== null) return false
    if (!this.#wasLate && this.#tracking.kernel.queued(this.fd) <= 0) return false
    this.wakeAt(now + 1)
    return true
  }

  /**
   * The application may have a request of it that is not noted yet: on another thread, or here,
   * where the event loop has been blocked for longer than a request protects itself.
   */
  #mayBeUnnoted(now: number): boolean {
    const { threads, notedUntil, noteNow } = this.#tracking
    const { connection, reading, peer } = this
    const isElsewhere = threads !== undefined && !threads.alone && !threads.isClaimed(peer.name)
    const until = Math.min(notedUntil?.() ?? now, isElsewhere ? threads.notedUntil : now)
    if (reading.seen.receivedAt + tickMs < until) return false
    // Of a head that trickles in the last byte is always too young. What was whole when it was
    // asked for is noted by now.
    if (this.#asked?.since !== connection.since) this.#asked = { since: connection.since, at: now }
    if (this.#asked.at < until) return false
    noteNow(now)
    if (isElsewhere) threads.ask()
    this.wakeAt(now + 1)
    return true
  }

  refuseBody(reason: ReasonName, now: number): boolean {
    const { refuse } = this.#tracking
    if (refuse === undefined) return false
    this.connection.refuseBody(now)
    refuse(this.peer, reason)
    return true
  }

  /** Past the runtime, which has nothing to write; over TLS that can't be. */
  say(status: number, now: number): boolean {
    const { kernel, secure, clock } = this.#tracking
    if (secure) return false
    this.#ended(now)
    kernel.say(this.fd, refusal(status, clock.date()))
    kernel.finish(this.fd)
    return true
  }

  /**
   * The response is out and the client still sends: a whole end now would be RST over it. It
   * lingers anew, because the runtime reads on, and how much it has read by now nobody can tell.
   */
  linger(_: number, now: number): void {
    this.#ended(now)
    this.#tracking.kernel.finish(this.fd)
  }

  end(now: number): void {
    const { kernel, closeRaced } = this.#tracking
    this.#ended(now)
    kernel.shut(this.fd)
    if (kernel.queued(this.fd) > 0) closeRaced()
  }

  reset(now: number): void {
    this.#ended(now)
    this.#tracking.kernel.reset(this.fd)
  }

  /** Its runtime, or its client, does not let go. */
  drop(): void {
    this.#tracking.kernel.reset(this.fd)
  }

  /**
   * Its last response is out, and its runtime keeps it. Only what we send ends if the client is
   * still sending: a whole end would be RST over the response.
   */
  finish(now: number): void {
    const { connection, fd } = this
    const { kernel } = this.#tracking
    connection.blame('server', 'last')
    const whole = connection.state !== 'discarding' && kernel.queued(fd) === 0
    connection.end('ended', now)
    if (whole) kernel.shut(fd)
    else kernel.finish(fd)
  }

  cut(): void {
    const { kernel, gone } = this.#tracking
    if (!this.isSame) gone(this)
    else if (this.connection.busy) kernel.reset(this.fd)
    else kernel.shut(this.fd)
  }

  /** Its response does not say so: the runtime has it already, or writes it. */
  finishSoon(): void {
    this.peer.last = true
  }

  /** What is in flight the application alone knows. */
  describe(): Description {
    const { received, acked } = this.reading.seen
    const [address, port] = this.peer.name.split('|')
    return { peer: peerText(address, Number(port)), received, sent: acked, route: null }
  }

  /** Another thread would take it for a connection. */
  duplicate(dup: (fd: number) => number): number {
    const { secure, threads } = this.#tracking
    return secure || threads?.alone === false || !this.isSame ? -1 : dup(this.fd)
  }

  /**
   * Its runtime has ended what it spoke after the upgrade, and waits for the client's end, which
   * may never come.
   */
  #lingerUpgraded(now: number): void {
    const { connection } = this
    connection.blame('server', 'last')
    connection.end('ended', now, goAwayMs)
    // It was parked for ever.
    this.#tracking.connections.wake(this)
  }

  #ended(now: number): void {
    this.connection.end('ended', now, lingerMs(this.#tracking.policy))
    this.wakeAt(now + settleMs)
  }
}

/** Our side of it, not the client's. */
const hasEnded = ({ state }: Snapshot): boolean => state === TCP_FIN_WAIT1 || state === TCP_FIN_WAIT2
