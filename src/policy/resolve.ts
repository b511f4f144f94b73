/**
 * From what was given (flags, variables, options, presets) to one frozen policy. Pure. Resolved
 * once, at start-up; what was set is never changed, what was not gives way to what was, and
 * `fitted` says so.
 */

import type { ServeOptions } from '../serve/contract.ts'
import { acceptedOf, type OptionSpec, readOption } from './option.ts'
import { type OptionName, optionNames, optionSpecs, type Policy, type PolicyInput } from './policy.ts'
import { type PresetName, presetNames, presets } from './presets.ts'
import { ConfigError, type Problem, problem, show } from './problems.ts'
import { didYouMean } from './spelling.ts'
import { format, longestMs } from './units.ts'

/** Where a value comes from. Up to `preset` somebody chose it: it counts as set. */
export type Origin = 'flag' | 'environment' | 'option' | 'preset' | 'default' | 'derived' | 'fitted'

export interface Layer {
  readonly origin: 'flag' | 'environment' | 'option'
  /** By option name; undefined counts as absent. */
  readonly values: Readonly<Record<string, unknown>>
  /** The option as it is written here. */
  nameOf(option: string): string
}

export interface PolicySources {
  /** The first that has an option wins. */
  readonly layers: readonly Layer[]
  readonly presets?: readonly string[]
  /** How the preset option was written. */
  readonly presetNamedAs?: string
  /** How an option that nobody gave is called. Default: as in the API. */
  nameOf?(option: OptionName): string
}

export interface Resolved {
  readonly policy: Policy
  readonly origins: Readonly<Record<OptionName, Origin>>
  readonly presets: readonly PresetName[]
  /** One line for each default that gave way to a set value. */
  readonly fitted: readonly string[]
  /** The option as the user wrote it. */
  nameOf(option: OptionName): string
}

export const isSet = (origin: Origin): boolean =>
  origin === 'flag' || origin === 'environment' || origin === 'option' || origin === 'preset'

/** What follows from other options unless it is set. */
export const derive = {
  /**
   * A second before the limit, in the whole seconds that `Keep-Alive: timeout=N` counts in (Node's
   * keepAliveTimeoutBuffer, the other way round). 0: no header, because there is nothing true to
   * promise.
   */
  keepAliveHintMs: ({ idleTimeoutMs }: Policy) =>
    idleTimeoutMs < 2_000 ? 0 : Math.floor((idleTimeoutMs - 1_000) / 1_000) * 1_000,
} satisfies Partial<Record<OptionName, (policy: Policy) => number>>

/**
 * What a drain keeps for requests in flight when its limit has to be raised: the default drain
 * limit.
 */
const drainReserveMs = 10_000

const orLonger = (ms: number) => (ms === 0 ? Number.POSITIVE_INFINITY : ms)
const atMost = (ms: number) => Math.min(ms, longestMs)

const duration = (ms: number) => format('duration', ms)

interface Rule {
  readonly joins: readonly OptionName[]
  broken(policy: Policy): boolean
  /** Why it cannot be, in a sentence whose options are written by `say`. */
  message(say: (option: OptionName) => string, policy: Policy): string
  /** What would do for the first of them. */
  accepts(policy: Policy): string
  /**
   * What to do about it, in this order: the first option that nobody set takes the value that the
   * rest leaves it.
   */
  readonly yields: readonly { readonly option: OptionName; to(policy: Policy): number }[]
}

