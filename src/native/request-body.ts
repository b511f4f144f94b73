/**
 * The body of a request that the runtime's own server reads: whether the application waits for it,
 * how much it has been given, and whether all has come, is seen at the readers of the Request,
 * which are ours.
 */

import { BodyRefusedError } from '../http1/body-refused.ts'
import { NativeRequest } from '../http1/web/native.ts'
import type { Clock } from '../lifecycle/clock.ts'
import type { ReasonWith } from '../lifecycle/reasons.ts'

export type BodyReason = ReasonWith<'refuse-body'>

/** Between two reads of an application that goes on after its answer. */
const heldMs = 1_000

const kinds = ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'] as const
type Kind = (typeof kinds)[number]

const nativeMembers = (): Record<string, PropertyDescriptor> =>
  Object.getOwnPropertyDescriptors(NativeRequest.prototype) as Record<string, PropertyDescriptor>
/** Of the class, before it has ours. */
let native = nativeMembers()

const readNatively = (kind: Kind, request: Request): Promise<unknown> => native[kind]!.value.call(request)

const slot = Symbol('request body')
type Held = Request & { [slot]?: RequestBody }

/** A Request without a body of ours is read as ever. */
const held: PropertyDescriptorMap = {
  ...Object.fromEntries(
    kinds.map((kind) => {
      const { [kind]: value } = {
        [kind](this: Held) {
          const body = this[slot]
          return body === undefined ? readNatively(kind, this) : body.read(kind)
        },
      }
      return [kind, { ...native[kind], value }]
    }),
  ),
  body: {
    ...native['body'],
    get(this: Held) {
      const body = this[slot]
      return body === undefined ? native['body']!.get!.call(this) : body.stream
    },
  },
  bodyUsed: {
    ...native['bodyUsed'],
    get(this: Held) {
      const body = this[slot]
      return body === undefined ? native['bodyUsed']!.get!.call(this) : body.used
    },
  },
  // Bun and Deno have it, and read past all others with it.
  ...(native['textStream'] !== undefined && {
    textStream: {
      ...native['textStream'],
      value: function textStream(this: Held) {
        const body = this[slot]
        if (body === undefined) return native['textStream']!.value.call(this)
        return body.stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
      },
    },
  }),
  clone: {
    ...native['clone'],
    value: function clone(this: Held) {
      const body = this[slot]
      return body === undefined ? native['clone']!.value.call(this) : body.clone()
    },
  },
}

/**
 * Where a Request finds its readers: in the class itself, or, as Bun's cannot be changed, in an
 * object between a Request and its class, which is dear on Deno: 0.25 µs for each.
 */
const isClassOpen = Object.keys(held).every((name) => native[name]!.configurable)
const heldPrototype = isClassOpen ? null : Object.create(NativeRequest.prototype, held)
let isClassHeld = false

/**
 * To be called before a server starts: whoever has put readers of his own into the class before is
 * asked by ours, and whoever does so later asks ours.
 */
export function holdReaders(): void {
  if (isClassHeld || !isClassOpen) return
  isClassHeld = true
  native = nativeMembers()
  Object.defineProperties(NativeRequest.prototype, held)
}

function hold(request: Request, body: RequestBody): void {
  ;(request as Held)[slot] = body
  if (heldPrototype !== null) Object.setPrototypeOf(request, heldPrototype)
}

export type FieldOf = (request: Request, name: string) => string | null

/** Where a runtime has nothing faster. */
export const fieldInHeaders: FieldOf = ({ headers }, name) => headers.get(name)

/** Bytes that the head announces; null: chunked. What is malformed the runtime has refused. */
export function announcedBytes(request: Request, fieldOf = fieldInHeaders): number | null {
  const length = fieldOf(request, 'content-length')
  if (length !== null) return Number(length)
  return fieldOf(request, 'transfer-encoding') === null ? 0 : null
}

/**
 * What the bodies of a server have in common. Nothing here is made anew for each of them: V8 moves a
 * literal that outlives an `await` into its old generation, and all that hangs on one from then on,
 * the request and its bytes as well, stays until the next full collection.
 */
export interface BodyContext {
  readonly clock: Clock
  /** 0: off. */
  readonly maxBytes: number
}

const nobodyWaits = (): void => {}

export class RequestBody {
  /** The application waits for more of it. */
  wanted = false
  /** All of it has come, as far as we know: nobody sees a body that nobody reads. */
  complete = false
  /** Bytes; null: not announced. */
  readonly announced: number | null
  readonly #request: Request
  readonly #clock: Clock
  #maxBytes: number
  #bytes = 0
  #isReadWhole = false
  #stream: ReadableStream<Uint8Array> | null = null
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null
  #refusal: BodyRefusedError | null = null
  #fail: (error: BodyRefusedError) => void = nobodyWaits

  constructor(request: Request, announced: number | null, { clock, maxBytes }: BodyContext) {
    this.#request = request
    this.#clock = clock
    this.#maxBytes = maxBytes
    this.announced = announced
    hold(request, this)
  }

  /** Null while the runtime reads it whole. */
  get content(): number | null {
    return this.#isReadWhole ? null : this.#bytes
  }

  /**
   * More of it may be coming: what is announced and not longer than `withHeadBytes` has come with
   * its head.
   */
  mayBeLeft(withHeadBytes: number): boolean {
    return !this.complete && (this.announced === null || this.announced > withHeadBytes)
  }

