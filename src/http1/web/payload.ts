/**
 * The body of a Request or Response: kept as it was given until somebody reads it, and read without
 * a stream where nobody asked for one. What a stream was made from can be taken back while the
 * stream is untouched, so `new Response(res.body, res)` costs neither a copy nor a stream's pace.
 */
import { Buffer } from 'node:buffer'
import { copyOf } from '../bytes.ts'
import { type Slab, slabOfBytes } from '../slabs.ts'
import { multipart } from './multipart.ts'
import { NativeResponse } from './native.ts'
import { fromPieces, isBuffer, isSource, sourceOf } from './source.ts'

/**
 * A body that is still coming. One `read()` at a time; it rejects when the body was refused, timed
 * out or aborted.
 */
export interface BodySource {
  read(): Promise<Uint8Array | null>
  cancel(reason: unknown): void
  /** After the end: the trailer fields that go behind it (RFC 9110 6.5); name, value, … */
  readonly trailers?: readonly string[]
  /**
   * The client has ended its side: if it still reads, it is sent something that says nothing, else
   * the connection ends with that.
   */
  probe?(): void
  /**
   * The application made it: it may be there whole already, and what it fails with is the
   * application's fault.
   */
  readonly ofApplication?: boolean
}

/** Bytes are the payload's own, or lent to it. */
export type Content = string | Uint8Array | Blob | BodySource | ReadableStream<Uint8Array>

/** Who has bytes that are lent: the memory of a socket, until the next read, or the application. */
type Lender = 'socket' | 'application'

/** From a stream of ours to the payload behind it. */
const behind = Symbol('payload')

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** For the stream of a payload only. */
let markUsed: (payload: Payload) => void
let isShared: (payload: Payload) => boolean

export class Payload {
  #content: Content
  #used = false
  #stream: ReadableStream<Uint8Array> | null = null
  /** Somebody else's stream: only a native object can tell whether it was read from. */
  #watch: Response | null = null
  /** Another payload has the same bytes. */
  #shared = false
  /** Whose the bytes are; null: the payload's own. */
  #lender: Lender | null = null
  /** Of what was lent, when it was. */
  #lentBytes = 0
  /** The memory that the content lies in, which nobody else has. */
  #slab: Slab | null = null

  constructor(content: Content) {
    this.#content = content
    if (content instanceof ReadableStream) this.#give(content)
  }

