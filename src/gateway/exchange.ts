/**
 * One request on its way through: taken in, sent to an upstream, tried again if that is safe, its
 * response passed on. It hears the events of the upstream's connection and answers the
 * `Downstream`.
 */
import type { ResponseHead } from '../http1/head.ts'
import { type Slab, slabOf, slabOfBytes } from '../http1/slabs.ts'
import type { BodySource } from '../http1/web/payload.ts'
import { type Left, type OutgoingResponse, streamedFrom, type TakeOver } from '../http1/web/response.ts'
import type { BodyFraming } from '../http1/writer.ts'
import { goingAway } from '../lifecycle/long-lived.ts'
import type { TransportDuplex } from '../net/duplex.ts'
import type { Trust } from '../net/networks.ts'
import { proxyHeader } from '../net/proxy-protocol.ts'
import type { GatewayConfig, Route, UpstreamConfig } from './config/config.ts'
import { clientKey } from './downstream/client-limits.ts'
import type { Downstream, DownstreamResponse } from './downstream/downstream.ts'
import { clientOf } from './downstream/trust.ts'
import { Tunnel } from './downstream/tunnel.ts'
import { type FailureName, failures, isSafeToRetry, type UpstreamError } from './errors.ts'
import { BufferedBody } from './message/buffered-body.ts'
import { requestLines, responseLines } from './message/field-lines.ts'
import { interimFields, requestFields, responseFields, trailerFields } from './message/fields.ts'
import { LimitedSource } from './message/limited-source.ts'
import { type OwnReason, ownResponse, statusOf } from './message/own-response.ts'
import { PassedOn } from './message/passed-on.ts'
import { type Spool, SpoolFullError } from './message/spool.ts'
import { targetOf } from './message/target.ts'
import type { Meters } from './metrics.ts'
import type { RequestTrace, Tracing } from './tracing.ts'
import { authorityOf } from './upstream/authority.ts'
import type { Group, Member } from './upstream/group.ts'
import type { RetryBudget } from './upstream/retry-budget.ts'
import { type Asker, isEventStream, type Sender, type Upstream, type Want } from './upstream/upstream.ts'

/** Has a deadline that each sweep looks at. */
interface Ticking {
  tick(now: number, endedAt: number): void
}

/** What the exchanges of one group share. */
export interface ExchangeContext {
  readonly config: GatewayConfig
  readonly group: Group<Upstream>
  readonly budget: RetryBudget
  readonly spool: Spool | null
  readonly meters: Meters
  /** null: the program has no OpenTelemetry SDK. */
  readonly tracing: Tracing | null
  readonly now: () => number
  readonly tunnels: Set<Tunnel>
  /** Whose clients are owed an answer and have sent FIN, and when. */
  readonly ended: Map<Ticking, number>
}

/** RFC 9110 9.2.2. */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/** RFC 9110 8.6: these say so if they have no content. */
const anticipatesContent = new Set(['POST', 'PUT', 'PATCH'])

/**
 * RFC 9110 15. Larger ones pass as they are, but not to HEAD: Hono makes a new Response for it,
 * which takes none of them.
 */
const lastStatus = 599

/** Responses of known length up to here are gathered and go out in one piece. */
const gatheredBytes = 256 * 1024
/** Buffer of a response that streams: one large write. */
const streamedBytes = 64 * 1024

export class Exchange<Made = Response> implements Asker, Want {
  readonly #downstream: Downstream<Made>
  readonly #route: Route
  readonly #context: ExchangeContext
  /** The key of the consistent hash. */
  readonly #keyOf: (() => string | null) | null
  readonly #trusts: Trust | null
  #settle!: (made: Made) => void
  readonly #fields: readonly string[] | string
  readonly #target: string
  readonly #tried: Member<Upstream>[] = []
  readonly #idempotent: boolean
  preamble: Uint8Array | null = null
  #member: Member<Upstream> | null = null
  #connection: Sender | null = null
  /** The request's body, once it is here whole or begins to be streamed. */
  #body: Uint8Array | BufferedBody | BodySource | null = null
  #attempts = 0
  /** A stale connection of a pool is tried again on a new one. */
  fresh = false
  /** The response has begun to reach the client, or the client will get none. */
  #answered = false
  #over = false
  /** A body of bytes has been sent. */
  #sent = false
  /** Nobody has kept them. */
  #lent = false
  /** Of the response, which is gathered or streamed. */
  #head: ResponseHead | null = null
  #gathered: Slab | null = null
  #gatheredLength = 0
  #kept: BufferedBody | null = null
  #limited: LimitedSource | null = null
  readonly #upgrade: string | null
  /** When the upstream was chosen; null: nobody wants to know. */
  #askedAt: number | null = null
  readonly #trace: RequestTrace | null
  /** Who was asked last. */
  #lastAsked: string | null = null

