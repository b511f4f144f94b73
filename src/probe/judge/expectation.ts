/**
 * What a server is to be judged by: limits that somebody names, or the pools of what stands in
 * front of it.
 */
import { readFileSync } from 'node:fs'
import type { Enforcement } from '../../policy/enforcement.ts'
import { type OptionName, optionNames, type Policy } from '../../policy/policy.ts'
import { type Preset, type PresetName, presetNames, presets } from '../../policy/presets.ts'
import { isConfigError, type Problem, problem } from '../../policy/problems.ts'
import { isSet, type Layer, resolvePolicy } from '../../policy/resolve.ts'
import { didYouMean, flagOf } from '../../policy/spelling.ts'
import { format } from '../../policy/units.ts'
import type { Known } from '../find/discover.ts'
import { defaultLimitMs, defaultTlsLimitMs } from '../settings.ts'

/** What stands in front and keeps idle connections for so long. */
export interface Pool {
  readonly name: PresetName
  readonly behind: string
  readonly keepsIdleMs: number
  readonly source: string
}

/** Nobody sees who is first when both end a connection at the same time. */
const marginMs = 5_000

/**
 * `--expect`: options with values by their flags' words, or a JSON file; null if it is neither,
 * with the problems.
 */
export function readExpect(
  text: string,
  flag: string,
  problems: Problem[],
): { layer: Layer; enforcement?: Enforcement } | null {
  if (!text.includes('=')) return readFile(text, flag, problems)
  const values: Record<string, unknown> = {}
  for (const part of text.split(',')) {
    const [word = '', ...rest] = part.trim().split('=')
    const name = optionNames.find((option) => flagOf(option) === `--${word}`)
    if (name) values[name] = rest.join('=')
    else {
      const words = optionNames.map((option) => flagOf(option).slice(2))
      const longer = words.find((one) => word !== '' && one.startsWith(`${word}-`))
      const hint = longer === undefined ? didYouMean(word, words) : `; did you mean ${longer}?`
      problems.push(problem(flag, word, `unknown limit${hint}`, ''))
    }
  }
  return { layer: { origin: 'flag', values, nameOf: (option) => `${flag} ${flagOf(option).slice(2)}` } }
}

function readFile(path: string, flag: string, problems: Problem[]): ReturnType<typeof readExpect> {
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const why = code === undefined ? `not valid JSON (${(error as Error).message})` : `it cannot be read (${code})`
    problems.push(problem(flag, path, why, 'idle-timeout=5s,… or a JSON file with limits'))
    return null
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    problems.push(problem(flag, path, 'not a JSON object', '{"idleTimeoutMs": 5000} or {"idleTimeoutMs": "5s"}'))
    return null
  }
  // What `hangup serve --report json` prints: the policy, and who holds it how exactly.
  const { policy, enforcement } = parsed as { policy?: object; enforcement?: Enforcement }
  const values = (policy ?? parsed) as Record<string, unknown>
  return {
    layer: { origin: 'option', values, nameOf: (option) => `${flag} ${path}: ${option}` },
    ...(policy && enforcement && { enforcement }),
  }
}

/**
 * The limits that somebody named; null if nobody did. What nobody named is off: nobody is blamed
 * for it.
 */
export function expected(
  layers: readonly Layer[],
  enforcement: Enforcement | undefined,
  nameOf: (option: string) => string,
  problems: Problem[],
): Known | null {
  if (layers.every(({ values }) => Object.keys(values).length === 0)) return null
  try {
    const resolved = resolvePolicy({ layers, nameOf })
    // A rate has no time of its own, and the hint follows from the idle limit only on hangup.
    const stands = (name: OptionName) => isSet(resolved.origins[name]) || name === 'minRateGraceMs'
    const policy = Object.fromEntries(optionNames.map((name) => [name, stands(name) ? resolved.policy[name] : 0]))
    return { policy: policy as Policy, enforcement: enforcement ?? exactly }
  } catch (error) {
    if (!isConfigError(error)) throw error
    problems.push(...error.problems)
    return null
  }
}

const exactly = Object.fromEntries(
  optionNames.map((name) => [name, { by: 'runtime', stepMs: 0, how: 'expected' }]),
) as unknown as Enforcement

/** Of what `--behind` names, that which keeps idle connections. */
export function pools(names: readonly string[], flag: string, problems: Problem[]): readonly Pool[] {
  const known = names.filter((name): name is PresetName => Object.hasOwn(presets, name))
  for (const name of names) {
    if (Object.hasOwn(presets, name)) continue
    problems.push(problem(flag, name, `unknown preset${didYouMean(name, presetNames)}`, presetNames.join(', ')))
  }
  const found = known.flatMap((name): Pool[] => {
    const { behind, keepsIdleMs, source }: Preset = presets[name]
    return keepsIdleMs === undefined ? [] : [{ name, behind, keepsIdleMs, source }]
  })
  if (found.length === 0 && known.length === names.length && names.length > 0) {
    const why = 'it keeps no idle connections to a server, so there is nothing to outlive'
    const keepers = presetNames.filter((name) => (presets[name] as Preset).keepsIdleMs !== undefined)
    problems.push(problem(flag, names.join(','), why, keepers.join(', ')))
  }
  return found
}

/** How long to watch: as long as was said, or as it takes to see whether a pool is outlived. */
export function limitFor(
  given: number | undefined,
  { flag, tls }: { readonly flag: string; readonly tls: boolean },
  behind: readonly Pool[],
  problems: Problem[],
): number {
  const neededMs = Math.max(0, ...behind.map(({ keepsIdleMs }) => keepsIdleMs + marginMs))
  if (given !== undefined && given < neededMs) {
    const longest = behind.find(({ keepsIdleMs }) => keepsIdleMs + marginMs === neededMs)
    const why = `${longest?.name} keeps an idle connection for ${format('duration', neededMs - marginMs)}, which would not be seen`
    problems.push(problem(flag, format('duration', given), why, `${format('duration', neededMs)} or more`))
  }
  return given ?? Math.max(tls ? defaultTlsLimitMs : defaultLimitMs, neededMs + 2 * marginMs)
}
