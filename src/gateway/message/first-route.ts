/**
 * The first of some routes, in the configuration's order, whose path is a request's or a beginning
 * of it. What it costs does not grow with how many routes there are, only with how many lengths
 * their paths have.
 */
import type { Route } from '../config/config.ts'

export type FirstRoute = (method: string, path: string) => Route | null

interface Ranked {
  readonly route: Route
  readonly rank: number
}

/** Fewer are compared one by one. */
const leastIndexed = 12

export function firstRoute(routes: readonly Route[]): FirstRoute {
  return routes.length < leastIndexed ? oneByOne(routes) : indexed(routes)
}

const oneByOne =
  (routes: readonly Route[]): FirstRoute =>
  (method, path) => {
    for (let i = 0; i < routes.length; i++) {
      const route = routes[i]!
      if (isUnder(path, route.path) && takes(route, method)) return route
    }
    return null
  }

function indexed(routes: readonly Route[]): FirstRoute {
  const byPath = new Map<string, Ranked[]>()
  for (const [rank, route] of routes.entries()) {
    const same = byPath.get(route.path)
    if (same === undefined) byPath.set(route.path, [{ route, rank }])
    else same.push({ route, rank })
  }
  const everywhere = byPath.get('/') ?? []
  byPath.delete('/')
  const lengths = [...new Set([...byPath.keys()].map(({ length }) => length))].sort((a, b) => a - b)

  return (method, path) => {
    let best = earliest(everywhere, method, null)
    for (let i = 0; i < lengths.length; i++) {
      const length = lengths[i]!
      if (length > path.length) break
      if (!endsSegment(path, length)) continue
      const same = byPath.get(path.slice(0, length))
      if (same !== undefined) best = earliest(same, method, best)
    }
    return best === null ? null : best.route
  }
}

/** `ranked` is in order. */
function earliest(ranked: readonly Ranked[], method: string, before: Ranked | null): Ranked | null {
  for (let i = 0; i < ranked.length; i++) {
    const one = ranked[i]!
    if (before !== null && one.rank > before.rank) break
    if (takes(one.route, method)) return one
  }
  return before
}

const takes = ({ methods }: Route, method: string): boolean => methods === null || methods.includes(method)

/** `*` is for the whole server (RFC 9110 9.3.7). */
export function isUnder(path: string, prefix: string): boolean {
  if (prefix === '/') return true
  const { length } = prefix
  // Most of many routes differ in their last letter: it costs less than to compare a beginning that
  // they share.
  if (path.length < length || path.charCodeAt(length - 1) !== prefix.charCodeAt(length - 1)) return false
  return endsSegment(path, length) && path.startsWith(prefix)
}

/** Whether a prefix of this length ends with a segment of the path. */
function endsSegment(path: string, length: number): boolean {
  if (path.length === length || path.charCodeAt(length - 1) === slash) return true
  const next = path.charCodeAt(length)
  // A segment ends before its parameters (`/shop;jsessionid=1`).
  return next === slash || next === semicolon
}

const slash = 0x2f
const semicolon = 0x3b
