/**
 * One HTTP/2 connection of a `node:http2` server. A session with any open stream is busy; its
 * clocks are the session's, not each stream's.
 */
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { Connection } from '../../src/lifecycle/connection.ts'
import { type Description, peerText, routeOf } from '../../src/lifecycle/description.ts'
import { goAwayMs } from '../../src/lifecycle/ending.ts'
import { isLast } from '../../src/lifecycle/last-answer.ts'
import type { Limits, Sample } from '../../src/lifecycle/limits.ts'
import type { ReasonName } from '../../src/lifecycle/reasons.ts'
import { ChangedLimits } from '../../src/lifecycle/request-limits.ts'
import type { Event } from '../../src/lifecycle/states.ts'
import { accessTo } from './access.ts'
import type { Body } from './body.ts'
import { hasBody } from './body.ts'
import type { NodeMember, ServerContext } from './http1-connection.ts'
import { askResetEveryMs, isReset, resetTcp } from './reset.ts'
import { spareSiblings } from './stream-fault.ts'

const internalError = 2

export class Http2Session implements NodeMember {
  readonly connection: Connection
  readonly lookAt = 0
  parkedIn: Set<NodeMember> | null = null
  surplus = false
  readonly #context: ServerContext
  readonly #session: ServerHttp2Session
  readonly #tcp: Socket
  readonly #open = new Set<Http2ServerResponse>()
  readonly #bodies = new Set<Body>()
  /** Of the streams whose routes changed them. */
  readonly #changed = new ChangedLimits()
  #askResetAt = 0
  #clientEnded = false
  readonly #peer: string

