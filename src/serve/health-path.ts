/** Readiness for whoever sends the traffic, on the server's own port and before the application. */
import { ConfigError, problem } from '../policy/problems.ts'
import type { App, Fetch } from './contract.ts'
import { fetchOf } from './prepare.ts'

export const healthPathAccepted = 'a path without a query: /healthz'

export const isHealthPath = (text: string): boolean => /^\/[!-"$->@-~]*$/.test(text)

/** Answers GET and HEAD of `path`: 200 while `ready` says so, else 503. Throws a `ConfigError`. */
export function withHealthPath(app: App, path: string, ready: () => boolean): Fetch {
  if (!isHealthPath(path)) throw new ConfigError([problem('healthPath', path, 'not a path', healthPathAccepted)])
  const fetch = fetchOf(app)
  return (request, ...rest) => {
    const { method } = request
    const asked = (method === 'GET' || method === 'HEAD') && pathOf(request.url) === path
    return asked ? readiness(ready()) : fetch(request, ...rest)
  }
}

const readiness = (isReady: boolean): Response =>
  new Response(isReady ? 'ok\n' : 'draining\n', {
    status: isReady ? 200 : 503,
    headers: { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' },
  })

function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  const query = url.indexOf('?', start)
  return url.slice(start, query === -1 ? undefined : query)
}
