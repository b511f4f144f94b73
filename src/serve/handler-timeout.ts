/** What can be decided round a `fetch` handler alone, on every runtime: how long it may take. */
import type { Coded } from '../policy/codes.ts'
import type { Fetch } from './contract.ts'
import { settlesOnce } from './settles-once.ts'

/** What the handler's signal is aborted with. */
class HandlerTimeoutError extends Error implements Coded {
  override readonly name = 'TimeoutError'
  readonly code = 'HANDLER_TIMEOUT'
}

export interface HandlerTimeoutOptions {
  /** From the head until the response is returned; 0: off, and the handler is returned as it is. */
  readonly handlerTimeoutMs: number
  readonly onTimeout: (request: Request) => void
}

/**
 * Answers 503 when the handler has not returned a response in time, and aborts the request's `signal`. What the handler
 * returns later is dropped, its body cancelled. The signal is the Request's own property from then on: a copy made with
 * `new Request(request)` follows it only if it is given `{ signal: request.signal }`.
 */
export function withHandlerTimeout(handler: Fetch, { handlerTimeoutMs, onTimeout }: HandlerTimeoutOptions): Fetch {
  if (handlerTimeoutMs === 0) return handler
  return function guarded(request, ...rest) {
    const controller = new AbortController()
    const native = request.signal
    Object.defineProperty(request, 'signal', {
      value: native ? AbortSignal.any([native, controller.signal]) : controller.signal,
      configurable: true,
    })
    const answer = settlesOnce(handler(request, ...rest))
    if (!(answer instanceof Promise)) return answer
    return new Promise<Response>((resolve, reject) => {
      let late = false
      const timer = setTimeout(() => {
        late = true
        onTimeout(request)
        controller.abort(new HandlerTimeoutError(`the handler took longer than ${handlerTimeoutMs} ms`))
        resolve(
          new Response('Service Unavailable\n', {
            status: 503,
            headers: { 'retry-after': '1', 'content-type': 'text/plain' },
          }),
        )
      }, handlerTimeoutMs)
      answer.then(
        (response) => {
          clearTimeout(timer)
          if (late) letGo(response)
          else resolve(response)
        },
        (error) => {
          clearTimeout(timer)
          if (!late) reject(error)
        },
      )
    })
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
