/**
 * A body on its way through the gateway: in memory up to a limit, in the spool above it, and above
 * that its writer waits. A response is read while it is written, each byte once; a request is taken
 * in whole and then read as often as it is sent.
 */
import { Buffer } from 'node:buffer'
import type { BodySource } from '../../http1/web/payload.ts'
import { type Spool, type SpoolFile, SpoolFullError } from './spool.ts'

/** What all bodies of a gateway hold in memory. */
export interface Held {
  heldBytes: number
}

export interface KeptBodyOptions {
  /** null: what does not fit in memory waits at its writer. */
  readonly spool: Spool | null
  readonly memoryBytes: number
  /** In the spool at once. */
  readonly bodyBytes: number
  /** Is kept up to date with what this body holds. Default: nobody counts. */
  readonly held?: Held
  /** After `push` returned false. */
  readonly onRoom?: () => void
  /** The reader has stopped before the end. */
  readonly onCancel?: () => void
}

/** A read from the spool. */
const readBytes = 128 * 1024
/**
 * Smaller pieces in a row are joined: an array costs more than a hundred bytes, however little it
 * holds.
 */
const smallBytes = 4 * 1024

/** Pieces in order. */
class Pieces {
  list: Uint8Array[] = []
  bytes = 0
  readonly #held: Held | undefined
  /** The block of the last piece, if it has room behind that. */
  #block: Uint8Array | null = null
  #blockUsed = 0

  constructor(held: Held | undefined) {
    this.#held = held
  }

  #count(bytes: number): void {
    this.bytes += bytes
    if (this.#held !== undefined) this.#held.heldBytes += bytes
  }

  add(piece: Uint8Array): void {
    const last = this.list.length - 1
    this.#count(piece.length)
    if (piece.length >= smallBytes || last < 0) this.#append(piece)
    else if (this.#block !== null && this.#blockUsed + piece.length <= this.#block.length)
      this.#extend(this.#block, last, piece)
    else if (this.list[last]!.length < smallBytes) {
      const before = this.list[last]!
      this.#block = Buffer.allocUnsafe(4 * (before.length + piece.length))
      this.#block.set(before)
      this.#blockUsed = before.length
      this.#extend(this.#block, last, piece)
    } else this.#append(piece)
  }

  #append(piece: Uint8Array): void {
    this.#block = null
    this.list.push(piece)
  }

  /** The last piece is at the block's end. */
  #extend(block: Uint8Array, last: number, piece: Uint8Array): void {
    const start = this.#blockUsed - this.list[last]!.length
    block.set(piece, this.#blockUsed)
    this.#blockUsed += piece.length
    this.list[last] = block.subarray(start, this.#blockUsed)
  }

  shift(): Uint8Array | undefined {
    const piece = this.list.shift()
    if (piece === undefined) return undefined
    this.#count(-piece.length)
    if (this.list.length === 0) this.#block = null
    return piece
  }

  pop(): Uint8Array | undefined {
    const piece = this.list.pop()
    this.#count(-(piece?.length ?? 0))
    this.#block = null
    return piece
  }

  /** They are held elsewhere now, or by nobody. */
  clear(): void {
    this.#count(-this.bytes)
    this.list = []
    this.#block = null
  }
}

export class BufferedBody implements BodySource {
  readonly #options: KeptBodyOptions
  /** A quarter of the memory is written at once, while another fills. */
  readonly #batchBytes: number
  /**
   * In order: read next, in the file, being written to the file, the tail. Without a file there is
   * only the first.
   */
  #head: Pieces
  #file: SpoolFile | null = null
  #readAt = 0
  #writing: Pieces | null = null
  #tail: Pieces
  #reading = false
  #receivedBytes = 0
  #ended = false
  #error: Error | null = null
  /** No one reads any more. */
  #dropped = false
  /** The writer waits. */
  #full = false
  #reader: { resolve(piece: Uint8Array | null): void; reject(error: Error): void } | null = null
  /** Wakes a `takeIn` that waits for the spool. */
  #onWritten: { resolve(): void; reject(error: Error): void } | null = null
  /** After the end: name, value, … */
  trailers: readonly string[] = []

