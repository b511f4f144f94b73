/**
 * The kernel ledger: a table of the connections of our listeners, kept from two sources only, the
 * kernel's snapshots and what the application says of requests. For a runtime whose own server
 * shows no connections and closes none.
 *
 * On the request's path are `started` and `finished`, which write down two numbers; what they mean
 * is found out when a connection is looked at next.
 */
import type { ServerClock } from '../lifecycle/clock.ts'
import { Connections, type ConnectionsObserver } from '../lifecycle/connections.ts'
import type { Budget, Shortage } from '../lifecycle/descriptor-budget.ts'
import type { Limits } from '../lifecycle/limits.ts'
import type { ReasonName } from '../lifecycle/reasons.ts'
import { ChangedLimits } from '../lifecycle/request-limits.ts'
import type { Policy } from '../policy/policy.ts'
import type { Kernel } from './kernel.ts'
import { LastWords } from './last-words.ts'
import { type Address, emptySnapshot, peerName, TCP_CLOSE, TCP_ESTABLISHED } from './layout.ts'
import { figuresOf, type IncomingBody, type Notes, Reading, settleMs, tickMs } from './observe.ts'
import { noteFinished, noteStarted, type Peer, Peers } from './peers.ts'
import { Reserve } from './reserve.ts'
import { firstSliceMs, lookEvery, sliceMs } from './schedule.ts'
import type { Threads } from './threads.ts'
import { TrackedSocket, type Tracking } from './tracked-socket.ts'

export interface LedgerOptions {
  readonly policy: Policy
  readonly kernel: Kernel
  /** Its timers should not keep the process alive: see `backgroundClock`. */
  readonly clock: ServerClock
  readonly random: () => number
  /**
   * The listener speaks TLS. Then every request has to be noted: what the handshake sends looks
   * like a response.
   */
  readonly secure: boolean
  readonly notes: Notes
  /**
   * For `late`: notes every request in flight that is not noted yet. Asked before an unfinished
   * head is closed: a head that was finished at the last moment looks no different.
   */
  readonly noteNow?: (() => void) | undefined
  /**
   * All requests that came before have been noted, or answered. Default: no request is ever noted
   * late.
   */
  readonly notedUntil?: (() => number) | undefined
  /** Told once for each connection that is closed by the policy. */
  readonly onClosed: (reason: ReasonName) => void
  /**
   * Answers the requests of this peer in the application's place: what `reasons` says for it, and
   * then the connection is to end. Without it, or when it has not ended a second later, the
   * connection is ended without a response.
   */
  readonly refuse?: ((peer: Peer, reason: ReasonName) => void) | undefined
  /** Where several threads of this process serve on the same listener. */
  readonly threads?: Threads | undefined
  /** The process's descriptor budget: see `Connections`. */
  readonly budget?: Budget | null
  readonly onShortage?: ((shortage: Shortage) => void) | undefined
  /** Finds connections that are not known yet; true: all that there are. */
  readonly discover?: (() => boolean) | undefined
  readonly observer?: ConnectionsObserver | undefined
  /** The last of the reserved descriptors are for an operator. */
  readonly keepsReserve?: boolean | undefined
}

export class Ledger {
  readonly policy: Policy
  readonly connections: Connections<TrackedSocket>
  /** Requests that came while their connection was being ended: the client was not answered. */
  closeRaces = 0
  readonly #options: LedgerOptions
  readonly #kernel: Kernel
  readonly #tracking: Tracking
  readonly #peers: Peers
  readonly #byFd = new Map<number, TrackedSocket>()
  readonly #byId = new Map<number, TrackedSocket>()
  readonly #lastWords: LastWords
  readonly #reserve: Reserve | null
  readonly #snapshot = emptySnapshot()
  readonly #abortsBefore: number | null
  #lastId = 0
  #notedAt = Number.NEGATIVE_INFINITY

