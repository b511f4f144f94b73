/**
 * A sign of life in a stream that has nothing to say, so that nobody on its way takes it for dead.
 */
import { sourceOf } from '../http1/web/source.ts'
import { backgroundClock, type Clock } from '../lifecycle/clock.ts'
import { ConfigError, problem } from '../policy/problems.ts'
import { accepted, longestMs, parse } from '../policy/units.ts'
import { comment, eventStreamType, mediaTypeOf } from './event-stream.ts'
import { FramedSource } from './framed-source.ts'
import { eventEnds } from './frames.ts'

/** What a stream of one media type is told with, and where. */
export interface Beat {
  /** Says nothing to a reader of this type: for NDJSON `'\n'`. */
  readonly send: string
  /** What ends a unit of the stream, in ASCII; a beat is sent behind one only, or as the first. */
  readonly after: string
}

export interface HeartbeatOptions {
  /**
   * Other media types, in lower case, and their beats:
   * `{ 'application/x-ndjson': { send: '\n', after: '\n' } }`. Default: `text/event-stream` alone.
   */
  readonly types?: Readonly<Record<string, Beat>>
  /** Default: the time of the system, whose timers keep no process alive. */
  readonly clock?: Clock
}

/** What is used of Hono's `Context`, whose types a program without Hono does not have. */
interface Context {
  readonly req: { readonly method: string }
  get res(): Response
  set res(response: Response | undefined)
}

type Middleware = (c: Context, next: () => Promise<void>) => Promise<void>

interface Plan {
  readonly everyMs: number
  readonly types: ReadonlyMap<string, { readonly frame: Uint8Array; readonly ends: readonly string[] }>
  readonly clock: Clock
}

const byteOrderMark = [0xef, 0xbb, 0xbf]

/**
 * Hono middleware: writes a comment into each `text/event-stream` that was quiet for so long (ms,
 * or text with a unit), and one at once, because clients and proxies give up on a silent start. It
 * is never written into an event, nor kept for a client that does not read. Sets
 * `X-Accel-Buffering: no` and `Cache-Control: no-transform`, so that what is in front passes each
 * event on as it comes. Throws a `ConfigError` here for what can't be.
 */
export function heartbeat(every: number | string, options: HeartbeatOptions = {}): Middleware {
  const plan = planOf(every, options)
  return async function heartbeat(c, next) {
    await next()
    const beating = beatingIn(c.res, plan, c.req.method)
    if (beating === c.res) return
    // Hono would put the fields of the response before it back.
    c.res = undefined
    c.res = beating
  }
}

/** The same for a `fetch` handler without Hono: `return withHeartbeat(response, '15s')`. */
export function withHeartbeat(response: Response, every: number | string, options: HeartbeatOptions = {}): Response {
  return beatingIn(response, planOf(every, options))
}

function planOf(every: number | string, { types = {}, clock = backgroundClock }: HeartbeatOptions): Plan {
  const everyMs = typeof every === 'string' ? parse('duration', every) : every
  const why = typeof everyMs === 'string' ? everyMs : refusal(everyMs)
  if (why !== null) {
    throw new ConfigError([problem('heartbeat', every, why, `a number of ms above 0, or ${accepted.duration}`)])
  }
  const beats = Object.entries(types).map(([type, beat]) => {
    if (!isText(beat?.send) || !isText(beat.after)) {
      const texts = "send and after, two texts that are not empty: { send: '\\n', after: '\\n' }"
      // A text is most likely a line end, which a message must not hold.
      const shown = typeof beat === 'string' ? JSON.stringify(beat) : beat
      throw new ConfigError([problem(`heartbeat, types ${type}`, shown, 'it is not a beat', texts)])
    }
    return [type.toLowerCase(), beatOf(beat.send, [beat.after])] as const
  })
  return {
    everyMs: everyMs as number,
    types: new Map([[eventStreamType, { frame: comment, ends: eventEnds }], ...beats]),
    clock,
  }
}

