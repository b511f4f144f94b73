/** What a gateway says when it starts, and with `--check` what it would run. */
import { readable, table, wrap } from '../../command/text-table.ts'
import type { Enforced } from '../../policy/enforcement.ts'
import { optionNames, optionSpecs } from '../../policy/policy.ts'
import { changesText } from '../../policy/request-limits.ts'
import { flagOf } from '../../policy/spelling.ts'
import { format } from '../../policy/units.ts'
import type { ListenerPlan } from '../downstream/listeners.ts'
import type { GroupConfig, Route } from './config.ts'
import type { GatewayPlan } from './resolve.ts'
import { routeScope } from './schema.ts'
import type { Setting } from './setting.ts'
import {
  type UpstreamOptionName,
  type UpstreamOptions,
  upstreamOptionNames,
  upstreamOptionSpecs,
} from './settings/limits.ts'
import { balanceText } from './texts.ts'

const label = (name: string) => flagOf(name).slice(2)

/** Where a listener listens, before it does. */
export function placeOf({ port, host, unix, certificates }: ListenerPlan): string {
  const scheme = certificates === null ? 'http' : 'https'
  if (unix !== undefined) return `${scheme}+unix:${unix}`
  return `${scheme}://${host === undefined ? '*' : host.includes(':') ? `[${host}]` : host}:${port}`
}

const listenerText = (listener: ListenerPlan, redirectToPort: number | null): string =>
  [
    placeOf(listener),
    ...(listener.certificates !== null && listener.certificates.length > 1
      ? [`${listener.certificates.length} certificates`]
      : []),
    ...(listener.http2 ? ['HTTP/2'] : []),
    ...(listener.proxyProtocol === null ? [] : [`PROXY protocol from ${listener.proxyProtocol.trust.join(', ')}`]),
    ...(redirectToPort !== null && listener.certificates === null ? [`redirects to port ${redirectToPort}`] : []),
  ].join(', ')

/** Where a route or group has limits of its own. */
const differences = (options: UpstreamOptions, around: UpstreamOptions): string[] =>
  upstreamOptionNames
    .filter((name) => options[name] !== around[name])
    .map((name) => `${label(name)} ${format(upstreamOptionSpecs[name].kind, options[name])}`)

/** What a route does with its messages: how it buffers, and whatever is not the default. */
const routeTexts = (route: Route): string[] =>
  (Object.entries(routeScope) as [keyof typeof routeScope, Setting][])
    .map(([name, { kind, preset }]) => [name, kind, kind.show(route[name]), kind.show(preset)] as const)
    .filter(([name, { asFlag }, shown, preset]) => asFlag !== null && (name === 'buffer' || shown !== preset))
    .map(([name, , shown]) => `${label(name)} ${shown}`)

function routeRow(route: Route, around: UpstreamOptions): string[] {
  const { host, path, methods, to, replacePath, maxBodyBytes, limits } = route
  const rewritten = replacePath === null ? '' : ` as ${replacePath || '/'}`
  const own = [
    ...routeTexts(route),
    ...(limits === null ? [] : [changesText(limits)]),
    ...(maxBodyBytes === 0 || maxBodyBytes === limits?.maxBodyBytes
      ? []
      : [`${label('maxBodyBytes')} ${format('bytes', maxBodyBytes)}`]),
    ...differences(route.options, around),
  ]
  return [`${host ?? '*'}${path}`, methods?.join(',') ?? 'all', `${to}${rewritten}`, own.join(', ')]
}

function groupRow({ name, balance, check, upstreams, options }: GroupConfig, around: UpstreamOptions): string[] {
  const members = upstreams.map(({ url, weight }) => (weight === 1 ? url : `${url} × ${weight}`)).join(', ')
  const checked = check === null ? 'no active checks' : `${check.path} every ${format('duration', check.intervalMs)}`
  return [name, balanceText(balance), checked, [members, ...differences(options, around)].join('; ')]
}

