import assert from 'node:assert/strict'
import { test } from 'node:test'
import { optionNames } from '../policy/policy.ts'
import { elsewhere, rules } from './limits.ts'
import {
  answeringMoves,
  busy,
  type Event,
  endingMoves,
  keepsClock,
  receivingMoves,
  type State,
  waiting,
} from './states.ts'
import { reachable } from './walk.ts'

test('every reachable pair of sides has a state, and every state is reached', () => {
  const states = new Set<State>(reachable().map(({ state }) => state))
  assert.deepEqual([...states].sort(), Object.keys(rules).sort())
})

test('a response is never owed before a request has begun, and no waiting state owes one', () => {
  for (const { pair, state } of reachable()) {
    const { receiving, answering } = pair
    if (answering !== 'none') assert.ok(receiving === 'body' || receiving === 'whole', `${receiving}/${answering}`)
    if (waiting.includes(state)) assert.equal(answering, 'none', state)
    if (answering !== 'none' && state !== 'closing') assert.ok(busy[state], `${state} owes a response`)
  }
})

test('no table names a move that no sequence of events can make', () => {
  const made = new Set(reachable().flatMap(({ pair, moves }) => moves.map((event) => `${pair.receiving} ${event}`)))
  for (const [side, moves] of Object.entries(receivingMoves)) {
    for (const event of Object.keys(moves)) assert.ok(made.has(`${side} ${event}`), `${side} ${event}`)
  }
  for (const [side, events] of Object.entries(keepsClock)) {
    for (const event of events ?? []) assert.ok(made.has(`${side} ${event}`), `${side} ${event}`)
  }
  const answered = new Set(reachable().flatMap(({ pair, moves }) => moves.map((event) => `${pair.answering} ${event}`)))
  for (const [side, moves] of Object.entries(answeringMoves)) {
    for (const event of Object.keys(moves) as Event[]) assert.ok(answered.has(`${side} ${event}`), `${side} ${event}`)
  }
})

test('an ending never goes back', () => {
  const order = Object.keys(endingMoves)
  for (const [at, moves] of Object.entries(endingMoves)) {
    for (const to of Object.values(moves)) assert.ok(order.indexOf(to) >= order.indexOf(at), `${at} → ${to}`)
  }
})

test('every option that limits a state is one of the policy', () => {
  const named = [
    ...Object.values(rules).flatMap((some) => some.flatMap(({ options }) => options)),
    ...Object.values(elsewhere).flat(),
  ]
  for (const option of named) assert.ok(optionNames.includes(option), option)
})
