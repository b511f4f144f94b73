/**
 * One HTTP/1.1 connection, served: joins the parser, the application and the lifecycle, and does no
 * I/O of its own. Bytes come in through `feed` and go out through the transport.
 */

import { Buffer } from 'node:buffer'
import type { ServerClock } from '../lifecycle/clock.ts'
import type { Connection } from '../lifecycle/connection.ts'
import type { Connections, Member } from '../lifecycle/connections.ts'
import { type Description, peerText, routeOf } from '../lifecycle/description.ts'
import { lingerMs, nothingOwedMs } from '../lifecycle/ending.ts'
import { isLast } from '../lifecycle/last-answer.ts'
import type { Limits as BoundLimits, Sample } from '../lifecycle/limits.ts'
import type { LongLived } from '../lifecycle/long-lived.ts'
import type { ReasonName } from '../lifecycle/reasons.ts'
import { changedBy } from '../lifecycle/request-limits.ts'
import { TransportDuplex } from '../net/duplex.ts'
import type { Transport } from '../net/transport.ts'
import type { Coded } from '../policy/codes.ts'
import type { Policy } from '../policy/policy.ts'
import type { RequestChanges } from '../policy/request-limits.ts'
import { type BodyRefusal, BodyRefusedError, type BodyRefusedOptions } from './body-refused.ts'
import { copyOf } from './bytes.ts'
import { readEarly } from './early-body.ts'
import type { Limits, Sink } from './events.ts'
import type { RequestHead } from './head.ts'
import { IncomingBody } from './incoming-body.ts'
import { RequestParser } from './parser.ts'
import { fieldOf } from './raw-fields.ts'
import { type Reason, type ReasonId, reasons as refusals } from './reasons.ts'
import { slabOfBytes } from './slabs.ts'
import { isStreamed, type OutgoingResponse, type Streamed } from './web/response.ts'
import {
  type BodyFraming,
  connectionLines,
  dateLine,
  encodeChunk,
  informationalHead,
  lastChunk,
  responseHead,
} from './writer.ts'

/** Counts connections by their clients' addresses, from accept on. */
export interface ClientAdmission {
  /** Returns whether its client may have this many. */
  connected(address: string): boolean
  /** Whether the client has no more of them now than it may. */
  admits(address: string): boolean
  /** Once for each `connected`, whatever that said. */
  disconnected(address: string): void
}

/** What the connections of one server have in common. */
export interface ConnectionContext {
  readonly policy: Policy
  readonly limits: Limits
  readonly clock: ServerClock
  readonly connections: Connections<ServerConnection>
  readonly draining: () => boolean
  /** What takes over a connection may be ended by a drain through it. */
  readonly longLived: LongLived
  /**
   * A body whose length is unknown: in its place one into which something can be said, if there is
   * one.
   */
  framed(body: Streamed, method: string, answer: OutgoingResponse): Streamed
  /**
   * Asks the application, which answers by `connection.answer`, in the same turn or later. `body`
   * is bytes that came with the head, a view that is valid only during the call; a body that is
   * still coming; or null. Sets
   * `connection.asked`.
   */
  ask(connection: ServerConnection, head: RequestHead, body: Uint8Array | IncomingBody | null): void
  /** Fires the signal of a request. */
  abort(asked: object, reason: Error): void
  /**
   * What the application did wrong with its answer to a request: for its operator, never for the
   * client.
   */
  failed(error: unknown, asked: object | null): void
  /** Told of each request that is answered, and how long that took. */
  readonly answered?:
    | ((head: RequestHead, status: number, ms: number, connection: ServerConnection) => void)
    | undefined
  /**
   * Who else has a say in who is served: a first request of one too many is answered 503, one that
   * does not ask is closed soon.
   */
  readonly clients?: ClientAdmission | undefined
  /** What an answer says of the connection, made once. */
  readonly connectionLines: { readonly close: string; readonly keep: string; readonly keepOld: string }
}

/** A stream that is never short of bytes lets others have their turn after so many of them. */
const fairBytes = 256 * 1024
/**
 * One connection too many of its client: how long it may take to send its request, to be answered
 * 503.
 */
const surplusMs = 1_000

