/**
 * How values are written: as the value of a key in a configuration file, and as the text of a flag
 * or variable.
 */
import * as v from 'valibot'
import { type Amount, acceptedOf, type OptionSpec, readOption } from '../../policy/option.ts'
import { didYouMean } from '../../policy/spelling.ts'
import { format } from '../../policy/units.ts'
import { networkProblem, networksAccepted } from './texts.ts'

/** Ends the reading of a value. */
export type Refuse = (why: string) => never

/** The text of a flag or variable. */
interface FlagText<Out> {
  /** What stands for the value in `--help`; '' for a switch. */
  readonly value: string
  /** Default: what the key accepts. */
  readonly accepted?: string
  /** The flag may be given more than once: `read` gets a line for each. */
  readonly repeats?: true
  read(text: string, refuse: Refuse): Out
}

export interface Kind<Schema extends v.GenericSchema> {
  readonly schema: Schema
  readonly accepted: string
  /** null: a text can't say it. */
  readonly asFlag: FlagText<v.InferOutput<Schema>> | null
  show(value: v.InferOutput<Schema>): string
}

export interface Key<In, Out> extends v.GenericSchema<In, Out> {}

/** A key whose messages end with what is accepted; `In` is what may be written. */
function key<In, Out>(accepted: string, read: (given: unknown, refuse: Refuse) => Out): Key<In, Out> {
  return v.pipe(
    v.custom<In>(() => true),
    v.rawTransform<In, Out>(({ dataset, addIssue, NEVER }) =>
      read(dataset.value, (why) => {
        addIssue({ message: `${why}; accepted: ${accepted}` })
        return NEVER
      }),
    ),
  )
}
export const typeOf = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`

export function text<Out = string>(
  { value = 'text', accepted, acceptedAsFlag }: { value?: string; accepted: string; acceptedAsFlag?: string },
  read: (text: string, refuse: Refuse) => Out = (text) => text as Out,
): Kind<Key<string, Out>> {
  const schema = key<string, Out>(accepted, (given, refuse) => {
    if (typeof given !== 'string') return refuse(`it is ${typeOf(given)}`)
    return given === '' ? refuse('it is empty') : read(given, refuse)
  })
  return {
    schema,
    accepted,
    asFlag: { value, read, ...(acceptedAsFlag !== undefined && { accepted: acceptedAsFlag }) },
    show: String,
  }
}

export const path = (accepted = 'a path', value: 'file' | 'path' = 'path') =>
  text({ value, accepted: `${accepted}, relative to this file`, acceptedAsFlag: accepted })

export function choice<const Choices extends readonly string[]>(
  choices: Choices,
): Kind<Key<Choices[number], Choices[number]>> {
  const accepted = choices.join(', ')
  const read = (text: string, refuse: Refuse): Choices[number] =>
    choices.find((known) => known === text) ?? refuse(`unknown value${didYouMean(text, choices)}`)
  const schema = key<Choices[number], Choices[number]>(accepted, (given, refuse) =>
    typeof given === 'string' ? read(given, refuse) : refuse(`it is ${typeOf(given)}`),
  )
  return { schema, accepted, asFlag: { value: choices.join('|'), read }, show: String }
}

/**
 * A flag without a value. A setting that is on by default has one that turns it off: see
 * `flags.ts`.
 */
export const toggle: Kind<Key<boolean, boolean>> = {
  schema: key<boolean, boolean>('true, false', (given, refuse) =>
    typeof given === 'boolean' ? given : refuse(`it is ${typeOf(given)}`),
  ),
  accepted: 'true, false',
  asFlag: {
    value: '',
    accepted: 'yes, no',
    read: (text, refuse) => (text === 'yes' || text === 'no' ? text === 'yes' : refuse(`${text} is not yes or no`)),
  },
  show: String,
}

/** `accepted` begins with its name: `a port number, …`. */
export function whole(accepted: string, fits: (value: number) => boolean): Kind<Key<number, number>> {
  const name = accepted.split(',')[0]
  return {
    schema: key<number, number>(accepted, (given, refuse) => {
      if (typeof given !== 'number') return refuse(`it is ${typeOf(given)}`)
      return Number.isInteger(given) && fits(given) ? given : refuse(`${given} is not ${name}`)
    }),
    accepted,
    asFlag: {
      value: 'number',
      read: (text, refuse) =>
        /^\d{1,15}$/.test(text) && fits(Number(text)) ? Number(text) : refuse(`${text} is not ${name}`),
    },
    show: String,
  }
}

export const portNumber = (least: 0 | 1) =>
  whole(`a port number, ${least} to 65535`, (value) => value >= least && value < 65_536)

interface ListSpec {
  readonly value: string
  readonly accepted: string
  /** Why a text is not one of the list, or null. */
  wrong(text: string): string | null
  made?(text: string): string
  /** The flag may be given more than once, too. */
  readonly repeats?: true
  /** What a flag says for the empty list. */
  readonly none?: string
}

/** A list of texts, or the only one by itself; with commas in a flag. */
export function list({
  value,
  accepted,
  wrong,
  made = (text) => text,
  repeats,
  none,
}: ListSpec): Kind<Key<string | readonly string[], readonly string[]>> {
  const read = (texts: readonly unknown[], refuse: Refuse) =>
    texts.map((one) => {
      if (typeof one !== 'string') return refuse(`it holds ${typeOf(one)}`)
      const why = wrong(one)
      return why === null ? made(one) : refuse(why)
    })
  return {
    schema: key<string | readonly string[], readonly string[]>(accepted, (given, refuse) =>
      read(Array.isArray(given) ? given : [given], refuse),
    ),
    accepted: none === undefined ? accepted : `${accepted}; [] for none`,
    asFlag: {
      value,
      accepted: none === undefined ? accepted : `${accepted}, or ${none}`,
      ...(repeats && { repeats }),
      read: (text, refuse) =>
        text === none
          ? []
          : read(
              text.split(/[\n,]/).map((one) => one.trim()),
              refuse,
            ),
    },
    show: (texts) => texts.join(', ') || 'none',
  }
}

export const networkList = list({
  value: 'network',
  accepted: networksAccepted,
  wrong: networkProblem,
  repeats: true,
})

/** A limit; a number is in the unit of its name. */
export function amount(spec: OptionSpec): Kind<Key<Amount, number>> {
  const accepted = acceptedOf(spec, true)
  const read = (given: unknown, refuse: Refuse) => {
    const result = readOption(spec, given)
    return 'value' in result ? result.value : refuse(result.why)
  }
  return {
    schema: key<Amount, number>(accepted, read),
    accepted,
    asFlag: { value: 'number', accepted: acceptedOf(spec, false), read },
    show: (value) => format(spec.kind, value),
  }
}

/** Names and values; what is wrong with one of them is said by `wrong`. */
export function pairs<Out>(
  accepted: string,
  wrong: (name: string, value: unknown) => string | null,
  made: (pairs: Readonly<Record<string, string>>) => Out,
): Kind<Key<Readonly<Record<string, string>>, Out>> {
  return {
    schema: key<Readonly<Record<string, string>>, Out>(accepted, (given, refuse) => {
      if (typeof given !== 'object' || given === null || Array.isArray(given)) return refuse(`it is ${typeOf(given)}`)
      for (const [name, value] of Object.entries(given)) {
        const why = wrong(name, value)
        if (why !== null) return refuse(why)
      }
      return made(given as Readonly<Record<string, string>>)
    }),
    accepted,
    asFlag: null,
    show: (value) => (Object.keys(value as object).length === 0 ? 'none' : JSON.stringify(value)),
  }
}
