/**
 * The body of a request on `node:http` and `node:http2`: counted, refused in the middle, or read
 * away after an early answer.
 */

import type { Http2ServerRequest } from 'node:http2'
import type { Socket } from 'node:net'
import { type BodyRefusal, BodyRefusedError, statusOf } from '../../src/http1/body-refused.ts'
import { plainResponse } from '../../src/serve/responses.ts'
import { mayTake } from '../../src/serve/route-limits.ts'
import type { HeldIncoming } from './held-incoming.ts'

export type Incoming = HeldIncoming | Http2ServerRequest

/** HTTP/2 knows no `Connection: close`; there the stream ends and the session lives. */
const refusal = (status: number, close: boolean): Response =>
  plainResponse(status, close ? { connection: 'close' } : {})

/** Not by the version, which an HTTP/1.1 client writes into its request line as it likes. */
const isHttp2 = (incoming: Incoming): incoming is Http2ServerRequest => 'stream' in incoming

export function hasBody(incoming: Incoming): boolean {
  if (isHttp2(incoming)) return !incoming.stream.endAfterHeaders
  const { headers } = incoming
  const length = headers['content-length']
  return length === undefined ? headers['transfer-encoding'] !== undefined : length !== '0'
}

export class Body {
  readonly #incoming: Incoming
  readonly #onTooLarge: () => void
  /** 0: off. */
  #maxBytes: number
  /** What the head says; 0: nothing. */
  readonly #announced: number
  /** Null: HTTP/2. */
  readonly #socket: Socket | null
  #bytes = 0
  /**
   * It is larger than the server’s limit; its route may allow that until the application reads it.
   */
  #awaitsRoute = false
  #refusedWith: number | null = null
  /** It was answered while it came, and nothing of it is lost so far. */
  #gaveUp = false

  /** `maxBytes` 0: off. A body of unknown length is known to be too large only in its middle. */
  constructor(incoming: Incoming, maxBytes: number, onTooLarge: () => void) {
    this.#incoming = incoming
    this.#maxBytes = maxBytes
    this.#onTooLarge = onTooLarge
    this.#announced = Number(incoming.headers['content-length'] ?? 0)
    this.#socket = isHttp2(incoming) ? null : incoming.socket
    if (!isHttp2(incoming)) {
      incoming.body = this
      return
    }
    const push = incoming.push.bind(incoming)
    incoming.push = (chunk: any, encoding?: BufferEncoding) =>
      chunk !== null && !this.takes(chunk.length) ? true : push(chunk, encoding)
  }

  /** Counts what has come of it; returns whether its reader may have that. */
  takes(bytes: number): boolean {
    // What is refused, or given up by the application, is still read: the client has to read its answer.
    if (this.#refusedWith !== null || this.#incoming.destroyed) {
      this.#lose()
      return false
    }
    this.#bytes += bytes
    if (!this.isTooLarge || this.awaitRoute()) return true
    this.#onTooLarge()
    return false
  }

  /**
   * Its stream is over. `node:http` takes the socket from a body that the application cancels; it
   * may have stopped reading by then.
   */
  closed(): void {
    if (!this.complete) this.#socket?.resume()
  }

  /** Larger than it may be, as far as it has come or says of itself. */
  get isTooLarge(): boolean {
    return this.#maxBytes !== 0 && Math.max(this.#announced, this.#bytes) > this.#maxBytes
  }

  get awaitsRoute(): boolean {
    return this.#awaitsRoute
  }

  /**
   * Whether a route may still allow that: until the application reads, and if there is such a
   * route.
   */
  awaitRoute(): boolean {
    if (this.#awaitsRoute) return true
    const incoming = this.#incoming
    const isRead = incoming.listenerCount('data') + incoming.listenerCount('readable') > 0
    if (isRead || !mayTake(Math.max(this.#announced, this.#bytes))) return false
    this.#awaitsRoute = true
    const read = incoming.read.bind(incoming)
    incoming.read = (size?: number) => {
      if (size !== 0) this.decideSize()
      return this.refused ? null : read(size)
    }
    return true
  }

  /** No route comes any more that could allow what is larger than the limit. */
  decideSize(): void {
    if (!this.#awaitsRoute) return
    this.#awaitsRoute = false
    if (this.isTooLarge && !this.refused) this.#onTooLarge()
  }

  /** A route has changed `maxBodyBytes`. */
  limitTo(maxBytes: number): void {
    this.#maxBytes = maxBytes
    this.#awaitsRoute = false
    if (this.isTooLarge && !this.refused) this.#onTooLarge()
  }

  /** Its client is no more. `node:http` tells only requests that are not answered yet. */
  gone(): void {
    if (!this.complete) this.#lose()
  }

  /** Who still reads what has been given up must not take what there was of it for the whole. */
  #lose(): void {
    if (!this.#gaveUp) return
    this.#gaveUp = false
    const message = 'the request has been answered, and its body was not waited for'
    this.#incoming.emit('error', new DOMException(message, 'AbortError'))
  }

  get complete(): boolean {
    return this.#incoming.complete
  }

  get refused(): boolean {
    return this.#refusedWith !== null
  }

  /** Whether the application waits for more of it. */
  get wanted(): boolean {
    const { readableFlowing, readableLength } = this.#incoming
    return readableFlowing === true || (this.#incoming.listenerCount('readable') > 0 && readableLength === 0)
  }

  /** Makes the application's read fail; whatever it then answers, `refusal` is what is answered. */
  refuse(reason: BodyRefusal): void {
    if (this.refused) return
    this.#refusedWith = statusOf(reason)
    if (this.#incoming.listenerCount('error') === 0) return
    this.#incoming.emit('error', new BodyRefusedError(reason, { closes: this.#close }))
  }

  /** Reads the rest away, whoever else was reading it. */
  discard(): void {
    this.#gaveUp = !this.refused
    this.#refusedWith ??= 413
    this.#incoming.on('error', () => {})
    this.#incoming.on('pause', () => this.#incoming.resume())
    this.#incoming.resume()
  }

  /** What is answered, whatever the application says, once it has been refused. */
  get refusal(): Response | null {
    return this.#refusedWith === null ? null : refusal(this.#refusedWith, this.#close)
  }

  get #close(): boolean {
    return !isHttp2(this.#incoming)
  }
}
