import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Trail } from './trail.ts'

/** A trail of so many moves, one each millisecond. */
function trailOf(count: number): Trail {
  const trail = new Trail()
  for (let move = 0; move < count; move++) trail.note(move % 2 === 0 ? 'bytes' : 'answered', move)
  return trail
}

test('a trail has each move and its time, in their order', () => {
  for (const count of [0, 1, 7, 8, 9, 31, 32]) {
    const trail = trailOf(count)
    assert.equal(trail.lost, 0)
    assert.deepEqual(
      trail.read(),
      Array.from({ length: count }, (_, move) => ({ mark: move % 2 === 0 ? 'bytes' : 'answered', atMs: move })),
    )
  }
})

test('a long trail has the last moves, and how many there were before', () => {
  for (const count of [33, 64, 100]) {
    const trail = trailOf(count)
    const moves = trail.read()
    assert.equal(trail.lost, count - 32)
    assert.equal(moves.length, 32)
    assert.equal(moves[0]!.atMs, count - 32)
    assert.equal(moves.at(-1)!.atMs, count - 1)
  }
})
