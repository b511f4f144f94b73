import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndedConnection } from '../../observe/flight-recorder.ts'
import { partsOf, roundUp, spanOf, topOf } from './chart.ts'

const at = (ms: number, idle: number) => ({ at: ms, states: { idle }, opened: 0, requests: 0 })

test('a scale ends at the next number that is easy to read', () => {
  assert.deepEqual([0, 1, 3, 7, 11, 150, 401, 999, 4_001].map(roundUp), [1, 1, 4, 8, 20, 200, 500, 1_000, 5_000])
  assert.equal(topOf([]), 4)
  assert.equal(topOf([at(0, 9), at(1, 150)]), 200)
})

test('a drawing shows whole minutes, from one to five', () => {
  assert.equal(spanOf([], 10_000).ms, 60_000)
  assert.equal(spanOf([at(0, 1)], 61_000).ms, 120_000)
  assert.equal(spanOf([at(0, 1)], 3_600_000).ms, 300_000)
})

test('the parts of a life follow its moves, and the last lasts until its end', () => {
  const ended = {
    openedAt: 1_000,
    endedAt: 6_000,
    moves: [
      { mark: 'bytes', atMs: 10 },
      { mark: 'request', atMs: 20 },
      { mark: 'begun', atMs: 50 },
      { mark: 'answered', atMs: 60 },
    ],
    movesLeftOut: 0,
  } as unknown as EndedConnection
  assert.deepEqual(partsOf(ended), [
    { group: 'arriving', ms: 20 },
    { group: 'handling', ms: 30 },
    { group: 'responding', ms: 10 },
    { group: 'idle', ms: 4_940 },
  ])
  assert.deepEqual(partsOf({ ...ended, moves: [] }), [{ group: 'arriving', ms: 5_000 }])
})
