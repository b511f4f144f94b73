/**
 * Flags and variables of a command, read into what `serve()` takes. Pure: reads no file, no
 * process.
 */
import { parseArgs } from 'node:util'
import { type OptionName, optionNames, type PolicyInput } from '../policy/policy.ts'
import type { PresetName } from '../policy/presets.ts'
import { ConfigError, isConfigError, type Problem, problem } from '../policy/problems.ts'
import {
  type GivenOptions,
  givenAs,
  isSet,
  type PolicySources,
  type Resolved,
  resolvePolicy,
} from '../policy/resolve.ts'
import { argumentOf, specOf } from '../policy/setting.ts'
import { didYouMean, flagOf, variableOf } from '../policy/spelling.ts'
import type { Env } from './env.ts'
import {
  type Command,
  type CommandName,
  commands,
  policyLayer,
  readEnvironment,
  resolveSettings,
  type Settings,
  type Written,
} from './settings.ts'

export interface ReadSettings {
  /**
   * For `serve()`: the port, the address and the set part of the policy, and with `givenAs` where
   * each came from.
   */
  readonly options: GivenOptions
  readonly settings: Settings
  /** The setting as the user wrote it. */
  nameOf(setting: keyof Settings): string
  readonly resolved: Resolved
}

const asks = { help: ['--help', '-h'], version: ['--version', '-v'] } as const

/** Whether help or the version is asked for, which goes before every mistake in the rest. */
export function asked(argv: readonly string[]): keyof typeof asks | null {
  for (const arg of argv) {
    if (arg === '--') return null
    for (const [name, flags] of Object.entries(asks)) {
      if ((flags as readonly string[]).includes(arg)) return name as keyof typeof asks
    }
  }
  return null
}

/** What was written for a command, flags before variables, with what is wrong already at that. */
export function readPlaces(
  argv: readonly string[],
  env: Env,
  command: CommandName,
): { places: readonly Written[]; problems: Problem[] } {
  const problems: Problem[] = []
  const flags = readFlags(argv, commands[command], problems)
  const variables = readEnvironment(env, command)
  problems.push(...variables.problems)
  return { places: [flags, variables.written], problems }
}

/**
 * Throws a `ConfigError` with everything that is wrong in flags, variables and what follows from
 * them.
 */
export function readSettings(argv: readonly string[], env: Env, command: CommandName = 'serve'): ReadSettings {
  const { places, problems } = readPlaces(argv, env, command)
  const { settings, nameOf } = resolveSettings(places, problems)
  if ((settings.tlsCert === undefined) !== (settings.tlsKey === undefined)) {
    const [has, lacks] =
      settings.tlsCert === undefined ? (['tlsKey', 'tlsCert'] as const) : (['tlsCert', 'tlsKey'] as const)
    problems.push(problem(nameOf(has), settings[has], `it needs ${flagOf(lacks)} beside it`, ''))
  }

  const given: PolicySources = {
    layers: places.map(policyLayer),
    ...(settings.preset && { presets: settings.preset, presetNamedAs: nameOf('preset') }),
    nameOf: flagOf,
  }
  const resolved = tryResolve(given, problems)
  if (!resolved || problems.length > 0) throw new ConfigError(problems)

  const set = optionNames.filter((name) => isSet(resolved.origins[name]) && resolved.origins[name] !== 'preset')
  const policy: PolicyInput = Object.fromEntries(set.map((name: OptionName) => [name, resolved.policy[name]]))
  return {
    options: {
      ...policy,
      ...(settings.port !== undefined && { port: settings.port }),
      ...(settings.host !== undefined && { host: settings.host }),
      ...(settings.unix !== undefined && { unix: settings.unix }),
      ...(settings.engine !== undefined && { engine: settings.engine }),
      ...(settings.healthPath !== undefined && { healthPath: settings.healthPath }),
      globals: settings.globals ?? 'replace',
      ...(settings.preset && { preset: settings.preset as PresetName[] }),
      [givenAs]: given,
    },
    settings,
    nameOf,
    resolved,
  }
}

function tryResolve(given: PolicySources, problems: Problem[]): Resolved | null {
  try {
    return resolvePolicy(given)
  } catch (error) {
    if (!isConfigError(error)) throw error
    problems.push(...error.problems)
    return null
  }
}

/**
 * The flags as parseArgs splits them. Not `strict`: it stops at the first mistake and words it
 * differently on each runtime. All boolean to it, so that a flag whose value is missing doesn't
 * swallow the next flag.
 */
function readFlags(
  argv: readonly string[],
  { takes, settings, secrets = {}, variables }: Command,
  problems: Problem[],
): Written {
  const onlyArgument = takes.find((name) => specOf(settings, name)?.isArgument)
  const argument = onlyArgument ?? takes.find((name) => specOf(settings, name)?.mayBeArgument)
  const byFlag = new Map(takes.filter((name) => name !== onlyArgument).map((name) => [flagOf(name), name]))
  const { tokens } = parseArgs({ args: [...argv], strict: false, tokens: true, allowPositionals: true, options: {} })
  const values: Record<string, string> = {}
  const loose: string[] = []
  let valueAt = -1
  for (const token of tokens) {
    if (token.kind === 'option-terminator' || token.index === valueAt) continue
    if (token.kind === 'positional') {
      loose.push(token.value)
      continue
    }
    const { rawName: flag, inlineValue, index } = token
    const name = byFlag.get(flag)
    const { isSwitch, bare = isSwitch && 'yes' } = (name !== undefined && specOf(settings, name)) || {}
    const next = argv[index + 1]
    const apart = !isSwitch && !inlineValue && next !== undefined && !next.startsWith('--')
    if (apart) valueAt = index + 1
    const value = apart ? next : (token.value ?? bare)
    if (name === undefined) {
      const secret = Object.keys(secrets).find((known) => flagOf(known) === flag)
      const instead =
        secret === undefined
          ? didYouMean(flag, [...byFlag.keys(), ...asks.help, ...asks.version])
          : `: others on this machine could read it; use the variable ${variableOf(secret, variables)}`
      problems.push(problem(flag, flag, `there is no such flag${instead}`, ''))
    } else if (value === undefined || value === '') {
      problems.push(problem(flag, flag, 'it needs a value', ''))
    } else if (name in values && specOf(settings, name)?.isRepeatable) values[name] += `\n${value}`
    else values[name] = value
  }
  const many = argument !== undefined && specOf(settings, argument)!.value.endsWith('…')
  const taken = argument === undefined || argument in values ? [] : many ? loose : loose.slice(0, 1)
  if (argument !== undefined && taken.length > 0) values[argument] = taken.join('\n')
  for (const text of loose.slice(taken.length)) problems.push(problem(text, text, 'unexpected argument', ''))
  return {
    origin: 'flag',
    values,
    nameOf: (name) => (name === onlyArgument ? argumentOf(settings, name) : flagOf(name)),
  }
}