  constructor(session: ServerHttp2Session, tcp: Socket, context: ServerContext) {
    this.#context = context
    this.#session = session
    this.#tcp = tcp
    this.#peer = peerText(tcp.remoteAddress, tcp.remotePort)
    this.connection = context.connections.begin('accepted', context.now())
    session.once('close', () => this.#gone())
    session.on('error', () => {})
    spareSiblings(session)
  }

  /**
   * A client may reset a stream in the very packet that opens it: that is no request, and never
   * says that it ended.
   */
  begin(incoming: Http2ServerRequest, outgoing: Http2ServerResponse): boolean {
    const { stream } = incoming
    if (stream.destroyed || stream.closed) return false
    const { connection } = this
    const { policy, now, draining, connections } = this.#context
    const at = now()
    // Streams overlap: to the lifecycle they are one request from the first that opens to the last
    // that closes.
    const event = hasBody(incoming) || this.#bodies.size > 0 ? 'requestWithBody' : 'request'
    if (!this.#move(event, at, this.#tcp.bytesRead)) return false
    this.#open.add(outgoing)
    if (this.#changed.size > 0) this.#holdTogether()
    stream.once('close', () => this.#ended(outgoing, at))
    const circumstances = { surplus: this.surplus, draining: draining(), full: connections.full }
    if (isLast(connection, policy, at, circumstances)) this.#session.close()
    return true
  }

  asked(): void {}

  bodyTooLarge(body: Body): void {
    this.#context.connections.count('bodyTooLarge')
    body.refuse('bodyTooLarge')
  }

  cutAnswer({ stream }: Http2ServerResponse): void {
    stream.close(internalError)
  }

  endAfter(): void {}

  limit(outgoing: Http2ServerResponse, limits: Limits): boolean {
    if (!this.#open.has(outgoing)) return false
    this.#changed.set(outgoing, limits)
    this.#holdTogether()
    return true
  }

  #holdTogether(): void {
    const { connection } = this
    connection.limitTo(this.#changed.together(connection.ownLimits, this.#open.size))
  }

  #gone(): void {
    const { connections, now } = this.#context
    this.connection.blame('client', 'reset')
    this.connection.end('gone', now())
    connections.remove(this)
    this.#tcp.destroy()
  }

  expect(body: Body): void {
    this.#bodies.add(body)
  }

  /**
   * node:http2 has no shutdown notice: after any GOAWAY of its own it drops new requests, also
   * where the GOAWAY has said that it takes them. The next request is answered as the session's
   * last.
   */
  announce(): void {}

  lastRequests(): void {
    if (this.#open.size > 0) this.#session.close()
  }

  clientEnded(): void {
    this.#clientEnded = true
    this.connection.blame('client', 'fin')
    if (isReset(this.#tcp)) this.cut()
    else if (this.#open.size === 0) this.end(this.#context.now())
    // A client that is gone resets it.
    else if (!this.#session.destroyed) this.#session.ping(() => {})
  }

  sample(now: number): Sample {
    if (this.connection.busy && now >= this.#askResetAt) {
      this.#askResetAt = now + askResetEveryMs
      if (isReset(this.#tcp)) this.cut()
    }
    this.#forgetComplete(now)
    let unsent = this.#tcp.writableLength
    let begun = this.#open.size === 0
    for (const outgoing of this.#open) {
      unsent += outgoing.writableLength || Number(isHeldBack(outgoing))
      begun ||= outgoing.headersSent
    }
    let wanted = false
    for (const body of this.#bodies) wanted ||= body.wanted
    // Between requests a client may ping; that begins no request.
    const received = this.#open.size > 0 ? this.#tcp.bytesRead : 0
    // Frames of the connection are nothing of an answer.
    const taken = begun ? this.#tcp.bytesWritten - this.#tcp.writableLength : 0
    return { received, taken, unsent, wanted }
  }

  refuseBody(reason: ReasonName, now: number): boolean {
    this.connection.refuseBody(now)
    for (const body of this.#bodies) body.refuse(reason)
    return true
  }

  /** A request that is not whole has no stream to be answered on. */
  say(): boolean {
    return false
  }

  linger(_: number, now: number): void {
    this.end(now)
  }

  /**
   * node:http2 waits for the client's own end, and for a head that was begun and is not a stream
   * yet: see `drop`.
   */
  end(now: number): void {
    this.connection.end('ended', now, goAwayMs)
    this.#session.close()
  }

  reset(now: number): void {
    this.connection.end('ended', now)
    this.cut()
  }

  drop(): void {
    this.#session.destroy()
    this.#tcp.destroy()
  }

  cut(): void {
    // TCP first: a session that is destroyed may ask for a FIN (see `resetTcp`).
    if (this.#session.destroyed) this.#tcp.destroy()
    else resetTcp(this.#tcp)
    this.#session.destroy()
  }

  finishSoon(): void {
    this.#session.close()
  }

  describe(): Description {
    const [outgoing] = this.#open
    return {
      peer: this.#peer,
      received: this.#tcp.bytesRead,
      sent: this.#tcp.bytesWritten,
      route: outgoing === undefined ? null : routeOf(outgoing.req.method, outgoing.req.url),
    }
  }

  #ended(outgoing: Http2ServerResponse, askedAt: number): void {
    const { observer, now: clock } = this.#context
    const now = clock()
    if (outgoing.headersSent) {
      const ms = now - askedAt
      observer.requests.answered(outgoing.req.method, outgoing.statusCode, ms)
      // Streams share their connection's bytes.
      const { id: connection } = this.connection
      observer.access?.answered({ connection, peer: this.#peer, bytes: null, ...accessTo(outgoing, ms) })
    }
    this.#open.delete(outgoing)
    if (this.#changed.size > 0) {
      this.#changed.delete(outgoing)
      this.#holdTogether()
    }
    this.#forgetComplete(now)
    if (this.#open.size > 0) return
    // Whatever was left of a body went with its stream.
    if (this.#bodies.size > 0) this.#move('bodyEnd', now)
    this.#bodies.clear()
    this.#move('answered', now, 0)
    if (!this.#session.closed && !this.#clientEnded) return
    this.connection.blame('server', 'last')
    this.end(now)
  }

  #forgetComplete(now: number): void {
    if (this.#bodies.size === 0) return
    for (const body of this.#bodies) if (body.complete) this.#bodies.delete(body)
    if (this.#bodies.size === 0) {
      this.#move('bodyEnd', now, this.#tcp.bytesRead)
    }
  }

  /** As on HTTP/1.1. */
  #move(event: Event, now: number, received?: number): boolean {
    try {
      this.connection.move(event, now, received)
      return true
    } catch (error) {
      this.#context.onBug(error as Error)
      this.reset(now)
      return false
    }
  }
}

/**
 * The end of the answer is with nghttp2, where it waits for the client's window: to Node it is out.
 */
function isHeldBack({ writableEnded, stream }: Http2ServerResponse): boolean {
  return writableEnded && stream.state.localClose === 0
}
