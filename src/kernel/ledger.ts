/**
 * The kernel ledger: one record for each connection of our listeners, kept from two sources only, the kernel's snapshots
 * and what the application says of requests. For a runtime whose own server shows no connections and closes none.
 *
 * On the request's path are `started` and `finished`, which write down two numbers; what they mean is found out when a
 * connection is looked at next.
 */

import type { Clock } from '../lifecycle/clock.ts'
import type { Connection } from '../lifecycle/connection.ts'
import { Connections, type Member } from '../lifecycle/connections.ts'
import type { Budget, Shortage } from '../lifecycle/descriptor-budget.ts'
import { lingerMs } from '../lifecycle/ending.ts'
import { bindLimits, type Limits, type Sample, shortestMs } from '../lifecycle/limits.ts'
import { type ReasonName, reasons } from '../lifecycle/reasons.ts'
import { waiting } from '../lifecycle/states.ts'
import type { Policy } from '../policy/policy.ts'
import type { Kernel } from './kernel.ts'
import { type Address, emptySnapshot, peerName, type Snapshot, TCP_CLOSE, TCP_ESTABLISHED } from './layout.ts'
import { figuresOf, freshNote, type IncomingBody, type Note, type Notes, Reading, settleMs, tickMs } from './observe.ts'
import type { Threads } from './threads.ts'

export interface LedgerOptions {
  readonly policy: Policy
  readonly kernel: Kernel
  /** Its timers should not keep the process alive: see `backgroundClock`. */
  readonly clock: Clock
  /** The listener speaks TLS. Then every request has to be noted: what the handshake sends looks like an answer. */
  readonly secure: boolean
  readonly notes: Notes
  /**
   * For `late`: notes every request in flight that is not noted yet. Asked before an unfinished head is hung up on: a head
   * that was finished at the last moment looks no different.
   */
  readonly noteNow?: (() => void) | undefined
  /** All requests that came before have been noted, or answered. Default: no request is ever noted late. */
  readonly notedUntil?: (() => number) | undefined
  /** Told once for each connection that is hung up on. */
  readonly onHangUp: (reason: ReasonName) => void
  /**
   * Answers the requests of this peer in the application's place: what `reasons` says for it, and then the connection is
   * to end. Without it, or when it has not ended a second later, the connection is ended without an answer.
   */
  readonly refuse?: ((peer: Peer, reason: ReasonName) => void) | undefined
  /** Where several threads of this process serve on the same listener. */
  readonly threads?: Threads | undefined
  /** Of the process's descriptors: see `Connections`. */
  readonly budget?: Budget | null
  readonly onShortage?: ((shortage: Shortage) => void) | undefined
  readonly discover?: (() => void) | undefined
  readonly random: () => number
}

/** Time to the next look at what can't be told of: a request whose answer begins, a body that falls silent. */
export interface LookEvery {
  readonly headMs: number
  readonly requestMs: number
}

/** Looked at again after bytes without a request, so soon; and a connection that is stirred all the time, no more often. */
const againMs = 150
const stirredEveryMs = 100
/** What the kernel could not be asked to tell of (`fs.epoll.max_user_watches`) is looked at so often instead. */
const unwatchedMs = 500
/** A client that sends PINGs all the time buys no more looks. */
const mostStirrings = 3
/** Between two looks at whether an answer is out, in a turn of the event loop each: what is with the runtime is written by then. */
const outMs = 2
/** A look that comes so much after it was due comes after a blocked event loop: what the client sent meanwhile is unread. */
const lateMs = 150
/** Of event-loop time at a stretch. */
export const sliceMs = 1

const longestNoteAfterMs = 2_000

/** An application that notes only what takes a while notes it when it has taken so long. */
export function noteAfterMs(policy: Policy): number {
  const shortest = shortestMs(bindLimits(policy), 'accepted', 'head', 'idle')
  return Math.min(shortest, policy.minIdleMs || longestNoteAfterMs, longestNoteAfterMs) / 2
}

