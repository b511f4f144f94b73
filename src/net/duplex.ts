/** A connection after its upgrade, as the stream that WebSocket libraries take. */
import { Duplex } from 'node:stream'
import type { Transport, TransportEvents } from './transport.ts'

export class TransportDuplex extends Duplex implements TransportEvents {
  readonly #transport: Transport
  /** What is to be told the end of the connection beside the stream. */
  readonly #onGone: () => void
  #isRead = true
  #written: ((error?: Error | null) => void) | null = null

  /** `head`: what came beyond the request. */
  constructor(transport: Transport, head: Uint8Array, onGone: () => void) {
    super({ allowHalfOpen: true })
    this.#transport = transport
    this.#onGone = onGone
    if (head.length > 0) this.push(head)
  }

  /** What comes is taken; false: there is no room for it now. */
  get isRead(): boolean {
    return this.#isRead
  }

  get remoteAddress(): string {
    return this.#transport.peer.address
  }

  get remotePort(): number {
    return this.#transport.peer.port
  }

  // Of a net.Socket, for libraries that expect one.
  setTimeout(): this {
    return this
  }
  setNoDelay(): this {
    return this
  }

  secured(): void {}

  feed(bytes: Uint8Array): void {
    if (this.push(bytes.slice())) return
    this.#isRead = false
    this.#transport.pause()
  }

  drained(): void {
    const written = this.#written
    this.#written = null
    written?.()
  }

  peerEnded(): void {
    this.push(null)
  }

  gone(): void {
    this.#onGone()
    this.destroy()
  }

  override _read(): void {
    this.#isRead = true
    this.#transport.resume()
  }

  override _write(chunk: Uint8Array, _: BufferEncoding, callback: (error?: Error | null) => void): void {
    if (this.#transport.write('', chunk)) callback()
    else this.#written = callback
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#transport.end()
    callback()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#transport.destroy()
    callback(error)
  }
}
