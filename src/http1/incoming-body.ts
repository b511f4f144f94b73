/**
 * The body of a request while it comes: what the parser gives is kept until the application reads
 * it, up to a limit that pauses the client.
 */
import { copyOf } from './bytes.ts'

/** Kept for an application that does not read yet; above it the client waits. */
const keptBytes = 64 * 1024
/**
 * So many pieces are kept as they came. All that comes behind them is joined: a piece of one byte
 * costs a hundred beside it.
 */
const keptPieces = 16
const leastJoinedBytes = 1024

export class IncomingBody {
  /** Called when the application first reads, and whenever it has made room. */
  readonly #onRead: () => void
  /** Called once, before the application's first read, which fails if this fails the body. */
  beforeRead: (() => void) | null = null
  /** After the end: name, value, … */
  trailers: readonly string[] = []
  #pieces: Uint8Array[] = []
  /** What came behind the pieces, and how much of it is filled. */
  #joined: Uint8Array | null = null
  #joinedBytes = 0
  #keptBytes = 0
  #ended = false
  #error: Error | null = null
  #reader: { resolve(piece: Uint8Array | null): void; reject(error: Error): void } | null = null

  constructor(onRead: () => void) {
    this.#onRead = onRead
  }

  /** Whether the application waits for bytes. */
  get wanted(): boolean {
    return this.#reader !== null
  }

  get complete(): boolean {
    return this.#ended
  }

  get failed(): Error | null {
    return this.#error
  }

  /** Takes a view; returns whether there is room for more. */
  push(piece: Uint8Array): boolean {
    if (this.#error !== null) return true
    if (this.#reader !== null) {
      const { resolve } = this.#reader
      this.#reader = null
      resolve(copyOf(piece))
    } else {
      this.#keptBytes += piece.length
      if (this.#joined !== null || this.#pieces.length === keptPieces) this.#join(piece)
      else this.#pieces.push(copyOf(piece))
    }
    return this.#keptBytes < keptBytes
  }

  #join(piece: Uint8Array): void {
    const length = this.#joinedBytes + piece.length
    let joined = this.#joined
    if (joined === null || length > joined.length) {
      const larger = new Uint8Array(Math.max(leastJoinedBytes, 2 * length))
      if (joined !== null) larger.set(joined.subarray(0, this.#joinedBytes))
      joined = larger
      this.#joined = joined
    }
    joined.set(piece, this.#joinedBytes)
    this.#joinedBytes = length
  }

  /** The piece to be read next. */
  #take(): Uint8Array | null {
    const piece = this.#pieces.shift()
    if (piece !== undefined) return piece
    const joined = this.#joined?.subarray(0, this.#joinedBytes) ?? null
    this.#joined = null
    this.#joinedBytes = 0
    return joined
  }

  end(trailers: readonly string[] = []): void {
    this.trailers = trailers
    this.#ended = true
    this.#reader?.resolve(null)
    this.#reader = null
  }

  /** What was kept goes; the application's read rejects. */
  fail(error: Error): void {
    if (this.#error !== null || (this.#ended && this.#keptBytes === 0)) return
    this.#error = error
    this.#pieces = []
    this.#joined = null
    this.#keptBytes = 0
    this.#reader?.reject(error)
    this.#reader = null
  }

  /** The next piece, or null at the end. One read at a time. */
  read(): Promise<Uint8Array | null> {
    if (this.beforeRead !== null) {
      const check = this.beforeRead
      this.beforeRead = null
      check()
    }
    if (this.#error !== null) return Promise.reject(this.#error)
    const piece = this.#take()
    if (piece !== null) {
      this.#keptBytes -= piece.length
      this.#onRead()
      return Promise.resolve(piece)
    }
    if (this.#ended) return Promise.resolve(null)
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject }
      this.#onRead()
    })
  }

  /** The application wants no more of it: the rest is read away as it comes. */
  cancel(): void {
    this.fail(new TypeError('the body was cancelled'))
    this.#onRead()
  }
}