  #give(stream: ReadableStream<Uint8Array>): void {
    this.#watch = new NativeResponse(stream)
    this.#content = stream
    this.#stream = stream
  }

  /**
   * Of bytes that are somebody else's a moment later: who reads them at once, as most handlers do,
   * needs no copy of them, or the only one.
   */
  static lent(bytes: Uint8Array, lender: Lender): Payload {
    const payload = new Payload(bytes)
    payload.#lender = lender
    payload.#lentBytes = bytes.length
    return payload
  }

  /** Copies what was lent, if it may still be needed. */
  keep(): void {
    const lender = this.#lender
    if (lender === null || (this.#isTakenBack && !this.#used)) return
    this.#lender = null
    const bytes = this.#content as Uint8Array
    if (this.#used) this.#content = ''
    else if (lender === 'socket') this.#content = copyOf(bytes)
    else {
      this.#slab = slabOfBytes(bytes)
      this.#content = this.#slab.bytes
    }
  }

  /** The application has given its buffer away, or made it shorter. */
  get #isTakenBack(): boolean {
    return this.#lender !== null && (this.#content as Uint8Array).length !== this.#lentBytes
  }

  get isLent(): boolean {
    return this.#lender !== null
  }

  static {
    markUsed = (payload) => {
      payload.#used = true
    }

    isShared = (payload) => payload.#shared
  }

  /** Whose stream this is, if it is one of ours. */
  static behind(stream: object): Payload | undefined {
    const payload = (stream as { [behind]?: Payload })[behind]
    // A clone has split it in two.
    return payload !== undefined && payload.#stream === stream ? payload : undefined
  }

  get used(): boolean {
    return this.#watch === null ? this.#used : this.#watch.bodyUsed
  }

  get usable(): boolean {
    return !this.used && !(this.#stream?.locked ?? false)
  }

  get stream(): ReadableStream<Uint8Array> {
    if (this.#stream !== null) return this.#stream
    this.keep()
    // `clone()` puts a branch of this very stream in the content's place.
    const stream = new ReadableStream(new StreamSource(this, this.#content))
    Object.defineProperty(stream, behind, { value: this })
    this.#stream = stream
    // What was read before has gone past the stream.
    if (this.#used) stream.getReader()
    return stream
  }

  /** For one reader: the body counts as used from here on. */
  take(): Content {
    this.keep()
    return this.#use()
  }

  /** The same without a copy of bytes that are lent. */
  takeLent(): Content {
    return this.#use()
  }

  #use(): Content {
    if (!this.usable) throw new TypeError('Body is unusable: Body has already been read')
    if (this.#isTakenBack) throw new TypeError('Body is unusable: its buffer has been detached or resized')
    if (this.#watch === null) {
      this.#used = true
      this.#stream?.getReader()
    }
    return this.#content
  }

  /**
   * Memory that is free again once the one reader has what `take()` gave; null where others may
   * look at it as well.
   */
  get slab(): Slab | null {
    return this.#shared || this.#stream !== null ? null : this.#slab
  }

  /** Bytes of the content if that can be said without reading it. */
  get length(): number | null {
    const content = this.#content
    if (typeof content === 'string') return Buffer.byteLength(content)
    if (content instanceof Uint8Array) return content.length
    return content instanceof Blob ? sizeOf(content) : null
  }

  /** At once where nothing has to be waited for, as `bytes()`. */
  text(): string | Promise<string> {
    if (this.#watch !== null) return this.#watch.text()
    const content = this.#use()
    // As if it had been encoded and decoded again.
    if (typeof content === 'string')
      return (content.charCodeAt(0) === 0xfeff ? content.slice(1) : content).toWellFormed()
    if (content instanceof Uint8Array) return decoder.decode(content)
    return allOf(content).then((all) => decoder.decode(all))
  }

  /** Bytes that the caller may keep and change. */
  bytes(): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>> {
    if (this.#watch !== null) return this.#watch.arrayBuffer().then((all) => new Uint8Array(all))
    const shared = this.#shared || this.#lender !== null
    const content = this.#use()
    if (typeof content === 'string') return encoder.encode(content)
    if (content instanceof Uint8Array) return exactly(content, shared)
    return allOf(content).then((all) => exactly(all, shared))
  }

  clone(): Payload {
    if (!this.usable) throw new TypeError('Body is unusable: Body has already been read')
    this.keep()
    const content = this.#content
    if (typeof content === 'string' || content instanceof Uint8Array || content instanceof Blob) {
      this.#shared = true
      const copy = new Payload(content)
      copy.#shared = true
      return copy
    }
    const [mine, theirs] = this.stream.tee()
    this.#give(mine)
    return new Payload(theirs)
  }

  /** Nobody is going to read it. */
  drop(): void {
    if (!this.usable) return
    const content = this.take()
    if (isSource(content)) content.cancel(new TypeError('the body was not wanted'))
    else if (content instanceof ReadableStream) content.cancel().catch(() => {})
  }
}

/**
 * What the stream of a payload reads from. With a byte stream's high water mark of 0 `pull` runs
 * only for somebody who reads.
 *
 * A class, not a literal with closures: V8 puts literals of a place whose objects often survive,
 * as they do while middlewares wait, into its old generation at once, where each keeps what hangs
 * on it until the next full collection. On Deno that was most of the pauses of an API.
 */
class StreamSource implements UnderlyingByteSource {
  readonly type = 'bytes'
  readonly #payload: Payload
  readonly #content: Content
  #source: BodySource | null = null

  constructor(payload: Payload, content: Content) {
    this.#payload = payload
    this.#content = content
  }

  async pull(controller: ReadableByteStreamController): Promise<void> {
    markUsed(this.#payload)
    this.#source ??= sourceOf(this.#content)
    let piece = await this.#source.read()
    while (piece !== null && piece.length === 0) piece = await this.#source.read()
    if (piece === null) {
      controller.close()
      controller.byobRequest?.respond(0)
      return
    }
    // A byte stream takes the whole buffer away from whoever had it.
    const isOthers = isShared(this.#payload) || piece === this.#content || piece.length !== piece.buffer.byteLength
    controller.enqueue(isOthers ? new Uint8Array(piece) : (piece as Uint8Array<ArrayBuffer>))
  }

  cancel(reason: unknown): void {
    markUsed(this.#payload)
    ;(this.#source ?? sourceOf(this.#content)).cancel(reason)
  }
}

/** Bytes that are alone in their buffer, and nobody else's. */
const exactly = (bytes: Uint8Array, shared: boolean): Uint8Array<ArrayBuffer> =>
  shared || bytes.length !== bytes.buffer.byteLength ? copyOf(bytes) : new Uint8Array(bytes.buffer as ArrayBuffer)

/**
 * Null where only reading tells: files of the kernel (/proc) say 0, as do missing ones; a remote
 * one of Bun says NaN.
 */
export const sizeOf = ({ size }: Blob): number | null => (Number.isSafeInteger(size) && size > 0 ? size : null)

async function allOf(content: Blob | BodySource | ReadableStream<Uint8Array>): Promise<Uint8Array> {
  if (content instanceof Blob) return new Uint8Array(await content.arrayBuffer())
  const source = sourceOf(content)
  const first = await source.read()
  if (first === null) return new Uint8Array()
  const pieces: Uint8Array[] = []
  let length = 0
  let piece: Uint8Array | null = first
  for (; piece !== null; piece = await source.read()) {
    pieces.push(piece)
    length += piece.length
  }
  if (pieces.length === 1) return first
  const all = new Uint8Array(length)
  let at = 0
  for (const each of pieces) {
    all.set(each, at)
    at += each.length
  }
  return all
}

/** An async iterable (Node's streams are) as a body, one piece a read. */
function fromIterable(iterable: AsyncIterable<unknown>): BodySource {
  const iterator = iterable[Symbol.asyncIterator]()
  // What an iterator throws at its end is nobody's any more.
  const end = async (reason: unknown): Promise<unknown> => iterator.return?.(reason)
  return fromPieces(() => iterator.next(), end)
}

/** A handler runs, and what it returns in this turn is written before anybody else has a turn. */
let lending = false
const lent: Payload[] = []

/**
 * From here to `endLending()` a handler runs, and nobody but it. A body of bytes that it makes
 * meanwhile is lent: if it returns that at once, it is written from where it lies.
 */
export function beginLending(): void {
  lending = true
}

/** Copies all that was lent and is not taken: from here on the application may change its bytes. */
export function endLending(): void {
  lending = false
  if (lent.length === 0) return
  for (const payload of lent) payload.keep()
  lent.length = 0
}

/** Whoever reuses a buffer must not change an answer that is still being written. */
function ofBytes(bytes: Uint8Array): Payload {
  const payload = Payload.lent(bytes, 'application')
  if (lending) lent.push(payload)
  else payload.keep()
  return payload
}

/**
 * What of a body init goes where: its content and the Content-Type that it brings (Fetch, "extract
 * a body"). Text has its own short way.
 */
export function extract(body: unknown): { readonly payload: Payload; readonly type: string | null } {
  if (body instanceof ReadableStream) {
    const ours = Payload.behind(body)
    if (ours === undefined) return { payload: new Payload(body), type: null }
    if (!ours.usable) throw new TypeError('Body is unusable: the stream is locked or has been read')
    return { payload: ours, type: null }
  }
  if (ArrayBuffer.isView(body)) {
    return { payload: ofBytes(new Uint8Array(body.buffer, body.byteOffset, body.byteLength)), type: null }
  }
  if (isBuffer(body)) return { payload: ofBytes(new Uint8Array(body)), type: null }
  if (body instanceof Blob) return { payload: new Payload(body), type: body.type || null }
  if (body instanceof FormData) {
    const blob = multipart(body)
    return { payload: new Payload(blob), type: blob.type }
  }
  if (body instanceof URLSearchParams) {
    return { payload: new Payload(body.toString()), type: 'application/x-www-form-urlencoded;charset=UTF-8' }
  }
  if (typeof body === 'object' && body !== null && Symbol.asyncIterator in body) {
    return { payload: new Payload(fromIterable(body as AsyncIterable<unknown>)), type: null }
  }
  return { payload: new Payload(`${body}`), type: textType }
}

export const textType = 'text/plain;charset=UTF-8'

// What Request and Response have in common.

export async function text(payload: Payload | null): Promise<string> {
  return payload === null ? '' : payload.text()
}

export async function json(payload: Payload | null): Promise<unknown> {
  const read = payload === null ? '' : payload.text()
  return JSON.parse(typeof read === 'string' ? read : await read)
}

export async function bytes(payload: Payload | null): Promise<Uint8Array<ArrayBuffer>> {
  return payload === null ? new Uint8Array() : payload.bytes()
}

export async function arrayBuffer(payload: Payload | null): Promise<ArrayBuffer> {
  const read = payload === null ? new Uint8Array() : payload.bytes()
  return (read instanceof Uint8Array ? read : await read).buffer
}

/** Blobs and forms are the runtime's own work; it needs the bytes and the type. */
export async function nativeBody(payload: Payload | null, type: string | null): Promise<Response> {
  const headers: HeadersInit = type === null ? {} : { 'content-type': type }
  return new NativeResponse(payload === null ? null : await payload.bytes(), { headers })
}
