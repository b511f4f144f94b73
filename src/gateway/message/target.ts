/** The route of a request, and the target that goes on to the upstream. */
import type { Route } from '../config/config.ts'
import { type FirstRoute, firstRoute, isUnder } from './first-route.ts'

/** Why no route serves: none matches, or the path can be read as one of another route. */
type NoRoute = 'no-route' | 'ambiguous-path'

export interface Router {
  /** `path` in origin form, as it came, or `*`. */
  match(method: string, host: string, path: string): Route | NoRoute
}

/** The routes that a host can have, in the configuration's order. */
interface Candidates {
  readonly routes: readonly Route[]
  readonly first: FirstRoute
  /** All of them take every path: no reading changes the route. */
  readonly anyPath: boolean
}

/**
 * Hosts that no route names; clients choose how many there are, so they are not remembered one by
 * one.
 */
const maxRemembered = 1024

/**
 * A path is compared as it came, and goes on unchanged. A backend may read it in another way:
 * decode it, resolve `..`, merge slashes. What a route for `/admin` guards must not be available as
 * `/x/../admin`, `/x/..%2fadmin` or `//admin`. nginx and Envoy (`normalize_path`,
 * `path_with_escaped_slashes_action`) normalise before they compare, each in one way. Here every
 * reading must choose the same route, and none may leave the route's prefix; else the request is
 * refused. No client sends such a path without intent, because URL parsers resolve dot segments
 * themselves (RFC 3986 5.2.4).
 */
export function compileRoutes(routes: readonly Route[]): Router {
  const hosted = routes.map((route): Hosted => ({ route, takes: hostTest(route.host) }))
  const byHost = new Map<string, Candidates>()
  for (const { host } of routes) {
    if (host !== null && !isWildcard(host)) byHost.set(bareHost(host), candidatesOf(hosted, bareHost(host)))
  }
  const wildcards = hosted.filter(({ route: { host } }) => host !== null && isWildcard(host))
  /** Of hosts that no route names: those that the same wildcards take have the same ones. */
  const shared = new Map<string, Candidates>()
  let remembered = new Map<string, Candidates>()
  /**
   * Most requests of one moment are for one host: two short texts are compared sooner than looked
   * up.
   */
  let last: { readonly host: string; readonly found: Candidates } | null = null

  function candidates(host: string): Candidates {
    if (last === null || last.host !== host) last = { host, found: lookUp(host) }
    return last.found
  }

  function lookUp(host: string): Candidates {
    const known = byHost.get(host) ?? remembered.get(host)
    if (known !== undefined) return known
    const bare = bareHost(host)
    const found = byHost.get(bare) ?? unnamed(bare)
    if (remembered.size >= maxRemembered) remembered = new Map()
    remembered.set(host, found)
    return found
  }

  function unnamed(bare: string): Candidates {
    const by = wildcards.filter(({ takes }) => takes(bare)).map(({ route: { host } }) => host)
    const key = by.join()
    const found = shared.get(key) ?? candidatesOf(hosted, bare)
    shared.set(key, found)
    return found
  }

  return {
    match(method, host, path) {
      const { routes, first, anyPath } = candidates(host)
      const query = path.indexOf('?')
      const bare = query < 0 ? path : path.slice(0, query)
      // A string of C ends there; nginx refuses it, too.
      if (bare.includes('%00')) return 'ambiguous-path'
      const route = first(method, bare)
      if (!anyPath && readsDifferently.test(bare) && !isPlain(routes, method, bare, route)) return 'ambiguous-path'
      return route ?? 'no-route'
    },
  }
}

interface Hosted {
  readonly route: Route
  /** Whether it serves this bare host. */
  readonly takes: (bare: string) => boolean
}

function candidatesOf(hosted: readonly Hosted[], bare: string): Candidates {
  const routes = hosted.filter(({ takes }) => takes(bare)).map(({ route }) => route)
  return {
    routes,
    first: firstRoute(routes),
    anyPath: routes.every(({ path, replacePath }) => path === '/' && replacePath === null),
  }
}

const isWildcard = (host: string): boolean => host.startsWith('*.')

function hostTest(pattern: string | null): Hosted['takes'] {
  if (pattern === null) return () => true
  if (isWildcard(pattern)) return (bare) => bare.length >= pattern.length && bare.endsWith(pattern.slice(1))
  const own = bareHost(pattern)
  return (bare) => bare === own
}

/**
 * Lower case, without the port and the root's dot (RFC 3986 3.2.2, RFC 1034 3.1). Escapes and IPv6
 * are read as the URL class reads them; a configuration may leave the brackets out.
 */
function bareHost(host: string): string {
  const lower = host.toLowerCase()
  const bareV6 = lower.indexOf(':') !== lower.lastIndexOf(':') && /^[\da-f:.]+$/.test(lower)
  const bracketed = bareV6 ? `[${lower}]` : lower.replace(/:\d*$/, '')
  const odd = bracketed.startsWith('[') || bracketed.includes('%')
  const name = odd && URL.canParse(`http://${bracketed}/`) ? new URL(`http://${bracketed}/`).hostname : bracketed
  return name.endsWith('.') ? name.slice(0, -1) : name
}

