/** What can be decided round a `fetch` handler alone, on every runtime: how long it may take. */
import type { Clock } from '../lifecycle/clock.ts'
import type { Coded } from '../policy/codes.ts'
import type { Fetch } from './contract.ts'
import { comeAgain } from './responses.ts'
import { settlesOnce } from './settles-once.ts'

/** What the handler's signal is aborted with. */
class HandlerTimeoutError extends Error implements Coded {
  override readonly name = 'TimeoutError'
  readonly code = 'HANDLER_TIMEOUT'
}

/**
 * The time of one handler. When it is over the client gets 503 and the request's `signal` is
 * aborted; what the handler returns later is dropped, its body cancelled. The signal is the
 * Request's own property from then on: a copy made with `new Request(request)` follows it only if
 * it is given `{ signal: request.signal }`.
 */
export class HandlerTimer {
  readonly #request: Request
  readonly #clock: Clock
  readonly #onTimeout: (request: Request) => void
  #ms = 0
  #controller: AbortController | null = null
  #stop: () => void = () => {}
  /** Answers in the handler's place; null: nobody waits for it yet. */
  #answer: ((response: Response) => void) | null = null
  #isOver = false

  constructor(request: Request, clock: Clock, onTimeout: (request: Request) => void) {
    this.#request = request
    this.#clock = clock
    this.#onTimeout = onTimeout
  }

  /** 0: off. `spentMs`: what of it is over. */
  limit(ms: number, spentMs = 0): void {
    this.#ms = ms
    this.#stop()
    if (ms === 0 || this.#isOver) return
    if (this.#controller === null) this.#giveSignal()
    if (this.#answer !== null) this.#start(ms - spentMs)
  }

  /** What the handler promised, or the 503. */
  watch(promised: Promise<Response>): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#answer = resolve
      if (this.#ms !== 0) this.#start(this.#ms)
      promised.then(
        (response) => {
          if (this.#settled()) resolve(response)
          else letGo(response)
        },
        (error) => {
          if (this.#settled()) reject(error)
        },
      )
    })
  }

  /** Whether the handler was in time. */
  #settled(): boolean {
    this.#stop()
    const inTime = !this.#isOver
    this.#isOver = true
    return inTime
  }

  #giveSignal(): void {
    this.#controller = new AbortController()
    const { signal } = this.#controller
    const native = this.#request.signal
    Object.defineProperty(this.#request, 'signal', {
      value: native ? AbortSignal.any([native, signal]) : signal,
      configurable: true,
    })
  }

  #start(ms: number): void {
    this.#stop = this.#clock.after(ms, () => {
      this.#isOver = true
      this.#onTimeout(this.#request)
      this.#controller?.abort(new HandlerTimeoutError(`the handler took longer than ${this.#ms} ms`))
      this.#answer?.(comeAgain())
    })
  }
}

export interface HandlerTimeoutOptions {
  /** From the head until the response is returned; 0: off, and the handler is returned as it is. */
  readonly handlerTimeoutMs: number
  readonly clock: Clock
  readonly onTimeout: (request: Request) => void
}

/** Answers 503 when the handler has not returned a response in time: see `HandlerTimer`. */
export function withHandlerTimeout(
  handler: Fetch,
  { handlerTimeoutMs, clock, onTimeout }: HandlerTimeoutOptions,
): Fetch {
  if (handlerTimeoutMs === 0) return handler
  return function guarded(request, ...rest) {
    const timer = new HandlerTimer(request, clock, onTimeout)
    timer.limit(handlerTimeoutMs)
    const answer = settlesOnce(handler(request, ...rest))
    return answer instanceof Promise ? timer.watch(answer) : answer
  }
}

/** Of whatever it is: a handler may return what is no Response. */
export function letGo(returned: unknown): void {
  try {
    ;(returned as Response).body?.cancel().catch(() => {})
  } catch {
    // There was nothing to let go of.
  }
}
