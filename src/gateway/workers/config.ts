/** What of a configuration a Worker can't hold, said before it serves. */

import { problem } from '../../policy/problems.ts'
import { variableOf } from '../../policy/spelling.ts'
import { format } from '../../policy/units.ts'
import { type UpstreamOptionName, upstreamOptionNames, upstreamOptionSpecs } from '../config/options.ts'
import type { GatewayPlan } from '../config/resolve.ts'
import type { GatewayFile, ReadFile } from '../config/schema.ts'
import type { Keys, Source } from '../config/source.ts'
import type { UpstreamText } from '../config/texts.ts'
import { edgeEnforcement } from './app.ts'

/** Where the defaults of elsewhere could not be held. */
export const edgeDefaults = { buffer: 'off', hostHeader: 'upstream' } as const satisfies GatewayFile

interface Refusal {
  readonly why: string
  /** What may be written all the same. */
  readonly accepted?: string
  readonly fits?: (value: unknown) => boolean
}

const listen: Refusal = { why: 'address, port and TLS are the platform’s; use the routes of the Worker' }
const redirect: Refusal = { why: 'ports are the platform’s; use “Always Use HTTPS” of the zone' }
const certificates: Refusal = { why: 'the platform checks the certificates of upstreams by itself' }
const check: Refusal = { why: 'nothing runs between requests; failures eject an upstream all the same' }

const ofRoutes: Readonly<Record<string, Refusal>> = {
  buffer: { why: 'messages pass as they come', accepted: 'off', fits: (value) => value === 'off' },
  hostHeader: {
    why: 'fetch sends the upstream’s own Host; X-Forwarded-Host has the client’s',
    accepted: 'upstream',
    fits: (value) => value === 'upstream',
  },
  upgrades: {
    why: 'the platform passes on WebSockets only',
    accepted: 'websocket, none',
    fits: (value) => (value as readonly string[]).every((name) => name === 'websocket'),
  },
  compress: { why: 'the edge compresses by itself', accepted: 'false', fits: (value) => value === false },
}

const ofUpstreams: Readonly<Record<string, Refusal>> = {
  proxyProtocol: {
    why: 'fetch announces nobody; Forwarded says who the client is',
    accepted: 'off',
    fits: (value) => value === 'off',
  },
  servername: certificates,
  ca: certificates,
  cert: certificates,
  key: certificates,
  verify: { ...certificates, accepted: 'true', fits: (value) => value === true },
}

const under = (place: string, refusals: Readonly<Record<string, Refusal>>) =>
  Object.fromEntries(Object.entries(refusals).map(([name, refusal]) => [`${place}.${name}`, refusal]))

/** By keys, without the places in lists; `*` for the names of groups. */
const refusals: Readonly<Record<string, Refusal>> = {
  'listen.port': listen,
  'listen.host': listen,
  'listen.unix': listen,
  'listen.tls': listen,
  'listen.http2': listen,
  'listen.proxyProtocol': listen,
  redirectHttp: redirect,
  redirectToPort: redirect,
  engine: { why: 'the platform speaks HTTP to clients' },
  spoolDir: { why: 'there is no spool' },
  'clients.maxConnections': {
    why: 'a Worker sees requests, no connections; clients.requestsPerSec can be had',
    accepted: 'off',
    fits: (value) => value === 0,
  },
  // The one key of a check that has to be there.
  'check.path': check,
  'groups.*.check.path': check,
  ...ofRoutes,
  ...under('routes', ofRoutes),
  ...under('to', ofUpstreams),
  ...under('groups.*', ofUpstreams),
  ...under('groups.*.to', ofUpstreams),
}

/** For `resolveGateway`: reports whatever was set and can't be held. */
export function refuseAtTheEdge(file: ReadFile, upstream: GatewayPlan['upstream'], source: Source): void {
  for (const option of upstreamOptionNames) {
    const why = upstream.origins[option] === 'environment' ? unheld(option, upstream.options[option]) : null
    if (why === null) continue
    const value = format(upstreamOptionSpecs[option].kind, upstream.options[option])
    source.problems.push(problem(variableOf(option), value, why, 'leaving it unset'))
  }
  look(file, [], source)
}

function look(value: unknown, keys: Keys, source: Source): void {
  if (typeof value !== 'object' || value === null) return
  if ('secure' in value) {
    lookAtUpstream(value as UpstreamText, keys, source)
    return
  }
  for (const [name, inner] of Object.entries(value)) {
    const at = [...keys, Array.isArray(value) ? Number(name) : name]
    if (inner === undefined) continue
    const refusal = refusals[placeOf(at)]
    const why = typeof inner === 'number' ? unheld(name, inner) : null
    if (why !== null) source.refuse(at, format(upstreamOptionSpecs[name as UpstreamOptionName].kind, inner), why)
    else if (refusal === undefined) look(inner, at, source)
    else if (!(refusal.fits?.(inner) ?? false))
      refuse(at, typeof inner === 'object' ? undefined : inner, refusal, source)
  }
}

function refuse(keys: Keys, given: unknown, { why, accepted = 'leaving it unset' }: Refusal, source: Source): void {
  source.refuse(keys, given, `not on Workers: ${why}`, accepted)
}

function lookAtUpstream({ url, unix, proxyProtocol }: UpstreamText, keys: Keys, source: Source): void {
  const sockets = { why: 'fetch connects to hosts and ports', accepted: 'http:// or https://' }
  if (unix !== null) refuse(keys, url, sockets, source)
  if (proxyProtocol !== 'off') refuse(keys, url, ofUpstreams['proxyProtocol']!, source)
}

function placeOf(keys: Keys): string {
  const names = keys.filter((name) => typeof name === 'string')
  return (names[0] === 'groups' && names.length > 1 ? ['groups', '*', ...names.slice(2)] : names).join('.')
}

/** Why a limit of upstreams is not held, or null. Off asks for nothing but what the platform limits by itself. */
function unheld(name: string, value: number): string | null {
  if (!Object.hasOwn(edgeEnforcement, name)) return null
  const { by, how } = edgeEnforcement[name as UpstreamOptionName]
  if (by === 'platform') return `on Workers it is the platform’s to set (${how})`
  return by === 'nobody' && value !== 0 ? `on Workers nothing enforces it (${how})` : null
}
