import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, plural, range, spanOf, time } from './numbers.ts'

const times = {
  0: '0 ms',
  0.04: '0 ms',
  3.21: '3.2 ms',
  9.97: '10 ms',
  480.4: '480 ms',
  999.7: '1 s',
  2030: '2.03 s',
  9999: '10 s',
  75000: '75 s',
  99960: '1 m 40 s',
  120000: '2 m',
}
test('times have three digits and the unit that fits', () => {
  for (const [ms, text] of Object.entries(times)) assert.equal(time(Number(ms)), text)
})

test('a unit that both ends have is said once', () => {
  assert.equal(range(1_950, 2_400), '1.95 – 2.4 s')
  assert.equal(range(950, 2_400), '950 ms – 2.4 s')
  assert.equal(spanOf(3_000, 3_090), '3 s')
  assert.equal(spanOf(3_000, 3_330), '3 – 3.33 s')
})

test('sizes are powers of 1024', () => {
  assert.deepEqual([0, 41, 1_023, 1_024, 1_536, 16 * 2 ** 20, 150 * 2 ** 20].map(bytes), [
    ...['0 B', '41 B', '1023 B', '1 kB', '1.5 kB', '16 MB', '150 MB'],
  ])
})

test('one is not many', () => {
  assert.deepEqual([plural(1, 'leak'), plural(2, 'leak'), plural(0, 'case')], ['1 leak', '2 leaks', '0 cases'])
})
