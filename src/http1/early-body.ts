/**
 * What a stream of the application holds already: bytes that can be read without waiting are looked
 * at before the head goes out, so that a body that is there gets its length.
 */
import { Buffer } from 'node:buffer'
import type { ServerClock } from '../lifecycle/clock.ts'
import type { Streamed } from './web/response.ts'

/**
 * Turns of the event loop in which nothing comes: Node needs two for each part of a Blob, and for
 * its end.
 */
const quietTurns = 2
/** Of the queue of promises, before a turn of the loop is waited for. */
const jobsBeforeTurn = 4
/** A stream that never makes its reader wait is sent as it comes after so many pieces. */
const mostPieces = 64

type AfterTurn = ServerClock['afterTurn']

/**
 * All of the body, or a stream that begins with what was read. Rejects if the stream fails before
 * it has given anything: later its reader is told. `length` is what the response says of itself; a
 * body that does not keep to it stays a stream. A file's first bytes are waited for: its reading is
 * sure to end.
 */
export function readEarly(
  stream: Streamed,
  length: number | null,
  afterTurn: AfterTurn,
): Promise<Uint8Array | Streamed> {
  return new Promise((resolve, reject) => new Reading(stream, length, afterTurn, resolve, reject).begin())
}

class Reading {
  readonly #stream: Streamed
  readonly #length: number | null
  readonly #afterTurn: AfterTurn
  readonly #resolve: (what: Uint8Array | Streamed) => void
  readonly #reject: (error: unknown) => void
  readonly #pieces: Uint8Array[] = []
  #size = 0
  #reads = 0
  #last: Promise<Uint8Array | null> | null = null
  #over = false
  #turns = 0

  constructor(
    stream: Streamed,
    length: number | null,
    afterTurn: AfterTurn,
    resolve: (what: Uint8Array | Streamed) => void,
    reject: (error: unknown) => void,
  ) {
    this.#stream = stream
    this.#length = length
    this.#afterTurn = afterTurn
    this.#resolve = resolve
    this.#reject = reject
  }

  begin(): void {
    this.#read()
    if (this.#stream.blob === undefined) this.#soon(jobsBeforeTurn)
  }

  #read(): void {
    this.#reads += 1
    this.#last = this.#stream.read()
    this.#last.then(this.#onPiece, this.#onError)
  }

  readonly #onPiece = (piece: Uint8Array | null): void => {
    if (this.#over) return
    const stream = this.#stream
    const length = this.#length
    if (piece === null) {
      if (length === null || length === this.#size) this.#settle(this.#joined())
      else this.#settle(new Begun(stream, this.#pieces, this.#last))
      return
    }
    // One whose memory was given away is empty, and can't even be copied.
    if (piece.length > 0) this.#pieces.push(piece)
    this.#size += piece.length
    this.#turns = 0
    if (length !== null && this.#size > length) this.#settle(new Begun(stream, this.#pieces, null, true))
    else if (stream.length === null && this.#reads < mostPieces) this.#read()
    else if (stream.length === this.#size && stream.length === length) {
      stream.cancel(null)
      this.#settle(this.#joined())
    } else {
      // What is left of a Blob may be large, and its length is known.
      this.#settle(new Begun(stream, this.#pieces, null))
    }
  }

  readonly #onError = (error: unknown): void => {
    // Later it is for the reader of what has begun.
    if (this.#over) return
    if (this.#pieces.length > 0) {
      this.#settle(new Begun(this.#stream, this.#pieces, this.#last))
      return
    }
    this.#over = true
    this.#reject(error)
  }

  /** Most bodies are there after a job or two, which is less than a turn of the loop costs. */
  #soon(jobs: number): void {
    if (this.#over) return
    if (jobs > 0) queueMicrotask(() => this.#soon(jobs - 1))
    else this.#wait()
  }

  readonly #wait = (): void => {
    if (this.#over) return
    if (this.#turns++ < quietTurns) this.#afterTurn(this.#wait)
    else this.#settle(new Begun(this.#stream, this.#pieces, this.#last))
  }

  #settle(what: Uint8Array | Streamed): void {
    this.#over = true
    this.#resolve(what)
  }

  #joined(): Uint8Array {
    const [first] = this.#pieces
    return this.#pieces.length === 1 ? first! : Buffer.concat(this.#pieces, this.#size)
  }
}

/** A stream of which something was read already. */
class Begun implements Streamed {
  readonly length: number | null
  readonly ofApplication: boolean
  readonly isTooLong: boolean
  readonly #stream: Streamed
  readonly #pieces: Uint8Array[]
  /** A read that is under way. */
  #pending: Promise<Uint8Array | null> | null

  constructor(stream: Streamed, pieces: Uint8Array[], pending: Promise<Uint8Array | null> | null, isTooLong = false) {
    this.isTooLong = isTooLong
    this.length = stream.length
    this.ofApplication = stream.ofApplication ?? false
    this.#stream = stream
    this.#pieces = pieces
    this.#pending = pending
  }

  get trailers(): readonly string[] {
    return this.#stream.trailers ?? []
  }

  read(): Promise<Uint8Array | null> {
    const piece = this.#pieces.shift()
    if (piece !== undefined) return Promise.resolve(piece)
    const pending = this.#pending
    this.#pending = null
    return pending ?? this.#stream.read()
  }

  cancel(reason: unknown): void {
    this.#stream.cancel(reason)
  }
}