export class ServerConnection implements Member, Sink<RequestHead> {
  readonly connection: Connection
  lookAt: number
  parkedIn: Set<Member> | null = null
  readonly transport: Transport
  readonly secure: boolean
  /** It came when all were busy: its first request is answered 503. */
  surplus = false
  /**
   * Of the present request: told when nobody may want its answer any more. Once for each; FIN may
   * be followed by the end.
   */
  onClient: ((what: 'ended' | 'gone') => void) | null = null
  /** The request that the application holds, until its answer is out. */
  asked: object | null = null
  /** Of the client as it was counted; null: nobody counts. */
  #client: string | null = null
  /** One too many of its client, silent so far: when it is closed. */
  #silentUntil = Number.POSITIVE_INFINITY
  readonly #context: ConnectionContext
  readonly #parser: RequestParser
  #head: RequestHead | null = null
  /** An answer whose body is bytes of its own, until they are out. */
  #writing: OutgoingResponse | null = null
  #body: IncomingBody | null = null
  /** What the body of the present request was refused with. */
  #refusal: BodyRefusedError | null = null
  /** `maxBodyBytes` of the present request; null: no route has changed it. */
  #maxBodyBytes: number | null = null
  /**
   * The present request has a larger body than the server's limit, and its route may allow that.
   */
  #awaitsRoute = false
  #received = 0
  #sent = 0
  /** Of `#sent`, what is of answers before the present one. */
  #sentBefore = 0
  #pausedByBody = false
  /** The piece of a stream that waits for `drained`. */
  #onDrained: (() => void) | null = null
  #stream: Streamed | null = null
  /** What the application's signal was aborted with. */
  #leaving: Error | null = null
  /** When the present request was there, and what it is answered with. */
  #askedAt = 0
  #status = 0
  /** 100 was sent for the present request. */
  #continued = false
  #upgraded: TransportDuplex | null = null
  #peerEnded = false

  constructor(transport: Transport, secure: boolean, context: ConnectionContext) {
    this.transport = transport
    this.secure = secure
    this.#context = context
    this.#parser = new RequestParser(this, context.limits)
    this.connection = context.connections.begin(secure ? 'handshake' : 'accepted', context.clock.now())
    this.lookAt = this.connection.lookAt
    this.#count()
    context.connections.add(this)
  }

