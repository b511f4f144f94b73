/**
 * The connection policy: every limit that a server holds its connections to, as one schema. Types,
 * defaults, flags, environment variables, `--help` and the table in the docs are all read from it.
 * Each limit is a module of `limits/`.
 */
import * as v from 'valibot'
import { type LimitSpec, limits } from './limits/list.ts'
import { type Amount, type Option, specsOf } from './option.ts'
import type { words } from './units.ts'

type Entries = { readonly [Name in keyof typeof limits]: Option<LimitSpec> }

/** The options in the order of a connection's life. */
const entries = Object.fromEntries(Object.entries(limits).map(([name, { spec }]) => [name, spec])) as unknown as Entries

export const policySchema: v.StrictObjectSchema<Entries, undefined> = v.strictObject(entries)

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

export const optionNames = Object.keys(entries) as readonly OptionName[]
export const optionSpecs: Readonly<Record<OptionName, LimitSpec>> = specsOf(entries)
