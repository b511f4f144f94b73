/** The URL of a request, without a URL object for all but the odd ones. */
import { plainInUrl } from '../bytes.ts'

const SLASH = 0x2f
const DOT = 0x2e
const PERCENT = 0x25

/**
 * Names whose last label starts with a letter and dotted quads without leading zeros, in lower
 * case: what the URL parser keeps as it is. `xn--` labels are left to it.
 */
const quad = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const plainHost = new RegExp(
  `^(?!.*xn--)(?:(?:[a-z0-9-]+\\.)*[a-z][a-z0-9-]*|(?:${quad}\\.){3}${quad})(?::([1-9]\\d{0,4}))?$`,
)
const defaultPorts = { http: 80, https: 443 } as const

export type Scheme = keyof typeof defaultPorts

/**
 * Hosts come back with every request; the bound keeps a client that invents them from filling
 * memory.
 */
const keptOrigins = 256
const origins: Record<Scheme, Map<string, string | null>> = { http: new Map(), https: new Map() }

/** Nearly every request names the host of the one before it. */
const last = { scheme: 'http' as Scheme, host: '', origin: null as string | null }

/** `scheme://host` as the URL parser writes it, or null if the host is none. */
function originOf(scheme: Scheme, host: string): string | null {
  if (host === last.host && scheme === last.scheme) return last.origin
  last.scheme = scheme
  last.host = host
  last.origin = keptOrigin(scheme, host)
  return last.origin
}

function keptOrigin(scheme: Scheme, host: string): string | null {
  const kept = origins[scheme]
  let origin = kept.get(host)
  if (origin !== undefined) return origin
  origin = parseOrigin(scheme, host)
  if (kept.size >= keptOrigins) kept.clear()
  kept.set(host, origin)
  return origin
}

function parseOrigin(scheme: Scheme, host: string): string | null {
  const match = plainHost.exec(host)
  if (match !== null) {
    const port = match[1] === undefined ? 0 : Number(match[1])
    if (port <= 0xffff && port !== defaultPorts[scheme]) return `${scheme}://${host}`
  }
  if (/[/?#@\\\s]/.test(host)) return null
  const url = URL.parse(`${scheme}://${host}/`)
  return url === null ? null : `${scheme}://${url.host}`
}

/** Whether a URL may have this host. */
export const isAuthority = (scheme: Scheme, host: string): boolean => originOf(scheme, host) !== null

/**
 * `path` in origin form; `*` is the authority itself (RFC 9112 3.3). Null if there is no such URL:
 * a 400.
 */
export function urlOf(scheme: Scheme, host: string, path: string): string | null {
  const origin = originOf(scheme, host)
  if (origin === null) return null
  if (path === '*') return `${origin}/`
  if (isPlain(path)) return origin + path
  return URL.parse(origin + path)?.href ?? null
}

/** The URL parser leaves it alone: `.` and `%` only inside a segment, because dot segments go. */
function isPlain(path: string): boolean {
  if (path.charCodeAt(0) !== SLASH) return false
  let before = SLASH
  for (let i = 1; i < path.length; i++) {
    const code = path.charCodeAt(i)
    if (plainInUrl[code] !== 1 || (before === SLASH && (code === DOT || code === PERCENT))) return false
    before = code
  }
  return true
}
