/**
 * What of a configuration a Worker can't hold, reported before it serves: the tables in
 * `config/settings/` say it.
 */

import { problem } from '../../policy/problems.ts'
import { variableOf } from '../../policy/spelling.ts'
import { format } from '../../policy/units.ts'
import type { GatewayPlan } from '../config/resolve.ts'
import { fileSettings, type GatewayFile, type ReadFile } from '../config/schema.ts'
import type { Setting, Table } from '../config/setting.ts'
import {
  type UpstreamOptionName,
  upstreamOptionNames,
  upstreamOptionSpecs,
  workersEnforcement,
} from '../config/settings/limits.ts'
import { upstreamSettings } from '../config/settings/upstreams.ts'
import type { Keys, Source } from '../config/source.ts'
import type { UpstreamText } from '../config/texts.ts'

/** The values that take the place of the defaults, because they are the only ones on Workers. */
export const workersDefaults: GatewayFile = Object.fromEntries(
  Object.entries(fileSettings as Table).flatMap(([name, { spec }]) =>
    spec.workers === 'held' || spec.workers.only === undefined ? [] : [[name, spec.workers.only]],
  ),
)

/** For `resolveGateway`: reports whatever was set and can't be held. */
export function refuseOnWorkers(file: ReadFile, upstream: GatewayPlan['upstream'], source: Source): void {
  for (const option of upstreamOptionNames) {
    const why = upstream.origins[option] === 'environment' ? unheld(option, upstream.options[option]) : null
    if (why === null) continue
    const value = format(upstreamOptionSpecs[option].kind, upstream.options[option])
    source.problems.push(problem(variableOf(option), value, why, 'leaving it unset'))
  }
  look(file, fileSettings, [], source)
}

/** At an object of the file, or a list of such. */
function look(value: unknown, table: Table, keys: Keys, source: Source): void {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) look(one, table, [...keys, index], source)
    return
  }
  if ('secure' in value) {
    lookAtUpstream(value as UpstreamText, keys, source)
    return
  }
  for (const [name, inner] of Object.entries(value)) {
    const at = [...keys, name]
    const why = typeof inner === 'number' ? unheld(name, inner) : null
    if (why !== null) source.refuse(at, format(upstreamOptionSpecs[name as UpstreamOptionName].kind, inner), why)
    const setting = Object.hasOwn(table, name) ? table[name] : undefined
    if (inner === undefined || setting === undefined) continue
    const { inside } = setting
    if (inside === undefined) lookAtValue(setting, inner, at, source)
    else if (!inside.byName) look(inner, inside.table, at, source)
    else for (const [key, one] of Object.entries(inner as object)) look(one, inside.table, [...at, key], source)
  }
}

function lookAtValue({ spec, kind }: Setting, value: unknown, keys: Keys, source: Source): void {
  // The address of an upstream, which is an object once it has been read.
  if (typeof value === 'object' && value !== null && 'secure' in value) look(value, {}, keys, source)
  if (spec.workers === 'held') return
  const { why, only, fits, accepted } = spec.workers
  if (fits?.(value) ?? (only !== undefined && value === only)) return
  const instead = accepted ?? (only === undefined ? 'leaving it unset' : kind.show(only))
  source.refuse(keys, typeof value === 'object' ? undefined : value, `not on Workers: ${why}`, instead)
}

function lookAtUpstream({ url, unix, proxyProtocol }: UpstreamText, keys: Keys, source: Source): void {
  const why = 'not on Workers: fetch connects to hosts and ports'
  if (unix !== null) source.refuse(keys, url, why, 'http:// or https://')
  lookAtValue(upstreamSettings.proxyProtocol, proxyProtocol, keys, source)
}

/** Why a limit of upstreams is not held, or null. A limit that is off needs no one to hold it. */
function unheld(name: string, value: number): string | null {
  if (!Object.hasOwn(workersEnforcement, name)) return null
  const { by, how } = workersEnforcement[name as UpstreamOptionName]
  if (by === 'platform') return `on Workers the platform sets it (${how})`
  return by === 'nobody' && value !== 0 ? `on Workers nothing enforces it (${how})` : null
}
