/**
 * All reasons to close a connection, from the modules of the limits (`policy/limits/`). No engine
 * looks at a reason's name.
 */
import { type LimitModule, limits, type ReasonName, type ReasonsOf } from '../policy/limits/list.ts'
import type { OptionName } from '../policy/policy.ts'
import type { Act, ReasonSpec } from '../policy/reason.ts'

export type { ReasonName } from '../policy/limits/list.ts'
export type { Act } from '../policy/reason.ts'

export interface Reason extends ReasonSpec {
  /** The limit that says so, under which it is counted. */
  readonly option: OptionName
}

type Named = { readonly [Name in ReasonName]: ReasonsOf<Name> & Reason }

export const reasons = Object.fromEntries(
  (Object.entries(limits) as [OptionName, LimitModule][]).flatMap(([option, { reasons = {} }]) =>
    Object.entries(reasons).map(([name, reason]) => [name, { option, ...reason }]),
  ),
) as Named

/** Those that end in this act. */
export type ReasonWith<A extends Act> = {
  [Name in ReasonName]: (typeof reasons)[Name]['act'] extends A ? Name : never
}[ReasonName]
