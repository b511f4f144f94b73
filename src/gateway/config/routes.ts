/** The routes of a configuration, in the order in which they are asked. */
import { didYouMean } from '../../policy/spelling.ts'
import { format } from '../../policy/units.ts'
import type { FieldChanges, GroupConfig, Route } from './config.ts'
import { optionsOf, type UpstreamOptions } from './options.ts'
import { pathText, type ReadFile, type RouteFile } from './schema.ts'
import type { Keys, Source } from './source.ts'

const noChanges: FieldChanges = { set: [], remove: [] }
const changesOf = (given: RouteFile['request']): FieldChanges =>
  given === undefined ? noChanges : { set: given.set ?? [], remove: given.remove ?? [] }

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
    source.refuse(['routes'], undefined, 'there is no route to any of the groups', 'a list of routes')
  const pagesOfAll = await errorPagesOf(['errorPages'], file.errorPages, source)
  const routes: Route[] = []
  for (const [index, given] of asked.entries()) {
    const keys: Keys = ['routes', index]
    const { path = '/', rewrite, strip = false } = given
    if (!Object.hasOwn(groups, given.to)) {
      source.refuse(
        [...keys, 'to'],
        given.to,
        `${JSON.stringify(given.to)} is no group${didYouMean(given.to, names)}`,
        names.join(', '),
      )
    }
    if (strip && rewrite !== undefined)
      source.refuse([...keys, 'rewrite'], rewrite, 'strip takes the path away already', 'one of the two')
    if (
      given.maxBodyBytes !== undefined &&
      maxBodyBytes !== 0 &&
      (given.maxBodyBytes === 0 || given.maxBodyBytes > maxBodyBytes)
    ) {
      const why = `the connection policy ends a body at ${format('bytes', maxBodyBytes)} before`
      source.refuse(
        [...keys, 'maxBodyBytes'],
        format('bytes', given.maxBodyBytes),
        why,
        `up to that, or a larger maxBodyBytes at the top`,
      )
    }
    const route: Route = {
      name: pathText(keys),
      host: given.host ?? null,
      path: path === '/' ? path : path.replace(/\/+$/, ''),
      methods: given.methods ?? null,
      to: given.to,
      replacePath: strip ? '' : rewrite === undefined ? null : rewrite.replace(/\/+$/, ''),
      hostHeader: given.hostHeader ?? file.hostHeader ?? 'keep',
      request: changesOf(given.request),
      response: changesOf(given.response),
      buffer: given.buffer ?? file.buffer ?? 'both',
      upgrades: given.upgrades ?? file.upgrades ?? ['websocket'],
      underscores: given.underscores ?? file.underscores ?? false,
      compress: given.compress ?? file.compress ?? false,
      maxBodyBytes: given.maxBodyBytes ?? 0,
      errorPages: { ...pagesOfAll, ...(await errorPagesOf([...keys, 'errorPages'], given.errorPages, source)) },
      options: optionsOf(groups[given.to]?.options ?? around, given, 'route'),
    }
    const before = routes.find((earlier) => covers(earlier, route))
    if (before !== undefined) {
      source.refuse(
        keys,
        `${route.host ?? ''}${route.path}`,
        `it is never reached: ${before.name} matches all that it would`,
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
