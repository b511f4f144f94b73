import assert from 'node:assert/strict'
import { test } from 'node:test'
import { optionNames } from '../policy/policy.ts'
import {
  type Answering,
  answeringMoves,
  busy,
  type Event,
  limits,
  type Receiving,
  receivingMoves,
  type State,
  stateOf,
  waiting,
} from './states.ts'

type Pair = readonly [Receiving, Answering]

/** Every pair of sides that a legal sequence of events reaches. */
function reachable(): Pair[] {
  const seen = new Map<string, Pair>()
  const queue: Pair[] = [
    ['handshake', 'none'],
    ['accepted', 'none'],
  ]
  for (let pair = queue.pop(); pair; pair = queue.pop()) {
    if (seen.has(pair.join())) continue
    seen.set(pair.join(), pair)
    const [receiving, answering] = pair
    for (const event of Object.keys(receivingMoves[receiving]) as Event[]) {
      const next = receivingMoves[receiving][event]
      const answer = answeringMoves[answering][event]
      if (next !== undefined && answer !== undefined) {
        queue.push([next === 'whole' && answer === 'none' ? 'between' : next, answer])
      }
    }
  }
  return [...seen.values()]
}

test('every reachable pair of sides has a state, and every state but closing is reached', () => {
  const states = new Set<State>(reachable().map(([receiving, answering]) => stateOf(receiving, answering)))
  assert.deepEqual([...states, 'closing'].sort(), Object.keys(limits).sort())
})

test('an answer is never owed before a request has begun, and no waiting state owes one', () => {
  for (const [receiving, answering] of reachable()) {
    const state = stateOf(receiving, answering)
    if (answering !== 'none') assert.ok(receiving === 'body' || receiving === 'whole', `${receiving}/${answering}`)
    if (waiting.includes(state)) assert.equal(answering, 'none', state)
    if (answering !== 'none') assert.ok(busy[state], `${state} owes an answer and may not be hung up on`)
  }
})

test('every option that limits a state is one of the policy', () => {
  for (const options of Object.values(limits)) for (const option of options) assert.ok(optionNames.includes(option))
})

test('every state that only waits for its client has a limit', () => {
  for (const state of waiting) assert.ok(limits[state].length > 0, state)
})
