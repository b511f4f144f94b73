/**
 * `hangup probe --healthz <url>`: one GET for a health check. It loads nothing but a client,
 * because a container's health check starts it every few seconds.
 */
import type { IncomingMessage, RequestOptions } from 'node:http'
import { systemClock } from '../lifecycle/clock.ts'
import { parse } from '../policy/units.ts'

export interface HealthCheck {
  /** http:, https:, or unix:/path of a socket, with :/page after it if that is not `/`. */
  readonly url: string
  readonly insecure?: boolean | undefined
  /** Default: 5 s. */
  readonly limitMs?: number | undefined
}

const defaultHealthLimitMs = 5_000

/**
 * The check that a command line asks for; null: none, or there is something in it for the whole
 * command to explain.
 */
export function healthCheckOf(argv: readonly string[]): HealthCheck | null {
  if (!argv.includes('--healthz')) return null
  const at = argv.indexOf('--limit')
  const limitMs = at < 0 ? defaultHealthLimitMs : parse('duration', argv[at + 1] ?? '')
  const rest = argv.filter((arg, index) => !['--healthz', '--insecure', '--limit'].includes(arg) && index - 1 !== at)
  const [url] = rest
  if (typeof limitMs !== 'number' || limitMs <= 0 || rest.length !== 1 || !url || url.startsWith('-')) return null
  return { url, insecure: argv.includes('--insecure'), limitMs }
}

/** Why the server is not healthy, in one line, or null. */
export async function illness(
  { url, insecure = false, limitMs = defaultHealthLimitMs }: HealthCheck,
  clock = systemClock,
): Promise<string | null> {
  const options = requestOf(url)
  if (typeof options === 'string') return options
  const { protocol } = options
  const { request } = protocol === 'https:' ? await import('node:https') : await import('node:http')
  const more = { agent: false, headers: { 'user-agent': 'hangup' }, rejectUnauthorized: !insecure }
  return new Promise((resolve) => {
    const end = (why: string | null) => {
      cancel()
      asking.destroy()
      resolve(why)
    }
    const cancel = clock.after(limitMs, () => end(`${url}: no response within ${limitMs / 1_000} s`))
    const asking = request({ ...options, ...more }, ({ statusCode = 0 }: IncomingMessage) => {
      end(statusCode >= 200 && statusCode < 300 ? null : `${url}: the response is ${statusCode}`)
    })
    asking.on('error', ({ code, message }: NodeJS.ErrnoException) => end(`${url}: ${message || code}`))
    asking.end()
  })
}

function requestOf(text: string): RequestOptions | string {
  const [, socketPath, page = '/'] = /^unix:(?:\/\/(?=\/))?([^:]+)(?::(\/.*))?$/.exec(text) ?? []
  if (socketPath !== undefined) return { protocol: 'http:', host: 'localhost', socketPath, path: page }
  if (!/^https?:\/\/./i.test(text) || !URL.canParse(text)) {
    return `${text}: not a URL; expected http://host:port/page, https://host:port/page or unix:/path:/page`
  }
  const { protocol, hostname, port, pathname, search } = new URL(text)
  return { protocol, hostname: hostname.replace(/^\[|\]$/g, ''), ...(port && { port }), path: `${pathname}${search}` }
}
