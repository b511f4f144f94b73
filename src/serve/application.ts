/**
 * The application as every engine asks it. Whatever it returns, throws or rejects with becomes a
 * response that can be written: its own, or a 500 and one report to its operator.
 */

import type { Clock } from '../lifecycle/clock.ts'
import type { Coded } from '../policy/codes.ts'
import type { Policy } from '../policy/policy.ts'
import { noteServer } from '../streams/draining.ts'
import type { App, ServeOptions } from './contract.ts'
import { errorLine } from './error-line.ts'
import { HandlerTimer, withHandlerTimeout } from './handler-timeout.ts'
import type { LogLine } from './log.ts'
import { withLoopLag } from './loop-lag.ts'
import { withMaxUpgraded } from './max-upgraded.ts'
import { fetchOf } from './prepare.ts'
import { plainResponse } from './responses.ts'
import { areUsed, type LimitedRequests, mayTimeHandlers, takeInHand } from './route-limits.ts'
import { isThenable, settlesOnce } from './settles-once.ts'

/** The application returned something that no engine can write. */
export class UnusableResponseError extends TypeError implements Coded {
  override readonly name = 'UnusableResponseError'
  readonly code = 'UNUSABLE_RESPONSE'
}

export interface Application {
  /**
   * Asks the handler under `handlerTimeoutMs`. `engine`: told of limits that a route changes.
   * `ctx`: what Workers give beside `env`. The result is unchecked: give it, or what it settles to,
   * to `responseOf`, and what it throws to `responseToError`.
   */
  ask(request: Request, env: unknown, engine?: LimitedRequests | null, ctx?: unknown): unknown
  /** What was returned if it can be written, else a 500 after a report. Never throws. */
  responseOf(returned: unknown, request: Request): Response
  /**
   * The same where the runtime would switch protocols by itself: a 101 that nothing was upgraded
   * for is a 500.
   */
  responseNotSwitching(returned: unknown, request: Request): Response
  /**
   * What a thrown error answers with: the response that it brings (`getResponse`), or a 500 after a
   * report. Never throws.
   */
  responseToError(error: unknown, request: Request): Response
  /** Tells the operator, once per call: `onError`, by default one log line. Never throws. */
  report(error: unknown, request: Request): void
}

export interface ApplicationParts {
  readonly policy: Policy
  readonly clock: Clock
  readonly onError: ServeOptions['onError']
  /** Where errors go without `onError`. */
  readonly log: { error(line: Omit<LogLine, 'count'>): void }
  /** The application was too slow for a request, or all too busy to be asked. */
  readonly onRefused: (reason: 'handler' | 'overload' | 'upgradedFull') => void
  /** WebSockets that are open. Default: there are none. */
  readonly webSockets?: () => number
  /** Fires when the server's drain begins. Default: no request is told of it. */
  readonly draining?: AbortSignal
  /**
   * Tells at one look that a response can be written; `false` promises nothing. Default: a closer
   * look at each.
   */
  readonly isSound?: ((returned: unknown) => boolean) | undefined
  /**
   * A Response of our class as one that the runtime's own server takes: another server of this
   * process may have put it in the global's place.
   */
  readonly ownOf?: ((response: Response) => Response) | undefined
}

/** Whether `applicationOf` holds a limit of this policy round the app: then nobody may go past it. */
export const limitsApplication = ({ handlerTimeoutMs, maxLoopLagMs, maxUpgraded }: Policy): boolean =>
  handlerTimeoutMs !== 0 || maxLoopLagMs !== 0 || maxUpgraded !== 0

