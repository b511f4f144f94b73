/**
 * A request of HTTP/1.1 whose body is held back until somebody reads it. Most bodies come with
 * their head: @hono/node-server asks for such a one as `rawBody`, and gets it without a stream.
 */
import { Buffer } from 'node:buffer'
import { IncomingMessage } from 'node:http'
import type { Body } from './body.ts'

/** A longer one is not there in one read of its socket. */
const holdAtMost = 64 * 1024

/** What Node 24 does to requests without a body (`optimizeEmptyRequests`). */
interface Closable {
  _dumpAndCloseReadable?(): void
}

/** A buffer whose `slice`, in this turn, gives the buffer itself where it is asked for all of it. */
interface Lent extends ArrayBuffer {
  slice: ArrayBuffer['slice']
}

const { slice } = ArrayBuffer.prototype

function sliceOnce(this: ArrayBuffer, from = 0, to = this.byteLength): ArrayBuffer {
  delete (this as Partial<Lent>).slice
  return from === 0 && to === this.byteLength ? this : slice.call(this, from, to)
}

/**
 * `arrayBuffer()` of @hono/node-server copies what it is given, which nobody else has. Both would
 * be memory outside of V8's heap: under a load of uploads V8 collects the whole heap again and again
 * because of that, and the fewer bytes, the less often.
 */
function lendWhole(buffer: ArrayBuffer): void {
  ;(buffer as Lent).slice = sliceOnce
  queueMicrotask(() => {
    delete (buffer as Partial<Lent>).slice
  })
}

export class HeldIncoming extends IncomingMessage {
  /** What may be taken of it; null: none is expected. */
  body: Body | null = null
  /** What came before the application was asked; null: the stream has it. */
  #held: Buffer[] | null = null
  #ask: (() => void) | null = null
  #raw: Buffer | undefined

  /**
   * Calls back when the body is there; returns false if it may take longer than this read of the
   * socket, or the first read of it decides whether it may be as large. In the next turn of the
   * loop `askNow` is to be called.
   */
  hold(ask: () => void): boolean {
    if (!(Number(this.headers['content-length']) <= holdAtMost) || this.body?.awaitsRoute) return false
    this.#held = []
    this.#ask = ask
    return true
  }

  /** What is not there yet comes through the stream, at the application's pace. */
  askNow(): void {
    const ask = this.#ask
    if (ask === null) return
    this.#ask = null
    if (!this.complete) this.#release()
    ask()
  }

  override push(chunk: any, encoding?: BufferEncoding): boolean {
    if (chunk !== null && this.body?.takes(chunk.length) === false) return true
    if (this.#held === null) return super.push(chunk, encoding)
    if (chunk === null) this.askNow()
    else this.#held.push(chunk)
    return true
  }

  /** All of the body, if it is there and nobody has begun to read it. */
  get rawBody(): Buffer | undefined {
    if (this.#held === null || !this.complete || this.body?.refused) return this.#raw
    const [first, ...more] = this.#held
    if (first !== undefined && more.length === 0) {
      this.#raw = first
      if (first.byteLength === first.buffer.byteLength) lendWhole(first.buffer as ArrayBuffer)
    } else this.#raw = Buffer.concat(this.#held)
    this.#held = null
    this.#close()
    return this.#raw
  }

  override _read(size: number): void {
    this.#release()
    super._read(size)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    super._destroy(error, (failure) => {
      done(failure)
      this.body?.closed()
    })
  }

  #release(): void {
    const held = this.#held
    if (held === null) return
    this.#held = null
    for (const piece of held) super.push(piece)
    if (this.complete) super.push(null)
  }

  /** The stream is over, and tells whoever listens. */
  #close(): void {
    const close = (this as Closable)._dumpAndCloseReadable
    if (close !== undefined && this.listenerCount('end') + this.listenerCount('close') === 0) {
      close.call(this)
      return
    }
    super.push(null)
    this.resume()
  }
}
