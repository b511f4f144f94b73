/**
 * What a configuration file may say: `hangup.config.ts` (the default export) or
 * `hangup.config.json`. Flags are brought into the same shape. Here each value is read by itself;
 * how they fit together is `resolve.ts`.
 */
import * as v from 'valibot'
import { type OptionName, optionNames, optionSpecs } from '../../policy/policy.ts'
import { type Problem, problem } from '../../policy/problems.ts'
import { isRequestLimit } from '../../policy/request-limits.ts'
import { type AmountKeys, amounts, listOf, object, record } from './objects.ts'
import {
  type InScope,
  ofScope,
  required,
  type SchemasOf,
  type Scope,
  schemasOf,
  setting,
  structure,
  type Table,
} from './setting.ts'
import { type UpstreamOptionName, upstreamOptionSpecs, upstreamOptionsIn } from './settings/limits.ts'
import { routeSettings } from './settings/routes.ts'
import { topSettings } from './settings/top.ts'
import { upstreamSettings, upstreams } from './settings/upstreams.ts'

const limitsIn = (place: Scope) => amounts(upstreamOptionSpecs, upstreamOptionsIn(place))

/*
 * Types are written out here, and schemas of groups and routes are interfaces, because a compiler
 * that writes declarations names those, and spells out everything else at each use.
 */
type Top = typeof topSettings
type Keys<T extends Table> = SchemasOf<T> & AmountKeys<UpstreamOptionName>

/** What holds for the whole gateway. */
export const gatewayScope: InScope<Top, 'gateway'> = ofScope(topSettings, 'gateway')
/** What a group may say for itself. */
export const groupScope: InScope<Top, 'group'> = ofScope(topSettings, 'group')
/** What a route may say for itself beside what only routes have. */
export const routeScope: InScope<Top, 'route'> = ofScope(topSettings, 'route')

const insideUpstreams = { table: upstreamSettings, flagsOf: 'none' } as const

const groupOwn = {
  to: required(upstreams, { what: 'Its upstreams.', workers: 'held', inside: insideUpstreams }),
} as const
export const groupSettings: typeof groupOwn & InScope<Top, 'group'> = { ...groupOwn, ...groupScope }
const groupObject: v.StrictObjectSchema<Keys<typeof groupSettings>, undefined> = object({
  ...schemasOf(groupSettings),
  ...limitsIn('group'),
})
export type GroupFile = v.InferOutput<typeof groupObject>
interface GroupSchema
  extends v.GenericSchema<
    v.InferInput<typeof groupObject | typeof upstreams.schema>,
    v.InferOutput<typeof groupObject | typeof upstreams.schema>
  > {}
/** A group that is nothing but its upstreams is written as those. */
const group: GroupSchema = v.lazy((input): typeof groupObject | typeof upstreams.schema =>
  typeof input === 'object' && input !== null && !Array.isArray(input) && !('url' in input)
    ? groupObject
    : upstreams.schema,
)

export const allRouteSettings: typeof routeSettings & InScope<Top, 'route'> = { ...routeSettings, ...routeScope }
const routeObject: v.StrictObjectSchema<Keys<typeof allRouteSettings>, undefined> = object({
  ...schemasOf(allRouteSettings),
  ...limitsIn('route'),
})
export type RouteFile = v.InferOutput<typeof routeObject>
interface RouteSchema extends v.GenericSchema<v.InferInput<typeof routeObject>, RouteFile> {}
const route: RouteSchema = routeObject

const fileOwn = {
  to: setting(upstreams, {
    unset: 'none',
    scope: 'gateway',
    flag: 'to',
    what: 'The upstreams, if one group behind one route is all: http://host:port, https://host:port or unix:/path; ;weight=3 and ;proxy-protocol=v2 may follow.',
    workers: 'held',
    inside: insideUpstreams,
  }),
  groups: setting(structure('an object: each a group, see Groups, or only its upstreams', record(group)), {
    unset: 'none',
    scope: 'gateway',
    what: 'Groups of upstreams, by name.',
    workers: 'held',
    inside: { table: { ...groupSettings, ...upstreamSettings }, flagsOf: 'none', byName: true },
  }),
  routes: setting(structure('a list of objects, see Routes', listOf(route)), {
    unset: 'all to the only group',
    scope: 'gateway',
    what: 'Which requests go where; the first that matches serves.',
    workers: 'held',
    inside: { table: allRouteSettings, flagsOf: 'none' },
  }),
} as const

