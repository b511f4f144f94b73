/** Every word: those that one client can be told (`list.ts`), and those that speak of many clients. */
import { type StepOf, vocabulary } from '../word.ts'
import crowd from './crowd.ts'
import crowdEnded from './crowd-ended.ts'
import drain from './drain.ts'
import * as list from './list.ts'
import race from './race.ts'

export const words = vocabulary([...Object.values(list), crowd, crowdEnded, race, drain])

/** One step of a case: a word with what it takes. */
export type Step = StepOf<(typeof words)['words'][number]>