  /**
   * Counts it for its client: the peer at first, and whom that announces through the PROXY protocol
   * once it has.
   */
  #count(): void {
    const { clients, clock } = this.#context
    const { address } = this.transport.peer
    if (clients === undefined || address === this.#client) return
    if (this.#client !== null) clients.disconnected(this.#client)
    this.#client = address
    this.#silentUntil = clients.connected(address) ? Number.POSITIVE_INFINITY : clock.now() + surplusMs
    this.lookAt = Math.min(this.lookAt, this.#silentUntil)
  }

  // What the transport says.

  secured(): void {
    this.connection.move('secured', this.#context.clock.now())
    this.lookAt = Math.min(this.connection.lookAt, this.#silentUntil)
    if (this.parkedIn !== null) this.#context.connections.wake(this)
    this.#count()
  }

  feed(bytes: Uint8Array): void {
    if (this.#upgraded !== null) {
      this.#received += bytes.length
      this.#upgraded.feed(bytes)
      return
    }
    if (this.#received === 0) this.#count()
    this.#received += bytes.length
    this.lookAt = 0
    if (this.parkedIn !== null) this.#context.connections.wake(this)
    if (this.connection.isEnded) return
    try {
      this.#parser.feed(bytes)
    } catch (error) {
      this.#broken(error)
      return
    }
    // Pipelined requests wait unparsed; a client that sends very many of them waits as well.
    if (this.#head !== null && this.#parser.pendingBytes > this.#context.policy.maxHeadBytes) this.transport.pause()
  }

  drained(): void {
    if (this.#upgraded !== null) this.#upgraded.drained()
    const then = this.#onDrained
    this.#onDrained = null
    then?.()
  }

  /**
   * The client has said that it sends no more; what it is owed is still written (as in Go's
   * net/http).
   */
  peerEnded(): void {
    this.connection.blame('client', 'fin', this.#route)
    this.connection.left(this.#context.clock.now())
    if (this.#upgraded !== null) this.#upgraded.peerEnded()
    if (this.connection.isGone || this.#upgraded !== null) return
    if (this.connection.isEnded || (this.#head === null && this.#parser.idle)) {
      this.#destroy()
      return
    }
    this.#peerEnded = true
    this.onClient?.('ended')
    this.#abort('the client ended the connection')
    this.#stream?.probe?.()
    this.#parser.end()
  }

  /** The connection is gone: reset by the client, or closed by either side. */
  gone(): void {
    this.#upgraded?.gone()
    if (this.connection.isGone) return
    this.connection.blame('client', 'reset', this.#route)
    this.connection.end('gone', this.#context.clock.now())
    this.#context.connections.remove(this)
    if (this.#client !== null) this.#context.clients?.disconnected(this.#client)
    this.onClient?.('gone')
    this.#onDrained = null
    if (this.#head === null && this.#body === null) return
    const reason = this.#abort('the connection is gone')
    this.#body?.fail(reason)
    this.#stream?.cancel(reason)
  }

  // What the parser says.

  onFull(head: RequestHead, body: Uint8Array | null): void {
    this.connection.move('request', this.#context.clock.now())
    this.#begin(head, body)
  }

  onHead(head: RequestHead): void {
    this.connection.move('requestWithBody', this.#context.clock.now())
    const body = new IncomingBody(() => this.#onBodyRead())
    this.#body = body
    this.#begin(head, body)
  }

  takes(bytes: number): boolean {
    const { limits } = this.#context
    if (this.#maxBodyBytes !== null) return this.#maxBodyBytes === 0 || bytes <= this.#maxBodyBytes
    if (this.#body === null || this.#body.wanted || limits.mayTake?.(bytes) !== true) return false
    this.#awaitRoute(this.#body)
    return true
  }

  onData(piece: Uint8Array): boolean {
    const body = this.#body
    if (this.#maxBodyBytes !== null) this.#checkSize()
    if (body === null || !this.connection.owesAnswer || body.push(piece)) return true
    this.#pausedByBody = true
    this.transport.pause()
    return false
  }

  onEnd(trailers: readonly string[]): void {
    this.connection.move('bodyEnd', this.#context.clock.now(), this.#received)
    this.#body?.end(trailers)
    this.#body = null
    if (!this.connection.owesAnswer) this.#next()
  }

  onReject(reason: ReasonId): void {
    const { status, text, breaks }: Reason = refusals[reason]
    if (breaks !== undefined) this.#context.connections.count(breaks)
    this.connection.blame('server', 'malformed')
    if (this.#head === null) this.say(status, this.#context.clock.now())
    else this.#refuseBody(breaks ?? 'malformed', { status, why: text })
  }

  // What the lifecycle says.

  sample(now: number): Sample {
    this.transport.poke?.()
    const { unsent } = this.transport
    if (now >= this.#silentUntil) {
      this.connection.blame('server', 'surplus')
      this.#destroy()
    }
    return {
      received: this.#received,
      taken: this.#sent - unsent,
      unsent: this.connection.owesAnswer ? unsent : 0,
      wanted: this.#upgraded?.isRead ?? this.#body?.wanted ?? false,
      begun: this.#sent > this.#sentBefore,
    }
  }

  refuseBody(reason: ReasonName): boolean {
    this.#refuseBody(reason, { why: 'it came too slowly' })
    return true
  }

  /** Answers without the application. */
  say(status: number, now: number): boolean {
    const { policy, clock } = this.#context
    this.connection.end('ended', now, lingerMs(policy))
    this.transport.write(responseHead(status, '', [], 0, connectionLines(false, 1, 0), dateLine(clock.date())), null)
    this.transport.end()
    this.transport.resume()
    return true
  }

  /** FIN after the answer. */
  linger(forMs: number, now: number): void {
    if (this.connection.isEnded) return
    this.connection.blame('server', 'last')
    this.#letGoOfBody()
    this.connection.end('ended', now, forMs)
    this.transport.end()
    this.transport.resume()
  }

  end(): void {
    this.#destroy()
  }

  reset(now: number): void {
    this.connection.end('ended', now)
    this.transport.reset()
  }

  drop(): void {
    this.#destroy()
  }

  cut(): void {
    if (this.connection.busy) this.transport.reset()
    else this.#destroy()
  }

  finishSoon(now: number): void {
    this.connection.end('last', now)
  }

  describe(): Description {
    const { address, port } = this.transport.peer
    return { peer: peerText(address, port), received: this.#received, sent: this.#sent, route: this.#route }
  }

  /** Of the present response, or the latest. */
  get responseBytes(): number {
    return this.#sent - this.#sentBefore
  }

  get #route(): string | null {
    const head = this.#head
    return head === null ? null : routeOf(head.method, head.target)
  }

  duplicate(dup: (fd: number) => number): number {
    return this.secure ? -1 : (this.transport.duplicate?.(dup) ?? -1)
  }

  /** Whether the client may still send: without that no other protocol can be spoken. */
  get open(): boolean {
    return !this.connection.isEnded && !this.#peerEnded
  }

  /**
   * Whether an error is only the news that the client went, as the application got it from its
   * signal.
   */
  isLeaving(error: unknown): boolean {
    return this.#leaving !== null && error === this.#leaving
  }

  /**
   * Instead of an answer: the connection speaks another protocol from here on, and this is its
   * stream.
   */
  upgrade(): TransportDuplex {
    this.connection.move('upgrade', this.#context.clock.now())
    this.#head = null
    this.asked = null
    this.onClient = null
    const leftover = this.#parser.takeLeftover()
    const upgraded = new TransportDuplex(this.transport, leftover, () => this.#context.connections.remove(this))
    this.#upgraded = upgraded
    if (this.#peerEnded) upgraded.peerEnded()
    return upgraded
  }

  /** An interim answer (RFC 9110 15.2) to the present request; HTTP/1.0 has none. */
  inform(status: number, fields: readonly string[]): void {
    const { connection } = this
    if (connection.isEnded || this.#head === null || this.#head.minor === 0 || !connection.owesAnswer) return
    const text = informationalHead(status, fields)
    this.#sent += text.length
    this.transport.write(text, null)
  }

  #abort(message: string): Error {
    this.#leaving ??= new DOMException(message, 'AbortError')
    if (this.asked !== null) this.#context.abort(this.asked, this.#leaving)
    return this.#leaving
  }

  #begin(head: RequestHead, body: Uint8Array | IncomingBody | null): void {
    const { policy, connections, clients } = this.#context
    this.#head = head
    this.#askedAt = this.connection.since
    this.#sentBefore = this.#sent
    this.#continued = false
    this.#refusal = null
    this.#maxBodyBytes = null
    this.#awaitsRoute = false
    if (this.#silentUntil !== Number.POSITIVE_INFINITY) {
      this.#silentUntil = Number.POSITIVE_INFINITY
      // Others may have gone since.
      if (this.#client !== null && clients?.admits(this.#client) === false) this.surplus = true
    }
    if (!head.keepAlive || this.#isLast) this.#last()
    if (this.surplus) {
      connections.count('full')
      this.answer(plainAnswer(503, ['Retry-After', '1']))
    } else if (policy.maxBodyBytes !== 0 && head.bodyLength > policy.maxBodyBytes) {
      this.#context.ask(this, head, this.#awaitRoute(body))
    } else {
      this.#context.ask(this, head, body)
    }
  }

  /**
   * Until its route has been asked, or the application reads the body: then it is known whether it
   * is too large.
   */
  #awaitRoute(given: Uint8Array | IncomingBody | null): IncomingBody {
    let body = given
    if (!(body instanceof IncomingBody)) {
      const whole = new IncomingBody(() => {})
      if (body !== null) whole.push(body)
      whole.end()
      body = whole
    }
    this.#awaitsRoute = true
    body.beforeRead = () => this.#decideSize(body)
    return body
  }

  /** No route comes any more that could allow what is larger than the limit. */
  #decideSize(body: IncomingBody | null): void {
    if (!this.#awaitsRoute) return
    this.#maxBodyBytes ??= this.#context.policy.maxBodyBytes
    this.#checkSize(body)
  }

  /** Refuses what is larger than the present request may have. */
  #checkSize(body: IncomingBody | null = this.#body): void {
    const limit = this.#maxBodyBytes
    if (limit === null || limit === 0 || this.#refusal !== null || this.#head === null) return
    if (Math.max(this.#head.bodyLength, this.#parser.bodyBytes) <= limit) return
    this.#context.connections.count('bodyTooLarge')
    this.#refuse(body, new BodyRefusedError('bodyTooLarge', { why: refusals['body-too-large'].text }))
  }

  /** A route has changed limits of a request: see `LimitedRequests`. */
  limit(request: object, changes: RequestChanges, before: BoundLimits | null): BoundLimits {
    const limits = changedBy(before ?? this.connection.ownLimits, changes)
    if (this.asked !== request || this.connection.isEnded) return limits
    this.connection.limitTo(limits)
    this.#maxBodyBytes = limits.policy.maxBodyBytes
    this.#checkSize()
    if (this.#refusal !== null) throw this.#refusal
    return limits
  }

  /**
   * By the policy, and what the server is in. Asked when a request begins, and when its answer's
   * head is written.
   */
  get #isLast(): boolean {
    const { policy, draining, connections } = this.#context
    const { connection, surplus } = this
    return isLast(connection, policy, connection.since, { surplus, draining: draining(), full: connections.full })
  }

  #last(): void {
    this.connection.end('last', this.connection.since)
  }

  /** The application's answer to the present request. */
  answer(given: OutgoingResponse): void {
    const head = this.#head
    if (this.connection.isEnded || head === null) {
      drop(given)
      return
    }
    this.onClient = null
    if (given.takeOver !== undefined) {
      const text = responseHead(101, given.statusText, given.fields, 'none', `Connection: Upgrade\r\n`, '')
      this.transport.write(text, null)
      given.takeOver(this.upgrade(), this.#context.longLived)
      return
    }
    const { body, status } = given
    if (isStreamed(body) && body.ofApplication === true && head.method !== 'HEAD' && !isBodyless(status)) {
      this.#answerEarly(given, body).catch((error) => this.#broken(error))
    } else this.#send(head, given)
  }

  /**
   * The same for who is called by another connection: what goes wrong here must not end that one.
   */
  answerSafely(given: OutgoingResponse): void {
    try {
      this.answer(given)
    } catch (error) {
      this.#broken(error)
    }
  }

  /** Once it is known what of the body is there, and that it does not fail at once. */
  async #answerEarly(given: OutgoingResponse, stream: Streamed): Promise<void> {
    const head = this.#head!
    this.#stream = stream
    let answer = given
    try {
      const body = await readEarly(stream, lengthOf(given, head.method), this.#context.clock.afterTurn)
      answer = { ...given, body }
    } catch (error) {
      this.#failed(error, stream)
      answer = plainAnswer(500)
    }
    this.#stream = null
    if (this.connection.isEnded) drop(answer)
    else this.#send(head, answer)
  }

  #send(head: RequestHead, given: OutgoingResponse): void {
    this.#decideSize(this.#body)
    const refused = this.#refusal !== null
    const answer = this.#refusal === null ? given : plainAnswer(this.#refusal.status)
    if (refused) drop(given)
    const { status, body } = answer
    this.#status = status
    // A body that nobody asked for with 100 may come or not: only a new connection is in step.
    const outOfStep = head.expectContinue && this.#body !== null && !this.#continued
    if (refused || outOfStep || this.#nothingMore || this.#isLast || saysClose(answer)) this.#last()

    const stream = isStreamed(body) ? body : null
    const length = lengthOf(answer, head.method)
    const chunked = length === null && stream !== null && head.minor === 1
    // Without a length an answer to HTTP/1.0 ends with its connection.
    if (length === null && stream !== null && !chunked) this.#last()
    // With nothing to wait for the client may ask again before it is known whether the stream has
    // something.
    if (stream !== null && (length === 0 || stream.isTooLong === true)) this.#last()
    const framing: BodyFraming = chunked ? 'chunked' : (length ?? 'none')
    // Looking at its `fields` would make them.
    const fields = answer.lines ?? answer.fields
    let text: string
    try {
      // Lines have a Date.
      const date = answer.lines === undefined ? dateLine(this.#context.clock.date()) : ''
      text = responseHead(status, answer.statusText, fields, framing, this.#connectionLines(head), date)
    } catch (error) {
      // A field that would split the answer in two is the application's fault, and never sent.
      drop(answer)
      this.#context.failed(error, this.asked)
      this.#send(head, plainAnswer(500))
      return
    }
    if (body === null || head.method === 'HEAD' || isBodyless(status)) {
      drop(answer)
      this.#write(text, null, this.#finish)
    } else if (isStreamed(body)) {
      const stream = length === null ? this.#context.framed(body, head.method, answer) : body
      this.#stream = stream
      this.#write(text, null, () => this.#pump(stream, chunked, length, 0))
    } else if (typeof body === 'string' && length === body.length) {
      // ASCII is latin1 is UTF-8: one text, of which nobody counts the bytes again.
      this.#write(text + body, null, this.#finish)
    } else if (typeof body === 'string') this.#write(text, body, this.#finish)
    else if (answer.lent === true) this.#writeLent(text, body, answer)
    else this.#writeBytes(text, body, answer)
  }

  #writeBytes(head: string, body: Uint8Array, answer: OutgoingResponse): void {
    this.#writing = answer
    this.#write(head, body, this.#finish, answer.room)
  }

  /** Of bytes that are the application's, those that the kernel does not take at once are copied. */
  #writeLent(head: string, body: Uint8Array, answer: OutgoingResponse): void {
    const now = this.transport.writeNow?.(head, body) ?? 0
    if (now === 0) {
      const { bytes, room, release } = slabOfBytes(body)
      this.#writeBytes(head, bytes, { ...answer, room, ...(release && { sent: release }) })
      return
    }
    this.#sent += now
    if (now === head.length + body.length) this.#finish()
    else this.#write(head.slice(now), copyOf(body.subarray(Math.max(0, now - head.length))), this.#finish)
  }

  /** Of a client that has ended its side, what it had pipelined by then is still answered. */
  get #nothingMore(): boolean {
    return this.#peerEnded && this.#parser.pendingBytes === 0
  }

  #connectionLines({ minor }: RequestHead): string {
    const lines = this.#context.connectionLines
    return this.connection.isLast ? lines.close : minor === 1 ? lines.keep : lines.keepOld
  }

  /** Calls on once the kernel has taken all of it: in this turn if it does so at once. */
  #write(head: string, body: string | Uint8Array | null, then: () => void, room = 0): void {
    this.#sent += head.length + (body === null ? 0 : body.length)
    if (this.transport.write(head, body, room)) then()
    else this.#onDrained = then
  }

  #pump(stream: Streamed, chunked: boolean, length: number | null, total: number): void {
    stream
      .read()
      .then(
        (piece) => {
          if (!this.connection.isGone) this.#pass(piece, stream, chunked, length, total)
        },
        (error) => {
          if (total === length) this.#stopAtLength(error, stream)
          else this.#breakOff(error, stream)
        },
      )
      .catch((error) => this.#broken(error))
  }

  #pass(piece: Uint8Array | null, stream: Streamed, chunked: boolean, length: number | null, total: number): void {
    if (piece === null) {
      if (length !== null && total !== length) this.#breakOff(new BodyLengthError(length, `only ${total}`), stream)
      else {
        this.#stream = null
        if (chunked) this.#write(lastChunk(stream.trailers), null, this.#finish)
        else this.#finish()
      }
      return
    }
    const sum = total + piece.length
    if (length !== null && sum > length) {
      // A byte more would be read as the next answer.
      this.#last()
      this.#stopAtLength(new BodyLengthError(length, `${sum} or more`), stream, piece.subarray(0, length - total))
    } else if (piece.length === 0) this.#pump(stream, chunked, length, total)
    else {
      const more = () => this.#pump(stream, chunked, length, sum)
      const boundary = Math.floor(total / fairBytes) !== Math.floor(sum / fairBytes)
      const next = boundary ? () => this.#context.clock.afterTurn(more) : more
      this.#write('', chunked ? encodeChunk(piece) : piece, next)
    }
  }

  /**
   * With `rest` the client has all that was said: what the stream does beyond it concerns the
   * operator alone.
   */
  #stopAtLength(error: unknown, stream: Streamed, rest: Uint8Array | null = null): void {
    this.#stream = null
    if (this.connection.isGone) return
    this.#failed(error, stream)
    stream.cancel(error)
    if (rest === null) this.#finish()
    else this.#write('', rest, this.#finish)
  }

  /** An answer that broke must not look whole: no last chunk, no orderly end. */
  #breakOff(error: unknown, stream: Streamed): void {
    this.#stream = null
    if (this.connection.isGone) return
    this.#failed(error, stream)
    stream.cancel(error)
    this.connection.blame('server', 'application', this.#route)
    this.transport.reset()
  }

  /** A stream broke. What the client or an upstream did is not the application's fault. */
  #failed(error: unknown, stream: Streamed): void {
    const itsOwn = stream.ofApplication === true || isOf(error, BodyLengthError)
    if (!itsOwn || this.connection.isGone || this.isLeaving(error) || isOf(error, BodyRefusedError)) return
    this.#context.failed(error, this.asked)
  }

  /** The answer is out. */
  readonly #finish = (): void => {
    if (this.connection.isGone) return
    const { connection } = this
    const head = this.#head!
    this.#head = null
    this.asked = null
    this.#writing?.sent?.()
    this.#writing = null
    const now = this.#context.clock.now()
    this.#context.answered?.(head, this.#status, now - this.#askedAt, this)
    connection.move('answered', now, this.#received)
    // The client may have ended its side after the head of this answer was written.
    if (connection.isLast || this.#nothingMore) {
      this.linger(this.#body === null ? nothingOwedMs : lingerMs(this.#context.policy), connection.since)
    } else if (this.#body !== null) {
      // Answered early: the rest is read away, and the connection kept if it ends in time.
      this.#letGoOfBody()
      this.#resumeBody()
    } else this.#next()
  }

  /** Who still reads it must not wait for ever, nor take what there is of it for the whole. */
  #letGoOfBody(): void {
    this.#body?.fail(new DOMException('the request has been answered, and its body was not waited for', 'AbortError'))
    this.#body = null
  }

  #next(): void {
    if (this.connection.isEnded) return
    this.transport.resume()
    this.#parser.next()
    const { connection } = this
    if (connection.state !== 'idle') return
    // Half a head came with the request before it: its clock runs from now.
    if (!this.#parser.idle) connection.move('bytes', this.#context.clock.now(), this.#received)
    this.lookAt = connection.lookAt
  }

  #refuseBody(reason: BodyRefusal, how: BodyRefusedOptions): void {
    if (this.#body === null || this.#body.failed !== null) return
    this.#refuse(this.#body, new BodyRefusedError(reason, how))
  }

  #refuse(body: IncomingBody | null, refusal: BodyRefusedError): void {
    this.#refusal = refusal
    this.connection.refuseBody(this.#context.clock.now())
    body?.fail(refusal)
  }

  #onBodyRead(): void {
    if (this.#head?.expectContinue && !this.#continued && this.#parser.bodyBytes === 0) {
      this.#continued = true
      this.transport.write(informationalHead(100), null)
    }
    this.#resumeBody()
  }

  #resumeBody(): void {
    if (!this.#pausedByBody) return
    this.#pausedByBody = false
    this.transport.resume()
    this.#parser.resume()
  }

  /** A bug of ours: it costs this connection, not the process. */
  #broken(error: unknown): void {
    this.#context.failed(error, this.asked)
    this.connection.blame('server', 'fault', this.#route)
    this.#destroy()
  }

  #destroy(): void {
    this.transport.destroy()
    this.gone()
  }
}

/** The application's stream did not keep to the Content-Length that it had given. */
class BodyLengthError extends Error implements Coded {
  override readonly name = 'BodyLengthError'
  readonly code = 'BODY_LENGTH'
  constructor(length: number, given: string) {
    super(`the body has ${given} bytes instead of the ${length} of its Content-Length`)
  }
}

/** `instanceof`, which a revoked Proxy answers with an error. */
function isOf(error: unknown, Class: abstract new (...args: never[]) => Error): boolean {
  try {
    return error instanceof Class
  } catch {
    return false
  }
}

/** An answer of the engine's own. */
export function plainAnswer(status: number, fields: readonly string[] = []): OutgoingResponse {
  return { status, statusText: '', fields, body: null, left: null }
}

/** No content, whatever the application gave (RFC 9110 6.4.1; 205: 15.3.6). */
const isBodyless = (status: number): boolean => status === 204 || status === 205 || status === 304

/** Lets go of a body that nobody will read. */
function drop({ body, left }: OutgoingResponse): void {
  if (isStreamed(body)) body.cancel(null)
  left?.drop()
}

/**
 * RFC 9112 6.3 from the sender's side; for HEAD and 304 what GET would have said. null: nobody
 * knows.
 */
function lengthOf(given: OutgoingResponse, method: string): number | null {
  const { status, body, left } = given
  if (status === 205) return 0
  if (typeof body === 'string') return Buffer.byteLength(body)
  // No more than that is sent, whatever the answer says.
  if (body === null && method !== 'HEAD' && status !== 304) return 0
  const known = body === null ? left : body
  if (known !== null && known.length !== null) return known.length
  const said = given.lines === undefined ? fieldOf(given.fields, 'content-length') : null
  return said !== null && /^\d{1,15}$/.test(said) ? Number(said) : null
}

function saysClose(given: OutgoingResponse): boolean {
  if (given.lines !== undefined) return false
  const said = fieldOf(given.fields, 'connection')
  return said !== null && /\bclose\b/i.test(said)
}
