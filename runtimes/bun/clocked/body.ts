/**
 * The body of a request under its clocks. Bun's own clock is none for a body: it wants 16 KB a second and ends the
 * connection without an answer. So it stands still while a handler runs, and the readers of the Request are ours: a body
 * is read chunk by chunk, and each chunk turns the clocks back.
 */
import { Pace } from '../../../src/lifecycle/pace.ts'
import type { ReasonName } from '../../../src/lifecycle/reasons.ts'
import type { Policy } from '../../../src/policy.ts'
import type { Sweep, Watched } from './sweep.ts'

export type BodyReason = Extract<ReasonName, 'body' | 'bodyRate' | 'bodyTooLarge'>

/** What the application's read of a refused body fails with. */
export class BodyRefusedError extends Error {
  override readonly name = 'BodyRefusedError'
  readonly code = 'BODY_REFUSED'
  readonly reason: BodyReason
  constructor(reason: BodyReason) {
    super(`the request body was refused (${reason})`)
    this.reason = reason
  }
}

export type BodyPolicy = Pick<Policy, 'bodyTimeoutMs' | 'minBodyBytesPerSec' | 'minRateGraceMs' | 'maxBodyBytes'>

const kinds = ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'] as const
type Kind = (typeof kinds)[number]

const native = Object.getOwnPropertyDescriptors(Request.prototype) as Record<string, PropertyDescriptor>
const bodyOf = (request: Request): ReadableStream<Uint8Array> | null => native['body']!.get!.call(request)
const slot = Symbol('request body')
type Held = Request & { [slot]: RequestBody }

/** Between a Request and its prototype: the same object for Bun (`requestIP`, `upgrade`), with readers of ours. */
const heldPrototype = Object.create(Request.prototype, {
  ...Object.fromEntries(
    kinds.map((kind) => [
      kind,
      {
        value(this: Held) {
          return this[slot].read(kind)
        },
      },
    ]),
  ),
  body: {
    get(this: Held) {
      return this[slot].stream
    },
  },
  bodyUsed: {
    get(this: Held) {
      return this[slot].used
    },
  },
  clone: {
    value(this: Held) {
      return this[slot].clone()
    },
  },
})

/** Bytes that the head announces; null: chunked. */
export function announcedBytes(request: Request): number | null {
  const { headers } = request
  // Bun has refused what is not a number, and what has both.
  const length = headers.get('content-length')
  if (length !== null) return Number(length)
  return headers.has('transfer-encoding') ? null : 0
}

export class RequestBody implements Watched {
  readonly #request: Request
  readonly #announced: number | null
  readonly #policy: BodyPolicy
  readonly #sweep: Sweep
  readonly #onRefused: (reason: BodyReason) => void
  #pace: Pace | null = null
  #bytes = 0
  #wanted = false
  #stream: ReadableStream<Uint8Array> | null = null
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null
  #refusal: BodyRefusedError | null = null
  #fail: (error: BodyRefusedError) => void = () => {}
  /** Whether all of it has come, as far as we know: nobody sees a body that nobody reads. */
  complete = false

  constructor(
    request: Request,
    announced: number | null,
    policy: BodyPolicy,
    sweep: Sweep,
    onRefused: (reason: BodyReason) => void,
  ) {
    this.#request = request
    this.#announced = announced
    this.#policy = policy
    this.#sweep = sweep
    this.#onRefused = onRefused
    ;(request as Held)[slot] = this
    Object.setPrototypeOf(request, heldPrototype)
  }

  /** Whether the head announced more than may have come with it. */
  mayBeLeft(withHeadBytes: number): boolean {
    return this.#announced === null || this.#announced > withHeadBytes
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
          this.#stop()
          return this.#reader?.cancel(reason)
        },
      },
      { highWaterMark: 0 },
    )
    return this.#stream
  }

  async read(kind: Kind): Promise<unknown> {
    if (this.#refusal !== null) throw this.#refusal
    if (this.#stream === null && this.#isSmall) return this.#readAtOnce(kind)
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

  look(now: number): void {
    const breach = this.#pace?.look(now, this.#bytes, this.#wanted)
    if (breach) this.#refuse(breach === 'quiet' ? 'body' : 'bodyRate')
  }

  /**
   * So small that at the minimum rate it is whole before the quiet time is over: one deadline serves for both, and the
   * body can be left to Bun, which reads 10 KB in 8 µs less than a stream does.
   */
  get #isSmall(): boolean {
    const { bodyTimeoutMs, minBodyBytesPerSec, minRateGraceMs } = this.#policy
    if (this.#announced === null) return false
    if (bodyTimeoutMs === 0 && minBodyBytesPerSec === 0) return true
    if (bodyTimeoutMs === 0 || minBodyBytesPerSec === 0) return false
    return minRateGraceMs + (this.#announced * 1000) / minBodyBytesPerSec <= bodyTimeoutMs
  }

  async #readAtOnce(kind: Kind): Promise<unknown> {
    this.#watch({ quietMs: this.#policy.bodyTimeoutMs, bytesPerSec: 0, graceMs: 0 })
    this.#wanted = true
    try {
      const read: Promise<unknown> = native[kind]!.value.call(this.#request)
      const value = await Promise.race([read, this.#failure()])
      this.complete = true
      return value
    } finally {
      this.#stop()
    }
  }

  /** The next chunk, or null at the end. */
  async #next(): Promise<Uint8Array | null> {
    if (this.#refusal !== null) throw this.#refusal
    if (this.#reader === null) {
      const { bodyTimeoutMs, minBodyBytesPerSec, minRateGraceMs } = this.#policy
      this.#watch({ quietMs: bodyTimeoutMs, bytesPerSec: minBodyBytesPerSec, graceMs: minRateGraceMs })
      const body = bodyOf(this.#request)
      if (body === null) return null
      this.#reader = body.getReader()
    }
    this.#wanted = true
    try {
      const { done, value } = await Promise.race([this.#reader.read(), this.#failure()])
      this.#wanted = false
      if (done) {
        this.complete = true
        this.#stop()
        return null
      }
      this.#bytes += value.length
      const { maxBodyBytes } = this.#policy
      if (maxBodyBytes !== 0 && this.#bytes > maxBodyBytes) throw this.#refuse('bodyTooLarge')
      return value
    } catch (error) {
      this.#stop()
      throw error
    }
  }

  #failure(): Promise<never> {
    return new Promise((_, reject) => {
      this.#fail = reject
    })
  }

  #watch(limits: ConstructorParameters<typeof Pace>[0]): void {
    this.#pace = new Pace(limits, performance.now(), 0)
    this.#sweep.add(this)
  }

  #refuse(reason: BodyReason): BodyRefusedError {
    this.#refusal = new BodyRefusedError(reason)
    this.#stop()
    this.#onRefused(reason)
    this.#fail(this.#refusal)
    return this.#refusal
  }

  #stop(): void {
    this.#wanted = false
    this.#sweep.remove(this)
  }
}
