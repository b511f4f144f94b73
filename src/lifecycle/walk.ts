/**
 * Every place that a connection can reach, found by walking the tables: for the tests and the docs.
 */
import {
  type Beginning,
  beginnings,
  type Ending,
  type EndingEvent,
  type Event,
  endingMoves,
  type Pair,
  receivingMoves,
  type State,
  stateOf,
  step,
} from './states.ts'

export interface Place {
  readonly first: Beginning
  /** One way to it. */
  readonly events: readonly (Event | EndingEvent)[]
  readonly pair: Pair
  readonly ending: Ending
  readonly state: State
  /** Every event that may happen here. */
  readonly moves: readonly Event[]
}

const events = [...new Set(Object.values(receivingMoves).flatMap((moves) => Object.keys(moves)))] as Event[]
const endings = Object.keys(endingMoves.open) as EndingEvent[]

export function reachable(): Place[] {
  const seen = new Map<string, Place>()
  const queue: Pick<Place, 'first' | 'events' | 'pair' | 'ending'>[] = (['handshake', 'accepted'] as const).map(
    (first) => ({ first, events: [], pair: beginnings[first], ending: 'open' }),
  )
  for (const place of queue) {
    const { first, pair, ending } = place
    const name = `${pair.receiving}/${pair.answering}/${ending}`
    if (seen.has(name)) continue
    const state = stateOf(pair, ending)
    const next = events.flatMap((event) => {
      const after = state === 'closing' ? null : step(pair, event)
      return after === null ? [] : [{ event, after }]
    })
    seen.set(name, { ...place, state, moves: next.map(({ event }) => event) })
    for (const { event, after } of next) queue.push({ first, events: [...place.events, event], pair: after, ending })
    for (const event of endings) {
      queue.push({ first, events: [...place.events, event], pair, ending: endingMoves[ending][event] })
    }
  }
  return [...seen.values()]
}

export const isEnding = (event: Event | EndingEvent): event is EndingEvent =>
  (endings as readonly string[]).includes(event)
