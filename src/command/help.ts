/** `--help`, from the schemas. */

import { upstreamOptionNames, upstreamOptionSpecs } from '../gateway/config/settings/limits.ts'
import type { OptionSpec } from '../policy/option.ts'
import { optionNames, optionSpecs } from '../policy/policy.ts'
import { argumentOf, type SettingSpec, specOf } from '../policy/setting.ts'
import { flagOf, variableOf, variablePrefix } from '../policy/spelling.ts'
import { format, type Kind, words } from '../policy/units.ts'
import { type Command, type CommandName, commands } from './settings.ts'
import { readable, wrap } from './text-table.ts'

const placeholder: Record<Kind, string> = {
  duration: 'duration',
  bytes: 'size',
  rate: 'rate',
  count: 'number',
  percent: 'share',
  streams: words.streams.join('|'),
}

/** `program`: how the command was started, `node src/cli.ts serve`. */
export function help(command: CommandName, program: string, columns = 80): string {
  const width = readable(columns)
  const {
    what,
    takes,
    settings,
    variables = variablePrefix,
    headings,
    examples = [],
    status,
  }: Command = commands[command]
  const argument = takes.find((name) => specOf(settings, name)?.isArgument)
  const optional = takes.find((name) => specOf(settings, name)?.mayBeArgument)
  const usage =
    argument !== undefined
      ? `${argumentOf(settings, argument)} `
      : optional !== undefined
        ? `[${argumentOf(settings, optional)}] `
        : ''
  const rows = takes.flatMap((name) => {
    const spec = specOf(settings, name)
    if (!spec) return []
    const before = spec.elseVariable ? `${spec.elseVariable}, else ` : ''
    const right = spec.default === 'none' ? spec.what : `${spec.what} Default: ${before}${spec.default}.`
    if (spec.isArgument) return [{ left: argumentOf(settings, name), right }]
    return [{ left: `${flagOf(name)}${placeholderOf(spec)}`, right }]
  })
  const limits = (names: readonly string[], specs: Readonly<Record<string, OptionSpec>>) =>
    names
      .filter((name) => takes.includes(name))
      .map((name) => {
        const { kind, default: value, what } = specs[name]!
        const shown = value === 'derived' || headings?.policy ? '' : ` Default: ${format(kind, value)}.`
        return { left: `${flagOf(name)} <${placeholder[kind]}>`, right: `${asFlags(what)}${shown}` }
      })
  const policy = limits(optionNames, optionSpecs)
  const upstreams = limits(upstreamOptionNames, upstreamOptionSpecs)
  const withPolicy = policy.length > 0
  const sample = takes.findLast((name) => !withPolicy || name === 'idleTimeoutMs') ?? ''
  return [
    `Usage: ${program} ${usage}[flags]`,
    '',
    ...wrap(what, width),
    ...section(headings?.settings ?? 'Server', rows, width),
    ...(withPolicy
      ? section(headings?.policy ?? 'Connection policy, in the order of a connection’s life', policy, width)
      : []),
    ...(upstreams.length > 0 ? section('Upstreams, in the order of a request’s way through', upstreams, width) : []),
    '',
    ...wrap(
      (withPolicy
        ? 'Durations (250ms, 5s, 2m, 1h), sizes (64kb, 1mb, 2gb) and rates (240b/s) need their unit; 0 is off. '
        : '') +
        `Each flag is a variable too, ${flagOf(sample)} is ${variableOf(sample, variables)}; a flag wins over a variable` +
        `${'preset' in settings ? ', both over a preset' : ''}.`,
      width,
    ),
    ...(examples.length > 0 ? ['', 'Examples:', ...examples.map((line) => `  ${line}`)] : []),
    ...(status === undefined ? [] : ['', ...wrap(`Exit status: ${status}`, width)]),
    '',
  ].join('\n')
}

const placeholderOf = ({ isSwitch, bare, value }: SettingSpec): string =>
  isSwitch ? '' : bare === undefined ? ` <${value}>` : ` [${value}]`

const isOption = (name: string) => Object.hasOwn(optionSpecs, name) || Object.hasOwn(upstreamOptionSpecs, name)

/** Where one option's text speaks of another, the reader knows that by its flag. */
function asFlags(text: string): string {
  return text.replace(/\b[a-z]+[A-Z]\w+/g, (name) => (isOption(name) ? flagOf(name) : name))
}

/** `hangup --help`. */
export function overview(program: string, columns = 80): string {
  const rows = Object.entries(commands).map(([name, { what }]) => ({ left: name, right: what }))
  return [
    `Usage: ${program} <command> [flags]`,
    ...section('Commands', rows, readable(columns)),
    '',
    `${program} <command> --help lists its flags.`,
    '',
  ].join('\n')
}

function section(title: string, rows: readonly { left: string; right: string }[], width: number): string[] {
  const left = Math.max(...rows.map((row) => row.left.length)) + 4
  const lines = rows.flatMap((row) =>
    wrap(row.right, width - left).map((line, index) => `${(index === 0 ? `  ${row.left}` : '').padEnd(left)}${line}`),
  )
  return ['', `${title}:`, ...lines]
}
