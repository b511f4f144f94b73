/** What a case stands on: other cases, and limits. */
import type { OptionName } from '../policy/policy.ts'
import { type Case, limitsOf } from './case.ts'

/** What was chosen, and what must have passed before it says anything. */
export function withNeeds(cases: readonly Case[], chosen: (theCase: Case) => boolean): readonly Case[] {
  const wanted = new Set<string>()
  const want = ({ id, needs = [] }: Case): void => {
    if (wanted.has(id)) return
    wanted.add(id)
    for (const one of cases) if (needs.includes(one.id)) want(one)
  }
  for (const one of cases) if (chosen(one)) want(one)
  return cases.filter(({ id }) => wanted.has(id))
}

/**
 * Every limit that a case has to do with: what is due by it, what outlives it, what is a part of
 * it.
 */
export function touches(theCase: Case): readonly OptionName[] {
  const found = new Set<OptionName>(limitsOf(theCase))
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    const { outlive = [], of } = value as { outlive?: readonly OptionName[]; of?: OptionName }
    for (const name of [...outlive, ...(of === undefined ? [] : [of])]) found.add(name)
    Object.values(value).forEach(walk)
  }
  walk(theCase.steps)
  return [...found]
}