  /** It says of itself that it is larger than it may be. */
  get isTooLarge(): boolean {
    return this.#maxBytes !== 0 && Math.max(this.announced ?? 0, this.#bytes) > this.#maxBytes
  }

  /**
   * A route has changed how large it may be. Throws the refusal of one that is known to be larger.
   */
  limitTo(maxBytes: number): void {
    this.#maxBytes = maxBytes
    this.#throwTooLarge()
  }

  /** It is known to be larger than it may be, and no route comes any more that could allow that. */
  refuseTooLarge(): BodyRefusedError {
    const isNews = this.#refusal === null
    const refusal = this.refuse('bodyTooLarge')
    if (isNews) this.foundTooLarge()
    return refusal
  }

  #throwTooLarge(): void {
    if (this.isTooLarge) throw this.refuseTooLarge()
  }

  /**
   * The runtime may read it in one go. What was announced was not too much, and more than that
   * never comes.
   */
  protected get mayReadWhole(): boolean {
    return this.announced !== null || this.#maxBytes === 0
  }

  /** Called once, when it is refused for its size. */
  protected foundTooLarge(): void {}

  /** The application asks for the first of it, or for the whole. */
  protected began(_whole: boolean): void {}

  /** It asks for no more: all has come, it has let go, or it has failed. */
  protected ended(): void {}

  /** The application has asked for some of it. */
  get isBegun(): boolean {
    return this.#reader !== null
  }

  /**
   * The request has been answered: an application that asks for no more of its body holds up
   * whoever reads it for us.
   */
  letGoLater(): void {
    if (this.#reader === null || this.complete) return
    const bytes = this.#bytes
    this.#clock.after(heldMs, () => {
      // One who waits for more will have it, or the end of the connection.
      if (this.complete || this.wanted) return
      if (this.#bytes > bytes) this.letGoLater()
      else this.#reader?.cancel().catch(() => {})
    })
  }

  get used(): boolean {
    if (this.#stream !== null) return this.#reader !== null && (this.#stream.locked || this.complete)
    return native['bodyUsed']!.get!.call(this.#request)
  }

  get stream(): ReadableStream<Uint8Array> {
    this.#stream ??= new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const chunk = await this.#next()
          if (chunk === null) controller.close()
          else controller.enqueue(chunk)
        },
        cancel: (reason) => {
          this.ended()
          return this.#reader?.cancel(reason)
        },
      },
      { highWaterMark: 0 },
    )
    return this.#stream
  }

  read(kind: Kind): Promise<unknown> {
    if (this.isTooLarge) this.refuseTooLarge()
    if (this.#refusal !== null) return Promise.reject(this.#refusal)
    if (this.#stream === null && this.mayReadWhole) {
      this.#isReadWhole = true
      this.began(true)
      return this.#wait(readNatively(kind, this.#request), true)
    }
    return this.#readStream(kind)
  }

  async #readStream(kind: Kind): Promise<unknown> {
    const type = this.#request.headers.get('content-type')
    const whole = new Response(this.stream, type === null ? {} : { headers: { 'content-type': type } })
    return (whole as unknown as Record<Kind, () => Promise<unknown>>)[kind]()
  }

  clone(): Request {
    const [ours, theirs] = this.stream.tee()
    this.#stream = ours as ReadableStream<Uint8Array>
    const { url, method, headers, signal } = this.#request
    const init = { method, headers, signal, body: theirs as ReadableStream<Uint8Array>, duplex: 'half' }
    return new Request(url, init)
  }

  /** What reads it fails from now on. */
  refuse(reason: BodyReason): BodyRefusedError {
    this.#refusal ??= new BodyRefusedError(reason)
    this.#fail(this.#refusal)
    return this.#refusal
  }

  /** The next chunk, or null at the end. */
  async #next(): Promise<Uint8Array | null> {
    try {
      const chunk = await this.#read()
      if (chunk === null) {
        this.complete = true
        this.ended()
      }
      return chunk
    } catch (error) {
      this.ended()
      throw error
    }
  }

  async #read(): Promise<Uint8Array | null> {
    if (this.#refusal !== null) throw this.#refusal
    if (this.#reader === null) {
      this.#throwTooLarge()
      const body: ReadableStream<Uint8Array> | null = native['body']!.get!.call(this.#request)
      if (body === null) return null
      this.began(false)
      this.#reader = body.getReader()
    }
    const reader = this.#reader
    const { done, value } = await this.#wait(reader.read())
    if (done) return null
    this.#bytes += value.length
    this.#throwTooLarge()
    return value
  }

  /**
   * What `reading` gives, unless the body is refused meanwhile. One promise and not a race of
   * several: most bodies have come with their head, and to read one is most of what its request
   * costs.
   */
  #wait<Value>(reading: Promise<Value>, isWhole = false): Promise<Value> {
    this.wanted = true
    return new Promise((resolve, reject) => {
      let over = false
      const fail = (error: unknown): void => {
        if (over) return
        over = true
        this.wanted = false
        if (isWhole) this.ended()
        reject(error)
      }
      this.#fail = fail
      reading.then((value) => {
        if (over) return
        over = true
        this.wanted = false
        this.complete ||= isWhole
        if (isWhole) this.ended()
        resolve(value)
      }, fail)
    })
  }
}
