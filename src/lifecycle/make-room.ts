/**
 * Whom to close when room is needed: the connections that wait for their client, the longest wait
 * first.
 */
import type { Connection } from './connection.ts'
import { type State, waiting } from './states.ts'

interface Held {
  readonly connection: Connection
}

const turns: Readonly<Partial<Record<State, number>>> = Object.fromEntries(waiting.map((state, turn) => [state, turn]))

/**
 * Silent since accept first, then idle, then unfinished heads; within each, who has waited longest.
 */
const byTurn = ({ connection: a }: Held, { connection: b }: Held): number =>
  turns[a.state]! - turns[b.state]! || a.since - b.since

const bySince = ({ connection: a }: Held, { connection: b }: Held): number => a.since - b.since

/** A walk over many thousands: a callback is several times faster than an iterator. */
export interface Walk<M> {
  each(see: (member: M) => void): void
}

/** Those that have waited since `before` or longer. */
export function longestWaiting<M extends Held>(members: Walk<M>, before: number, count: number): M[] {
  const found: M[] = []
  let longest: M | null = null
  members.each((member) => {
    const { connection } = member
    if (connection.since > before || turns[connection.state] === undefined) return
    // At `maxConnections` each newcomer asks for one: no sorting for that.
    if (count !== 1) found.push(member)
    else if (longest === null || byTurn(member, longest) < 0) longest = member
  })
  if (count === 1) return longest === null ? [] : [longest]
  return found.sort(byTurn).slice(0, count)
}

/** Those in these states, however young. */
export function longestIn<M extends Held>(members: Walk<M>, states: readonly State[], count: number): M[] {
  const found: M[] = []
  members.each((member) => {
    if (states.includes(member.connection.state)) found.push(member)
  })
  return found.sort(bySince).slice(0, count)
}
