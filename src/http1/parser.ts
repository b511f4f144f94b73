/**
 * HTTP/1.1 from bytes to events, both roles, without I/O and without clocks. A parser stops after
 * each whole message until
 * `next()`: order and pipelining are the engine's. How the bytes were cut into pieces changes
 * nothing of what is told, but that a whole message in one piece comes as `onFull`.
 */
import { CR, HTAB, LF, latin1, partOf, SP } from './bytes.ts'
import { chunkExtensionBytes, chunkSize, readChunkLine } from './chunk.ts'
import type { Limits, ResponseSink, Sink } from './events.ts'
import { INCOMPLETE, type Mark, markOf, REFUSED, readFields, readOn, refused } from './fields.ts'
import { RequestHead, ResponseHead, split } from './head.ts'
import type { ReasonId } from './reasons.ts'
import { type RequestMark, readRequest } from './request.ts'
import { type ResponseMark, readResponse } from './response.ts'

type Phase =
  | 'head'
  | 'length'
  | 'close'
  | 'chunkLine'
  | 'chunkData'
  | 'chunkEnd'
  | 'trailers'
  /** A message is whole; for a client also: no answer is awaited yet. */
  | 'whole'
  /** What follows is not HTTP/1.1. */
  | 'upgraded'
  | 'dead'

/** RFC 9112 2.2: a server ignores at least one empty line before a request line. */
const maxEmptyLines = 4

const nothing = new Uint8Array(0)
const noTrailers: readonly string[] = []
/** Trailers have no start line. */
const noLine = {}

abstract class Parser<Head extends RequestHead | ResponseHead> {
  protected readonly sink: Sink<Head>
  protected readonly limits: Limits
  protected phase: Phase
  /** What has not been read yet: the caller's bytes during a call, `#own` between calls. */
  protected input: Uint8Array = nothing
  protected at = 0
  protected stop = 0
  protected running = false
  protected keepAlive = true
  #own: Uint8Array | null = null
  #paused = false
  #ended = false
  #headBytes = 0
  #bodyBytes = 0
  /** What is still to come of the body or of the chunk. */
  #left = 0
  #extensionBytes = 0
  #emptyLines = 0
  #trailers: Mark<object> | null = null

  constructor(sink: Sink<Head>, limits: Limits, phase: Phase) {
    this.sink = sink
    this.limits = limits
    this.phase = phase
  }

  /**
   * Nothing of a next message is here: the lifecycle's `idle`. An empty line is not a byte of a
   * message (RFC 9112 2.2).
   */
  get idle(): boolean {
    return (this.phase === 'head' || this.phase === 'whole') && this.#pending() === 0
  }

  /** Bytes of the current head that came so far; of a complete one, its size. */
  get headBytes(): number {
    return this.phase === 'head' ? this.#pending() : this.#headBytes
  }

  /** Content of the current message that was told so far. */
  get bodyBytes(): number {
    return this.#bodyBytes
  }

  /** Bytes that are here and not read: of later messages, or of this one while it is paused. */
  get pendingBytes(): number {
    return this.stop - this.at
  }

  /** Whether `onData` returned false and `resume()` is awaited. */
  get paused(): boolean {
    return this.#paused
  }

  /**
   * Bytes from the peer; copied if they must outlive the call. Not to be called from within a
   * callback.
   */
  feed(bytes: Uint8Array): void {
    if (this.running) throw new Error('feed() was called from within a callback of the parser')
    if (this.phase === 'dead' || bytes.length === 0) return
    if (this.at === this.stop) {
      this.input = bytes
      this.at = 0
      this.stop = bytes.length
    } else {
      this.#append(bytes)
      // Fields can only end or go wrong at a control byte or at a limit: a trickle costs no second
      // pass over what is here.
      const inFields = this.phase === 'head' || this.phase === 'trailers'
      if (inFields && this.stop - this.at < this.limits.maxHeadBytes && !hasControl(bytes)) return
    }
    this.run()
  }

