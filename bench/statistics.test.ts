import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomFrom } from '../test/attack/random.ts'
import { median, percentile, shuffled, slope } from './statistics.ts'

test('the median of an even number of values is between the two in the middle', () => {
  assert.equal(median([5, 1, 3]), 3)
  assert.equal(median([4, 1, 3, 2]), 2.5)
  assert.equal(Number.isNaN(median([])), true)
})

test('the median sorts by number and leaves what it was given alone', () => {
  const given = [10, 9, 100]
  assert.equal(median(given), 10)
  assert.deepEqual(given, [10, 9, 100])
})

test('a percentile is a value that was measured', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1)
  assert.equal(percentile(hundred, 0.5), 50)
  assert.equal(percentile(hundred, 0.99), 99)
  assert.equal(percentile(hundred, 1), 100)
  assert.equal(percentile([7], 0), 7)
  assert.equal(Number.isNaN(percentile([], 0.5)), true)
})

test('the slope of a line is its own, wherever the line begins', () => {
  const line = [0, 1_000, 10_000, 100_000].map((x) => [x, 40 + 2.5 * x] as const)
  assert.ok(Math.abs(slope(line) - 2.5) < 1e-9)
})

test('a shuffle keeps every item and depends on its random numbers alone', () => {
  const items = ['a', 'b', 'c', 'd', 'e', 'f']
  const once = shuffled(items, randomFrom(7))
  assert.deepEqual(shuffled(items, randomFrom(7)), once)
  assert.deepEqual([...once].sort(), items)
  assert.deepEqual(items, ['a', 'b', 'c', 'd', 'e', 'f'])
})

test('a shuffle puts every item in every place as often', () => {
  const random = randomFrom(3)
  const places = { a: [0, 0, 0], b: [0, 0, 0], c: [0, 0, 0] }
  for (let round = 0; round < 6_000; round++) {
    for (const [place, item] of shuffled(['a', 'b', 'c'] as const, random).entries()) places[item][place]! += 1
  }
  for (const times of Object.values(places).flat()) assert.ok(Math.abs(times - 2_000) < 200, `${times} of 6,000`)
})
