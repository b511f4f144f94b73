/**
 * The connections to one upstream: kept while they are fresh, opened up to a limit, and a queue
 * above it.
 */
import type { Connect, ConnectTo } from '../../net/transport.ts'
import type { UpstreamOptions } from '../config/settings/limits.ts'
import { type FailureName, UpstreamError } from '../errors.ts'
import { AfterAnswers, type Surplus } from './after-answers.ts'
import { type Owner, UpstreamConnection } from './connection.ts'
import { FairQueue } from './fair-queue.ts'
import type { Upstream, Want } from './upstream.ts'

/**
 * An upstream that has answered within this time is not about to close; nearly every round trip is
 * shorter.
 */
const justUsedMs = 250

interface Waiting {
  readonly want: Want
  readonly until: number
}

interface Dial {
  readonly controller: AbortController
  readonly until: number
}

export class Pool implements Owner, Upstream {
  readonly now: () => number
  readonly #to: ConnectTo
  readonly #connect: Connect
  #options: UpstreamOptions
  /** Last in, first out, so that the others grow old and close. */
  readonly #idle: UpstreamConnection[] = []
  /** Those on which surplus bytes may follow the response. */
  readonly #resting: UpstreamConnection[] = []
  readonly #after: AfterAnswers
  /** Each knows its place. */
  readonly #busy: UpstreamConnection[] = []
  readonly #dials = new Set<Dial>()
  readonly #queue = new FairQueue<Waiting>()
  /** Some of the queue wait for a descriptor, not for a connection. */
  #isShort = false
  #closed = false
  /** Connections since the start. */
  opened = 0

  /**
   * `onSurplus`: the upstream sends more than its responses, or a body with those to HEAD. Called
   * once for each.
   */
  constructor(
    to: ConnectTo,
    connect: Connect,
    options: UpstreamOptions,
    now: () => number,
    onSurplus: (behind: Surplus) => void = () => {},
  ) {
    this.#to = to
    this.#connect = connect
    this.#options = options
    this.now = now
    this.#after = new AfterAnswers(onSurplus)
  }

  set options(options: UpstreamOptions) {
    this.#options = options
  }

  get idle(): number {
    return this.#idle.length + this.#resting.length
  }

  get busy(): number {
    return this.#busy.length
  }

  get connecting(): number {
    return this.#dials.size
  }

  get queued(): number {
    return this.#queue.length
  }

  /** Closed, and nothing of it is in use any more. */
  get finished(): boolean {
    return this.#closed && this.#size === 0 && this.#queue.length === 0
  }