  /** Goes on after `onData` returned false. */
  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (!this.running) this.run()
  }

  /** The peer's FIN: ends a close-delimited body, refuses an unfinished message (`cut-off`). */
  end(): void {
    this.#ended = true
    if (!this.running) this.run()
  }

  /**
   * What came beyond the message that was told last, for an upgrade. The parser is done with the
   * connection.
   */
  takeLeftover(): Uint8Array {
    const leftover = copy(this.input, this.at, this.stop)
    this.#die()
    return leftover
  }

  protected abstract readHead(end: number): Head | typeof INCOMPLETE | typeof REFUSED
  /** A server's client may pipeline; an answer that nobody asked for is a fault. */
  protected abstract readonly isServer: boolean

  protected begin(): void {
    this.phase = 'head'
    this.#headBytes = 0
    this.#bodyBytes = 0
    this.#extensionBytes = 0
    this.#emptyLines = 0
    this.#trailers = null
  }

  protected run(): void {
    this.running = true
    try {
      while (!this.#paused && this.#step());
      if (this.#ended && !this.#paused) this.#finish()
    } finally {
      this.running = false
      this.#keep()
    }
  }

  /** Reads one element. Returns whether there may be another one to read. */
  #step(): boolean {
    switch (this.phase) {
      case 'head':
        return this.#stepHead()
      case 'length':
        return this.#left === 0 ? this.#whole(noTrailers) : this.#stepData(this.#left)
      case 'close':
        return this.#stepData(this.stop - this.at)
      case 'chunkLine':
        return this.#stepChunkLine()
      case 'chunkData':
        if (this.#left > 0) return this.#stepData(this.#left)
        this.phase = 'chunkEnd'
        return true
      case 'chunkEnd':
        return this.#stepChunkEnd()
      case 'trailers':
        return this.#stepTrailers()
      case 'whole':
        return this.isServer || this.at === this.stop ? false : this.#reject('extra-bytes')
      case 'upgraded':
      case 'dead':
        return false
    }
  }

  #stepHead(): boolean {
    if (this.isServer) {
      while (this.at < this.stop && this.input[this.at] === CR) {
        if (this.at + 1 === this.stop) return false
        if (this.input[this.at + 1] !== LF) return this.#reject('bare-cr')
        if (++this.#emptyLines > maxEmptyLines) return this.#reject('empty-lines')
        this.at += 2
      }
    }
    const { at, stop } = this
    if (at === stop) return false
    const { maxHeadBytes } = this.limits
    const head = this.readHead(stop - at > maxHeadBytes ? at + maxHeadBytes : stop)
    if (typeof head === 'number') {
      if (head !== INCOMPLETE) return this.#reject(refused())
      return stop - at >= maxHeadBytes ? this.#reject('head-too-large') : false
    }
    this.#headBytes = head.size
    this.at = at + head.size
    return this.tell(head)
  }

  protected tell(head: Head): boolean {
    this.keepAlive = head.keepAlive
    const { at } = this
    switch (head.framing) {
      case 'none':
        this.phase = 'whole'
        this.sink.onFull(head, null)
        return true
      case 'length': {
        const length = head.bodyLength
        if (length > this.stop - at) {
          this.#left = length
          this.phase = 'length'
          break
        }
        this.at = at + length
        this.#bodyBytes = length
        this.phase = 'whole'
        this.sink.onFull(head, length === 0 ? null : partOf(this.input, at, at + length))
        return true
      }
      case 'chunked':
        this.phase = 'chunkLine'
        break
      case 'close':
        this.phase = 'close'
        break
    }
    this.sink.onHead(head)
    return true
  }

  /** At most `most` bytes of content. */
  #stepData(most: number): boolean {
    const { at, stop } = this
    if (at === stop) return false
    const { maxBodyBytes } = this.limits
    let length = Math.min(most, stop - at)
    if (this.phase === 'close' && maxBodyBytes > 0) {
      length = Math.min(length, maxBodyBytes - this.#bodyBytes)
      if (length === 0) return this.#reject('body-too-large')
    }
    this.at = at + length
    this.#left -= length
    this.#bodyBytes += length
    if (this.sink.onData(this.input.subarray(at, at + length)) === false) this.#paused = true
    return true
  }

  #stepChunkLine(): boolean {
    const after = readChunkLine(this.input, this.at, this.stop)
    if (after < 0) return after === INCOMPLETE ? false : this.#reject(refused())
    this.at = after
    this.#extensionBytes += chunkExtensionBytes
    if (this.#extensionBytes > this.limits.maxHeadBytes) return this.#reject('chunk-extension-too-long')
    if (chunkSize === 0) {
      this.phase = 'trailers'
      return true
    }
    const { maxBodyBytes } = this.limits
    const bytes = this.#bodyBytes + chunkSize
    if (maxBodyBytes > 0 && bytes > maxBodyBytes && this.sink.takes?.(bytes) !== true) {
      return this.#reject('body-too-large')
    }
    this.#left = chunkSize
    this.phase = 'chunkData'
    return true
  }

  #stepChunkEnd(): boolean {
    const { at, stop } = this
    if (at === stop) return false
    if (this.input[at] !== CR) return this.#reject('bad-chunk-end')
    if (at + 1 === stop) return false
    if (this.input[at + 1] !== LF) return this.#reject('bad-chunk-end')
    this.at = at + 2
    this.phase = 'chunkLine'
    return true
  }

  #stepTrailers(): boolean {
    const { at, stop } = this
    const { maxHeadBytes } = this.limits
    const end = stop - at > maxHeadBytes ? at + maxHeadBytes : stop
    const mark = this.#trailers
    const after =
      mark === null
        ? readFields(this.input, at, end, this.limits, true)
        : readOn(mark, at - mark.start, this.input, end, this.limits, true)
    if (after < 0) {
      if (after !== INCOMPLETE) return this.#reject(refused())
      this.#trailers = markOf(at, noLine)
      return stop - at >= maxHeadBytes ? this.#reject('head-too-large') : false
    }
    this.at = after
    return this.#whole(after - at === 2 ? noTrailers : split(latin1(this.input, at, after - 2)))
  }

  #whole(trailers: readonly string[]): boolean {
    this.phase = 'whole'
    this.sink.onEnd(trailers)
    return true
  }

  /** After the FIN, with all bytes read. */
  #finish(): void {
    if (this.phase === 'close') this.#whole(noTrailers)
    // The sink may have asked for another message just now.
    if (this.phase === 'whole' || this.phase === 'upgraded' || this.phase === 'dead') return
    if (this.phase === 'head' && this.isServer && this.#pending() === 0) return
    this.#reject('cut-off')
  }

  #reject(reason: ReasonId): false {
    this.#die()
    this.sink.onReject(reason)
    return false
  }

  #die(): void {
    this.phase = 'dead'
    this.keepAlive = false
    this.at = this.stop
  }

  /** Bytes here that are not of the current message, without empty lines. */
  #pending(): number {
    const { input, stop } = this
    let { at } = this
    if (this.isServer) {
      while (stop - at >= 2 && input[at] === CR && input[at + 1] === LF) at += 2
      if (stop - at === 1 && input[at] === CR) return 0
    }
    return stop - at
  }

  /** Lets go of the caller's bytes. */
  #keep(): void {
    const { input, at, stop } = this
    if (at < stop) {
      if (input === this.#own) return
      this.#own = copy(input, at, stop)
      this.input = this.#own
      this.stop = stop - at
    } else {
      this.#own = null
      this.input = nothing
      this.stop = 0
    }
    this.at = 0
  }

  #append(bytes: Uint8Array): void {
    const { input, at, stop } = this
    if (input.length - stop >= bytes.length) {
      input.set(bytes, stop)
      this.stop = stop + bytes.length
      return
    }
    const length = stop - at
    // Twice what is needed, so that a trickle is copied a few times and not once a byte.
    const own = new Uint8Array(Math.max(256, 2 * (length + bytes.length)))
    own.set(input.subarray(at, stop))
    own.set(bytes, length)
    this.#own = own
    this.input = own
    this.at = 0
    this.stop = length + bytes.length
  }
}