/** Everything that joins options. */
export const rules: readonly Rule[] = [
  {
    joins: ['keepAliveHintMs'],
    broken: (p) => p.keepAliveHintMs % 1_000 !== 0,
    message: (say) => `${say('keepAliveHintMs')} is not in whole seconds, and Keep-Alive: timeout=N has no other`,
    accepts: () => 'whole seconds or off',
    yields: [],
  },
  {
    joins: ['keepAliveHintMs', 'idleTimeoutMs'],
    broken: (p) => p.keepAliveHintMs > orLonger(p.idleTimeoutMs),
    message: (say) =>
      `${say('keepAliveHintMs')} is above ${say('idleTimeoutMs')}: it would promise time that the server does not give`,
    accepts: (p) => `up to ${duration(p.idleTimeoutMs)}`,
    yields: [{ option: 'idleTimeoutMs', to: (p) => atMost(p.keepAliveHintMs + 1_000) }],
  },
  {
    joins: ['minIdleMs', 'idleTimeoutMs'],
    broken: (p) => p.minIdleMs > orLonger(p.idleTimeoutMs),
    message: (say) => `${say('minIdleMs')} is above ${say('idleTimeoutMs')}`,
    accepts: (p) => `up to ${duration(p.idleTimeoutMs)}`,
    yields: [
      { option: 'minIdleMs', to: (p) => p.idleTimeoutMs },
      { option: 'idleTimeoutMs', to: (p) => p.minIdleMs },
    ],
  },
  {
    joins: ['drainDelayMs', 'drainSpreadMs', 'drainTimeoutMs'],
    broken: (p) => p.drainDelayMs + p.drainSpreadMs >= p.drainTimeoutMs,
    message: (say, p) =>
      `${p.drainDelayMs > 0 ? say('drainDelayMs') : ''}${p.drainDelayMs > 0 && p.drainSpreadMs > 0 ? ' and ' : ''}` +
      `${p.drainSpreadMs > 0 ? say('drainSpreadMs') : ''} use up ${say('drainTimeoutMs')}, which counts from the first signal`,
    accepts: (p) => `together less than ${duration(p.drainTimeoutMs)}`,
    yields: [{ option: 'drainTimeoutMs', to: (p) => atMost(p.drainDelayMs + p.drainSpreadMs + drainReserveMs) }],
  },
  {
    joins: ['minIdleMs', 'drainDelayMs', 'drainTimeoutMs'],
    broken: (p) => p.minIdleMs > p.drainTimeoutMs - p.drainDelayMs,
    message: (say, p) =>
      `${say('minIdleMs')} is above what ${say('drainTimeoutMs')}${p.drainDelayMs > 0 ? ` less ${say('drainDelayMs')}` : ''} leaves`,
    accepts: (p) => `up to ${duration(Math.max(0, p.drainTimeoutMs - p.drainDelayMs))}`,
    yields: [
      { option: 'minIdleMs', to: (p) => Math.max(0, p.drainTimeoutMs - p.drainDelayMs) },
      { option: 'drainTimeoutMs', to: (p) => atMost(p.drainDelayMs + p.minIdleMs + drainReserveMs) },
    ],
  },
]

/** What an option accepts, as text. In the API also a number in the unit of its name. */
const acceptedBy = (option: OptionName, origin: Layer['origin'] = 'option'): string =>
  acceptedOf(optionSpecs[option], origin === 'option')

/** Throws a `ConfigError` with everything that is wrong. */
export function resolvePolicy(given: PolicySources): Resolved {
  const problems: Problem[] = []
  const chosen = chosenPresets(given, problems)
  const policy = {} as Record<OptionName, number>
  const origins = {} as Record<OptionName, Origin>
  const names = {} as Record<OptionName, string>

  for (const layer of given.layers) refuseUnknown(layer, problems)
  for (const option of optionNames) {
    const spec: OptionSpec = optionSpecs[option]
    policy[option] = spec.default === 'derived' ? 0 : spec.default
    origins[option] = spec.default === 'derived' ? 'derived' : 'default'
    names[option] = given.nameOf?.(option) ?? option
    const preset = longest(option, chosen)
    if (preset) {
      policy[option] = preset.value
      origins[option] = 'preset'
      names[option] = `${names[option]} of preset ${preset.name}`
    }
    // Every layer is read, also one that another overrides: what is wrong in it would bite another day.
    for (const layer of given.layers.toReversed()) {
      const value = read(option, layer, problems)
      if (value === undefined) continue
      policy[option] = value
      origins[option] = layer.origin
      names[option] = layer.nameOf(option)
    }
  }

  // Rules speak of values; on top of an unreadable one they would complain of what nobody wrote.
  const fitted = problems.length === 0 ? fit(policy, origins, names, problems) : []
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    policy: Object.freeze(policy),
    origins: Object.freeze(origins),
    presets: chosen,
    fitted,
    nameOf: (option) => names[option],
  }
}

function chosenPresets(given: PolicySources, problems: Problem[]): PresetName[] {
  const chosen = new Set<PresetName>()
  for (const name of given.presets ?? []) {
    if (Object.hasOwn(presets, name)) chosen.add(name as PresetName)
    else {
      const why = `${show(name)} is not a preset${didYouMean(String(name), presetNames)}`
      problems.push(problem(given.presetNamedAs ?? 'preset', name, why, presetNames.join(', ')))
    }
  }
  return [...chosen]
}

/** What the command alone can do, and is looked for in code. */
const ofTheCommand: Readonly<Record<string, string>> = {
  workers: 'serve() serves in its own process: hangup serve <file> --workers <number|auto>',
  watch: 'hangup serve <file> --watch does it',
}

function refuseUnknown(layer: Layer, problems: Problem[]): void {
  for (const [option, value] of Object.entries(layer.values)) {
    if (value === undefined || Object.hasOwn(optionSpecs, option)) continue
    const name = layer.nameOf(option)
    const instead = Object.hasOwn(ofTheCommand, option) ? `; ${ofTheCommand[option]}` : ''
    const similar = didYouMean(
      name,
      optionNames.map((known) => layer.nameOf(known)),
    )
    problems.push(problem(name, value, `there is no such option${instead || similar}`, ''))
  }
}

