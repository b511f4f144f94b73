import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childSeconds, coresIn } from './neighbours.ts'

test('a core is busy with programs and with what its host does, not with interrupts or waiting', () => {
  const stat = 'cpu  30 3 6 200 5 1 8 4 0 0\ncpu0 10 1 2 100 5 1 8 4 0 0\ncpu1 20 2 4 100 0 0 0 0 0 0\nintr 1 2 3\n'
  assert.deepEqual(coresIn(stat), [{ busy: 17 }, { busy: 26 }])
})

test('the time of the children is the second line of what times prints', () => {
  assert.equal(childSeconds('0m0.010s 0m0.000s\n0m1.250s 1m0.500s\n'), 61.75)
  assert.equal(childSeconds(''), 0)
})
