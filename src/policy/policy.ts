/**
 * The connection policy: every limit that a server holds its connections to, as one table. Types,
 * defaults, flags, environment variables, `--help` and the table in the docs are all read from it.
 * Each limit is a module of `limits/`.
 */
import { limits } from './limits/list.ts'
import type { Amount, LimitSpec } from './option.ts'
import type { words } from './units.ts'

/**
 * Every option resolved, in ms, bytes, bytes a second or counts, a choice as the place of its word;
 * 0 is off.
 */
export type Policy = Readonly<Record<OptionName, number>>
export type OptionName = keyof typeof limits
/**
 * What `serve` takes: any of the options, as a number or as text with a unit; a choice as its word.
 */
export type PolicyInput = { readonly [Name in OptionName]?: Name extends keyof typeof words ? Words<Name> : Amount }
type Words<Name extends keyof typeof words> = (typeof words)[Name][number]

/** In the order of a connection's life. */
export const optionNames = Object.keys(limits) as readonly OptionName[]
export const optionSpecs = Object.fromEntries(
  optionNames.map((name): [OptionName, LimitSpec] => [name, limits[name].spec]),
) as Readonly<Record<OptionName, LimitSpec>>