  get #size(): number {
    return this.#idle.length + this.#resting.length + this.#busy.length + this.#dials.size
  }

  acquire(want: Want): void {
    const { upstreamMaxConnections, upstreamMaxQueued, upstreamQueueTimeoutMs } = this.#options
    if (want.preamble === null && !want.fresh) {
      const connection = this.#take(want.careful)
      if (connection !== null) {
        this.#occupy(connection)
        want.onConnection(connection)
        return
      }
    }
    const until = upstreamQueueTimeoutMs === 0 ? Number.POSITIVE_INFINITY : this.now() + upstreamQueueTimeoutMs
    const waiting = { want, until }
    if (upstreamMaxConnections === 0 || this.#size < upstreamMaxConnections) this.#dial(waiting)
    else if (this.#idle.length + this.#resting.length > 0) {
      // None of the idle ones will do: the oldest makes room.
      const oldest = this.#idle.shift() ?? this.#resting.shift()
      oldest?.close()
      this.#dial(waiting)
    } else {
      const tooMany = this.#queue.push(waiting, upstreamMaxQueued)?.want
      if (tooMany?.gone === false) tooMany.onRefused(new UpstreamError('queue-full'))
    }
  }

  release(connection: UpstreamConnection): void {
    this.#vacate(connection)
    // It has just become idle: no need to read the clock again.
    const restMs = this.#after.restMs(connection.headAnswer)
    // A connection that would have to rest makes room for a request that waits.
    const inTheWay = restMs > 0 && (this.#queue.length > 0 || restMs === Number.POSITIVE_INFINITY)
    if (this.#closed || inTheWay || this.#isOld(connection, connection.idleSince)) {
      connection.close()
      this.#next()
      return
    }
    if (restMs > 0) {
      connection.restUntil = connection.idleSince + restMs
      this.#resting.push(connection)
      return
    }
    const waiting =
      this.#queue.length === 0
        ? null
        : this.#queue.take(({ want }) => !want.gone && want.preamble === null && !want.fresh)
    if (waiting === null) {
      this.#idle.push(connection)
      if (this.#queue.length > 0) this.#next()
      return
    }
    this.#occupy(connection)
    waiting.want.onConnection(connection)
  }

  remove(connection: UpstreamConnection): void {
    const known =
      this.#vacate(connection) || removeFrom(this.#idle, connection) || removeFrom(this.#resting, connection)
    if (known) this.#next()
  }

  surplus(behind: Surplus): void {
    this.#after.spoke(behind)
  }

  /** Deadlines of everything here. */
  tick(now: number): void {
    // Most of ten thousand pools.
    if (this.#size === 0 && this.#queue.length === 0) return
    // From the end: one that fails leaves its place to the last.
    for (let at = this.#busy.length - 1; at >= 0; at--) this.#busy[at]?.tick(now)
    if (this.#resting.length > 0) this.#wake(now)
    while (this.#idle.length > 0 && this.#isOld(this.#idle[0]!, now)) this.#idle.shift()?.close()
    for (const dial of this.#dials) if (now >= dial.until) dial.controller.abort(new UpstreamError('connect-timeout'))
    if (this.#queue.length === 0) return
    const late = this.#queue.takeAll(({ until, want }) => now >= until || want.gone)
    for (const { want } of late) if (!want.gone) want.onRefused(new UpstreamError('queue-timeout'))
    if (this.#isShort) {
      this.#isShort = false
      const first = this.#queue.take()
      if (first !== null) this.#dial(first)
    }
  }

  /** Closes idle connections; those in use end with their responses. */
  close(): void {
    this.#closed = true
    for (const connection of this.#idle.splice(0)) connection.close()
    for (const connection of this.#resting.splice(0)) connection.close()
  }

  /**
   * Moves those that were silent for long enough to the idle ones, which are in the order of their
   * last responses.
   */
  #wake(now: number): void {
    for (const connection of this.#resting.filter(({ restUntil }) => now >= restUntil)) {
      removeFrom(this.#resting, connection)
      const { headAnswer } = connection
      if (!connection.usable) {
        connection.close()
        continue
      }
      if (headAnswer !== null) this.#after.silent(headAnswer)
      let at = this.#idle.length
      while (at > 0 && this.#idle[at - 1]!.idleSince > connection.idleSince) at -= 1
      this.#idle.splice(at, 0, connection)
    }
  }

  #occupy(connection: UpstreamConnection): void {
    connection.busyAt = this.#busy.push(connection) - 1
  }

  /** Returns whether it was busy. */
  #vacate(connection: UpstreamConnection): boolean {
    const { busyAt } = connection
    if (busyAt < 0) return false
    connection.busyAt = -1
    const last = this.#busy.pop()!
    if (last === connection) return true
    this.#busy[busyAt] = last
    last.busyAt = busyAt
    return true
  }

  #take(careful: boolean): UpstreamConnection | null {
    const now = careful ? this.now() : 0
    for (let connection = this.#idle.at(-1); connection !== undefined; connection = this.#idle.at(-1)) {
      // A request that can't be sent twice never takes a connection on which a foreign response may
      // be on its way.
      const doubtful = connection.headAnswer !== null || this.#after.doubtful
      if (careful && (doubtful || now - connection.idleSince > justUsedMs)) return null
      this.#idle.pop()
      if (connection.usable) return connection
      connection.close()
    }
    return null
  }

  #isOld(connection: UpstreamConnection, now: number): boolean {
    const { upstreamMaxRequestsPerConnection: maxRequests, upstreamMaxConnectionAgeMs: maxAgeMs } = this.#options
    if (maxRequests !== 0 && connection.requests >= maxRequests) return true
    if (maxAgeMs !== 0 && now - connection.openedAt >= maxAgeMs) return true
    return connection.idleMs !== 0 && now - connection.idleSince >= connection.idleMs
  }

  /** Connects for those that wait, as far as there is room. */
  #next(): void {
    const { upstreamMaxConnections } = this.#options
    while (this.#queue.length > 0 && (upstreamMaxConnections === 0 || this.#size < upstreamMaxConnections)) {
      const waiting = this.#queue.take()
      if (waiting !== null && !waiting.want.gone) this.#dial(waiting)
    }
  }

  #dial(waiting: Waiting): void {
    const { want } = waiting
    const { upstreamConnectTimeoutMs, upstreamIdleTimeoutMs } = this.#options
    const controller = new AbortController()
    const until = upstreamConnectTimeoutMs === 0 ? Number.POSITIVE_INFINITY : this.now() + upstreamConnectTimeoutMs
    const dial: Dial = { controller, until }
    this.#dials.add(dial)
    let connection: UpstreamConnection | undefined
    const to = want.preamble === null ? this.#to : { ...this.#to, preamble: want.preamble }
    this.#connect(
      to,
      (transport) => {
        connection = new UpstreamConnection(transport, this, upstreamIdleTimeoutMs)
        connection.single = want.preamble !== null
        return connection
      },
      controller.signal,
    ).then(
      () => {
        this.#dials.delete(dial)
        if (connection === undefined) throw new Error('connected without a transport')
        connection.idleSince = this.now()
        this.opened += 1
        if (!connection.usable) this.#refuse(want, 'ended')
        else if (!want.gone) {
          this.#occupy(connection)
          want.onConnection(connection)
        } else if (connection.single) connection.close()
        else this.release(connection)
      },
      (error: unknown) => {
        this.#dials.delete(dial)
        if (isShortage(error)) this.#waitForRoom(waiting)
        else this.#refuse(want, error instanceof UpstreamError ? error.code : causeOf(error), error)
      },
    )
  }

  /** If nothing here could end the shortage, waiting would hold the client's descriptor, too. */
  #waitForRoom(waiting: Waiting): void {
    if (this.#size === 0 || this.#options.upstreamMaxQueued === 0) {
      this.#refuse(waiting.want, 'queue-full')
      return
    }
    this.#queue.putBack(waiting)
    this.#isShort = true
  }

  #refuse(want: Want, code: FailureName, cause?: unknown): void {
    if (!want.gone) want.onRefused(new UpstreamError(code, { cause }))
    this.#next()
  }
}

function removeFrom(list: UpstreamConnection[], connection: UpstreamConnection): boolean {
  const at = list.indexOf(connection)
  if (at >= 0) list.splice(at, 1)
  return at >= 0
}

/** This process, or the machine, has no descriptor left. */
function isShortage(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EMFILE' || code === 'ENFILE'
}

/** Errors of the system are about the connection, all others about TLS. */
function causeOf(error: unknown): FailureName {
  const { syscall, code = '' } = error as NodeJS.ErrnoException
  const ofSystem = syscall !== undefined || /^E[A-Z]+$/.test(code) || /^Connection/.test((error as Error)?.name ?? '')
  return ofSystem ? 'connect' : 'tls'
}