export function applicationOf(app: App, parts: ApplicationParts): Application {
  const { policy, clock, onError, log, onRefused, draining, isSound = () => false, ownOf } = parts
  const { webSockets = () => 0 } = parts
  const { handlerTimeoutMs, maxLoopLagMs, maxUpgraded } = policy
  const onTimeout = () => onRefused('handler')
  const fetch = fetchOf(app)
  const onFull = () => onRefused('upgradedFull')
  const onOverload = () => onRefused('overload')
  const unlessFull = withMaxUpgraded(fetch, { maxUpgraded, webSockets, onFull })
  const untimed = withLoopLag(unlessFull, { maxLoopLagMs, clock, onOverload })
  const handler = withHandlerTimeout(untimed, { handlerTimeoutMs, clock, onTimeout })

  /** In a program with routes that change limits. */
  function askInHand(request: Request, env: unknown, engine: LimitedRequests | null, ctx: unknown): unknown {
    const timer = handlerTimeoutMs !== 0 || mayTimeHandlers() ? new HandlerTimer(request, clock, onTimeout) : null
    timer?.limit(handlerTimeoutMs)
    const startedAt = clock.now()
    const timeHandler = timer && ((ms: number) => timer.limit(ms, clock.now() - startedAt))
    takeInHand(request, { engine, timeHandler })
    const answer = settlesOnce(untimed(request, env, ctx))
    return timer !== null && answer instanceof Promise ? timer.watch(answer) : answer
  }

  function logged(error: unknown, request: Request): void {
    log.error({ level: 'error', code: 'APPLICATION_ERROR', message: `${lineOf(request)}: ${errorLine(error)}` })
  }

  function report(error: unknown, request: Request): void {
    if (onError === undefined) {
      logged(error, request)
      return
    }
    const failed = (second: unknown): void => {
      logged(error, request)
      logged(new Error('onError failed', { cause: second }), request)
    }
    try {
      const told: unknown = onError(error, request)
      if (isThenable(told)) Promise.resolve(told).catch(failed)
    } catch (second) {
      failed(second)
    }
  }

  function ready(returned: unknown): Response {
    const response = usable(returned)
    return ownOf === undefined ? response : ownOf(response)
  }

  function responseOf(returned: unknown, request: Request): Response {
    if (isSound(returned)) return returned as Response
    try {
      return ready(returned)
    } catch (error) {
      report(error, request)
      return plainResponse(500)
    }
  }

  return {
    ask(request, env, engine = null, ctx) {
      if (draining !== undefined) noteServer(request, draining)
      return areUsed() ? askInHand(request, env, engine, ctx) : settlesOnce<unknown>(handler(request, env, ctx))
    },
    responseOf,
    responseNotSwitching(returned, request) {
      const response = responseOf(returned, request)
      // A client that reads 101 takes what follows for another protocol.
      if (response.status !== 101) return response
      report(unupgraded(), request)
      return plainResponse(500)
    },
    responseToError(error, request) {
      try {
        const { getResponse } = error as { getResponse?: unknown }
        if (typeof getResponse === 'function') return ready(withoutRejection(getResponse.call(error)))
      } catch {
        // What it brings is no response: the error itself is what went wrong.
      }
      report(error, request)
      return plainResponse(500)
    },
    report,
  }
}

export const unupgraded = (): UnusableResponseError =>
  new UnusableResponseError('the handler answered 101, but nothing was upgraded')

/** Throws an `UnusableResponseError` that says what is wrong. */
function usable(returned: unknown): Response {
  if (!isResponse(returned)) throw new UnusableResponseError(`the handler returned ${nameOf(returned)}, not a Response`)
  if (returned.type === 'error') throw new UnusableResponseError('the handler returned Response.error()')
  if (returned.bodyUsed) {
    throw new UnusableResponseError('the handler returned a Response whose body was already used')
  }
  if (returned.body?.locked) {
    throw new UnusableResponseError('the handler returned a Response whose body is locked by a reader')
  }
  return returned instanceof Response ? returned : nativeFrom(returned)
}

/** By its shape: the class may be another realm's or another package's. */
function isResponse(value: unknown): value is Response {
  if (value instanceof Response) return true
  if (typeof value !== 'object' || value === null) return false
  const { status, headers, body } = value as Partial<Response>
  return typeof status === 'number' && isIterable(headers) && (body === null || isReadable(body))
}

const isIterable = (value: unknown): boolean => typeof (value as Iterable<unknown>)?.[Symbol.iterator] === 'function'

const isReadable = (value: unknown): boolean =>
  typeof (value as ReadableStream)?.getReader === 'function' ||
  typeof (value as AsyncIterable<unknown>)?.[Symbol.asyncIterator] === 'function'

function nativeFrom({ body, status, statusText, headers }: Response): Response {
  return new Response(body instanceof ReadableStream ? body : body && streamFrom(body), {
    status,
    statusText,
    headers: [...headers],
  })
}

/** node-fetch's body, for one, is a stream of Node's. */
function streamFrom(source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const pieces = source[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await pieces.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    async cancel() {
      await pieces.return?.()
    },
  })
}

/** A promise is no Response, and one that nobody waits for must not end the process. */
function withoutRejection(value: unknown): unknown {
  if (isThenable(value)) Promise.resolve(value).catch(() => {})
  return value
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return `${value}`
  if (typeof value !== 'object') return `a ${typeof value}`
  return `an object of the class ${value.constructor?.name ?? 'null'}`
}

/**
 * Method and path. The application holds the request, and may have put anything in the place of
 * either.
 */
function lineOf(request: Request): string {
  try {
    return `${request.method} ${pathOf(request.url)}`
  } catch {
    return 'a request that no longer says its method and URL'
  }
}

/** Without the query, which may hold secrets. */
function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  const query = url.indexOf('?', start)
  const path = start === -1 ? '/' : url.slice(start, query === -1 ? undefined : query)
  return path.length > 200 ? `${path.slice(0, 200)}…` : path
}
