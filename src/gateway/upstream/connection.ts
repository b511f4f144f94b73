/**
 * One connection to an upstream: the client's role of HTTP/1.1, one exchange at a time. It does no
 * I/O; its pool has the clock and asks at each sweep whether a deadline has passed.
 */
import { latin1 } from '../../http1/bytes.ts'
import type { Limits, ResponseSink } from '../../http1/events.ts'
import type { ResponseHead } from '../../http1/head.ts'
import { ResponseParser } from '../../http1/parser.ts'
import type { ReasonId } from '../../http1/reasons.ts'
import type { BodySource } from '../../http1/web/payload.ts'
import { encodeChunk, lastChunk, requestHead } from '../../http1/writer.ts'
import { TransportDuplex } from '../../net/duplex.ts'
import type { Transport, TransportEvents } from '../../net/transport.ts'
import { type FailureName, UpstreamError } from '../errors.ts'
import { connectionOptions, trailerFields } from '../message/fields.ts'
import type { Surplus } from './after-answers.ts'
import { type Ask, isEventStream, type Sender } from './upstream.ts'

/** What a connection needs of its pool. */
export interface Owner {
  now(): number
  /** It may be used again. */
  release(connection: UpstreamConnection): void
  /** It is gone, or speaks another protocol now. */
  remove(connection: UpstreamConnection): void
  /** Bytes came behind a response, or behind one to HEAD. */
  surplus(behind: Surplus): void
}

/**
 * The head of a response may be larger than a request's: applications set many cookies. Bodies pass
 * through without a limit.
 */
const limits: Limits = {
  maxHeadBytes: 64 * 1024,
  maxTargetBytes: 0,
  maxFieldBytes: 64 * 1024,
  maxFields: 256,
  maxBodyBytes: 0,
}

/** RFC 9110 15.2 sets no limit; no one needs more. */
const maxInterim = 16

const NEVER = Number.POSITIVE_INFINITY

export class UpstreamConnection implements Sender, TransportEvents, ResponseSink {
  readonly transport: Transport
  readonly openedAt: number
  /** Requests sent on it. */
  requests = 0
  idleSince = 0
  /** Its place among those that its pool has in use; -1: it has none. */
  busyAt = -1
  /** How long it may be idle: less than the upstream itself promises. */
  idleMs: number
  /** It serves one request and no more. */
  single = false
  /** The last response, if it was to HEAD: a body may follow it, against the rules. */
  headAnswer: ResponseHead | null = null
  /** After such a response: not to be used before this time. */
  restUntil = Number.NEGATIVE_INFINITY
  readonly #owner: Owner
  readonly #parser: ResponseParser
  #ask: Ask | null = null
  #deadline = NEVER
  #deadlineCode: FailureName = 'first-byte-timeout'
  #sentAll = true
  /** What of the request still has to go out. */
  #source: BodySource | null = null
  #onDrained: (() => void) | null = null
  /** A byte of the present response has come. */
  #begun = false
  #readTimeoutMs = 0
  #interim = 0
  #paused = false
  #upgraded: TransportDuplex | null = null
  #closed = false

  constructor(transport: Transport, owner: Owner, idleMs: number) {
    this.transport = transport
    this.#owner = owner
    this.idleMs = idleMs
    this.openedAt = owner.now()
    this.#parser = new ResponseParser(this, limits)
  }

  /** Whether it can take a request, as far as is known. */
  get usable(): boolean {
    return !this.#closed && this.#ask === null && this.#parser.reusable && (this.transport.quiet ?? true)
  }

  /** None where a request may come back: it is sent once more then. */
  get copiesBytes(): number {
    return this.transport.withdraw === undefined ? (this.transport.copiesBytes ?? 0) : 0
  }

  get used(): boolean {
    return this.requests > 1
  }