/** For a server. It reads requests from the start. */
export class RequestParser extends Parser<RequestHead> {
  protected readonly isServer = true
  #lastHost = ''
  /** Of a head of which a part has come. */
  #mark: RequestMark | null = null

  constructor(sink: Sink<RequestHead>, limits: Limits) {
    super(sink, limits, 'head')
  }

  /** The message is answered: on to the one after it. May be called within `onFull` and `onEnd`. */
  next(): void {
    if (this.phase !== 'whole') throw new Error(`next() in the phase ${this.phase}`)
    this.begin()
    if (!this.running) this.run()
  }

  protected readHead(end: number): RequestHead | typeof INCOMPLETE | typeof REFUSED {
    const read = readRequest(this.input, this.at, end, this.limits, this.#lastHost, this.#mark)
    if (read instanceof RequestHead) {
      this.#lastHost = read.host
      this.#mark = null
      return read
    }
    if (read === REFUSED) return REFUSED
    this.#mark = read
    return INCOMPLETE
  }
}

/** For a client. It refuses every byte that no request asked for. */
export class ResponseParser extends Parser<ResponseHead> {
  protected readonly isServer = false
  readonly #sink: ResponseSink
  #method = ''
  #mark: ResponseMark | null = null

  constructor(sink: ResponseSink, limits: Limits) {
    super(sink, limits, 'whole')
    this.#sink = sink
  }

  /**
   * Whether the connection can take another request: the answer is whole, the peer keeps it open
   * and sent nothing beyond.
   */
  get reusable(): boolean {
    return this.phase === 'whole' && this.keepAlive && this.at === this.stop
  }

  /** A request with this method went out: its answer is awaited. Check `reusable` first. */
  next(method: string): void {
    if (this.phase !== 'whole') throw new Error(`next() in the phase ${this.phase}`)
    this.#method = method
    // Bytes that are here already answer nothing: `run` refuses them.
    if (this.at === this.stop) this.begin()
    if (!this.running) this.run()
  }

  protected readHead(end: number): ResponseHead | typeof INCOMPLETE | typeof REFUSED {
    const read = readResponse(this.input, this.at, end, this.limits, this.#method, this.#mark)
    if (read instanceof ResponseHead) {
      this.#mark = null
      return read
    }
    if (read === REFUSED) return REFUSED
    this.#mark = read
    return INCOMPLETE
  }

  protected override tell(head: ResponseHead): boolean {
    const { status } = head
    if (status === 101 || (this.#method === 'CONNECT' && status >= 200 && status < 300)) {
      this.phase = 'upgraded'
      this.keepAlive = false
      this.sink.onFull(head, null)
      return true
    }
    if (status >= 200) return super.tell(head)
    this.#sink.onInformational(head)
    return true
  }
}

function hasControl(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if ((byte < SP && byte !== HTAB) || byte === 0x7f) return true
  }
  return false
}

/** A copy on every runtime: `slice` of Node's Buffer is a view. */
function copy(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const own = new Uint8Array(to - from)
  own.set(bytes.subarray(from, to))
  return own
}
