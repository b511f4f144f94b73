/**
 * What a stream of the application holds already: bytes that can be read without waiting are looked at
 * before the head goes out, so that a body that is there gets its length.
 */
import { Buffer } from 'node:buffer'
import { setImmediate } from 'node:timers'
import type { Streamed } from './light/response.ts'

/** Turns of the event loop in which nothing comes: Node needs two for each part of a Blob, and for its end. */
const quietTurns = 2
/** A stream that never makes its reader wait is sent as it comes after so many pieces. */
const mostPieces = 64

/**
 * All of the body, or a stream that begins with what was read. Rejects if the stream fails before it
 * has given anything: later its reader is told. `length` is what the answer says of itself; a body that
 * does not keep to it stays a stream. A file's first bytes are waited for: its reading is sure to end.
 */
export function readEarly(stream: Streamed, length: number | null): Promise<Uint8Array | Streamed> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | Streamed>()
  const pieces: Uint8Array[] = []
  let size = 0
  let over = false

  function settle(what: Uint8Array | Streamed): void {
    over = true
    resolve(what)
  }

  function step(pending: Promise<Uint8Array | null>): void {
    pending.then(
      (piece) => {
        if (over) return
        if (piece === null) {
          if (length === null || length === size) settle(joined(pieces, size))
          else settle(new Begun(stream, pieces, pending))
          return
        }
        pieces.push(piece)
        size += piece.length
        turns = 0
        if (stream.length === null) read()
        // Of a Blob: what is left may be large, and its length is known.
        else if (stream.length === size && stream.length === length) {
          stream.cancel(null)
          settle(joined(pieces, size))
        } else settle(new Begun(stream, pieces, null))
      },
      (error) => {
        // Later it is for the reader of what has begun.
        if (over) return
        if (pieces.length > 0) settle(new Begun(stream, pieces, pending))
        else {
          over = true
          reject(error)
        }
      },
    )
  }

  let last: Promise<Uint8Array | null> | null = null
  function read(): void {
    if (pieces.length === mostPieces) {
      settle(new Begun(stream, pieces, null))
      return
    }
    last = stream.read()
    step(last)
  }

  let turns = 0
  function wait(): void {
    if (over) return
    if (turns++ < quietTurns) setImmediate(wait)
    else settle(new Begun(stream, pieces, last))
  }

  read()
  if (stream.blob === undefined) wait()
  return promise
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, size)
}

/** A stream of which something was read already. */
class Begun implements Streamed {
  readonly length: number | null
  readonly ofApplication: boolean
  readonly #stream: Streamed
  readonly #pieces: Uint8Array[]
  /** A read that is under way. */
  #pending: Promise<Uint8Array | null> | null

  constructor(stream: Streamed, pieces: Uint8Array[], pending: Promise<Uint8Array | null> | null) {
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
