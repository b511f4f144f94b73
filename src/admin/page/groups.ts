/** The states of a connection in groups that a chart can tell apart. */
import type { State } from '../../lifecycle/states.ts'

export const groupOf: Readonly<Record<State, Group>> = {
  handshake: 'arriving',
  accepted: 'arriving',
  head: 'arriving',
  body: 'uploading',
  handling: 'handling',
  writing: 'responding',
  streaming: 'responding',
  discarding: 'closing',
  idle: 'idle',
  upgraded: 'upgraded',
  closing: 'closing',
}

/** In the order of the chart, from its ground up: those that only wait are on top. */
export const groups = ['handling', 'responding', 'uploading', 'upgraded', 'arriving', 'closing', 'idle'] as const

export type Group = (typeof groups)[number]

export const statesOf = (group: Group): State[] =>
  (Object.keys(groupOf) as State[]).filter((state) => groupOf[state] === group)

export const isGroup = (name: string): name is Group => (groups as readonly string[]).includes(name)

export function countIn(group: Group, counts: Readonly<Partial<Record<State, number>>>): number {
  return statesOf(group).reduce((sum, state) => sum + (counts[state] ?? 0), 0)
}