function lookEvery(limits: Limits): LookEvery {
  // A twentieth of a limit is half of what it may be late.
  const part = (ms: number) => Math.min(ms, 10_000) / 20
  return {
    headMs: Math.max(part(shortestMs(limits, 'head')), againMs),
    requestMs: Math.max(part(shortestMs(limits, 'body', 'handling', 'writing', 'streaming', 'discarding')), 50),
  }
}

/** A peer that the application has spoken of, a connection that the kernel shows, or both. */
export interface Peer extends Note {
  readonly name: string
  record: TrackedSocket | null
  /** When its first request was noted, if its connection had not been found by then. */
  firstAt: number
  /** Begun, of those that were noted. */
  requests: number
  /** It came when all were busy: its first request is to be answered 503. */
  surplus: boolean
  /** An answer has said that it is the connection's last. */
  last: boolean
  /** And the runtime ends the connection with it. */
  endsItself: boolean
}

const freshPeer = (name: string): Peer => ({
  ...freshNote(),
  name,
  record: null,
  firstAt: Number.POSITIVE_INFINITY,
  requests: 0,
  surplus: false,
  last: false,
  endsItself: false,
})

/** Of the reasons that are said, the ledger meets one: an unfinished head. */
const refusal = (status: number): string =>
  `HTTP/1.1 ${status} Request Timeout\r\nDate: ${new Date().toUTCString()}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`

interface Found {
  readonly fd: number
  readonly cookie: number
  /** What `Kernel.events` calls it. */
  readonly id: number
  readonly peer: Peer
  readonly connection: Connection
  readonly reading: Reading
}

export class TrackedSocket implements Member {
  readonly connection: Connection
  readonly fd: number
  readonly cookie: number
  readonly id: number
  readonly peer: Peer
  readonly reading: Reading
  lookAt = 0
  parkedIn: Set<Member> | null = null
  /** The kernel tells of bytes on it. */
  watched = false
  /** Until when nothing had come, when something has that has not been looked at yet. */
  quietUntil: number | null = null
  lookedAt: number
  /** Its last look came late. */
  wasLate = false
  /** A request of it that may not be noted yet was asked for, in the state that began then. */
  asked: { readonly since: number; readonly at: number } | null = null
  readonly #ledger: Ledger
  /** Looks in a row that saw bytes come, of HTTP/2: a request among them may not have been handed over yet. */
  stirrings = 0
  /** Bytes without a request have been seen, and have not been looked at again yet. */
  #headSeen = false
  #sample: Sample = { received: 0, taken: 0, unsent: 0, wanted: false }

  constructor(ledger: Ledger, now: number, { fd, cookie, id, peer, connection, reading }: Found) {
    this.#ledger = ledger
    this.fd = fd
    this.cookie = cookie
    this.id = id
    this.peer = peer
    this.connection = connection
    this.reading = reading
    this.lookedAt = now
  }

  sample(now: number): Sample {
    const { connection, reading, peer } = this
    const snapshot = this.#ledger.lookAt(this)
    if (snapshot === null) {
      connection.end('gone', now)
      return this.#sample
    }
    if (!connection.isEnded) {
      const quietUntil = this.quietUntil ?? this.lookedAt
      this.stirrings = peer.http2 && snapshot.received > reading.seen.received ? this.stirrings + 1 : 0
      reading.read(connection, figuresOf(snapshot, now), peer, quietUntil, now)
      if (peer.last && peer.owed === 0 && !connection.busy) this.#ledger.finish(this, now)
    }
    this.quietUntil = null
    this.wasLate = this.lookAt > 0 && now - this.lookAt >= lateMs
    this.lookedAt = now
    this.lookAt = this.#nextLook(now)
    const { received, unsent } = snapshot
    const { wanted = false, content } = (connection.owesAnswer && peer.body) || {}
    const { taken, seen } = reading
    // Of HTTP/2 bytes are no head.
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

  #nextLook(now: number): number {
    const due = Math.max(this.connection.dueAt, now + 1)
    return Math.min(due, now + this.#lookAgainMs())
  }

  /** How soon to look again at what nobody tells of. */
  #lookAgainMs(): number {
    const { connection, peer, watched } = this
    const { every } = this.#ledger
    const headSeen = this.#headSeen
    this.#headSeen = connection.state === 'head'
    switch (connection.state) {
      case 'handshake':
      case 'accepted':
      case 'idle':
      case 'upgraded':
        return watched ? Number.POSITIVE_INFINITY : unwatchedMs
      case 'head':
        return headSeen ? every.headMs : againMs
      case 'closing':
        return settleMs
      default:
        return peer.owed === 0 ? settleMs : every.requestMs
    }
  }