/**
 * Escapes, dot segments, empty segments, a backslash (to Windows a slash), parameters (to Java no
 * part of a segment).
 */
const readsDifferently = /[%\\;]|\/\/|\/\.\.?(?:\/|$)/

/** Whether a request for this prefix has it in every reading of its path. */
export function isPrefix(path: string): boolean {
  if (!path.startsWith('/') || decode(path) !== decode(path).trimEnd()) return false
  return [path, decode(path)].every(
    (text) => !/[?#\0\t\n\r]/.test(text) && !readsDifferently.test(text.replaceAll('%', '')),
  )
}

/** Whether every reading of the path leads to the same route and stays inside its prefix. */
function isPlain(routes: readonly Route[], method: string, path: string, route: Route | null): boolean {
  const floor = route === null ? 0 : depthOf(route.path)
  const all = readings(path)
  if (all === null) return false
  for (const reading of all) {
    if (readAs(routes, method, reading) !== route) return false
    const resolved = resolve(reading, floor)
    if (resolved === null || (resolved !== reading && readAs(routes, method, resolved) !== route)) return false
    // The URL class keeps empty segments while it resolves; merging them afterwards gives another
    // path.
    const merged = resolved.includes('//') ? mergeSlashes(resolved) : resolved
    if (merged !== resolved && readAs(routes, method, merged) !== route) return false
  }
  return true
}

/** How many segments a prefix has; `/` has none. */
function depthOf(prefix: string): number {
  return prefix.split('/').length - (prefix.endsWith('/') ? 2 : 1)
}

/** As the first route, but a prefix with escapes matches as it is written and decoded. */
function readAs(routes: readonly Route[], method: string, path: string): Route | null {
  for (const route of routes) {
    const fits = isUnder(path, route.path) || (route.path.includes('%') && isUnder(path, decode(route.path)))
    if (fits && (route.methods === null || route.methods.includes(method))) return route
  }
  return null
}

/** Bytes as latin1: their meaning in UTF-8 does not change a comparison. */
function decode(path: string): string {
  return path.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}

const mergeSlashes = (path: string): string => path.replace(/\/{2,}/g, '/')

/** What a backend may do to a path before it reads it, in this order; each step may be left out. */
const rewrites: readonly ((path: string) => string)[] = [
  decode,
  // Two components in a row that decode.
  decode,
  // A decoded path that is parsed as a URL has a query or a fragment there (`/admin%3f`,
  // `/admin%23`); in C the text ends (`%00`).
  (path) => path.slice(0, lengthUntil(path, '?', '#', '\0')),
  // The URL class leaves these out, and the `$` of many regular expressions matches before the last
  // of them.
  (path) => path.replace(/[\t\n\r]/g, '').trimEnd(),
  (path) => path.replace(/;[^/\\]*/g, ''),
  (path) => path.replaceAll('\\', '/'),
  mergeSlashes,
]

function lengthUntil(text: string, ...ends: readonly string[]): number {
  const found = ends.map((end) => text.indexOf(end)).filter((at) => at >= 0)
  return Math.min(text.length, ...found)
}

/** No real path has more oddities at once; to read it in every way would cost milliseconds. */
const maxReadings = 24

/** null: there are too many. */
function readings(path: string): ReadonlySet<string> | null {
  const all = new Set([path])
  for (const rewrite of rewrites) {
    for (const reading of [...all]) all.add(rewrite(reading))
    if (all.size > maxReadings) return null
  }
  return all
}

/** Dot segments resolved (RFC 3986 5.2.4); null: they climb above the first `floor` segments. */
function resolve(path: string, floor: number): string | null {
  if (!path.includes('/.')) return path
  const segments: string[] = []
  const all = path.split('/')
  for (let i = 1; i < all.length; i++) {
    const segment = all[i]!
    if (segment === '..') {
      if (segments.length === floor) return null
      segments.pop()
    } else if (segment !== '.') segments.push(segment)
  }
  const open = all.at(-1) === '.' || all.at(-1) === '..'
  return `/${segments.join('/')}${open && segments.length > 0 ? '/' : ''}`
}

/** The rest behind the prefix, which begins with `/` or is empty. */
function restOf(path: string, prefix: string): string {
  return path.slice(prefix.endsWith('/') ? prefix.length - 1 : prefix.length)
}

/**
 * The target for the upstream: `path` with its query as it came, but for a prefix that the route
 * replaces.
 */
export function targetOf(path: string, { path: prefix, replacePath }: Pick<Route, 'path' | 'replacePath'>): string {
  if (replacePath === null || path.charCodeAt(0) !== 0x2f) return path
  const rest = restOf(path, prefix)
  const into = replacePath.endsWith('/') && rest.startsWith('/') ? replacePath.slice(0, -1) : replacePath
  const target = into + rest
  return target.charCodeAt(0) === 0x2f ? target : `/${target}`
}
