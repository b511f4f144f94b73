/**
 * The body of an answer on its way to the runtime's own server: not a byte beyond what its
 * `Content-Length` promises, never whole with fewer, and whatever fails in it is told of once.
 */
import { backgroundClock, type Clock } from '../lifecycle/clock.ts'
import type { Coded } from '../policy/codes.ts'

/** The application's stream gave another number of bytes than its `Content-Length` says. */
export class ContentLengthError extends Error implements Coded {
  override readonly name = 'ContentLengthError'
  readonly code = 'BODY_LENGTH'
}

export interface AnswerStreamOptions {
  /** What `Content-Length` says; null: nothing. */
  readonly length: number | null
  readonly report: (error: unknown) => void
  /**
   * The application gave more than it promised: what the client has is whole, and its connection's
   * last answer.
   */
  readonly last?: (() => void) | undefined
  /**
   * The answer has failed and says nowhere how long it is. Whoever takes the runtime's orderly end
   * for its end is to see a reset before that.
   */
  readonly cut?: (() => Promise<void>) | undefined
  /** Whether a piece waits to be taken, so that the client is the one to move. */
  readonly held?: ((byClient: boolean) => void) | undefined
  /** Called once, when all of it is taken, it has failed, or nobody takes it any more. */
  readonly done?: (() => void) | undefined
  readonly clock?: Clock
}

const encoder = new TextEncoder()
/** How long an application that has given all that it promised may take to end its stream. */
const surplusMs = 1_000

export function answerStream(
  source: ReadableStream<unknown>,
  { length, report, last = () => {}, cut, held, done = () => {}, clock = backgroundClock }: AnswerStreamOptions,
): ReadableStream<Uint8Array> {
  const reader = source.getReader()
  let left = length ?? Number.POSITIVE_INFINITY
  let ended = false
  function end(): void {
    if (ended) return
    ended = true
    done()
  }

  function letGo(reason?: unknown): void {
    reader.cancel(reason).catch(() => {})
  }

  async function pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const { done: over, value } = await reader.read()
    if (ended) return
    if (over) {
      if (length !== null && left > 0) throw mismatch(length, `${length - left}`)
      controller.close()
      end()
      return
    }
    const bytes = bytesOf(value)
    if (bytes.length > left) {
      controller.enqueue(bytes.subarray(0, left))
      controller.close()
      end()
      surplus()
      return
    }
    left -= bytes.length
    if (bytes.length > 0) controller.enqueue(bytes)
    if (left === 0) promised(controller)
    // The runtime may not ask again after an empty piece.
    else if (bytes.length === 0) await pull(controller)
  }

  /**
   * The client has all that it was promised: for it the answer is whole, and nobody asks for more.
   */
  function promised(controller: ReadableStreamDefaultController<Uint8Array>): void {
    controller.close()
    end()
    const onTime = clock.after(surplusMs, letGo)
    isNothingLeft()
      .then((nothing) => nothing || surplus(), report)
      .finally(onTime)
  }

  async function isNothingLeft(): Promise<boolean> {
    for (;;) {
      const { done: over, value } = await reader.read()
      if (over) return true
      if (bytesOf(value).length > 0) return false
    }
  }

  function surplus(): void {
    const error = mismatch(length!, 'more')
    report(error)
    // What says that it has no body is misread by nobody.
    if (length !== 0) last()
    letGo(error)
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (left === 0) promised(controller)
      },
      async pull(controller) {
        try {
          held?.(false)
          await pull(controller)
          held?.(true)
        } catch (error) {
          if (ended) return
          report(error)
          if (length === null) await cut?.()
          // It has been told of: an error here the runtimes would print as well.
          controller.error()
          end()
          letGo(error)
        }
      },
      cancel(reason) {
        end()
        return reader.cancel(reason)
      },
    },
    // Nothing is asked of the application that the client has not room for.
    { highWaterMark: 0 },
  )
}

const mismatch = (length: number, given: string): ContentLengthError =>
  new ContentLengthError(`Content-Length is ${length}, but the body's stream gave ${given} bytes`)

/** Bun takes texts as well; one rule for both. */
function bytesOf(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece
  if (typeof piece === 'string') return encoder.encode(piece)
  if (piece instanceof ArrayBuffer) return new Uint8Array(piece)
  if (ArrayBuffer.isView(piece)) return new Uint8Array(piece.buffer as ArrayBuffer, piece.byteOffset, piece.byteLength)
  throw new TypeError(`the body's stream gave ${piece === null ? 'null' : `a ${typeof piece}`}, not bytes`)
}