  send(ask: Ask): void {
    const { method, target, host, fields, body, framing, upgrade } = ask
    const head = requestHead(method, target, host, fields, framing, connectionOptions(fields, upgrade))
    this.#ask = ask
    this.requests += 1
    this.headAnswer = null
    this.#begun = false
    this.#readTimeoutMs = ask.readTimeoutMs
    this.#interim = 0
    this.#parser.next(method)
    if (body === null || body instanceof Uint8Array) {
      this.#sentAll = this.transport.write(head, body, ask.room)
      if (this.#sentAll) ask.asker.onSent?.()
      if (!this.#sentAll) this.#onDrained = this.#allSent
      this.#expect('first-byte-timeout', ask.firstByteTimeoutMs)
    } else {
      this.#sentAll = false
      this.#source = body
      this.#write(head, null, () => this.#pump(body, ask))
    }
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#ask !== null) this.#expect('read-timeout', this.#readTimeoutMs)
    this.transport.resume()
    this.#parser.resume()
  }

  abort(): void {
    this.#ask = null
    this.#drop()
    if (!this.#closed) this.transport.reset()
    this.gone()
  }

  /** Between two requests: FIN. */
  close(): void {
    if (this.#closed) return
    this.transport.destroy()
    this.gone()
  }

  tick(now: number): void {
    this.transport.poke?.()
    if (now >= this.#deadline) this.#fail(this.#deadlineCode)
  }

  // What the transport says.

  secured(): void {}

  feed(bytes: Uint8Array): void {
    if (this.#upgraded !== null) this.#upgraded.feed(bytes)
    else if (!this.#closed) {
      const ask = this.#ask
      if (ask !== null) this.#begun = true
      else if (this.requests > 0 && !isTimeout(bytes)) this.#surplus()
      this.#parser.feed(bytes)
      // Most responses are whole by now.
      if (ask !== null && this.#ask === ask && !this.#paused) this.#expect('read-timeout', this.#readTimeoutMs)
    }
  }

  drained(): void {
    if (this.#upgraded !== null) {
      this.#upgraded.drained()
      return
    }
    const then = this.#onDrained
    this.#onDrained = null
    then?.()
  }

  peerEnded(): void {
    if (this.#upgraded !== null) this.#upgraded.peerEnded()
    else if (this.#ask === null) this.close()
    else if (!this.#isWithdrawn()) this.#parser.end()
  }

  gone(): void {
    if (this.#upgraded !== null) this.#upgraded.gone()
    if (this.#closed || this.#isWithdrawn()) return
    this.#closed = true
    this.#drop()
    this.#owner.remove(this)
    this.#tell(this.#begun ? 'cut-short' : 'ended')
  }

  // What the parser says.

  onInformational(head: ResponseHead): void {
    if (++this.#interim > maxInterim) this.#fail('bad-answer')
    // The gateway never asks for 100.
    else if (head.status !== 100) this.#ask?.asker.onInterim(head)
  }

  onFull(head: ResponseHead, body: Uint8Array | null): void {
    const ask = this.#ask
    if (ask === null) return
    if (head.status === 101) {
      this.#switch(head, ask)
      return
    }
    this.#learn(head)
    this.#ask = null
    if (ask.method === 'HEAD') this.headAnswer = head
    ask.asker.onWhole(head, body)
    this.#finish()
  }

  onHead(head: ResponseHead): void {
    this.#learn(head)
    if (isEventStream(head)) {
      this.#readTimeoutMs = 0
      this.#deadline = NEVER
    }
    this.#ask?.asker.onHead(head)
  }

  onData(piece: Uint8Array): boolean {
    const ask = this.#ask
    if (ask === null || ask.asker.onData(piece)) return true
    this.#paused = true
    // The upstream is not to blame for a client that does not read.
    this.#deadline = NEVER
    this.transport.pause()
    return false
  }

  onEnd(trailers: readonly string[]): void {
    const ask = this.#ask
    if (ask === null) return
    this.#ask = null
    ask.asker.onEnd(trailers)
    this.#finish()
  }

  onReject(reason: ReasonId): void {
    this.#fail(reason !== 'cut-off' ? 'bad-answer' : this.#begun ? 'cut-short' : 'ended')
  }

  #switch(head: ResponseHead, ask: Ask): void {
    if (ask.upgrade === null || !this.#sentAll) {
      this.#fail('bad-answer')
      return
    }
    this.#ask = null
    this.#deadline = NEVER
    this.#owner.remove(this)
    this.#upgraded = new TransportDuplex(this.transport, this.#parser.takeLeftover(), () => {})
    ask.asker.onUpgrade(head, this.#upgraded)
  }

  /**
   * `Keep-Alive: timeout=N` of the first response: the connection is not used in the last second of
   * it.
   */
  #learn(head: ResponseHead): void {
    if (this.requests > 1) return
    const said = /\btimeout\s*=\s*(\d{1,9})/i.exec(head.get('keep-alive') ?? '')?.[1]
    if (said === undefined) return
    const promisedMs = Math.max(Number(said) * 1_000 - 1_000, 0)
    this.idleMs = this.idleMs === 0 ? promisedMs : Math.min(this.idleMs, promisedMs)
    if (this.idleMs === 0) this.single = true
  }

  /** The response is whole. */
  #finish(): void {
    this.#deadline = NEVER
    if (this.#parser.pendingBytes > 0) this.#surplus()
    if (this.#closed) return
    if (!this.#sentAll || this.single || !this.#parser.reusable) {
      // An upstream that answered before it had the whole request does not want the rest.
      this.#drop()
      this.close()
      return
    }
    // A connection that stays paused for a slow client would never hear its next response.
    if (this.#paused) {
      this.#paused = false
      this.transport.resume()
    }
    this.idleSince = this.#owner.now()
    this.#owner.release(this)
  }

  // The request on its way.

  #pump(source: BodySource, ask: Ask): void {
    if (this.#ask !== ask) return
    // The upstream is not to blame for a client that sends slowly.
    this.#deadline = NEVER
    source.read().then(
      (piece) => {
        if (this.#ask !== ask) return
        this.#expect('first-byte-timeout', ask.firstByteTimeoutMs)
        if (piece === null) {
          this.#source = null
          if (ask.framing === 'chunked')
            this.#write(lastChunk(trailerFields(source.trailers ?? [])), null, this.#allSent)
          else this.#allSent()
        } else if (piece.length === 0) this.#pump(source, ask)
        else this.#write('', ask.framing === 'chunked' ? encodeChunk(piece) : piece, () => this.#pump(source, ask))
      },
      () => {
        if (this.#ask === ask) this.#fail('client-gone')
      },
    )
  }

  #write(head: string, body: Uint8Array | null, then: () => void): void {
    if (this.transport.write(head, body)) then()
    else this.#onDrained = then
  }

  readonly #allSent = (): void => {
    this.#sentAll = true
    this.#ask?.asker.onSent?.()
    if (this.#ask !== null && !this.#begun) this.#expect('first-byte-timeout', this.#ask.firstByteTimeoutMs)
  }

  #surplus(): void {
    this.#owner.surplus(this.headAnswer === null ? 'answer' : 'head')
  }

  #drop(): void {
    this.#source?.cancel(new Error('the upstream wants no more of it'))
    this.#source = null
    this.#onDrained = null
  }

  /** The upstream hung up in the turn in which the request came, before any of it was written. */
  #isWithdrawn(): boolean {
    if (this.#ask === null || this.#begun || this.transport.withdraw?.() !== true) return false
    // Nobody has read of it, and it goes another way.
    this.#source = null
    this.#fail('unsent')
    return true
  }

  #expect(code: FailureName, withinMs: number): void {
    this.#deadlineCode = code
    this.#deadline = withinMs === 0 ? NEVER : this.#owner.now() + withinMs
  }

  #fail(code: FailureName): void {
    this.#drop()
    if (!this.#closed) {
      this.#closed = true
      this.transport.reset()
      this.#owner.remove(this)
    }
    this.#tell(code)
  }

  #tell(code: FailureName): void {
    const ask = this.#ask
    this.#ask = null
    this.#deadline = NEVER
    ask?.asker.onFailure(new UpstreamError(code))
  }
}

/**
 * HAProxy and others send this before they close an idle connection: not a response, and not
 * surplus either.
 */
function isTimeout(bytes: Uint8Array): boolean {
  return bytes.length > 12 && /^HTTP\/1\.[01] 408/.test(latin1(bytes, 0, 12))
}