function refusal(everyMs: number): string | null {
  if (!Number.isFinite(everyMs)) return `${everyMs} is not a number of ms`
  if (everyMs <= 0) return 'it cannot be switched off'
  return everyMs > longestMs ? 'it is longer than a timer can hold (24 days)' : null
}

const isText = (given: unknown): boolean => typeof given === 'string' && given !== ''

const beatOf = (send: string, ends: readonly string[]) => ({ frame: new TextEncoder().encode(send), ends })

function beatingIn(response: Response, { everyMs, types, clock }: Plan, method = 'GET'): Response {
  const { headers, status, statusText, body } = response
  const beat = types.get(mediaTypeOf(headers))
  // In what is compressed nothing can be said that its reader understands.
  if (beat === undefined || body === null || headers.has('content-encoding')) return response
  const fields = new Headers(headers)
  fields.delete('content-length')
  fields.set('x-accel-buffering', 'no')
  fields.set('cache-control', untransformed(headers.get('cache-control')))
  if (method === 'HEAD') {
    // Hono lets go of the body, and tells nobody who goes on making it.
    body.cancel().catch(() => {})
    return new Response(null, { status, statusText, headers: fields })
  }
  const source = new FramedSource(sourceOf(body), beat.ends)
  const stream = new Beating(source, beat.frame, everyMs, clock).stream()
  return new Response(stream, { status, statusText, headers: fields })
}

function untransformed(said: string | null): string {
  if (said === null) return 'no-transform'
  return /(^|,)\s*no-transform\s*(,|$)/i.test(said) ? said : `${said}, no-transform`
}

class Beating {
  readonly #source: FramedSource
  readonly #frame: Uint8Array
  readonly #everyMs: number
  readonly #clock: Clock
  /** When something was said last. */
  #saidAt = 0
  /** The source has given something. */
  #isBegun = false
  /** Null: no timer runs, because nobody waits. */
  #cancelTimer: (() => void) | null = null

  constructor(source: FramedSource, frame: Uint8Array, everyMs: number, clock: Clock) {
    this.#source = source
    this.#frame = frame
    this.#everyMs = everyMs
    this.#clock = clock
  }

  stream(): ReadableStream<Uint8Array> {
    let begun = false
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const piece = begun ? await this.#read() : this.#first()
          begun = true
          if (piece === null) controller.close()
          else controller.enqueue(piece)
        },
        cancel: (reason) => {
          this.#stop()
          this.#source.cancel(reason)
        },
      },
      // A beat is for a client that reads: `pull` is called for one only.
      { highWaterMark: 0 },
    )
  }

  #first(): Uint8Array {
    this.#saidAt = this.#clock.now()
    return this.#frame
  }

  async #read(): Promise<Uint8Array | null> {
    try {
      this.#cancelTimer ??= this.#await(this.#everyMs)
      let piece = await this.#next()
      // The runtime may not ask again after an empty piece.
      while (piece?.length === 0) piece = await this.#next()
      this.#saidAt = this.#clock.now()
      if (piece === null) this.#stop()
      return piece
    } catch (error) {
      this.#stop()
      throw error
    }
  }

  async #next(): Promise<Uint8Array | null> {
    const piece = await this.#source.read()
    if (this.#isBegun || piece === null || piece === this.#frame) return piece
    this.#isBegun = true
    // Behind a beat it would be a byte of a field's name.
    return byteOrderMark.every((byte, at) => piece[at] === byte) ? piece.subarray(byteOrderMark.length) : piece
  }

  #await(ms: number): () => void {
    return this.#clock.after(ms, () => {
      this.#cancelTimer = null
      const quietMs = this.#clock.now() - this.#saidAt
      if (!this.#source.isWaitedFor) return
      if (quietMs >= this.#everyMs && this.#source.isQuiet) this.#source.say(this.#frame)
      const nextMs = quietMs < this.#everyMs ? this.#everyMs - quietMs : this.#everyMs
      this.#cancelTimer = this.#await(nextMs)
    })
  }

  #stop(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
  }
}
