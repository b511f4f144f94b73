/**
 * Which limit holds in which state, gathered from the modules of the limits (`policy/limits/`) and
 * executed by every observer: when a connection is due, and why it is closed. No engine has a limit
 * of its own.
 */
import { type LimitModule, limits } from '../policy/limits/list.ts'
import type { OptionName, Policy } from '../policy/policy.ts'
import { type Limit, never, type Rule } from '../policy/rule.ts'
import { reasons } from './reasons.ts'
import { type State, states } from './states.ts'

export type { Clocks, Limit, Rule, Sample } from '../policy/rule.ts'

const modules = Object.entries(limits) as [OptionName, LimitModule][]

/** It ends the connection, or else asks again at each look from then on. */
const ends = (rule: Rule): boolean => rule.reasons.every((name) => reasons[name].act !== 'refuse-body')

/**
 * The rules of each state, in the order in which they are asked: that of the options, but those
 * that only refuse a body come last, so that they never keep another from being asked.
 */
export const rules = Object.fromEntries(
  states.map((state): [State, readonly Rule[]] => {
    const found = modules.flatMap(([, { rules = {} }]) => rules[state] ?? [])
    return [state, [...found.filter(ends), ...found.filter((rule) => !ends(rule))]]
  }),
) as { readonly [Name in State]: readonly Rule[] }

/**
 * Limits of a state that are enforced where the bytes or the handler are: by the parser, and around
 * the handler.
 */
export const elsewhere: Readonly<Partial<Record<State, readonly OptionName[]>>> = Object.fromEntries(
  states.map((state) => [state, modules.filter(([, { heldIn }]) => heldIn === state).map(([option]) => option)]),
)

/**
 * The rules under one policy, bound once per server: a look at a connection is a loop over a few
 * closures.
 */
export interface Limits {
  readonly policy: Policy
  readonly in: Readonly<Record<State, readonly Limit[]>>
}

export function bindLimits(policy: Policy): Limits {
  const bound = (rule: Rule): Limit[] => {
    const limit = rule.bind(policy)
    return limit === null ? [] : [{ ...limit, option: rule.options[0]! }]
  }
  const states = Object.entries(rules).map(([state, some]) => [state, some.flatMap(bound)])
  return { policy, in: Object.fromEntries(states) as Limits['in'] }
}

/**
 * The least time in which a limit of these states can run out; Infinity: none can. For a
 * schedule of looks.
 */
export function shortestMs(limits: Limits, ...states: readonly State[]): number {
  return Math.min(never, ...states.flatMap((state) => limits.in[state].map((limit) => limit.shortestMs)))
}
