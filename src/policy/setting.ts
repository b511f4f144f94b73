/**
 * One setting of a command beside the policy: what is written about it, and how its text is read.
 */
import * as v from 'valibot'

export interface SettingSpec {
  /** What stands for the value in `--help`; a switch has none. */
  readonly value: string
  readonly what: string
  readonly default: string
  readonly accepted: string
  /** A variable of the platform's that is read when ours is not set. */
  readonly elseVariable?: string
  /** A flag without a value; in a variable: yes or no. */
  readonly isSwitch?: true
  /** What a flag without a value says; in `--help` the value stands in brackets. */
  readonly bare?: string
  /** More than one: the flag again, in a variable with spaces. `read` gets a line for each. */
  readonly isRepeatable?: true
  /** Given as an argument without a flag. */
  readonly isArgument?: true
  /** Also without its flag. */
  readonly mayBeArgument?: true
}

/** `read` ends with `refuse(why)` where the text is no value. */
export function setting<T>(spec: SettingSpec, read: (text: string, refuse: (why: string) => never) => T) {
  return v.optional(
    v.pipe(
      v.string(),
      v.rawTransform<string, T>(({ dataset, addIssue, NEVER }) =>
        read(dataset.value, (why) => {
          addIssue({ message: why })
          return NEVER
        }),
      ),
      v.metadata({ spec }),
    ),
  )
}

/** A flag that is there or not. */
export function onOff(what: string) {
  return setting({ value: '', what, default: 'no', accepted: 'yes, no', isSwitch: true }, (text, refuse): boolean =>
    text === 'yes' || text === 'no' ? text === 'yes' : refuse(`${text} is neither yes nor no`),
  )
}

export type Entries = Readonly<Record<string, ReturnType<typeof setting<any>>>>
export type Read<E extends Entries> = { [Name in keyof E]?: Exclude<v.InferOutput<E[Name]>, undefined> }

export const specOf = (entries: Entries, name: string): SettingSpec | undefined => {
  const entry = Object.hasOwn(entries, name) ? entries[name] : undefined
  return entry && (v.getMetadata(entry.wrapped)['spec'] as SettingSpec)
}

/** How an argument is called: `<url>`. */
export const argumentOf = (entries: Entries, name: string): string => `<${specOf(entries, name)?.value ?? name}>`