/** Who holds the limits of upstreams, where that is not all the gateway's own doing. */
export interface HeldUpstreams {
  readonly runtime: string
  readonly enforcement: Readonly<Record<UpstreamOptionName, Enforced>>
}

/** The limits of upstreams, and, where no server has said them, those of clients. */
export function gatewayReport(
  plan: GatewayPlan,
  columns: number,
  withPolicy: boolean,
  held: HeldUpstreams | null = null,
): string {
  const { config, listeners, upstream, resolved, notes, from } = plan
  const width = readable(columns)
  const { options, origins } = upstream
  const set = upstreamOptionNames.filter((name) => options[name] !== 0)
  const on = set.filter((name) => held?.enforcement[name].by !== 'nobody')
  const nobody = set.filter((name) => !on.includes(name))
  const off = upstreamOptionNames.filter((name) => options[name] === 0)
  const shown = (origin: string) => (origin === 'default' ? '' : origin === 'option' ? 'file' : origin)
  const ofPolicy = optionNames
    .filter((name) => resolved.policy[name] !== 0)
    .map((name) => [label(name), format(optionSpecs[name].kind, resolved.policy[name]), shown(resolved.origins[name])])
  const ofUpstreams = on.map((name) => [
    label(name),
    format(upstreamOptionSpecs[name].kind, options[name]),
    shown(origins[name]),
    ...(held === null ? [] : [held.enforcement[name].by, held.enforcement[name].how]),
  ])
  return [
    ...(withPolicy ? listeners.map((listener) => `listens on ${listenerText(listener, config.redirectToPort)}`) : []),
    `configuration: ${from ?? 'flags and variables'}`,
    '',
    ...table(
      [
        ['route', 'methods', 'to', ''],
        ...config.routes.map((route) => routeRow(route, config.groups[route.to]!.options)),
      ],
      width,
    ),
    '',
    ...table(
      [
        ['group', 'balance', 'checks', 'upstreams'],
        ...Object.values(config.groups).map((group) => groupRow(group, options)),
      ],
      width,
    ),
    ...(withPolicy ? ['', ...table([['limit', 'value', 'set by'], ...ofPolicy], width)] : []),
    '',
    ...table(
      [['limit of upstreams', 'value', 'set by', ...(held === null ? [] : ['held by', 'how'])], ...ofUpstreams],
      width,
    ),
    ...(off.length > 0 ? ['', ...wrap(`off: ${off.map(label).join(', ')}`, width)] : []),
    ...(held !== null && nobody.length > 0
      ? ['', ...wrap(`default, but enforced by nobody on ${held.runtime}: ${nobody.map(label).join(', ')}`, width)]
      : []),
    ...(notes.length > 0 ? ['', ...notes.flatMap((note) => wrap(`note: ${note}`, width))] : []),
    '',
  ].join('\n')
}

/** For programs; without anything secret, and without the text of files. */
export function gatewayJson({
  from,
  config,
  listeners,
  resolved,
  upstream,
  notes,
}: GatewayPlan): Readonly<Record<string, unknown>> {
  return {
    configuration: from,
    listeners: listeners.map(({ certificates, ...listener }) => ({
      ...listener,
      certificates: certificates?.length ?? 0,
    })),
    routes: config.routes.map(({ errorPages, ...route }) => ({ ...route, errorPages: Object.keys(errorPages) })),
    groups: Object.values(config.groups).map(({ upstreams, balance, ...group }) => ({
      ...group,
      balance: balanceText(balance),
      upstreams: upstreams.map(({ url, weight, proxyProtocol }) => ({ url, weight, proxyProtocol })),
    })),
    trust: config.trust,
    clients: config.clients,
    spool: config.spool,
    upstream,
    policy: resolved.policy,
    origins: resolved.origins,
    fitted: resolved.fitted,
    notes,
  }
}
