import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram } from './histogram.ts'

test('counts are cumulative, a bound belongs to its bucket, and what is longer is in the count', () => {
  const histogram = new Histogram([0.1, 1])
  for (const seconds of [0.05, 0.1, 0.5, 3]) histogram.add(seconds)
  assert.deepEqual(histogram.read(), { bounds: [0.1, 1], counts: [2, 3], count: 4, sum: 3.65 })
})