  /** `trusts`: the trusted hops; null: the peer is not trusted. */
  constructor(
    downstream: Downstream<Made>,
    route: Route,
    context: ExchangeContext,
    trusts: Trust | null,
    keyOf: (() => string | null) | null,
  ) {
    const trusted = trusts !== null
    this.#trusts = trusts
    this.#downstream = downstream
    this.#route = route
    this.#context = context
    this.#keyOf = keyOf
    const { method } = downstream
    this.#idempotent = method === 'GET' || idempotent.has(method)
    this.#upgrade = upgradeOf(downstream, route)
    const { config } = context
    const { tracing } = context
    const lines =
      downstream.text === null || tracing !== null
        ? null
        : requestLines(downstream.text, downstream, route, config, trusted)
    const fields = lines ?? requestFields(downstream, route, config, trusted)
    this.#trace = tracing?.begin(downstream, route.path) ?? null
    this.#fields = this.#trace === null || typeof fields === 'string' ? fields : this.#trace.passOn(fields)
    this.#target = targetOf(downstream.path, route)
  }

  get compresses(): boolean {
    return this.#route.compress
  }

  get gone(): boolean {
    return this.#over
  }

  get client(): string {
    const { address } = this.#downstream
    return clientKey(this.#trusts === null ? address : clientOf(address, this.#downstream.raw, this.#trusts))
  }

  get careful(): boolean {
    return this.#attempts > 1 || !this.#idempotent
  }

  /** `settle` is called once, in this turn or later. */
  start(settle: (made: Made) => void): void {
    this.#settle = settle
    const body = this.#incoming()
    this.#context.budget.request()
    this.#downstream.onClient((what) => this.#onClient(what))
    if (body === null || body instanceof Uint8Array) {
      this.#body = body
      this.#attempt()
      if (!this.#over) this.#keepBody()
    } else if (this.#buffers('request') && this.#upgrade === null && this.#fits()) this.#takeIn(body)
    else {
      this.#body = body
      this.#attempt()
    }
  }

  /**
   * Without a spool, only a body that is sure to fit in memory is taken in; others pass as they
   * come.
   */
  #fits(): boolean {
    const { bodyLength } = this.#downstream
    return this.#context.spool !== null || (bodyLength >= 0 && bodyLength <= this.#route.options.bufferMemoryBytes)
  }

  /** The body as it comes, held to the route's limit if its length is not known beforehand. */
  #incoming(): Uint8Array | BodySource | null {
    const { body } = this.#downstream
    const { maxBodyBytes } = this.#route
    if (maxBodyBytes === 0 || this.#downstream.bodyLength >= 0 || body === null || body instanceof Uint8Array)
      return body
    this.#limited = new LimitedSource(body, maxBodyBytes)
    return this.#limited
  }

  /**
   * At each sweep, for a client that has sent FIN: ends the wait for its upstream when it has
   * lasted long enough.
   */
  tick(now: number, endedAt: number): void {
    const { abortGraceMs } = this.#route.options
    if (now - endedAt < abortGraceMs || this.#head !== null) return
    this.#abandon()
  }

  // The client.

  #onClient(what: 'ended' | 'gone'): void {
    if (what === 'gone') this.#abandon()
    else if (this.#route.options.abortGraceMs !== 0) this.#context.ended.set(this, this.#context.now())
  }

  #abandon(): void {
    const connection = this.#connection
    const answered = this.#answered
    this.#answered = true
    this.#release()
    connection?.abort()
    if (!answered) this.#answerOwn('client-gone')
  }

  /** Takes the whole body before an upstream hears of it, so that a slow client holds no worker. */
  async #takeIn(source: BodySource): Promise<void> {
    const { options } = this.#route
    const kept = new BufferedBody({
      spool: this.#context.spool,
      held: this.#context.meters,
      memoryBytes: options.bufferMemoryBytes,
      bodyBytes: Number.POSITIVE_INFINITY,
    })
    this.#body = kept
    try {
      await kept.takeIn(source)
    } catch (error) {
      source.cancel(error)
      this.#release()
      if (this.#answered) return
      this.#answered = true
      // The engine answers for a body that it has refused.
      if (error instanceof SpoolFullError) this.#answerOwn('spool-full')
      else this.#answerOwn('client-gone')
      return
    }
    if (!this.#over) this.#attempt()
  }

  // The upstream.

  #attempt(): void {
    const member = this.#context.group.pick(this.#keyOf, this.#tried)
    if (member === null) this.#refuse('no-upstream')
    else this.#ask(member)
  }

  #ask(member: Member<Upstream>): void {
    this.#member = member
    this.#lastAsked = member.name
    this.#askedAt = this.#context.meters.areRead ? this.#context.now() : null
    this.#attempts += 1
    member.inFlight += 1
    this.preamble = this.#announcement(member.upstream)
    member.pool.acquire(this)
  }

  onConnection(connection: Sender): void {
    const { options } = this.#route
    this.#connection = connection
    if (this.#downstream.isLent) {
      // What goes out as it came can't be sent again.
      this.#lent = !this.#idempotent && this.#downstream.bodyLength <= connection.copiesBytes
      if (!this.#lent) this.#keepBody()
    }
    const body = this.#body instanceof BufferedBody ? this.#body.reader() : this.#body
    try {
      connection.send({
        asker: this,
        method: this.#downstream.method,
        target: this.#target,
        host: this.#host(),
        fields: this.#fields,
        body,
        room: body === this.#downstream.body ? (this.#downstream.slab?.room ?? 0) : 0,
        framing: this.#framing(body),
        upgrade: this.#upgrade,
        firstByteTimeoutMs: options.upstreamFirstByteTimeoutMs,
        readTimeoutMs: options.upstreamReadTimeoutMs,
      })
    } catch {
      // A target or host that may be received but not sent.
      this.#connection = null
      connection.close()
      this.#release()
      this.#answered = true
      this.#answerOwn('bad-request')
    }
  }

  /** The bytes that came with the head are needed for longer than this turn. */
  #keepBody(): void {
    if (!this.#downstream.isLent || this.#lent) return
    this.#downstream.keepBody()
    this.#body = this.#downstream.body
  }

  onSent(): void {
    this.#sent = true
  }

  onRefused(error: UpstreamError): void {
    this.onFailure(error)
  }

  onInterim(head: ResponseHead): void {
    if (!this.#answered && this.#route.earlyHints) this.#downstream.inform(head.status, interimFields(head.raw))
  }

  onWhole(head: ResponseHead, body: Uint8Array | null): void {
    this.#succeeded()
    const own = body === null ? null : this.#owned(body)
    this.#release()
    this.#reuse()
    this.#answer(head, own)
  }

  /** The parser's view is valid only during the call. */
  #owned(body: Uint8Array): Slab {
    return body.length <= this.#downstream.copiesBytes ? { bytes: body, room: 0 } : slabOfBytes(body)
  }

  onHead(head: ResponseHead): void {
    this.#succeeded()
    this.#head = head
    const streams = !this.#buffers('response') || isToStream(head)
    if (!streams && head.framing === 'length' && head.bodyLength <= gatheredBytes) {
      this.#gathered = slabOf(head.bodyLength)
      this.#gatheredLength = 0
      return
    }
    const { options } = this.#route
    const connection = this.#connection
    this.#kept = new BufferedBody({
      spool: streams ? null : this.#context.spool,
      held: this.#context.meters,
      memoryBytes: streams ? streamedBytes : options.bufferMemoryBytes,
      bodyBytes: options.spoolBodyBytes,
      onRoom: () => connection?.resume(),
      onCancel: () => this.#abandon(),
    })
    this.#answer(head, this.#kept)
  }

