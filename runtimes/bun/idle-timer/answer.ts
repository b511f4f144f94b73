/**
 * An answer that is a stream. While it is written Bun's clock stands still; what is watched instead
 * is whether Bun comes for more: it does as soon as the kernel has taken what it has, so a piece
 * that nobody comes back from is one that the client does not read.
 */
import type { Policy } from '../../../src/policy/policy.ts'
import type { Sweep, Watched } from './sweep.ts'

export interface AnswerEvents {
  /** All is with Bun, or the client is gone: nothing is watched any more. */
  ended(): void
  /** Nothing of it is taken: the connection has to go. */
  stalled(): void
  /**
   * The application has fallen silent in it: the stream fails, so that the response never looks
   * whole.
   */
  silent(): void
}

export class StreamedAnswer implements Watched {
  readonly stream: ReadableStream<Uint8Array>
  readonly #policy: Pick<Policy, 'writeTimeoutMs' | 'streamIdleTimeoutMs'>
  readonly #sweep: Sweep
  readonly #events: AnswerEvents
  readonly #source: ReadableStreamDefaultReader<Uint8Array>
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null
  /** Since when a piece waits to be taken; null: it was. */
  #offeredAt: number | null = null
  /** Since when the application owes the next piece. */
  #askedAt: number | null = null
  #stalled = false

  constructor(
    body: ReadableStream<Uint8Array>,
    policy: Pick<Policy, 'writeTimeoutMs' | 'streamIdleTimeoutMs'>,
    sweep: Sweep,
    events: AnswerEvents,
  ) {
    this.#policy = policy
    this.#sweep = sweep
    this.#events = events
    this.#source = body.getReader()
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: (controller) => this.#pull(controller),
        cancel: (reason) => {
          this.#end()
          return this.#source.cancel(reason)
        },
      },
      // Nothing is asked of the application that the client has not room for.
      { highWaterMark: 0 },
    )
    sweep.add(this)
  }

  look(now: number): void {
    const { writeTimeoutMs, streamIdleTimeoutMs } = this.#policy
    if (this.#offeredAt !== null && writeTimeoutMs !== 0 && now - this.#offeredAt >= writeTimeoutMs) {
      this.#stalled = true
      this.#sweep.remove(this)
      this.#events.stalled()
    } else if (this.#askedAt !== null && streamIdleTimeoutMs !== 0 && now - this.#askedAt >= streamIdleTimeoutMs) {
      this.#events.silent()
      const error = new Error(`the application was silent for ${streamIdleTimeoutMs} ms in its answer`)
      this.#controller?.error(error)
      this.#end()
      this.#source.cancel(error).catch(() => {})
    }
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#offeredAt = null
    this.#askedAt = performance.now()
    try {
      // It reads again, but it has been given up: its connection is reset instead of ended by the clock.
      if (this.#stalled) throw new Error(`the client took nothing for ${this.#policy.writeTimeoutMs} ms`)
      const { done, value } = await this.#source.read()
      if (this.#controller === null) return
      this.#askedAt = null
      if (done) {
        this.#end()
        controller.close()
      } else {
        this.#offeredAt = performance.now()
        controller.enqueue(value)
      }
    } catch (error) {
      if (this.#controller === null) return
      this.#end()
      controller.error(error)
      if (this.#stalled) this.#source.cancel(error).catch(() => {})
    }
  }

  #end(): void {
    if (this.#controller === null) return
    this.#controller = null
    this.#sweep.remove(this)
    this.#events.ended()
  }
}
