import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cores, quotaOf } from './cores.ts'
import { Restarts } from './restarts.ts'

test('a worker that dies is back at once, and one that dies again and again waits longer each time', () => {
  const restarts = new Restarts()
  const delays = Array.from({ length: 10 }, () => restarts.delayMs(null))
  assert.deepEqual(delays, [0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000])
})

test('one that has served for a while before it died begins anew', () => {
  const restarts = new Restarts()
  for (let count = 0; count < 4; count++) restarts.delayMs(50)
  assert.equal(restarts.isHopeless, false)
  assert.equal(restarts.delayMs(10_000), 0)
  assert.equal(restarts.isHopeless, false)
})

test('five deaths in a row are hopeless', () => {
  const restarts = new Restarts()
  for (let count = 0; count < 5; count++) restarts.delayMs(null)
  assert.equal(restarts.isHopeless, true)
})

test('workers that die together are one death: however many they are, others are started at once', () => {
  const restarts = new Restarts()
  const first = restarts.deaths
  assert.deepEqual(
    Array.from({ length: 16 }, () => restarts.delayMs(3_000, first)),
    Array(16).fill(0),
  )
  assert.equal(restarts.isHopeless, false)
  for (let round = 0; round < 4; round++) {
    const startedAfter = restarts.deaths
    for (let count = 0; count < 16; count++) restarts.delayMs(null, startedAfter)
  }
  assert.equal(restarts.isHopeless, true, 'five times all of them')
})

test('auto is what the cgroup leaves of the cores, and one at least', () => {
  assert.equal(quotaOf('max 100000\n'), Number.POSITIVE_INFINITY)
  assert.equal(quotaOf('250000 100000\n'), 3)
  assert.equal(cores(8, quotaOf('max 100000')), 8)
  assert.equal(cores(8, quotaOf('150000 100000')), 2)
  assert.equal(cores(8, quotaOf('10000 100000')), 1)
})