  spared(reason: ReasonName, now: number): boolean {
    return this.#ledger.spared(this, reason, now)
  }

  refuseBody(reason: ReasonName, now: number): boolean {
    return this.#ledger.refuseBody(this, reason, now)
  }

  say(status: number, now: number): boolean {
    return this.#ledger.say(this, status, now)
  }

  linger(_: number, now: number): void {
    this.#ledger.linger(this, now)
  }

  end(now: number): void {
    this.#ledger.end(this, now)
  }

  reset(now: number): void {
    this.#ledger.reset(this, now)
  }

  drop(): void {
    this.#ledger.drop(this)
  }

  cut(): void {
    this.#ledger.cut(this)
  }
}

export class Ledger {
  readonly policy: Policy
  readonly every: LookEvery
  readonly book: Connections<TrackedSocket>
  /** Requests that came while their connection was being ended: the client was not answered. */
  closeRaces = 0
  readonly #options: LedgerOptions
  readonly #kernel: Kernel
  readonly #peers = new Map<string, Peer>()
  /** Of whom no connection is known. */
  readonly #unfound = new Set<Peer>()
  readonly #byFd = new Map<number, TrackedSocket>()
  readonly #byId = new Map<number, TrackedSocket>()
  readonly #snapshot = emptySnapshot()
  readonly #abortsBefore: number | null
  /** See `finishSoon`; with each what its client had acknowledged at the last look. */
  readonly #finishing = new Map<Peer, number>()
  #lastId = 0
  #strangers = 0
  #notedAt = Number.NEGATIVE_INFINITY

  constructor(options: LedgerOptions) {
    this.#options = options
    this.#kernel = options.kernel
    this.policy = options.policy
    this.#abortsBefore = options.kernel.abortsOnData()
    this.book = new Connections<TrackedSocket>({
      policy: options.policy,
      clock: options.clock,
      random: options.random,
      onHangUp: options.onHangUp,
      sliceMs,
      ...(options.budget && { budget: options.budget }),
      ...(options.onShortage && { onShortage: options.onShortage }),
      ...(options.discover && { discover: options.discover }),
    })
    this.every = lookEvery(this.book.limits)
  }

  /**
   * The application has a request of `peer` (see `peerName`), since `startedAt` if it is noted late. What is returned is for
   * `finished`: a name can pass to another connection.
   */
  started(peer: string, body: IncomingBody | null = null, startedAt: number = this.#options.clock.now()): Peer {
    let known = this.#peers.get(peer)
    if (known === undefined) {
      known = freshPeer(peer)
      known.firstAt = startedAt
      this.#peers.set(peer, known)
      this.#admit(known, this.#options.clock.now())
      this.#unfound.add(known)
      this.#strangers += 1
    }
    if (known.owed === 0) {
      this.#options.threads?.claim(peer)
      known.startedAt = startedAt
      known.begunAt = Number.POSITIVE_INFINITY
    }
    known.latestAt = startedAt
    known.requests += 1
    known.owed += 1
    known.body = body
    return known
  }