  constructor(options: LedgerOptions) {
    const { policy, kernel, clock, random, threads, secure, onClosed } = options
    this.#options = options
    this.#kernel = kernel
    this.policy = policy
    this.#abortsBefore = kernel.abortsOnData()
    this.#peers = new Peers(({ name }) => threads?.release(name))
    const { budget, keepsReserve = false } = options
    this.#reserve =
      budget && keepsReserve
        ? new Reserve({
            from: budget.brim,
            used: () => budget.used(this.open),
            knows: (peer) => this.#peers.knows(peer),
          })
        : null
    this.#lastWords = new LastWords(clock, () => options.discover?.())
    this.connections = new Connections<TrackedSocket>({
      policy,
      clock,
      random,
      onClosed,
      sliceMs,
      firstSliceMs,
      ...(options.budget && { budget: options.budget }),
      ...(options.onShortage && { onShortage: options.onShortage }),
      ...(options.discover && { discover: options.discover }),
      observer: options.observer,
    })
    this.#tracking = {
      policy,
      kernel,
      connections: this.connections,
      clock,
      every: lookEvery(this.connections.limits),
      secure,
      threads,
      snapshot: this.#snapshot,
      refuse: options.refuse,
      notedUntil: options.notedUntil,
      noteNow: (now) => this.#noteNow(now),
      gone: (socket) => this.gone(socket),
      isTracked: (socket) => this.#holds(socket),
      closeRaced: () => {
        this.closeRaces += 1
      },
    }
  }

  /**
   * The application has a request of `peer` (see `peerName`), since `startedAt` if it is noted
   * late. What is returned is for `finished`: a name can pass to another connection.
   */
  started(name: string, body: IncomingBody | null = null, startedAt: number = this.#options.clock.now()): Peer {
    let peer = this.#peers.of(name)
    if (peer === undefined) {
      peer = this.#peers.stranger(name, startedAt)
      this.#admit(peer, this.#options.clock.now())
      this.#peers.lost(peer)
    }
    if (peer.owed === 0) this.#options.threads?.claim(name)
    noteStarted(peer, body, startedAt)
    peer.socket?.asked(startedAt)
    return peer
  }

  /**
   * The application has begun a response that comes piece by piece: how long it is quiet counts
   * from now on.
   */
  began(peer: Peer): void {
    peer.begunAt = Math.min(peer.begunAt, this.#options.clock.now())
  }

  /** A route has changed the limits of one of its requests, which has been noted. */
  limit(peer: Peer, request: object, limits: Limits): void {
    peer.changed ??= new ChangedLimits()
    peer.changed.set(request, limits)
    peer.socket?.lookSoon(this.#options.clock.now())
  }

  /** The application is done with it: the response is with the runtime, or out. */
  finished(peer: Peer): void {
    if (!noteFinished(peer, this.#options.clock.now())) return
    const { socket } = peer
    // One that is parked is about to be looked at: see `asked`.
    if (socket !== null && socket.parkedIn === null) {
      socket.lookAt = Math.min(socket.lookAt, peer.finishedAt + settleMs)
    }
  }

  /**
   * A response is about to say that it is its connection's last. `endsItself`: the runtime ends the
   * connection with it.
   */
  lastAnswer(peer: Peer, endsItself = false): void {
    peer.last = true
    peer.endsItself = endsItself
    // What the handshake sends looks like a response: nothing but its descriptor tells this
    // connection from the port's next.
    if (this.#options.secure && !endsItself && peer.socket === null) this.#options.discover?.()
  }

  /**
   * Whether a request that has come is of a connection whose last response is out: no response
   * comes after the last. Its port may have become a new connection's, which knows nothing of that.
   * Null: it can't be told before the next walk.
   */
  wasLast(name: string): boolean | null {
    const peer = this.#peers.of(name)
    if (!peer?.last) return false
    if (peer.endsItself && peer.owed === 0) {
      if (peer.socket !== null) this.gone(peer.socket)
      this.#peers.forget(peer)
      return false
    }
    if (peer.socket === null) this.#options.discover?.()
    const { socket } = peer
    if (socket === null) return this.#peers.knows(peer) ? null : false
    const snapshot = socket.look()
    const isSame = snapshot !== null && snapshot.state !== TCP_CLOSE
    // By the time of a request that came after it the last response is out.
    const isUnanswered = peer.owed === 0 && !this.#options.secure && snapshot?.acked === 0 && snapshot.unsent === 0
    if (isSame && !isUnanswered) return true
    if (this.#holds(socket)) this.gone(socket)
    this.#peers.forget(peer)
    return false
  }

  /**
   * Its client has ended it, or the kernel has: one that was reset has no address by which it could
   * be found.
   */
  isGone(peer: Peer): boolean {
    const allAreKnown = peer.socket === null && (this.#options.discover?.() ?? false)
    const { socket } = peer
    return socket === null ? allAreKnown : socket.look()?.state !== TCP_ESTABLISHED
  }

  /** From now on no limit of HTTP holds for it. */
  upgraded(peer: Peer): void {
    peer.upgraded = true
  }

  /**
   * Descriptors are short, and its response, which the runtime has whole and keeps the connection
   * after, said that it is the last: it ends as soon as the response is out.
   */
  finishSoon(peer: Peer): void {
    this.#lastWords.finishSoon(peer)
  }

  /** Its response has failed: RST as soon as what was sent has been taken. */
  resetSoon(peer: Peer): Promise<void> {
    return this.#lastWords.resetSoon(peer)
  }

  /**
   * What the kernel counted since the beginning, in this network namespace: see
   * `Kernel.abortsOnData`.
   */
  abortsOnData(): number | null {
    const now = this.#kernel.abortsOnData()
    return now === null || this.#abortsBefore === null ? null : now - this.#abortsBefore
  }

  /** Connections that are known, if only by what the application says of them. */
  get open(): number {
    return this.connections.size + this.#peers.unfound
  }

  // What the scan says.

  /** Peers that spoke before their connection was found, since the last time this was asked. */
  takeStrangers(): number {
    return this.#peers.takeStrangers()
  }

  /** A walk has not gone as far as these descriptors. */
  checkFrom(fd: number): void {
    for (const socket of this.#byFd.values()) if (socket.fd >= fd) socket.look()
  }

  /**
   * A walk that began then has come to its end: a peer that was answered before, and was not found,
   * is gone.
   */
  walked(beganAt: number): void {
    this.#peers.walked(beganAt)
  }

  at(fd: number): TrackedSocket | undefined {
    return this.#byFd.get(fd)
  }

  /** The descriptor is free, or another's. */
  closed(fd: number): void {
    const socket = this.#byFd.get(fd)
    if (socket !== undefined) this.gone(socket)
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
    const connection = this.connections.begin(secure ? 'handshake' : 'accepted', bornAt)
    const reading = new Reading({ ...seen, acked: 0, received: 0, segmentsIn: 0, sentAt: bornAt }, notes, this.policy)
    this.#lastId += 1
    const id = this.#lastId
    const socket = new TrackedSocket(this.#tracking, now, { fd, cookie, id, peer, connection, reading, bornAt })
    this.#peers.found(peer, socket)
    this.#byFd.set(fd, socket)
    this.#byId.set(id, socket)
    this.connections.add(socket)
  }

  /** Something happened on these; until `quietUntil` nothing had. */
  stirred(ids: readonly number[], quietUntil: number, now: number): void {
    for (const id of ids) this.#byId.get(id)?.stirred(quietUntil, now)
  }

  gone(socket: TrackedSocket): void {
    // The descriptor is gone, and with it what would tell a FIN from a reset.
    socket.connection.blame('client', 'left')
    this.connections.remove(socket)
    this.#byId.delete(socket.id)
    if (this.#holds(socket)) this.#byFd.delete(socket.fd)
    const { peer } = socket
    if (peer.socket !== socket) return
    peer.socket = null
    peer.firstAt = Number.POSITIVE_INFINITY
    // What it has said since the last look may be of another connection, which has not been found.
    if (peer.owed > 0 || (peer.latestAt > socket.lookedAt && !peer.last)) this.#peers.lost(peer)
    else this.#peers.forget(peer)
  }

  /** Under `maxConnections`: whether there is room for it, or room could be made. */
  #admit(peer: Peer, now: number): void {
    const { maxConnections } = this.policy
    const elsewhere = this.#options.threads?.openElsewhere ?? 0
    const full = maxConnections !== 0 && this.open + elsewhere >= maxConnections
    peer.surplus = (full && !this.connections.makeRoom(now)) || this.#reserve?.refuses(peer) === true
  }

  /**
   * A client's port can be a new connection's while the application still works for the one before.
   */
  #peerOf(name: string, acceptedAt: number, untouched: boolean, now: number): Peer {
    const known = this.#peers.of(name)
    if (known?.socket) this.gone(known.socket)
    if (known !== undefined && this.#peers.knows(known) && known.latestAt >= acceptedAt - tickMs) {
      const isOut = known.last && known.owed === 0 && now - known.finishedAt > tickMs
      if (!isOut || !untouched || this.#options.secure) return known
      // Nothing has gone out on it, and the last response has: the port is another connection's by
      // now.
    }
    return this.#peers.fresh(name)
  }

  #noteNow(now: number): void {
    if (this.#notedAt === now) return
    this.#notedAt = now
    this.#options.noteNow?.()
  }

  #holds(socket: TrackedSocket): boolean {
    return this.#byFd.get(socket.fd) === socket
  }
}
