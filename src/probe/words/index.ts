/**
 * Every word: those that one client can be told (`list.ts`), and those that speak of many clients.
 */
import type * as v from 'valibot'
import { type StepOf, type Vocabulary, vocabulary } from '../word.ts'
import crowd from './crowd.ts'
import crowdEnded from './crowd-ended.ts'
import drain from './drain.ts'
import * as list from './list.ts'
import race from './race.ts'

type AnyWord = (typeof list)[keyof typeof list] | typeof crowd | typeof crowdEnded | typeof race | typeof drain

/** One step of a case: a word with what it takes. */
export type Step = StepOf<AnyWord>

export const words: Vocabulary<AnyWord> = vocabulary([...Object.values(list), crowd, crowdEnded, race, drain])

/**
 * An interface, because a compiler that writes declarations names those, and spells out everything
 * else at each use.
 */
export interface StepsSchema extends v.GenericSchema<Step[]> {}
