/**
 * The limits of one request, which a route may change: what is accepted, and where they can be
 * held.
 */
import { type Enforcement, isUnheld } from './enforcement.ts'
import { type LimitModule, limits, type RequestLimit } from './limits/list.ts'
import { type Amount, acceptedOf, readOption } from './option.ts'
import { optionNames, optionSpecs } from './policy.ts'
import { ConfigError, type Problem, problem, show } from './problems.ts'
import { didYouMean } from './spelling.ts'
import { format } from './units.ts'

export type { RequestLimit } from './limits/list.ts'

/**
 * What a route may say of each: a number in the unit of its name, or text with a unit; `off` is
 * none.
 */
export type RequestLimits = { readonly [Name in RequestLimit]?: Amount | undefined }

/** The same, read: in ms, bytes and bytes a second; 0 is off. */
export type RequestChanges = { readonly [Name in RequestLimit]?: number }

export const requestLimits = (Object.entries(limits) as [RequestLimit, LimitModule][])
  .filter(([, { byRoute }]) => byRoute !== undefined)
  .map(([name]) => name)

export const isRequestLimit = (name: string): name is RequestLimit => (requestLimits as string[]).includes(name)

/** `bodyTimeoutMs 30m, maxBodyBytes off` */
export const changesText = (changes: RequestChanges): string =>
  (Object.entries(changes) as [RequestLimit, number][])
    .map(([name, value]) => `${name} ${format(optionSpecs[name].kind, value)}`)
    .join(', ')

/** Throws a `ConfigError` that names every problem. `nameOf`: the option as it was written. */
export function readRequestLimits(
  given: RequestLimits,
  nameOf: (option: string) => string = (option) => `limits({ ${option} })`,
): RequestChanges {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ConfigError([problem('limits()', given, 'it is not an object', "limits({ bodyTimeoutMs: '30m' })")])
  }
  const problems: Problem[] = []
  const changes: { [Name in RequestLimit]?: number } = {}
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    if (!isRequestLimit(name)) {
      problems.push(unknown(nameOf(name), name, value))
      continue
    }
    const read = readOption(optionSpecs[name], value)
    if ('value' in read) changes[name] = read.value
    else problems.push(problem(nameOf(name), show(value), read.why, acceptedOf(optionSpecs[name], true)))
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(changes)
}

function unknown(written: string, name: string, value: unknown): Problem {
  if ((optionNames as readonly string[]).includes(name)) {
    const why = 'it is not a limit of one request, so a route can’t change it; give it to serve()'
    return problem(written, show(value), why, requestLimits.join(', '))
  }
  return problem(
    written,
    show(value),
    `there is no such option${didYouMean(name, requestLimits)}`,
    requestLimits.join(', '),
  )
}

/** A limit that a route asked for, as it was written. */
export interface Asked {
  readonly option: RequestLimit
  /** 0: off. */
  readonly value: number
  readonly writtenAs: string
}

/** Why this engine can't change it for a request; null: it can. */
export function routeProblem(
  { option, value, writtenAs }: Asked,
  enforcement: Enforcement,
  runtime: string,
): Problem | null {
  const enforced = enforcement[option]
  if (enforced.byRoute !== undefined && !isUnheld(enforced, value)) return null
  // What nobody holds is off.
  if (enforced.by === 'nobody' && value === 0) return null
  const { kind } = optionSpecs[option]
  const held = enforced.byRoute !== undefined && enforced.max !== undefined && `at most ${format(kind, enforced.max)}`
  const why = held ? `only ${held} is enforced` : 'a route can’t change it'
  const fixes = [...(held ? [held] : []), 'leaving it out', 'a runtime or an engine that can change it']
  return problem(writtenAs, format(kind, value), `on ${runtime} ${why} (${enforced.how})`, fixes.join(', or '))
}
