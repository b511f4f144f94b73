/** `limits()` and `withLimits()`: a route changes limits of its requests. */
import { type RequestChanges, type RequestLimits, readRequestLimits } from '../policy/request-limits.ts'
import type { App, Fetch } from './contract.ts'
import { fetchOf } from './prepare.ts'
import { askFor, changeLimits } from './route-limits.ts'

function made(given: RequestLimits, name: string): RequestChanges {
  const nameOf = (option: string) => `${name}({ ${option} })`
  const changes = readRequestLimits(given, nameOf)
  askFor(changes, nameOf)
  return changes
}

/**
 * What Hono's `MiddlewareHandler` is of it; an application without Hono needs no types of Hono's.
 */
export type LimitsMiddleware = (
  c: { readonly req: { readonly raw: Request } },
  next: () => Promise<void>,
) => Promise<void>

/**
 * Hono middleware: the requests that come by here have these limits until they are answered, and
 * the connection has the server's own again behind each. Values are as `serve()` takes them: a
 * number in the unit of the name, or text (`'30m'`, `'2gb'`, `'off'`). What is not named stays; of
 * two on one way the later wins. `handlerTimeoutMs` and `uploadTimeoutMs` count from the start of
 * the request all the same.
 *
 * Put it before whatever reads the body, or puts another Request in the place of `c.req.raw`
 * (Hono's `bodyLimit`). A body that is known to be larger than a `maxBodyBytes` is refused here,
 * 413.
 *
 * Throws a `ConfigError` for what is no limit of a request, for a value that can't be read, and for
 * a limit that a running server can't change; `serve()` rejects with one for those that it can't
 * change. docs/enforcement.md says which engine can change what.
 */
export function limits(given: RequestLimits): LimitsMiddleware {
  const changes = made(given, 'limits')
  return async function limits(c, next) {
    changeLimits(c.req.raw, changes)
    await next()
  }
}

/** The same round a `fetch` handler or an application that has one. */
export function withLimits(given: RequestLimits, app: App): Fetch {
  const changes = made(given, 'withLimits')
  const fetch = fetchOf(app)
  return function limited(request, ...rest) {
    changeLimits(request, changes)
    return fetch(request, ...rest)
  }
}