/** In the order of the documentation. */
export const fileSettings: typeof fileOwn & Top = {
  to: fileOwn.to,
  ...gatewayScope,
  groups: fileOwn.groups,
  routes: fileOwn.routes,
  ...groupScope,
  ...routeScope,
}

const fileSchema: v.StrictObjectSchema<Keys<typeof fileSettings> & AmountKeys<OptionName>, undefined> = object({
  ...schemasOf(fileSettings),
  ...limitsIn('gateway'),
  ...amounts(optionSpecs, optionNames),
})

/** What `hangup.config.ts` exports. */
export type GatewayFile = v.InferInput<typeof fileSchema>
/** The same, each value read. */
export type ReadFile = v.InferOutput<typeof fileSchema>

/** `routes[1].to`, `groups["my api"].balance`. */
export function pathText(keys: readonly (string | number)[]): string {
  return keys.reduce<string>((path, name) => {
    if (typeof name === 'number') return `${path}[${name}]`
    if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `${path}[${JSON.stringify(name)}]`
    return path === '' ? name : `${path}.${name}`
  }, '')
}

/** Reads what a file said; every problem with its path. */
export function readFileShape(given: unknown): { file: ReadFile | null; problems: readonly Problem[] } {
  const parsed = v.safeParse(fileSchema, given)
  if (parsed.success) return { file: parsed.output, problems: [] }
  const problems = parsed.issues.map((issue) => {
    const keys = (issue.path ?? []).map((item) => item.key as string | number)
    const path = pathText(keys) || 'the file'
    const value = (issue.path as readonly { value: unknown }[] | undefined)?.at(-1)?.value
    const given = typeof value === 'object' ? undefined : value
    return given === undefined
      ? { option: path, given: '', accepted: '', message: `${path}: ${misplaced(keys) ?? issue.message}` }
      : problem(path, given, misplaced(keys) ?? issue.message, '')
  })
  return { file: null, problems }
}

/** A known setting in a place that can't have its own. */
function misplaced(keys: readonly (string | number)[]): string | null {
  const name = String(keys.at(-1) ?? '')
  if (keys[0] === 'routes' && keys[2] === 'limits' && keys.length === 4 && Object.hasOwn(optionSpecs, name)) {
    return isRequestLimit(name)
      ? null
      : 'it is not a limit of one request, so a route can’t change it; set it at the top of the file'
  }
  const inside = keys[0] === 'routes' ? 'route' : keys[0] === 'groups' ? 'group' : null
  if (inside === null || keys.length !== 3) return null
  if (Object.hasOwn(inside === 'route' ? allRouteSettings : groupSettings, name)) return null
  if (inside === 'route' && isRequestLimit(name))
    return 'it is part of the connection policy; put it into limits of the route'
  if (Object.hasOwn(optionSpecs, name)) {
    return 'it is part of the connection policy, which all routes share; set it at the top of the file'
  }
  const scope = scopeOf(name)
  if (scope === 'gateway') return 'it holds for the whole gateway; set it at the top of the file'
  if (scope === 'group' && inside === 'route') return 'it belongs to a group, which all its routes share; set it there'
  if (scope === 'route' && Object.hasOwn(topSettings, name)) return 'it belongs to a route, or to the top of the file'
  return null
}

function scopeOf(name: string): Scope | null {
  if (Object.hasOwn(upstreamOptionSpecs, name))
    return upstreamOptionSpecs[name as keyof typeof upstreamOptionSpecs].scope
  return Object.hasOwn(topSettings, name) ? ((topSettings as Table)[name]!.spec.scope ?? null) : null
}
