/**
 * What the server says at start-up: the policy it holds, where each value comes from, and who
 * enforces it how exactly.
 */

import { type Enforced, type Enforcement, isUnheld } from '../policy/enforcement.ts'
import { type OptionName, optionNames, optionSpecs } from '../policy/policy.ts'
import type { Resolved } from '../policy/resolve.ts'
import { flagOf } from '../policy/spelling.ts'
import { format } from '../policy/units.ts'
import { readable, table, wrap } from './text-table.ts'

export interface Started {
  readonly url: string
  /** Other addresses of a server that listens on all interfaces. */
  readonly also?: readonly string[]
  /** Of the admin listener, if there is one. */
  readonly admin?: string | undefined
  /** Processes that serve (`--workers`); undefined: this one alone. */
  readonly workers?: number | undefined
  readonly runtime: string
  /** What speaks HTTP: `node:http`, `Bun.serve`, `hangup`. */
  readonly engine: string
  readonly engineWhy: string
  readonly resolved: Resolved
  readonly enforcement: Enforcement
}

const shown = (option: OptionName, value: number) => format(optionSpecs[option].kind, value)
const label = (option: OptionName) => flagOf(option).slice(2)

const exactness = ({ stepMs, how }: Enforced) => `${stepMs > 0 ? `≤ ${format('duration', stepMs)} late; ` : ''}${how}`

/**
 * For a person, at each start: one table of what holds, one line of what is off, one of what nobody
 * enforces.
 */
export function textReport(
  { url, also = [], admin, workers, runtime, engine, engineWhy, resolved, enforcement }: Started,
  columns = 100,
): string {
  const { policy, origins, presets, fitted } = resolved
  const width = readable(columns)
  const on = optionNames.filter((option) => policy[option] !== 0)
  const held = on.filter((option) => !isUnheld(enforcement[option], policy[option]))
  const nobody = on.filter((option) => !held.includes(option))
  const off = optionNames.filter((option) => policy[option] === 0)
  const from = (option: OptionName) => (origins[option] === 'default' ? '' : origins[option])
  const rows = held.map((option) => [
    label(option),
    shown(option, policy[option]),
    from(option),
    enforcement[option].by,
    exactness(enforcement[option]),
  ])
  const named = (options: readonly OptionName[]) =>
    options.map((option) => `${label(option)}${from(option) && ` (${from(option)})`}`).join(', ')
  return [
    `hangup on ${runtime}: ${url}`,
    ...(also.length > 0 ? wrap(`on all interfaces: also ${also.join(' ')}`, width) : []),
    ...(admin === undefined ? [] : [`admin: ${admin}`]),
    ...wrap(`engine: ${engine} (${engineWhy})`, width),
    ...(workers === undefined ? [] : wrap(`workers: ${workers}; each holds the limits for itself`, width)),
    ...(presets.length > 0 ? [`preset: ${presets.join(', ')}`] : []),
    '',
    ...table([['limit', 'value', 'set by', 'held by', 'how'], ...rows], width),
    ...(off.length > 0 ? ['', ...wrap(`off: ${named(off)}`, width)] : []),
    ...(nobody.length > 0
      ? ['', ...wrap(`default, but enforced by nobody on ${runtime}: ${nobody.map(withValue).join(', ')}`, width)]
      : []),
    ...(fitted.length > 0 ? ['', ...fitted] : []),
    '',
  ].join('\n')

  function withValue(option: OptionName): string {
    return `${label(option)} ${shown(option, policy[option])}`
  }
}

/** For programs: one line. */
export function jsonReport({
  url,
  admin,
  workers,
  runtime,
  engine,
  engineWhy,
  resolved,
  enforcement,
}: Started): string {
  const { policy, origins, presets, fitted } = resolved
  return JSON.stringify({
    url,
    admin,
    workers,
    runtime,
    engine,
    engineWhy,
    presets,
    policy,
    origins,
    fitted,
    enforcement,
  })
}
