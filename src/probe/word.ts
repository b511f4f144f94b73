/**
 * A word of the vocabulary of cases: what it looks like, what it does and what it costs. `words/`
 * has one file for each, and everything else about steps (their schema, their budget, their play)
 * is a fold over those files.
 */
import * as v from 'valibot'
import type { OptionName } from '../policy/policy.ts'
import { didYouMean } from '../policy/spelling.ts'
import { CaseError } from './judge/verdict.ts'
import { type Limits, limitWindow } from './judge/window.ts'
import type { Play } from './play.ts'
import type { Due, PathName } from './terms.ts'

type Shape = v.StrictObjectSchema<v.ObjectEntries, undefined>

interface Meaning<Schema extends Shape> {
  /** The first entry is the word. */
  readonly schema: Schema
  /** Throws a `CaseError` if what the step asks for does not hold. */
  run(step: v.InferOutput<Schema>, play: Play): unknown
  /**
   * How long the step takes on a server that holds these limits, without the wait for what is due
   * by one. Every word says so, because a wait that nobody counts makes a probe late.
   */
  durationMs(step: v.InferOutput<Schema>, limits: Limits): number
  /** Connections that the step opens beside the case's own. Default: none. */
  connections?(step: v.InferOutput<Schema>): number
  /** Pages that it asks for although its text does not name them. Default: none. */
  readonly pages?: readonly PathName[]
  /** It looks into the server's process, so that has to be known. */
  readonly needsPid?: true
}

/** Whether a value of this type can hold one of that. */
type Holds<Whole, Part> = Whole extends Part
  ? true
  : Whole extends readonly (infer Item)[]
    ? Holds<Item, Part>
    : Whole extends object
      ? { [Key in keyof Whole]-?: Holds<Exclude<Whole[Key], undefined>, Part> }[keyof Whole]
      : false

/**
 * A word that can hold a due date says where: forgotten, it would cost no time and end no
 * measurement.
 */
type WithDue<Step> = true extends Holds<Step, Due> ? { due(step: Step): Due | undefined } : { due?: never }

export type Word<Schema extends Shape = Shape> = Meaning<Schema> & WithDue<v.InferOutput<Schema>>
type AnyWord = Meaning<any> & { due?(step: any): Due | undefined }
export type StepOf<W extends AnyWord> = v.InferOutput<W['schema']>

/** Checks the types of a word and returns it as it is. */
export const word = <Schema extends Shape>(it: Word<Schema>): Word<Schema> => it

/** The `durationMs` of a word that waits for nothing, or only until it has what it wants. */
export const atOnce = (): number => 0

export const nameOf = ({ schema }: AnyWord): string => Object.keys(schema.entries)[0] ?? ''

export interface Vocabulary<W extends AnyWord = AnyWord> {
  readonly words: readonly W[]
  /** Of one step. */
  readonly schema: v.GenericSchema<StepOf<W>>
  wordOf(step: StepOf<W>): AnyWord
  /** The keys that a step with this word may have; none: it has no word. */
  keysOf(part: object): readonly string[]
  /** Plays step after step; rejects with a `CaseError` at the first that does not hold. */
  carryOut(steps: readonly StepOf<W>[], play: Play): Promise<void>
  /** Connections that the steps have open at once, at most. */
  connectionsOf(steps: readonly StepOf<W>[]): number
  /** How long the steps take on a server that holds these limits. */
  durationMs(steps: readonly StepOf<W>[], limits: Limits): number
}

export function vocabulary<const W extends AnyWord>(words: readonly W[]): Vocabulary<W> {
  const byName = new Map<string, W>(words.map((one) => [nameOf(one), one]))
  const named = (step: object) => Object.keys(step).filter((key) => byName.has(key))
  const wordOf = (step: object): AnyWord => byName.get(named(step)[0] ?? '') as AnyWord
  const dueOf = (step: StepOf<W>): readonly OptionName[] => {
    const due: Due | undefined = wordOf(step).due?.(step)
    return due && 'by' in due ? due.by : []
  }
  return {
    words,
    schema: v.lazy((step) => {
      const isObject = typeof step === 'object' && step !== null && !Array.isArray(step)
      const names = isObject ? named(step) : []
      if (names.length === 1) return wordOf(step as object).schema
      return v.custom<StepOf<W>>(() => false, isObject ? misnamed(step, names, byName) : 'a step is an object')
    }),
    wordOf,
    keysOf: (part) => (named(part).length === 1 ? Object.keys(wordOf(part).schema.entries) : []),
    async carryOut(steps, play) {
      for (const step of steps) {
        try {
          await wordOf(step).run(step, play)
        } catch (error) {
          const isSetup = (step as { setup?: true }).setup && error instanceof CaseError && error.verdict === 'fail'
          throw isSetup ? new CaseError('setup-failed', error.message, error.observed) : error
        }
        // The end that is measured has come; what follows is about what the end of a known limit
        // leaves behind.
        if (play.target.measureMs !== undefined && dueOf(step).length > 0) return
      }
    },
    connectionsOf(steps) {
      // Without a `connect` of its own a case starts on a connection all the same.
      const own = steps.filter((step) => 'connect' in (step as object)).length
      return steps.reduce((sum, step) => sum + (wordOf(step).connections?.(step) ?? 0), Math.max(1, own))
    },
    durationMs(steps, limits) {
      return steps.reduce((sum, step) => {
        const ends = dueOf(step).filter((name) => limits.policy[name] > 0)
        const waits = ends.map((name) => limitWindow(name, limits).latestMs)
        return sum + wordOf(step).durationMs(step, limits) + Math.max(0, ...waits)
      }, 0)
    },
  }
}

function misnamed(step: object, names: readonly string[], known: ReadonlyMap<string, AnyWord>): string {
  const all = [...known.keys()]
  if (names.length > 1) return `a step has one word, and this one has ${names.join(' and ')}: make each a step`
  const [first] = Object.keys(step)
  if (first === undefined) return `a step has a word: ${all.join(', ')}`
  return `unknown word ${first}${didYouMean(first, all) || `; the words: ${all.join(', ')}`}`
}
