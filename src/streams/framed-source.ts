/**
 * A body into which something else can be said: only between two of its frames, and only to whoever
 * waits for its bytes, so that nothing is kept for a client that does not read.
 */
import type { BodySource } from '../http1/web/payload.ts'
import { FrameWatch } from './frames.ts'

interface Waiting {
  readonly resolve: (piece: Uint8Array | null) => void
  readonly reject: (error: unknown) => void
}

/** What a read of the source came to. */
type Come = { readonly piece: Uint8Array | null } | { readonly error: unknown }

export class FramedSource implements BodySource {
  readonly #source: BodySource
  readonly #frames: FrameWatch
  /** The next piece is asked for, and has not come. */
  #isAsked = false
  #come: Come | null = null
  #waiting: Waiting | null = null
  /** Goes out at the end of the present frame, and nothing after it. */
  #last: Uint8Array | null = null
  /** To be said as soon as it can be. */
  #next: Uint8Array | null = null
  /** Nothing more is taken of the source. */
  #isOver = false
  readonly #onOver: () => void

  /** `ends`: see `FrameWatch`. `onOver`: all has been read, or nobody reads it any more. */
  constructor(source: BodySource, ends: readonly string[], onOver: () => void = () => {}) {
    this.#source = source
    this.#frames = new FrameWatch(ends)
    this.#onOver = onOver
  }

  get ofApplication(): boolean {
    return this.#source.ofApplication ?? false
  }

  get trailers(): readonly string[] {
    return this.#source.trailers ?? []
  }

  read(): Promise<Uint8Array | null> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      if (this.#isOver) this.#finish()
      else if (this.#last !== null && this.#frames.between) this.#end(this.#last)
      else if (this.#next !== null && this.#frames.between) this.say(this.#next)
      else if (this.#come !== null) this.#give(this.#come)
      else this.#ask()
    })
  }

  cancel(reason: unknown): void {
    this.#isOver = true
    this.#come = null
    this.#source.cancel(reason)
    this.#finish()
  }

  /** Somebody waits for bytes. */
  get isWaitedFor(): boolean {
    return this.#waiting !== null
  }

  /** The same, and the last frame is whole. */
  get isQuiet(): boolean {
    return this.isWaitedFor && this.#frames.between
  }

  /** Says a frame to whoever waits. Only while `isQuiet`. */
  say(frame: Uint8Array): void {
    this.#next = null
    this.#settle(frame)
  }

  /** Says a frame to who waits now, or reads next. */
  saySoon(frame: Uint8Array): void {
    this.#next = frame
    if (this.isQuiet) this.say(frame)
  }

  /**
   * Says `last` once no frame is open, and ends there, whatever the source still has; the source is
   * cancelled.
   */
  endWith(last: Uint8Array): void {
    if (this.#isOver || this.#last !== null) return
    this.#last = last
    if (this.isQuiet) this.#end(last)
  }

  #ask(): void {
    if (this.#isAsked) return
    this.#isAsked = true
    this.#source.read().then(
      (piece) => this.#came({ piece }),
      (error) => this.#came({ error }),
    )
  }

  #came(come: Come): void {
    this.#isAsked = false
    if (this.#isOver) return
    this.#come = come
    if (this.#waiting !== null) this.#give(come)
  }

  #give(come: Come): void {
    this.#come = null
    if ('error' in come) {
      const waiting = this.#waiting
      this.#isOver = true
      this.#waiting = null
      this.#onOver()
      waiting?.reject(come.error)
      return
    }
    const { piece } = come
    if (piece === null) {
      this.#isOver = true
      this.#finish()
      return
    }
    const whole = this.#last === null ? 0 : this.#frames.lengthOfFrames(piece)
    if (this.#last !== null && whole > 0) this.#end(joined(piece.subarray(0, whole), this.#last))
    else {
      this.#frames.pass(piece)
      this.#settle(piece)
    }
  }

  #end(last: Uint8Array): void {
    this.#isOver = true
    this.#come = null
    this.#source.cancel(new DOMException('the server is draining', 'AbortError'))
    this.#settle(last)
  }

  #finish(): void {
    this.#onOver()
    this.#settle(null)
  }

  #settle(piece: Uint8Array | null): void {
    const waiting = this.#waiting
    this.#waiting = null
    waiting?.resolve(piece)
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length)
  all.set(first)
  all.set(second, first.length)
  return all
}
