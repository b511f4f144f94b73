import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reading } from '../observe/reading.ts'
import { mergeReadings } from './readings.ts'
import { statusOf } from './upstreams.ts'

const counter = (value: number, option = 'idle'): Reading => ({
  name: 'closed_total',
  help: '',
  type: 'counter',
  samples: [{ labels: { option }, value }],
})
const gauge = (value: number): Reading => ({ name: 'open', help: '', type: 'gauge', samples: [{ labels: {}, value }] })
const histogram = (count: number): Reading => ({
  name: 'seconds',
  help: '',
  type: 'histogram',
  samples: [{ labels: {}, value: { bounds: [1], counts: [count], count: count + 1, sum: count } }],
})

test('counts and durations are added up, those of workers that have ended as well; what is now is each one’s', () => {
  const merged = mergeReadings(
    [
      { worker: 2, readings: [counter(1), gauge(5), histogram(1)] },
      { worker: 3, readings: [counter(10), counter(7, 'age'), gauge(6), histogram(2)] },
    ],
    [counter(100), histogram(4)],
  )
  const samples = Object.fromEntries(merged.map(({ name, samples }) => [name, samples]))
  assert.deepEqual(samples['closed_total'], [
    { labels: { option: 'idle' }, value: 111 },
    { labels: { option: 'age' }, value: 7 },
  ])
  assert.deepEqual(samples['open'], [
    { labels: { worker: 2 }, value: 5 },
    { labels: { worker: 3 }, value: 6 },
  ])
  assert.deepEqual(samples['seconds'], [{ labels: {}, value: { bounds: [1], counts: [7], count: 10, sum: 7 } }])
})

test('an upstream is shown once, with the connections of all workers and the worst that one thinks of it', () => {
  const member = {
    ...{ name: 'a:1', state: 'up', inFlight: 1, pool: { idle: 1, busy: 1, queued: 0 }, weight: 1, share: 1 },
    ...{ failuresInRow: 0, lastFailure: null, ejectedForMs: 0, checkPassed: true },
  } as const
  const ejected = { ...member, state: 'ejected', share: 0, failuresInRow: 5 } as const
  const status = (a: object) => ({ groups: { app: [a] }, tunnels: 1, spooledBytes: 10 }) as never
  const { groups, tunnels, spooledBytes } = statusOf([status(member), status(ejected), status(member)])
  assert.deepEqual(groups, { app: [{ ...ejected, inFlight: 3, pool: { idle: 3, busy: 3, queued: 0 } }] })
  assert.deepEqual([tunnels, spooledBytes], [3, 30])
})
