import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesText, countText, durationText, timeText } from './words.ts'

test('durations are told in their two largest units', () => {
  assert.deepEqual([-3, 0, 999, 1_000, 59_949, 59_960, 61_000, 3_600_000, 3_720_000, 90_000_000].map(durationText), [
    '0 ms',
    '0 ms',
    '999 ms',
    '1.0 s',
    '59.9 s',
    '1 min',
    '1 min 1 s',
    '1 h',
    '1 h 2 min',
    '1 d 1 h',
  ])
})

test('bytes have at most three digits and a unit, counts are grouped, time is UTC', () => {
  assert.deepEqual([0, 999, 1_000, 9_940, 9_960, 123_456, 999_600, 5e15].map(bytesText), [
    '0 B',
    '999 B',
    '1.0 kB',
    '9.9 kB',
    '10 kB',
    '123 kB',
    '1.0 MB',
    '5000 TB',
  ])
  assert.equal(countText(1_234_567), '1,234,567')
  assert.equal(timeText(3_723_000), '01:02:03')
})
