import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rangeOf } from './range.ts'

test('a range is read as RFC 9110 14.1 says, within the size', () => {
  const cases: Readonly<Record<string, readonly [number, number] | 'unsatisfiable' | null>> = {
    'bytes=0-3': [0, 3],
    'bytes=3-': [3, 9],
    'bytes=-3': [7, 9],
    'bytes=-100': [0, 9],
    'bytes=9-20': [9, 9],
    'BYTES = 0 - 1 ': [0, 1],
    'bytes=10-': 'unsatisfiable',
    'bytes=-0': 'unsatisfiable',
    'bytes=5-2': null,
    'bytes=0-1,3-4': null,
    'bytes=a-b': null,
    'bytes=-': null,
    'bytes=': null,
    'items=0-1': null,
    'bytes=0-9999999999999999999': null,
    '': null,
  }
  for (const [field, expected] of Object.entries(cases)) {
    const range = rangeOf(field, 10)
    assert.deepEqual(range !== null && typeof range === 'object' ? [range.first, range.last] : range, expected, field)
  }
  assert.equal(rangeOf('bytes=0-', 0), 'unsatisfiable')
  assert.equal(rangeOf('bytes=-1', 0), 'unsatisfiable')
})

test('a range of blanks costs no more than its bytes', () => {
  const began = performance.now()
  for (let i = 0; i < 20; i++) rangeOf(`bytes=${' '.repeat(30_000)}x-${' '.repeat(30_000)}y`, 10)
  assert.ok(performance.now() - began < 200)
})
