/** How the keys of a configuration file are read: each with what is written about it, and with messages of one form. */
import * as v from 'valibot'
import { acceptedOf, type OptionEntries, type OptionSpec, readOption } from '../../policy/option.ts'
import { optionNames } from '../../policy/policy.ts'
import { didYouMean } from '../../policy/spelling.ts'
import { format } from '../../policy/units.ts'
import { upstreamOptionNames } from './options.ts'

/** What is known of a key beside its schema, for the docs. */
export interface KeySpec {
  readonly what: string
  readonly default: string
  readonly accepted: string
}

/** One key. `read` ends with `refuse(why)` where the value is none; `In` is what may be written. */
export function key<In, Out>(spec: KeySpec, read: (given: unknown, refuse: (why: string) => never) => Out) {
  return v.pipe(
    v.custom<In>(() => true),
    v.rawTransform<In, Out>(({ dataset, addIssue, NEVER }) =>
      read(dataset.value, (why) => {
        addIssue({ message: `${why}; accepted: ${spec.accepted}` })
        return NEVER
      }),
    ),
    v.metadata({ spec }),
  )
}

export const kindOf = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`

export const text = <Out = string>(spec: KeySpec, read?: (text: string, refuse: (why: string) => never) => Out) =>
  key<string, Out>(spec, (given, refuse) => {
    if (typeof given !== 'string') return refuse(`it is ${kindOf(given)}`)
    if (given === '') return refuse('it is empty')
    return read === undefined ? (given as Out) : read(given, refuse)
  })

export const choice = <const Choices extends readonly string[]>(choices: Choices, spec: Omit<KeySpec, 'accepted'>) =>
  key<Choices[number], Choices[number]>({ ...spec, accepted: choices.join(', ') }, (given, refuse) => {
    if (typeof given !== 'string') return refuse(`it is ${kindOf(given)}`)
    return choices.find((known) => known === given) ?? refuse(`${given} is none of them${didYouMean(given, choices)}`)
  })

export const yesOrNo = (spec: Omit<KeySpec, 'accepted'>) =>
  key<boolean, boolean>({ ...spec, accepted: 'true, false' }, (given, refuse) =>
    typeof given === 'boolean' ? given : refuse(`it is ${kindOf(given)}`),
  )

export const whole = (spec: KeySpec, fits: (value: number) => boolean) =>
  key<number, number>(spec, (given, refuse) =>
    typeof given === 'number' && fits(given)
      ? given
      : refuse(typeof given === 'number' ? `${given} is none` : `it is ${kindOf(given)}`),
  )

/** A list of texts, or the only one by itself. */
export const texts = (spec: KeySpec, wrong: (text: string) => string | null, made = (text: string) => text) =>
  key<string | readonly string[], readonly string[]>(spec, (given, refuse) => {
    const list: readonly unknown[] = Array.isArray(given) ? given : [given]
    return list.map((one) => {
      if (typeof one !== 'string') return refuse(`it holds ${kindOf(one)}`)
      const why = wrong(one)
      return why === null ? made(one) : refuse(why)
    })
  })

/** Too many to list in a message. */
const limits: ReadonlySet<string> = new Set([...optionNames, ...upstreamOptionNames])

/** Unknown and missing keys in the words of all other problems; a strict object of valibot's stops at the first unknown one. */
export const object = <const E extends v.ObjectEntries>(entries: E) => {
  const known = Object.keys(entries).filter((name) => !limits.has(name))
  const all = Object.keys(entries)
  const loose = v.looseObject(entries, (issue) =>
    issue.expected?.startsWith('"') ? 'it is missing' : `it is ${kindOf(issue.input)}, not an object`,
  )
  const closed = v.pipe(
    v.custom<v.InferInput<typeof loose>>((input) => !Array.isArray(input), 'it is a list, not an object'),
    loose,
    v.rawCheck(({ dataset: { value }, addIssue }) => {
      if (typeof value !== 'object' || value === null) return
      for (const [name, unknown] of Object.entries(value)) {
        if (Object.hasOwn(entries, name)) continue
        addIssue({
          message: `there is no such key${didYouMean(name, all) || `; there are ${known.join(', ')}`}`,
          path: [{ type: 'object', origin: 'key', input: value as Record<string, unknown>, key: name, value: unknown }],
        })
      }
    }),
  )
  return closed as unknown as v.StrictObjectSchema<E, undefined>
}

export const listOf = <S extends v.GenericSchema>(item: S) =>
  v.array(item, (issue) => `it is ${kindOf(issue.input)}, not a list`)

export const record = <S extends v.GenericSchema>(item: S) =>
  v.record(v.string(), item, (issue) => `it is ${kindOf(issue.input)}, not an object`)

/** One, or a list of them. */
export const some = <S extends v.GenericSchema>(item: S) => {
  const list = listOf(item)
  return v.lazy((input): S | typeof list => (Array.isArray(input) ? list : item))
}

/** A limit, as flags have it too; a number is in the unit of the name. */
export const amounts = <E extends OptionEntries, Name extends keyof E & string>(entries: E, names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, v.optional(asKey(entries[name]!))])) as {
    [N in Name]: v.OptionalSchema<ReturnType<typeof asKey>, undefined>
  }

export function asKey(entry: OptionEntries[string]) {
  const spec = v.getMetadata(entry)['spec'] as OptionSpec
  const shown = {
    what: spec.what,
    default: spec.default === 'derived' ? spec.default : format(spec.kind, spec.default),
    accepted: acceptedOf(spec, true),
  }
  return key<string | number, number>(shown, (given, refuse) => {
    const read = readOption(entry, given)
    return 'value' in read ? read.value : refuse(read.why)
  })
}

/** What a schema that is no single key is about. */
export const described = <S extends v.GenericSchema>(spec: KeySpec, schema: S): S =>
  v.pipe(schema, v.metadata({ spec })) as unknown as S

/** What the docs say of each key. */
export function keySpecs(entries: v.ObjectEntries): readonly (readonly [name: string, spec: KeySpec])[] {
  return Object.entries(entries).map(([name, entry]) => {
    const inner = 'wrapped' in entry ? (entry.wrapped as v.GenericSchema) : entry
    return [name, v.getMetadata(inner)['spec'] as KeySpec]
  })
}