  constructor(options: KeptBodyOptions) {
    this.#options = options
    this.#head = new Pieces(options.held)
    this.#tail = new Pieces(options.held)
    this.#batchBytes = options.memoryBytes / 4
  }

  /** -1 until the end has come. */
  get length(): number {
    return this.#ended ? this.#receivedBytes : -1
  }

  /** In memory. */
  get heldBytes(): number {
    return this.#head.bytes + this.#tail.bytes + (this.#writing?.bytes ?? 0)
  }

  // The writer.

  /**
   * Copies a view; returns whether there is room for more. If not, `onRoom` is called when there
   * is.
   */
  push(view: Uint8Array): boolean {
    if (this.#error !== null) return true
    const piece = Buffer.allocUnsafe(view.length)
    piece.set(view)
    return this.#keep(piece)
  }

  end(trailers: readonly string[] = []): void {
    if (this.#error !== null) return
    this.trailers = trailers
    this.#ended = true
    this.#full = false
    this.#advance()
  }

  /** What came before can still be read. */
  fail(error: Error): void {
    if (this.#ended || this.#error !== null) return
    this.#error = error
    this.#full = false
    this.#advance()
  }

  #keep(piece: Uint8Array): boolean {
    if (piece.length === 0) return !this.#full
    this.#receivedBytes += piece.length
    if (this.#file === null) {
      if (this.#reader !== null) {
        this.#give(piece)
        return true
      }
      this.#head.add(piece)
      if (this.#head.bytes <= this.#options.memoryBytes) return true
      this.#spill()
    } else {
      this.#tail.add(piece)
      if (this.#tail.bytes >= this.#batchBytes) this.#flush()
      if (this.heldBytes <= this.#options.memoryBytes) return true
      this.#flush()
    }
    this.#full = true
    return false
  }

  // The reader.

  /** The next piece, or null at the end. One read at a time. */
  read(): Promise<Uint8Array | null> {
    const piece = this.#head.shift()
    if (piece !== undefined) {
      this.#roomMade()
      return Promise.resolve(piece)
    }
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject }
      this.#advance()
    })
  }

  /** Drops what is kept and tells the writer to stop. */
  cancel(reason?: unknown): void {
    if (this.#dropped) return
    const awaited = !this.#ended && this.#error === null
    this.#drop(reason instanceof Error ? reason : new TypeError('the body was cancelled'))
    if (awaited) this.#options.onCancel?.()
  }

  /** Serves the reader that waits. */
  #advance(): void {
    if (this.#reader === null || this.#reading) return
    const file = this.#file
    if (file !== null && this.#head.list.length === 0) {
      if (this.#readAt < file.size) {
        this.#readFrom(file)
        return
      }
      if (this.#writing !== null) return
      this.#closeFile()
    }
    const piece = this.#head.shift()
    if (piece !== undefined) {
      this.#give(piece)
      this.#roomMade()
    } else if (this.#error !== null) this.#refuse(this.#error)
    else if (this.#ended) this.#give(null)
  }

  #readFrom(file: SpoolFile): void {
    this.#reading = true
    file.read(this.#readAt, readBytes).then(
      (bytes) => {
        this.#reading = false
        if (this.#dropped) return
        this.#readAt += bytes.length
        if (this.#readAt === file.size && this.#writing === null) this.#closeFile()
        this.#give(bytes)
        this.#roomMade()
      },
      (error: Error) => {
        this.#reading = false
        this.cancel(error)
      },
    )
  }

  #give(piece: Uint8Array | null): void {
    const reader = this.#reader
    this.#reader = null
    reader?.resolve(piece)
  }

  #refuse(error: Error): void {
    const reader = this.#reader
    this.#reader = null
    reader?.reject(error)
  }

  #roomMade(): void {
    if (!this.#full || this.heldBytes > this.#options.memoryBytes - this.#batchBytes) return
    this.#full = false
    this.#options.onRoom?.()
  }

  // The spool.

  /** Memory is full: writes the newer half of it. */
  #spill(): void {
    const { spool, memoryBytes } = this.#options
    if (spool === null) return
    this.#file = spool.file()
    this.#readAt = 0
    const newer: Uint8Array[] = []
    while (this.#head.bytes > memoryBytes / 2) newer.push(this.#head.pop()!)
    for (const piece of newer.reverse()) this.#tail.add(piece)
    this.#flush()
  }

  #flush(): void {
    const file = this.#file
    if (file === null || this.#writing !== null || this.#tail.list.length === 0) return
    // As in nginx, a file that has reached its limit is read to its end, and begins anew
    // (proxy_max_temp_file_size).
    if (file.size + this.#tail.bytes > this.#options.bodyBytes) return
    const batch = this.#tail
    this.#writing = batch
    this.#tail = new Pieces(this.#options.held)
    file.append(batch.list).then(
      () => {
        batch.clear()
        this.#writing = null
        if (this.#dropped) return
        if (this.#tail.bytes >= this.#batchBytes) this.#flush()
        this.#written(null)
      },
      (error: SpoolFullError) => {
        this.#writing = null
        if (this.#dropped) {
          batch.clear()
          return
        }
        // Nothing is lost: the next try comes when memory is full again.
        const later = this.#tail
        this.#tail = batch
        for (const piece of later.list) batch.add(piece)
        later.clear()
        this.#written(error)
      },
    )
  }

  #written(error: SpoolFullError | null): void {
    const onWritten = this.#onWritten
    this.#onWritten = null
    if (error === null) onWritten?.resolve()
    else onWritten?.reject(error)
    this.#advance()
    this.#roomMade()
  }

  /** The whole file was read: its room is free, and the tail is next. */
  #closeFile(): void {
    this.#file?.close()
    this.#file = null
    this.#head = this.#tail
    this.#tail = new Pieces(this.#options.held)
  }

  #drop(error: Error): void {
    this.#dropped = true
    this.#error = error
    this.#full = false
    this.#head.clear()
    this.#tail.clear()
    this.#file?.close()
    this.#file = null
    this.#refuse(error)
    this.#onWritten?.reject(error)
    this.#onWritten = null
  }

  // A request.

  /**
   * Resolves when the whole body is here. Rejects with the source's own error, with a
   * `SpoolFullError` if the spool is full, or after `release()`.
   */
  async takeIn(source: BodySource): Promise<void> {
    for (let piece = await source.read(); piece !== null; piece = await source.read()) {
      if (this.#dropped) throw this.#error
      this.#keep(piece)
      while (this.heldBytes > this.#options.memoryBytes) {
        if (this.#writing === null) throw new SpoolFullError('the body is larger than what may be kept of one')
        await this.#nextWritten()
      }
    }
    while (this.#writing !== null) await this.#nextWritten()
    if (this.#dropped) throw this.#error
    this.trailers = source.trailers ?? []
    this.#ended = true
  }

  #nextWritten(): Promise<void> {
    if (this.#dropped) return Promise.reject(this.#error)
    return new Promise((resolve, reject) => {
      this.#onWritten = { resolve, reject }
    })
  }

  /** After `takeIn`: the whole body, from the start. */
  reader(): BodySource {
    let pieceAt = 0
    let readAt = 0
    const next = (): Promise<Uint8Array | null> => {
      if (this.#dropped) return Promise.reject(this.#error)
      const head = this.#head.list
      const piece = head[pieceAt] ?? null
      const file = this.#file
      if (file === null || pieceAt < head.length) {
        pieceAt += 1
        return Promise.resolve(piece)
      }
      if (readAt < file.size) {
        return file.read(readAt, readBytes).then((bytes) => {
          readAt += bytes.length
          return bytes
        })
      }
      pieceAt += 1
      return Promise.resolve(this.#tail.list[pieceAt - 1 - head.length] ?? null)
    }
    return { read: next, cancel() {}, trailers: this.trailers }
  }

  /** It will not be sent again: drops what is kept. */
  release(): void {
    if (!this.#dropped) this.#drop(new Error('the body was released'))
  }
}
