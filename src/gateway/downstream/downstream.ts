/**
 * The client's side of one request, from the socket engine, which shows everything, or from the
 * runtime's own server.
 */
import type { RequestHead } from '../../http1/head.ts'
import type { IncomingBody } from '../../http1/incoming-body.ts'
import type { ServerConnection } from '../../http1/server-connection.ts'
import { type Slab, slabOfBytes } from '../../http1/slabs.ts'
import { streamOf } from '../../http1/web/native-request.ts'
import type { BodySource } from '../../http1/web/payload.ts'
import { isStreamed, type OutgoingResponse, responseOf } from '../../http1/web/response.ts'
import { sourceOf } from '../../http1/web/source.ts'
import type { LongLived } from '../../lifecycle/long-lived.ts'
import type { Peer } from '../../net/transport.ts'

/** `Made`: what its server takes for a response; nothing where `respond` itself sends it. */
export interface Downstream<Made = Response> {
  readonly method: string
  /** In origin form, as it came; `*` for `OPTIONS *`. */
  readonly path: string
  readonly host: string
  readonly secure: boolean
  /** Of HTTP/1; HTTP/2 counts as 1. */
  readonly minor: 0 | 1
  /** `1.0`, `1.1`, `2`: for `Via`. */
  readonly version: string
  /** name, value, … */
  readonly raw: readonly string[]
  /** The same as lines that our parser has checked; null: another server parsed them. */
  readonly text: string | null
  readonly address: string
  readonly port: number
  /** The address that the client is connected to; null: unknown. */
  readonly local: Pick<Peer, 'address' | 'port'> | null
  readonly body: Uint8Array | BodySource | null
  /** The memory of a `body` of bytes that is kept. */
  readonly slab: Slab | null
  /**
   * `body` is a view that is valid only in the turn in which the request came, until `keepBody`.
   */
  readonly isLent: boolean
  /** Copies a body that is lent. */
  keepBody(): void
  /**
   * A response's body of no more bytes than these may be a view that is valid only during
   * `respond`.
   */
  readonly copiesBytes: number
  /** -1: unknown. */
  readonly bodyLength: number
  readonly upgrade: string | null
  /** `ended`: the client sends no more and may still read; `gone`: nobody reads the response. */
  onClient(listener: (what: 'ended' | 'gone') => void): void
  /**
   * Not null if each request counts as a connection of its client until this calls back: nothing
   * else counts them, or one connection has many requests at once.
   */
  readonly onEnd: ((listener: () => void) => void) | null
  /** Sends an interim response, if the client's protocol has them. */
  inform(status: number, fields: readonly string[]): void
  /** Never throws. */
  respond(answer: DownstreamResponse): Made
}

export interface DownstreamResponse extends OutgoingResponse {
  /** With 101, if the platform itself joins two WebSockets. */
  readonly webSocket?: object
}

abstract class OnEngine<Made> implements Downstream<Made> {
  protected readonly connection: ServerConnection
  readonly #head: RequestHead
  body: Uint8Array | IncomingBody | null
  slab: Slab | null = null
  isLent: boolean
  abstract readonly copiesBytes: number
  readonly onEnd = null

  constructor(connection: ServerConnection, head: RequestHead, body: Uint8Array | IncomingBody | null) {
    this.connection = connection
    this.#head = head
    this.body = body
    this.isLent = body instanceof Uint8Array
  }

  keepBody(): void {
    const { body } = this
    if (!this.isLent || !(body instanceof Uint8Array)) return
    this.isLent = false
    this.slab = slabOfBytes(body)
    this.body = this.slab.bytes
  }

  get method(): string {
    return this.#head.method
  }

  get path(): string {
    return this.#head.path
  }

  get host(): string {
    return this.#head.host
  }

  get secure(): boolean {
    return this.connection.secure
  }

  get minor(): 0 | 1 {
    return this.#head.minor
  }

  get version(): string {
    return this.#head.minor === 1 ? '1.1' : '1.0'
  }

  get raw(): readonly string[] {
    return this.#head.raw
  }

  get text(): string {
    return this.#head.text
  }

  get address(): string {
    return this.connection.transport.peer.address
  }