  onData(piece: Uint8Array): boolean {
    if (this.#gathered === null) return this.#kept?.push(piece) ?? true
    this.#gathered.bytes.set(piece, this.#gatheredLength)
    this.#gatheredLength += piece.length
    return true
  }

  onEnd(trailers: readonly string[]): void {
    const head = this.#head
    this.#release()
    this.#reuse()
    if (this.#gathered === null) this.#kept?.end(trailerFields(trailers))
    else if (head !== null) this.#answer(head, this.#gathered)
  }

  onUpgrade(head: ResponseHead, upstream: TransportDuplex): void {
    const { tunnels, now, config } = this.#context
    const { upgradedIdleTimeoutMs } = this.#route.options
    this.#succeeded()
    const member = this.#member
    this.#member = null
    const over = () => {
      if (member !== null) member.inFlight -= 1
    }
    const fields = responseFields(head.raw, this.#downstream, this.#route, config, head.minor)
    fields.push('Upgrade', head.upgrade ?? this.#upgrade ?? '')
    // The client is gone before it has heard of the upgrade.
    this.#downstream.onClient((what) => {
      if (what !== 'gone') return
      upstream.destroy()
      over()
    })
    this.#answered = true
    this.#release()
    const isWebSocket = head.upgrade?.toLowerCase() === 'websocket'
    const takeOver: TakeOver = (client, longLived) => {
      let forget = (): void => {}
      const onEnd = () => {
        tunnels.delete(tunnel)
        forget()
        over()
      }
      const tunnel = new Tunnel(client, upstream, { quietMs: upgradedIdleTimeoutMs, now, onEnd, isWebSocket })
      if (isWebSocket) forget = longLived.add('webSockets', () => tunnel.close(goingAway))
      tunnels.add(tunnel)
    }
    this.#respond({ status: 101, statusText: head.reason, fields, body: null, left: null, takeOver })
  }

  onWebSocket(head: ResponseHead, webSocket: object): void {
    this.#succeeded()
    const fields = responseFields(head.raw, this.#downstream, this.#route, this.#context.config, head.minor)
    this.#answered = true
    this.#release()
    this.#respond({ status: 101, statusText: head.reason, fields, body: null, left: null, webSocket })
  }

  onFailure(error: UpstreamError): void {
    const { code } = error
    const member = this.#member
    // On a connection that has answered before, a bad answer may be the rest of its predecessor's.
    const stale = (code === 'ended' || code === 'bad-answer') && (this.#connection?.used ?? false)
    this.#connection = null
    if (member !== null) {
      this.#member = null
      member.inFlight -= 1
      member.tally.failed(code)
      // The upstream may have closed an idle connection while the request was on its way: a race
      // that no client can win.
      if (failures[code].blames && !stale) this.#context.group.failed(member, code)
    }
    if (this.#over) return
    this.#gathered = null
    this.#head = null
    if (this.#answered) {
      this.#release()
      this.#kept?.fail(error)
    } else if (!this.#again(code, member, stale)) this.#refuse(code)
  }

  /** Tries once more if that is safe, on another upstream if there is one. */
  #again(code: FailureName, member: Member<Upstream> | null, stale: boolean): boolean {
    const { group, budget } = this.#context
    if (this.#lent || member === null || this.#attempts > this.#route.options.upstreamRetries) return false
    const body = this.#body
    const isKept = body === null || body instanceof Uint8Array || body instanceof BufferedBody
    if (!isSafeToRetry(code, { isStale: stale, isIdempotent: this.#idempotent, isKept })) return false
    this.#tried.push(member)
    const mayHaveGone = (stale || code === 'unsent') && !this.fresh
    const next = group.pick(this.#keyOf, this.#tried) ?? (mayHaveGone ? member : group.lastResort(this.#tried))
    if (next === null) return false
    if (!budget.tryRetry()) {
      group.retries.refused += 1
      return false
    }
    group.retries.made += 1
    this.fresh = next === member
    this.#ask(next)
    return true
  }

  #succeeded(): void {
    if (this.#member === null) return
    if (this.#askedAt !== null) this.#member.tally.answered(this.#context.now() - this.#askedAt)
    this.#context.group.succeeded(this.#member)
  }

  // The answer.

  #answer(head: ResponseHead, body: Slab | BufferedBody | null): void {
    if (this.#answered) return
    this.#answered = true
    const downstream = this.#downstream
    if (head.status > lastStatus && downstream.method === 'HEAD') {
      this.#answerOwn('bad-answer')
      return
    }
    if (downstream.text !== null && body !== null && !(body instanceof BufferedBody)) {
      const lines = responseLines(head.text, downstream, this.#route, this.#context.config, head.minor)
      if (lines !== null) {
        this.#respond(new PassedOn(head, lines, body, downstream, this.#route, this.#context.config))
        return
      }
    }
    const slab = body instanceof BufferedBody ? null : body
    const given: OutgoingResponse = {
      status: head.status,
      statusText: head.reason,
      fields: responseFields(head.raw, downstream, this.#route, this.#context.config, head.minor),
      body: body instanceof BufferedBody ? streamedFrom(body, null) : (slab?.bytes ?? null),
      // HEAD: the fields have the length that GET would say, or it is unknown.
      left: body === null && downstream.method === 'HEAD' ? unknown : null,
      ...(slab?.release && { room: slab.room, sent: slab.release }),
    }
    this.#respond(given)
  }

  #refuse(code: FailureName): void {
    this.#answered = true
    this.#release()
    this.#answerOwn(code)
  }

  #answerOwn(given: OwnReason): void {
    const reason = given === 'client-gone' && this.#limited?.exceeded ? 'body-too-large' : given
    this.#endTrace(statusOf(reason))
    this.#settle(ownResponse(reason, this.#downstream, this.#context.config, this.#route))
  }

  #respond(given: DownstreamResponse): void {
    this.#endTrace(given.status)
    this.#settle(this.#downstream.respond(given))
  }

  #endTrace(status: number): void {
    this.#trace?.end({ status, attempts: this.#attempts, upstream: this.#lastAsked })
  }

  /**
   * The request is answered, so its bytes are free, unless another connection may still have them.
   */
  #reuse(): void {
    if (this.#sent && this.#attempts === 1) this.#downstream.slab?.release?.()
  }

  /** Done with the upstream. */
  #release(): void {
    if (this.#over) return
    this.#over = true
    this.#connection = null
    this.#context.ended.delete(this)
    if (this.#body instanceof BufferedBody) this.#body.release()
    if (this.#member !== null) {
      this.#member.inFlight -= 1
      this.#member = null
    }
  }

  /** How the request frames its body (RFC 9112 6): by its length, if that is known. */
  #framing(body: Uint8Array | BodySource | null): BodyFraming {
    const { method, bodyLength } = this.#downstream
    if (body === null) return method !== 'GET' && anticipatesContent.has(method) ? 0 : 'none'
    if (body instanceof Uint8Array) return body.length
    if (!(this.#body instanceof BufferedBody)) return bodyLength < 0 ? 'chunked' : bodyLength
    // Only chunks can have trailers.
    return this.#body.trailers.length > 0 ? 'chunked' : this.#body.length
  }

  /** The PROXY protocol header of a connection that announces its client. */
  #announcement({ proxyProtocol }: UpstreamConfig): Uint8Array | null {
    if (proxyProtocol === 'off') return null
    const { address, port, local } = this.#downstream
    return proxyHeader(proxyProtocol, { address, port }, local)
  }

  #host(): string {
    const { hostHeader } = this.#route
    // HTTP/1.0 may have no Host, without which no upstream takes a request of HTTP/1.1 (RFC 9112
    // 3.2).
    if (hostHeader === 'keep' && this.#downstream.host !== '') return this.#downstream.host
    if (hostHeader !== 'keep' && hostHeader !== 'upstream') return hostHeader
    return this.#member === null ? '' : authorityOf(this.#member.upstream)
  }

  #buffers(what: 'request' | 'response'): boolean {
    const { buffer } = this.#route
    return buffer === what || buffer === 'both'
  }
}

const unknown: Left = { length: null, drop() {} }

/** The protocols that the client offers and the route lets through; null with a body. */
function upgradeOf({ upgrade, body }: Pick<Downstream, 'upgrade' | 'body'>, { upgrades }: Route): string | null {
  if (upgrade === null || body !== null || upgrades.length === 0) return null
  const offered = upgrade.split(',').map((protocol) => protocol.trim())
  return offered.filter((protocol) => upgrades.includes(protocol.toLowerCase())).join(', ') || null
}

/**
 * Whether a response must reach the client as it comes: an event stream, or one that asks for it as
 * it would ask nginx.
 */
function isToStream(head: ResponseHead): boolean {
  return isEventStream(head) || /^no$/i.test(head.get('x-accel-buffering') ?? '')
}
