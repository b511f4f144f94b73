/**
 * The objects and lists of a configuration file; what is wrong with one is said in the words of all
 * other problems.
 */
import * as v from 'valibot'
import type { Amount, OptionSpec } from '../../policy/option.ts'
import { optionNames } from '../../policy/policy.ts'
import { didYouMean } from '../../policy/spelling.ts'
import { amount, typeOf } from './kinds.ts'
import { upstreamOptionNames } from './settings/limits.ts'

/** Too many to list in a message. */
const limits: ReadonlySet<string> = new Set([...optionNames, ...upstreamOptionNames])

/**
 * Unknown and missing keys are all reported; a strict object of valibot's stops at the first
 * unknown one.
 */
export const object = <const E extends v.ObjectEntries>(entries: E) => {
  const all = Object.keys(entries)
  const named = all.filter((name) => !limits.has(name))
  const known = named.length > 0 ? named : all
  const loose = v.looseObject(entries, (issue) =>
    issue.expected?.startsWith('"') ? 'it is missing' : `it is ${typeOf(issue.input)}, not an object`,
  )
  const closed = v.pipe(
    v.custom<v.InferInput<typeof loose>>((input) => !Array.isArray(input), 'it is a list, not an object'),
    loose,
    v.rawCheck(({ dataset: { value }, addIssue }) => {
      if (typeof value !== 'object' || value === null) return
      for (const [name, unknown] of Object.entries(value)) {
        if (Object.hasOwn(entries, name)) continue
        addIssue({
          message: `unknown key${didYouMean(name, all) || `; known keys: ${known.join(', ')}`}`,
          path: [{ type: 'object', origin: 'key', input: value as Record<string, unknown>, key: name, value: unknown }],
        })
      }
    }),
  )
  return closed as unknown as v.StrictObjectSchema<E, undefined>
}

export const listOf = <S extends v.GenericSchema>(item: S) =>
  v.array(item, (issue) => `it is ${typeOf(issue.input)}, not a list`)

export const record = <S extends v.GenericSchema>(item: S) =>
  v.record(v.string(), item, (issue) => `it is ${typeOf(issue.input)}, not an object`)

/** One, or a list of them. */
export const some = <S extends v.GenericSchema>(item: S) => {
  const list = listOf(item)
  return v.lazy((input): S | typeof list => (Array.isArray(input) ? list : item))
}

/** The keys of limits. */
export type AmountKeys<Name extends string> = {
  readonly [N in Name]: v.OptionalSchema<v.GenericSchema<Amount, number>, undefined>
}

/** Limits that have a table of their own, as keys. */
export const amounts = <Name extends string>(specs: Readonly<Record<Name, OptionSpec>>, names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, v.optional(amount(specs[name]).schema)])) as unknown as AmountKeys<Name>
