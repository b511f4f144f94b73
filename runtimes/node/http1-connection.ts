/**
 * One HTTP/1.1 connection of a `node:http` server: its events and counters become moves of the
 * lifecycle.
 */
import { type ServerResponse, STATUS_CODES } from 'node:http'
import { Socket } from 'node:net'
import { type BodyRefusal, statusOf } from '../../src/http1/body-refused.ts'
import type { Connection } from '../../src/lifecycle/connection.ts'
import type { Connections, Member } from '../../src/lifecycle/connections.ts'
import { type Description, peerText, routeOf } from '../../src/lifecycle/description.ts'
import { lingerMs } from '../../src/lifecycle/ending.ts'
import { isLast } from '../../src/lifecycle/last-answer.ts'
import type { Limits, Sample } from '../../src/lifecycle/limits.ts'
import type { ReasonName } from '../../src/lifecycle/reasons.ts'
import { ChangedLimits } from '../../src/lifecycle/request-limits.ts'
import type { Event } from '../../src/lifecycle/states.ts'
import type { Answered } from '../../src/observe/access.ts'
import type { Observer } from '../../src/observe/observer.ts'
import type { Policy } from '../../src/policy/policy.ts'
import { accessTo } from './access.ts'
import type { Outgoing } from './answer.ts'
import { type Body, hasBody, type Incoming } from './body.ts'
import type { AnswerWay } from './exchange.ts'
import type { HeldIncoming } from './held-incoming.ts'
import { type beginHearer, onceBegun, tellsOfBegin } from './message-begin.ts'
import { abort, gone } from './request.ts'
import { askResetEveryMs, duplicateOf, handleOf, isReset, resetTcp } from './reset.ts'
import { bytesPast } from './write-now.ts'

/** What the connections of one server have in common. */
export interface ServerContext {
  readonly policy: Policy
  readonly now: () => number
  readonly connections: Connections<NodeMember>
  /** Hears of the heads that begin on these connections, and wakes them. */
  readonly hearBegin: ReturnType<typeof beginHearer>
  readonly draining: () => boolean
  readonly observer: Observer
  /** Told of a bug of ours that has cost a client its connection. */
  readonly onBug: (error: Error) => void
}

/** A connection of either version of HTTP. */
export interface NodeMember extends Member, AnswerWay {
  /** It came when all were busy: what it asks is answered 503. */
  surplus: boolean
  /** Notes a request; returns whether the application may see it. */
  begin(incoming: Incoming, outgoing: Outgoing): boolean
  /** The request that has just begun has a body. */
  expect(body: Body): void
  /** A body became too large in its middle. */
  bodyTooLarge(body: Body): void
  /** The client has said that it sends no more. */
  clientEnded(): void
  /** The drain has begun: what is answered from now on is the last. */
  announce(): void
  /** Its closing phase has begun. */
  lastRequests?(): void
}

/** Where bytes decide a connection has to be looked at, which is not free. */
const lookEveryMs = 100
/** Where Node says when a head begins: blank lines in front of one are all that it leaves out. */
const lookIdleEveryMs = 1_000

export class Http1Connection implements NodeMember {
  readonly connection: Connection
  lookAt = 0
  parkedIn: Set<NodeMember> | null = null
  surplus = false
  readonly #context: ServerContext
  /** Speaks HTTP: the TCP socket, or the TLS socket on it. */
  #socket: Socket
  /** The TCP socket itself: it alone can be reset, and its handle knows what the kernel took. */
  readonly #tcp: Socket
  /**
   * Answers that are not out yet, in the order of their requests; more than one only when
   * pipelined.
   */
  readonly #owed: ServerResponse[] = []
  /** When the request of each was there. */
  readonly #askedAt: number[] = []
  /** Of those whose routes changed them; null: none has. */
  #changed: ChangedLimits | null = null
  /** What the application holds of the latest request, to abort when the client ends. */
  #request: Request | null = null
  /** An upgrade that was asked for behind requests that are not answered yet. */
  #onAnswered: (() => void) | null = null
  /** Of the latest request, until it is complete. */
  #body: Body | null = null
  /**
   * The status that is said after the last answer that is owed: a later request on the connection
   * was malformed.
   */
  #lastWord: number | null = null
  #askResetAt = 0
  /** Is forgotten by Node with the socket's handle. */
  readonly #peer: string
  readonly #secure: boolean
  /** Bytes of the responses before the present one; kept for an access log. */
  #writtenBefore = 0