  get port(): number {
    return this.connection.transport.peer.port
  }

  get local(): Peer | null {
    return this.connection.transport.local ?? null
  }

  get bodyLength(): number {
    return this.#head.bodyLength
  }

  get upgrade(): string | null {
    return this.#head.upgrade
  }

  onClient(listener: (what: 'ended' | 'gone') => void): void {
    this.connection.onClient = listener
  }

  inform(status: number, fields: readonly string[]): void {
    this.connection.inform(status, fields)
  }

  abstract respond(answer: DownstreamResponse): Made
}

/** On the socket engine, which is answered at once, with no Request or Response in between. */
export class EngineDownstream extends OnEngine<void> {
  override get copiesBytes(): number {
    return this.connection.transport.copiesBytes ?? 0
  }

  override respond(answer: DownstreamResponse): void {
    this.connection.answerSafely(answer)
  }
}

/** On the socket engine, with a Response for middleware; `c.env` of the gateway's app. */
export class EngineBindings extends OnEngine<Response> {
  override readonly copiesBytes = 0

  constructor(connection: ServerConnection, head: RequestHead, body: Uint8Array | IncomingBody | null) {
    super(connection, head, body)
    // Nobody knows what a middleware waits for.
    this.keepBody()
  }

  override respond(answer: DownstreamResponse): Response {
    return responseOf(answer)
  }
}

/** A `Request` of the runtime's own server: HTTP/2, and Workers. */
export class NativeDownstream implements Downstream {
  readonly #request: Request
  readonly #url: URL
  readonly version: string
  readonly address: string
  readonly port: number
  readonly body: BodySource | null
  readonly raw: readonly string[]
  readonly text = null
  readonly slab = null
  readonly isLent = false
  readonly copiesBytes = 0
  readonly minor = 1
  readonly upgrade: string | null = null
  readonly local = null
  readonly onEnd: Downstream['onEnd'] = null

  constructor(request: Request, peer: { readonly address: string; readonly port: number }, version: string) {
    this.#request = request
    this.#url = new URL(request.url)
    this.version = version
    this.address = peer.address
    this.port = peer.port
    this.body = request.body === null ? null : sourceOf(request.body)
    this.raw = [...request.headers].flat()
  }

  get method(): string {
    return this.#request.method
  }

  get path(): string {
    return this.#url.pathname + this.#url.search
  }

  get host(): string {
    return this.#url.host
  }

  get secure(): boolean {
    return this.#url.protocol === 'https:'
  }

  get bodyLength(): number {
    const said = this.#request.headers.get('content-length')
    if (said !== null) return Number(said)
    return this.body === null ? 0 : -1
  }

  onClient(listener: (what: 'ended' | 'gone') => void): void {
    // The runtime does not tell FIN from RST.
    this.#request.signal.addEventListener('abort', () => listener('gone'), { once: true })
  }

  keepBody(): void {}

  inform(_status: number, _fields: readonly string[]): void {}

  respond(answer: DownstreamResponse): Response {
    const { status, statusText, fields, left } = answer
    left?.drop()
    return new Response(contentOf(answer), { status, statusText, headers: headersOf(fields) })
  }

  /**
   * The response of the app, as this server takes it. `longLived`: what the drain of the server
   * ends.
   */
  finish(response: Response, _longLived: LongLived): Response {
    return response
  }
}

export function headersOf(fields: readonly string[]): Headers {
  const headers = new Headers()
  for (let i = 0; i < fields.length; i += 2) headers.append(fields[i]!, fields[i + 1]!)
  return headers
}

/**
 * The content for a native `Response`, which takes none with some statuses, whatever an upstream
 * sends.
 */
export function contentOf({ status, body }: Pick<OutgoingResponse, 'status' | 'body'>): BodyInit | null {
  if (status === 204 || status === 205 || status === 304) {
    dropBody(body)
    return null
  }
  if (body === null || typeof body === 'string') return body
  return body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : streamOf(body)
}

/** The body is not needed. */
export function dropBody(body: OutgoingResponse['body']): void {
  if (isStreamed(body)) body.cancel(new TypeError('the body was not wanted'))
}
