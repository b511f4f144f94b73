/** The routes of a configuration, in the order in which they are asked. */
import type { RequestChanges } from '../../policy/request-limits.ts'
import { didYouMean } from '../../policy/spelling.ts'
import { format } from '../../policy/units.ts'
import type { FieldChanges, GroupConfig, Route } from './config.ts'
import { pathText, type ReadFile, type RouteFile, routeScope } from './schema.ts'
import { settled } from './setting.ts'
import { optionsOf, type UpstreamOptions } from './settings/limits.ts'
import { routeSettings } from './settings/routes.ts'
import type { Keys, Source } from './source.ts'

const noChanges: FieldChanges = { set: [], remove: [] }
const changesOf = (given: RouteFile['request']): FieldChanges =>
  given === undefined ? noChanges : { set: given.set ?? [], remove: given.remove ?? [] }

function changesOfPolicy(given: RouteFile['limits']): RequestChanges | null {
  const changes = Object.entries(given ?? {}).filter(([, value]) => value !== undefined)
  return changes.length === 0 ? null : Object.freeze(Object.fromEntries(changes))
}

export async function routesOf(
  file: ReadFile,
  groups: Readonly<Record<string, GroupConfig>>,
  around: UpstreamOptions,
  maxBodyBytes: number,
  source: Source,
): Promise<Route[]> {
  const names = Object.keys(groups)
  const only = names.length === 1 ? names[0] : undefined
  const asked: readonly RouteFile[] = file.routes ?? (only === undefined ? [] : [{ to: only }])
  if (asked.length === 0 && names.length > 0)
    source.refuse(['routes'], undefined, 'no route leads to a group', 'a list of routes')
  const pagesOfAll = await errorPagesOf(['errorPages'], file.errorPages, source)
  const routes: Route[] = []
  for (const [index, given] of asked.entries()) {
    const keys: Keys = ['routes', index]
    const { host, path, methods, rewrite, strip } = settled(routeSettings, given)
    if (!Object.hasOwn(groups, given.to)) {
      source.refuse([...keys, 'to'], given.to, `unknown group${didYouMean(given.to, names)}`, names.join(', '))
    }
    if (strip && rewrite !== null)
      source.refuse([...keys, 'rewrite'], rewrite, 'strip removes the path already', 'one of the two')
    const limits = changesOfPolicy(given.limits)
    const most = limits?.maxBodyBytes ?? maxBodyBytes
    if (given.maxBodyBytes !== undefined && most !== 0 && (given.maxBodyBytes === 0 || given.maxBodyBytes > most)) {
      const why = `the connection policy already ends a body at ${format('bytes', most)}`
      source.refuse(
        [...keys, 'maxBodyBytes'],
        format('bytes', given.maxBodyBytes),
        why,
        'up to that, or a larger maxBodyBytes at the top or in limits',
      )
    }
    const route: Route = {
      ...settled(routeScope, given, file),
      name: pathText(keys),
      host,
      path: path === '/' ? path : path.replace(/\/+$/, ''),
      methods,
      to: given.to,
      replacePath: strip ? '' : rewrite === null ? null : rewrite.replace(/\/+$/, ''),
      request: changesOf(given.request),
      response: changesOf(given.response),
      maxBodyBytes: given.maxBodyBytes ?? limits?.maxBodyBytes ?? 0,
      limits,
      errorPages: { ...pagesOfAll, ...(await errorPagesOf([...keys, 'errorPages'], given.errorPages, source)) },
      options: optionsOf(groups[given.to]?.options ?? around, given, 'route'),
    }
    const before = routes.find((earlier) => covers(earlier, route))
    if (before !== undefined) {
      source.refuse(
        keys,
        `${route.host ?? ''}${route.path}`,
        `it is never reached: ${before.name} matches every request that it would`,
        'the narrower one first',
      )
    }
    routes.push(route)
  }
  return routes
}

async function errorPagesOf(
  keys: Keys,
  given: ReadFile['errorPages'],
  source: Source,
): Promise<Record<string, string>> {
  const pages: Record<string, string> = {}
  for (const [status, path] of Object.entries(given ?? {})) pages[status] = await source.text([...keys, status], path)
  return pages
}

/** Whether every request of the other route is this one's. */
function covers(route: Route, other: Route): boolean {
  const { host, path, methods } = route
  const suffix = host?.startsWith('*.') ? host.slice(1) : null
  const sameHost = host === null || host === other.host || (suffix !== null && (other.host?.endsWith(suffix) ?? false))
  const samePath = path === '/' || path === other.path || other.path.startsWith(`${path}/`)
  const sameMethods = methods === null || (other.methods?.every((method) => methods.includes(method)) ?? false)
  return sameHost && samePath && sameMethods
}