  constructor(tcp: Socket, secure: boolean, context: ServerContext) {
    this.#context = context
    this.#secure = secure
    this.#peer = peerText(tcp.remoteAddress, tcp.remotePort)
    this.#tcp = tcp
    this.#socket = tcp
    this.connection = context.connections.begin(secure ? 'handshake' : 'accepted', context.now())
    if (!tellsOfBegin()) onceBegun(tcp, context.hearBegin)
  }

  /** What it waits for has changed, as the first byte of a head does. */
  lookSoon(): void {
    this.lookAt = 0
    if (this.parkedIn !== null) this.#context.connections.wake(this)
  }

  /** The TCP connection is no more. */
  gone(): void {
    this.connection.blame('client', 'reset', this.#route)
    this.connection.end('gone', this.#context.now())
    this.#onAnswered = null
    this.#body?.gone()
    // `node:http` tells the first that its client is gone, and none behind it.
    for (const outgoing of this.#owed) outgoing.destroy()
  }

  secured(socket: Socket): void {
    this.#socket = socket
    // An error of TLS destroys nothing by itself, and behind a request that was malformed Node
    // tells of it nowhere else.
    socket.on('error', () => socket.destroy())
    this.#move('secured', this.#context.now())
  }

  begin(incoming: HeldIncoming, outgoing: ServerResponse): boolean {
    const { connection } = this
    const { policy, now, draining, connections } = this.#context
    const before = this.#latest
    // The answer before this one said that it is the last, or the end of the connection has been
    // written already: what is pipelined behind can't be answered, so it must not run.
    if (this.#socket.writableEnded || this.#lastWord !== null) return false
    if (before?.headersSent && !before.shouldKeepAlive) return false
    const { maxRequestsPerConnection } = policy
    if (maxRequestsPerConnection !== 0 && connection.requests >= maxRequestsPerConnection) return false

    const at = now()
    if (!this.#move(hasBody(incoming) ? 'requestWithBody' : 'request', at)) return false
    this.#body = null
    this.#owed.push(outgoing)
    this.#askedAt.push(at)
    outgoing.on('finish', this.#answered)
    if (this.#changed !== null) this.#holdTogether()
    if (isLast(connection, policy, at, { surplus: this.surplus, draining: draining(), full: connections.full })) {
      if (before && !before.headersSent) before.shouldKeepAlive = true
      outgoing.shouldKeepAlive = false
    }
    return true
  }

  asked(request: Request): void {
    this.#request = request
  }

  expect(body: Body): void {
    this.#body = body
    this.#socket.destroySoon = this.#lingerOrDestroy
  }

  /**
   * The client asks for another protocol, and nothing more by HTTP: calls back once all before that
   * is answered, if it may have it then.
   */
  beforeUpgrade(then: () => void): void {
    if (this.#owed.length > 0) {
      this.#onAnswered = then
      return
    }
    if (this.#body?.complete) this.#bodyEnd(this.#context.now())
    then()
  }

  /** Whether the connection may speak another protocol from now on. */
  upgrade(): boolean {
    this.#owed.length = 0
    this.#askedAt.length = 0
    return this.#move('upgrade', this.#context.now())
  }

  limit(outgoing: ServerResponse, limits: Limits): boolean {
    if (!this.#owed.includes(outgoing)) return false
    this.#changed ??= new ChangedLimits()
    this.#changed.set(outgoing, limits)
    this.#holdTogether()
    return true
  }

  #holdTogether(): void {
    const { connection } = this
    if (this.#changed === null) return
    connection.limitTo(this.#changed.together(connection.ownLimits, this.#owed.length))
    if (this.#changed.size === 0) this.#changed = null
  }

  cutAnswer(): void {
    this.reset(this.#context.now())
  }

  endAfter(outgoing: ServerResponse): void {
    outgoing.shouldKeepAlive = false
    outgoing.once('finish', () => this.#socket.destroySoon())
  }

  /** An answer has left the process. */
  readonly #answered = (): void => {
    const now = this.#context.now()
    const outgoing = this.#owed.shift()
    const askedAt = this.#askedAt.shift()
    if (outgoing !== undefined && askedAt !== undefined) {
      const { req, statusCode, shouldKeepAlive } = outgoing
      const { requests, access } = this.#context.observer
      const ms = now - askedAt
      requests.answered(req.method ?? '', statusCode, ms)
      access?.answered({ ...this.#accessBytes(), ...accessTo(outgoing, ms) })
      if (!shouldKeepAlive) this.connection.blame('server', 'last')
    }
    if (this.#changed !== null) {
      if (outgoing !== undefined) this.#changed.delete(outgoing)
      this.#holdTogether()
    }
    if (this.#owed.length > 0) return
    this.#request = null
    if (this.#body !== null) {
      if (this.#body.complete) this.#bodyEnd(now)
      else this.#body.discard()
    }
    this.#move('answered', now, this.#socket.bytesRead)
    const then = this.#onAnswered
    this.#onAnswered = null
    if (this.#lastWord !== null) this.say(this.#lastWord, now)
    else if (!this.#socket.writableEnded) then?.()
  }

  #accessBytes(): Pick<Answered, 'connection' | 'peer' | 'bytes'> {
    const bytesWritten = this.#socket.bytesWritten + bytesPast(this.#socket)
    const bytes = bytesWritten - this.#writtenBefore
    this.#writtenBefore = bytesWritten
    return { connection: this.connection.id, peer: this.#peer, bytes }
  }

  announce(): void {
    const latest = this.#latest
    if (latest && !latest.headersSent) latest.shouldKeepAlive = false
  }

  /**
   * The client has said that it sends no more; what it is owed is still written (as in Go's
   * net/http).
   */
  clientEnded(): void {
    if (isReset(this.#tcp)) {
      this.#tcp.destroy()
      return
    }
    this.connection.blame('client', 'fin', this.#route)
    this.connection.left(this.#context.now())
    if (this.#owed.length === 0) return
    if (this.#request !== null) abort(this.#request, gone())
    // The rest of a body that is not there will not come.
    if (this.#body !== null && !this.#body.complete) this.#refuseBody('malformed')
  }

  /** The parser gave up, or what lies below it. */
  failed(error: Error & { code?: string }): void {
    // An error that is not the parser's is one of TCP or TLS, behind which nothing can be read or
    // written.
    if (this.connection.isEnded || !this.#socket.writable || !error.code?.startsWith('HPE_')) {
      this.#socket.destroy()
      return
    }
    const isTooLarge = error.code === 'HPE_HEADER_OVERFLOW'
    if (!isTooLarge) this.connection.blame('server', 'malformed')
    const reason = isTooLarge ? 'headTooLarge' : 'malformed'
    const status = statusOf(reason)
    const { connections, now } = this.#context
    if (this.#owed.length > 0) {
      if (this.#body !== null && !this.#body.complete) this.#refuseBody(reason)
      else this.#lastWord = status
    } else if (isTooLarge) connections.close(this, 'headTooLarge', now())
    else this.say(status, now())
  }

  bodyTooLarge(body: Body): void {
    const { connections, now } = this.#context
    connections.count('bodyTooLarge')
    if (body === this.#body) this.connection.refuseBody(now())
    body.refuse('bodyTooLarge')
  }

  sample(now: number): Sample {
    if (this.connection.busy && now >= this.#askResetAt) {
      this.#askResetAt = now + askResetEveryMs
      if (isReset(this.#tcp)) this.#tcp.destroy()
    }
    const { connection } = this
    const socket = this.#socket
    this.lookAt = this.#nextLook(now)
    const isWhole = this.#body?.complete === true
    if (isWhole) this.#bodyEnd(now)
    // The end of the connection was written, and there is no rest of a body to wait for.
    if (socket.writableEnded && (isWhole || connection.state === 'idle')) socket.destroy()
    return {
      received: socket.bytesRead,
      // What was written before an answer has begun (a TLS handshake, 100 Continue, the answer
      // before) is nothing of it.
      taken: this.#owed[0]?.headersSent === false ? 0 : this.#taken,
      unsent: this.#latest?.writableLength ?? socket.writableLength,
      wanted: connection.state === 'upgraded' ? !socket.isPaused() : (this.#body?.wanted ?? false),
    }
  }

  #nextLook(now: number): number {
    const { connection } = this
    const soon = now + lookEveryMs
    if (connection.state !== 'idle' && connection.state !== 'accepted') return soon
    const socket = this.#socket
    if (socket.bytesRead > connection.receivedBefore || socket.writableEnded) return soon
    if (!onceBegun(socket, this.#context.hearBegin) || !tellsOfBegin()) return soon
    return Math.max(soon, Math.min(connection.lookAt, now + lookIdleEveryMs))
  }

  get #taken(): number {
    const { bytesWritten, writeQueueSize } = handleOf(this.#tcp) ?? {}
    if (bytesWritten !== undefined && writeQueueSize !== undefined)
      return bytesWritten - writeQueueSize + bytesPast(this.#tcp)
    return this.#socket.bytesWritten - this.#socket.writableLength + bytesPast(this.#socket)
  }

  refuseBody(reason: ReasonName): boolean {
    this.#refuseBody(reason)
    return true
  }

  /**
   * Answers without the application, ends, and reads on for a while so that no RST overtakes the
   * answer.
   */
  say(status: number, now: number): boolean {
    const socket = this.#socket
    this.connection.end('ended', now, lingerMs(this.#context.policy))
    const date = new Date().toUTCString()
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nDate: ${date}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    )
    socket.resume()
    this.lookSoon()
    return true
  }

  linger(forMs: number, now: number): void {
    this.connection.end('ended', now, forMs)
    if (!this.#socket.writableEnded) this.#socket.end()
    this.lookSoon()
  }

  end(now: number): void {
    this.connection.end('ended', now)
    this.#socket.destroy()
  }

  reset(now: number): void {
    this.connection.end('ended', now)
    this.#reset()
  }

  drop(): void {
    this.#socket.destroy()
  }

  cut(): void {
    if (this.connection.busy) this.#reset()
    else this.#socket.destroy()
  }

  finishSoon(): void {
    this.announce()
  }

  duplicate(dup: (fd: number) => number): number {
    return this.#secure ? -1 : duplicateOf(this.#tcp, dup)
  }

  describe(): Description {
    const { bytesRead: received, bytesWritten } = this.#socket
    return { peer: this.#peer, received, sent: bytesWritten + bytesPast(this.#socket), route: this.#route }
  }

  get #route(): string | null {
    const { req } = this.#owed[0] ?? {}
    return req === undefined ? null : routeOf(req.method ?? '', req.url ?? '')
  }

  get #latest(): ServerResponse | undefined {
    return this.#owed[this.#owed.length - 1]
  }

  /**
   * Returns whether the move was one. What is none is a bug of ours: it costs this client its
   * connection, and nobody else anything.
   */
  #move(event: Event, now: number, received?: number): boolean {
    try {
      this.connection.move(event, now, received)
      return true
    } catch (error) {
      this.#context.onBug(error as Error)
      this.end(now)
      return false
    }
  }

  #bodyEnd(now: number): void {
    this.#body = null
    this.#move('bodyEnd', now, this.#socket.bytesRead)
  }

  #refuseBody(reason: BodyRefusal): void {
    if (this.#body === null || this.#body.refused) return
    this.connection.refuseBody(this.#context.now())
    this.#body.refuse(reason)
  }

  #reset(): void {
    resetTcp(this.#tcp, this.#socket)
  }

  /**
   * Node ends a connection after its last answer like this. With a body still coming that would
   * reset it over the answer.
   */
  readonly #lingerOrDestroy = (): void => {
    if (this.#body !== null && !this.#body.complete) this.#socket.end()
    else Socket.prototype.destroySoon.call(this.#socket)
  }
}