  /** The application has begun an answer that comes piece by piece: how long it is quiet counts from now on. */
  began(peer: Peer): void {
    peer.begunAt = Math.min(peer.begunAt, this.#options.clock.now())
  }

  /** The application is done with it: the answer is with the runtime, or out. */
  finished(peer: Peer): void {
    peer.owed -= 1
    if (peer.owed > 0) return
    peer.rounds += 1
    peer.finishedAt = this.#options.clock.now()
    const { record } = peer
    // One that is parked has been stirred, and is about to be looked at.
    if (record !== null && record.parkedIn === null) record.lookAt = Math.min(record.lookAt, peer.finishedAt + settleMs)
  }

  /** An answer is about to say that it is its connection's last. `endsItself`: the runtime ends the connection with it. */
  lastAnswer(peer: Peer, endsItself = false): void {
    peer.last = true
    peer.endsItself = endsItself
    // What the handshake sends looks like an answer: nothing but its descriptor tells this connection from the port's next.
    if (this.#options.secure && !endsItself && peer.record === null) this.#options.discover?.()
  }

  /**
   * Whether a request that has come is of a connection whose last answer is out: no answer comes after the last. Its port may
   * have become a new connection's, which knows nothing of that. Null: it can't be told before the next walk.
   */
  wasLast(name: string): boolean | null {
    const peer = this.#peers.get(name)
    if (!peer?.last) return false
    if (peer.endsItself && peer.owed === 0) {
      if (peer.record !== null) this.gone(peer.record)
      this.#forget(peer)
      return false
    }
    if (peer.record === null) this.#options.discover?.()
    const { record } = peer
    if (record === null) return this.#peers.get(name) === peer ? null : false
    const snapshot = this.lookAt(record)
    const isSame = snapshot !== null && snapshot.state !== TCP_CLOSE
    // By the time of a request that came after it the last answer is out.
    const isUnanswered = peer.owed === 0 && !this.#options.secure && snapshot?.acked === 0 && snapshot.unsent === 0
    if (isSame && !isUnanswered) return true
    if (this.#holds(record)) this.gone(record)
    this.#forget(peer)
    return false
  }

  /** Its client has ended it, or the kernel has. */
  isGone(peer: Peer): boolean {
    if (peer.record === null) this.#options.discover?.()
    const { record } = peer
    return record !== null && this.lookAt(record)?.state !== TCP_ESTABLISHED
  }

  /** From now on no limit of HTTP holds for it. */
  upgraded(peer: Peer): void {
    peer.upgraded = true
  }

  /** What the kernel counted since the beginning, in this network namespace: see `Kernel.abortsOnData`. */
  abortsOnData(): number | null {
    const now = this.#kernel.abortsOnData()
    return now === null || this.#abortsBefore === null ? null : now - this.#abortsBefore
  }

  /** Peers that spoke before their connection was found, since the last time this was asked. */
  takeStrangers(): number {
    const strangers = this.#strangers
    this.#strangers = 0
    return strangers
  }

  /** A walk has not gone as far as these descriptors. */
  checkFrom(fd: number): void {
    for (const record of this.#byFd.values()) if (record.fd >= fd) this.lookAt(record)
  }

  /** A walk that began then has come to its end: whoever was answered before, and was not found, is gone. */
  walked(beganAt: number): void {
    for (const peer of this.#unfound) {
      if (peer.owed > 0 || peer.finishedAt >= beganAt) continue
      this.#unfound.delete(peer)
      this.#forget(peer)
    }
  }

  at(fd: number): TrackedSocket | undefined {
    return this.#byFd.get(fd)
  }

  /** The descriptor is free, or another's. */
  closed(fd: number): void {
    const record = this.#byFd.get(fd)
    if (record !== undefined) this.gone(record)
  }

  /** A connection of ours that was not there before. */
  found(fd: number, cookie: number, remote: Address, now: number): void {
    this.closed(fd)
    const name = peerName(remote.host, remote.port)
    if (this.#options.threads?.isOurs(name) === false) return
    const snapshot = this.#snapshot
    if (!this.#kernel.look(fd, snapshot)) return
    const seen = figuresOf(snapshot, now)
    // Nothing has gone out: the kernel's clock still runs from the handshake of TCP.
    const untouched = seen.acked === 0 && seen.unsent === 0
    const acceptedAt = untouched ? seen.sentAt : Math.min(seen.sentAt, seen.receivedAt)
    const peer = this.#peerOf(name, untouched ? acceptedAt : Number.NEGATIVE_INFINITY, untouched, now)
    const { secure, notes } = this.#options
    // Whoever has spoken before was counted then.
    if (peer.requests === 0) this.#admit(peer, now)
    // One that is found when it has been at work for a while is as old as its first request.
    const bornAt = Math.min(acceptedAt, peer.firstAt, peer.owed > 0 ? peer.startedAt : acceptedAt)
    const connection = this.book.begin(secure ? 'handshake' : 'accepted', bornAt)
    const reading = new Reading({ ...seen, acked: 0, received: 0, segmentsIn: 0, sentAt: bornAt }, notes, this.policy)
    this.#lastId += 1
    const record = new TrackedSocket(this, now, { fd, cookie, id: this.#lastId, peer, connection, reading })
    record.quietUntil = bornAt
    peer.record = record
    this.#unfound.delete(peer)
    this.#byFd.set(fd, record)
    this.#byId.set(record.id, record)
    this.book.add(record)
    record.watched = this.#kernel.watch(fd, record.id)
  }

  /** Connections that are known, if only by what the application says of them. */
  get open(): number {
    return this.book.size + this.#unfound.size
  }

  /** Under `maxConnections`: whether there is room for it, or room could be made. */
  #admit(peer: Peer, now: number): void {
    const { maxConnections } = this.policy
    const elsewhere = this.#options.threads?.openElsewhere ?? 0
    const full = maxConnections !== 0 && this.open + elsewhere >= maxConnections
    peer.surplus = full && !this.book.makeRoom(now)
  }

  /** A client's port can be a new connection's while the application still works for the one before. */
  #peerOf(name: string, acceptedAt: number, untouched: boolean, now: number): Peer {
    const known = this.#peers.get(name)
    if (known?.record) this.gone(known.record)
    if (known !== undefined && this.#peers.get(name) === known && known.latestAt >= acceptedAt - tickMs) {
      const isOut = known.last && known.owed === 0 && now - known.finishedAt > tickMs
      if (!isOut || !untouched || this.#options.secure) return known
      // Nothing has gone out on it, and the last answer has: the port is another connection's by now.
    }
    const fresh = freshPeer(name)
    this.#peers.set(name, fresh)
    return fresh
  }

  #forget(peer: Peer): void {
    if (this.#peers.get(peer.name) !== peer) return
    this.#peers.delete(peer.name)
    if (peer.requests > 0) this.#options.threads?.release(peer.name)
  }

  gone(record: TrackedSocket): void {
    this.book.remove(record)
    this.#byId.delete(record.id)
    if (this.#byFd.get(record.fd) === record) this.#byFd.delete(record.fd)
    const { peer } = record
    if (peer.record !== record) return
    peer.record = null
    peer.firstAt = Number.POSITIVE_INFINITY
    // What it has said since the last look may be of another connection, which has not been found.
    if (peer.owed > 0 || (peer.latestAt > record.lookedAt && !peer.last)) this.#unfound.add(peer)
    else this.#forget(peer)
  }

  /** Something happened on these; until `quietUntil` nothing had. */
  stirred(ids: readonly number[], quietUntil: number, now: number): void {
    for (const id of ids) {
      const record = this.#byId.get(id)
      if (record === undefined) continue
      record.quietUntil ??= quietUntil
      // What is in a request is looked at anyway.
      if (record.connection.owesAnswer && record.peer.owed > 0) continue
      const lookAt = Math.max(now, Math.min(record.lookAt, record.lookedAt + stirredEveryMs))
      if (lookAt >= record.lookAt) continue
      record.lookAt = lookAt
      this.book.wake(record)
    }
  }

  #noteNow(now: number): void {
    if (this.#notedAt === now) return
    this.#notedAt = now
    this.#options.noteNow?.()
  }

  #holds(record: TrackedSocket): boolean {
    return this.#byFd.get(record.fd) === record
  }

  /** Null: the descriptor is another's by now, or nobody's; or the connection is another thread's. */
  lookAt(record: TrackedSocket): Snapshot | null {
    const { fd, cookie, peer } = record
    const isOurs = this.#options.threads?.isOurs(peer.name) !== false
    if (isOurs && this.#kernel.cookie(fd) === cookie && this.#kernel.look(fd, this.#snapshot)) return this.#snapshot
    this.gone(record)
    return null
  }

  /**
   * The application may have a request of it that is not noted yet: on another thread, or here, where the event loop has been
   * blocked for longer than a request protects itself.
   */
  #mayBeUnnoted(record: TrackedSocket, now: number): boolean {
    const { threads, notedUntil } = this.#options
    const { connection, reading, peer } = record
    const isElsewhere = threads !== undefined && !threads.alone && !threads.isClaimed(peer.name)
    const until = Math.min(notedUntil?.() ?? now, isElsewhere ? threads.notedUntil : now)
    if (reading.seen.receivedAt + tickMs < until) return false
    // Of a head that trickles in the last byte is always too young. What was whole when it was asked for is noted by now.
    if (record.asked?.since !== connection.since) record.asked = { since: connection.since, at: now }
    if (record.asked.at < until) return false
    this.#noteNow(now)
    if (isElsewhere) threads.ask()
    this.#wakeAt(record, now + 1)
    return true
  }

  /** The loop was blocked, or bytes wait to be read: the runtime reads, and hands over, before the next look. */
  #mayBeUnread(record: TrackedSocket, now: number): boolean {
    if (record.connection.refusedAt !== null) return false
    if (!record.wasLate && this.#kernel.queued(record.fd) <= 0) return false
    this.#wakeAt(record, now + 1)
    return true
  }

  /** Asked before it is closed: whether it has a request by now, or is gone. */
  spared(record: TrackedSocket, reason: ReasonName, now: number): boolean {
    const { connection } = record
    // In a sweep it has been looked at just now.
    const snapshot = record.lookedAt === now ? null : this.lookAt(record)
    if (!this.#holds(record)) return true
    // What the kernel itself has counted is a reason to reset. For silence our own pause may be to blame.
    if (connection.busy) return reasons[reason].act !== 'reset' && this.#mayBeUnread(record, now)
    if (!waiting.includes(connection.state)) return false
    if (record.connection.state === 'head') this.#noteNow(now)
    const { received, unsent } = snapshot ?? record.reading.seen
    if (record.peer.owed > 0 || unsent > 0) return true
    if (received === record.reading.seen.received && this.#kernel.queued(record.fd) === 0) {
      if (record.stirrings > 0 && record.stirrings <= mostStirrings) {
        this.#wakeAt(record, now + 1)
        return true
      }
      return this.#mayBeUnnoted(record, now)
    }
    this.#wakeAt(record, now)
    return true
  }

  /** It may be parked: who is hung up on for room, or in a drain, is not due yet. */
  #wakeAt(record: TrackedSocket, lookAt: number): void {
    record.lookAt = lookAt
    this.book.wake(record)
  }

  refuseBody({ connection, peer }: TrackedSocket, reason: ReasonName, now: number): boolean {
    const { refuse } = this.#options
    if (refuse === undefined) return false
    connection.refuseBody(now)
    refuse(peer, reason)
    return true
  }

  /** Past the runtime, which has nothing to write; over TLS that can't be. */
  say(record: TrackedSocket, status: number, now: number): boolean {
    if (this.#options.secure) return false
    this.#ended(record, now, lingerMs(this.policy))
    this.#kernel.say(record.fd, refusal(status))
    this.#kernel.finish(record.fd)
    return true
  }

  /**
   * The answer is out and the client still sends: a whole end now would be RST over it. It lingers anew,
   * because the runtime reads on, and what it has read by now nobody can tell.
   */
  linger(record: TrackedSocket, now: number): void {
    this.#ended(record, now, lingerMs(this.policy))
    this.#kernel.finish(record.fd)
  }

  end(record: TrackedSocket, now: number): void {
    this.#ended(record, now, lingerMs(this.policy))
    this.#kernel.shut(record.fd)
    if (this.#kernel.queued(record.fd) > 0) this.closeRaces += 1
  }

  reset(record: TrackedSocket, now: number): void {
    this.#ended(record, now, lingerMs(this.policy))
    this.#kernel.reset(record.fd)
  }

  /** Its runtime, or its client, does not let go. */
  drop({ fd }: TrackedSocket): void {
    this.#kernel.reset(fd)
  }

  #ended(record: TrackedSocket, now: number, forMs: number): void {
    record.connection.end('ended', now, forMs)
    this.#wakeAt(record, now + settleMs)
  }

  /**
   * Its last answer is out, and its runtime keeps it. Only what we send ends if the client is still sending: a whole end
   * would be RST over the answer.
   */
  finish({ connection, fd }: TrackedSocket, now: number): void {
    const whole = connection.state !== 'discarding' && this.#kernel.queued(fd) === 0
    connection.end('ended', now)
    if (whole) this.#kernel.shut(fd)
    else this.#kernel.finish(fd)
  }

  /**
   * Descriptors are short, and its answer, which the runtime has whole and keeps the connection after, said that it is the
   * last: it ends as soon as nothing waits and nothing has gone out between two looks.
   */
  finishSoon(peer: Peer): void {
    this.#finishing.set(peer, -1)
    if (this.#finishing.size === 1) this.#finishLater()
  }

  /** Its answer has failed, and an orderly end would look like the answer's: reset as soon as what was sent has been taken. */
  async resetSoon(peer: Peer): Promise<void> {
    const until = this.#options.clock.now() + settleMs
    for (;;) {
      if (peer.record === null) this.#options.discover?.()
      const { record } = peer
      const snapshot = record && this.lookAt(record)
      const isLate = this.#options.clock.now() >= until
      if (record !== null && (snapshot?.unsent === 0 || isLate)) {
        if (snapshot !== null) this.#kernel.reset(record.fd)
        return
      }
      if (isLate) return
      await new Promise<void>((resolve) => this.#options.clock.after(outMs, resolve))
    }
  }

  #finishLater(): void {
    this.#options.clock.after(outMs, () => {
      const now = this.#options.clock.now()
      for (const { record } of this.#finishing.keys()) {
        if (record !== null) continue
        this.#options.discover?.()
        break
      }
      for (const [peer, acked] of this.#finishing) {
        const { record, owed, finishedAt } = peer
        if (owed > 0 || record === null || record.connection.isEnded) {
          // Found by a walk that is yet to come, perhaps.
          if (owed > 0 || record !== null || now - finishedAt > settleMs) this.#finishing.delete(peer)
          continue
        }
        const snapshot = this.lookAt(record)
        if (snapshot !== null && (snapshot.unsent > 0 || snapshot.acked === 0 || snapshot.acked !== acked)) {
          this.#finishing.set(peer, snapshot.acked)
          if (now - finishedAt <= settleMs) continue
        } else if (snapshot !== null) {
          this.finish(record, now)
          this.#wakeAt(record, now + settleMs)
        }
        this.#finishing.delete(peer)
      }
      if (this.#finishing.size > 0) this.#finishLater()
    })
  }

  cut(record: TrackedSocket): void {
    if (this.#kernel.cookie(record.fd) !== record.cookie) this.gone(record)
    else if (record.connection.busy) this.#kernel.reset(record.fd)
    else this.#kernel.shut(record.fd)
  }
}