/** Presets are combined by the longest of each option: two proxies in a row are both outlived. */
function longest(option: OptionName, chosen: readonly PresetName[]): { name: PresetName; value: number } | null {
  let found: { name: PresetName; value: number } | null = null
  for (const name of chosen) {
    const given = (presets[name].sets as Partial<Record<OptionName, number>>)[option]
    if (given !== undefined && (!found || orLonger(given) > orLonger(found.value))) found = { name, value: given }
  }
  return found
}

function read(option: OptionName, layer: Layer, problems: Problem[]): number | undefined {
  const given = Object.hasOwn(layer.values, option) ? layer.values[option] : undefined
  if (given === undefined) return undefined
  const read = readOption(optionSpecs[option], given)
  if ('value' in read) return read.value
  problems.push(problem(layer.nameOf(option), given, read.why, acceptedBy(option, layer.origin)))
  return undefined
}

/** Makes the defaults give way until no rule is broken; what only set values break is a problem. */
function fit(
  policy: Record<OptionName, number>,
  origins: Record<OptionName, Origin>,
  names: Readonly<Record<OptionName, string>>,
  problems: Problem[],
): string[] {
  const reasons = new Map<OptionName, { from: number; for: Set<OptionName> }>()
  const impossible = new Set<Rule>()
  const follow = () => {
    for (const [option, value] of Object.entries(derive) as [keyof typeof derive, (p: Policy) => number][]) {
      if (origins[option] === 'derived') policy[option] = value(policy)
    }
  }
  const say = (option: OptionName) => `${names[option]} ${format(optionSpecs[option].kind, policy[option])}`
  follow()
  // Each move is in one direction only (idle and drain limits up, the minimum down), so this ends.
  for (let rule = nextBroken(); rule; rule = nextBroken()) {
    const move = rule.yields.find(({ option, to }) => {
      if (isSet(origins[option])) return false
      const value = to(policy)
      return value !== policy[option] && !rule.broken({ ...policy, [option]: value })
    })
    if (!move) {
      impossible.add(rule)
      continue
    }
    const { option } = move
    const reason = reasons.get(option) ?? { from: policy[option], for: new Set() }
    for (const other of rule.joins) if (other !== option && isSet(origins[other])) reason.for.add(other)
    reasons.set(option, reason)
    policy[option] = move.to(policy)
    origins[option] = 'fitted'
    follow()
  }

  // A default that found no room because set values had used it up is not worth a second message.
  const bySetValues = [...impossible].filter(({ yields }) => yields.every(({ option }) => isSet(origins[option])))
  for (const rule of bySetValues.length > 0 ? bySetValues : impossible) {
    const option = rule.joins.find((joined) => isSet(origins[joined]))!
    const accepts = rule.accepts(policy)
    problems.push({
      option: names[option],
      given: duration(policy[option]),
      accepted: accepts,
      message: `${rule.message(say, policy)}; accepted: ${accepts}`,
    })
  }
  return [...reasons].map(([option, { from, for: others }]) => {
    const { kind } = optionSpecs[option]
    const verb = policy[option] > from ? 'raised' : 'lowered'
    const why = [...others].map(say).join(' and ')
    return `${names[option]} ${verb} from its default ${format(kind, from)} to ${format(kind, policy[option])} to fit ${why}`
  })

  function nextBroken(): Rule | undefined {
    return rules.find((rule) => !impossible.has(rule) && rule.broken(policy))
  }
}

/**
 * The layers that options came from, on the options themselves: an entry that read flags and
 * variables hands them to `serve()` like this, so that an error found there still names the flag.
 */
export const givenAs = Symbol('hangup.givenAs')
export type GivenOptions = ServeOptions & { readonly [givenAs]?: PolicySources }

/** What `serve` takes beside the policy: the compiler asks for each. */
const besidePolicy: Readonly<Record<Exclude<keyof ServeOptions, keyof PolicyInput>, true>> = {
  port: true,
  host: true,
  unix: true,
  fd: true,
  tls: true,
  proxyProtocol: true,
  engine: true,
  globals: true,
  preset: true,
  signals: true,
  log: true,
  accessLog: true,
  onError: true,
  onListen: true,
  admin: true,
  healthPath: true,
}

/**
 * The policy of what was given to `serve()`. `also`: options that only this runtime's `serve` has.
 */
export function resolveOptions(options: ServeOptions = {}, also: readonly string[] = []): Resolved {
  const given = (options as GivenOptions)[givenAs]
  const values = Object.fromEntries(
    Object.entries(options).filter(([name]) => !Object.hasOwn(besidePolicy, name) && !also.includes(name)),
  )
  const { preset = [] } = options
  return resolvePolicy({
    presets: typeof preset === 'string' ? [preset] : preset,
    ...given,
    layers: [...(given?.layers ?? []), { origin: 'option', values, nameOf: (option) => option }],
  })
}
