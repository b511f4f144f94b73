/**
 * Who holds each limit on one engine: the data behind the start-up report, the docs table and the
 * suite's time windows.
 */
import type { Descriptors } from '../lifecycle/descriptor-budget.ts'
import { type Enforced, type HeldBy, nobody } from './held-by.ts'
import { type LimitModule, limits } from './limits/list.ts'
import type { OptionName } from './policy.ts'

export type { Enforced } from './held-by.ts'

export type Enforcement = Readonly<Record<OptionName, Enforced>>

export const enforcementOf = (engine: keyof HeldBy): Enforcement =>
  Object.fromEntries(
    (Object.entries(limits) as [OptionName, LimitModule][]).map(([option, { heldBy, byRoute = {} }]) => {
      const how = byRoute[engine]
      return [option, how === undefined ? heldBy[engine] : { ...heldBy[engine], byRoute: how }]
    }),
  ) as Enforcement

/** Nobody holds the value, or only another can be held. 0 is off: there is nothing to hold. */
export function isUnheld({ by, max, fixed }: Enforced, value: number): boolean {
  if (value === 0) return false
  return by === 'nobody' || (max !== undefined && value > max) || (fixed !== undefined && value !== fixed)
}

/** Where the process's descriptors can't be told, nobody keeps any. */
export function enforcementWith(descriptors: Descriptors | null, enforcement: Enforcement): Enforcement {
  if (descriptors !== null) return enforcement
  return {
    ...enforcement,
    reservedDescriptors: nobody(
      'nothing says how many there are; on Linux /proc does (Deno: with --allow-all), or the C library (--allow-ffi)',
    ),
  }
}
