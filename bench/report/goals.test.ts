import assert from 'node:assert/strict'
import { test } from 'node:test'
import { passingName } from '../proxies.ts'
import { engineGoals, type Goal, gatewayGoals, isMet, missedList, scaleGoals, weightGoals } from './goals.ts'

const stamp = { machine: 'm', date: '2026-01-01', versions: {} }
const goal: Goal = { key: 'a/b', what: 'A', must: 'at least', goal: 1, measured: 1, digits: 2, unit: '' }
const result = (name: string, cpuMicros: number, p99Ms: number) => ({
  name,
  sample: { cpuMicros: 10, requestsPerSec: 1, p50Ms: 0.5, p99Ms: 1 },
  ratio: { cpuMicros, requestsPerSec: 1 / cpuMicros, p50Ms: 1, p99Ms },
  disturbed: 0,
})

test('a goal is judged by the figure that is shown', () => {
  assert.equal(isMet({ ...goal, measured: 0.996 }), true)
  assert.equal(isMet({ ...goal, measured: 0.994 }), false)
  assert.equal(isMet({ ...goal, must: 'at most', measured: 1.004 }), true)
  assert.equal(isMet({ ...goal, must: 'at most', measured: 1.006 }), false)
})

test('an engine that takes more time than the runtime’s own server misses its goal, and is bold', () => {
  const results = [
    result('Bun.serve', 1, 1),
    result('hangup, native engine', 1.25, 1),
    result('hangup, hangup engine', 0.8, 1.5),
  ]
  const { text, goals } = engineGoals({ bun: { loads: { hello: { stamp, title: 'hello', results } }, events: null } })
  assert.deepEqual(
    goals.map(({ key, measured }) => [key, measured, isMet(goals.find((one) => one.key === key)!)]),
    [
      ['bun-native/hello', 0.8, false],
      ['bun-native/hello/p99', 1, true],
      ['bun-hangup/hello', 1.25, true],
      ['bun-hangup/hello/p99', 1.5, false],
    ],
  )
  assert.match(text, /\| bun, native engine \| \*\*0\.80\*\* \|/)
  assert.match(text, /\| bun, hangup engine \| 1\.25 \|/)
})

test('Node’s hangup engine has to be faster on small messages than on large ones', () => {
  const loads = Object.fromEntries(
    ['hello', 'bytes'].map((load) => [
      load,
      { stamp, title: load, results: [result('@hono/node-server', 1, 1), result('hangup, hangup engine', 0.9, 1)] },
    ]),
  )
  const { goals } = engineGoals({ node: { loads, events: null } })
  assert.deepEqual(
    goals.filter(({ key }) => !key.endsWith('p99')).map((one) => [one.key, one.goal, isMet(one)]),
    [
      ['node-hangup/hello', 1.4, false],
      ['node-hangup/bytes', 1, true],
    ],
  )
})

test('a gateway has a goal for each load, a proxy beside it has none', () => {
  const results = [result('nginx', 1, 1), result('Caddy', 4, 5), result('hangup on bun', 1.2, 1.9)]
  const goals = gatewayGoals({ loads: { small: { stamp, title: 'GET 13 B', results } } })
  assert.deepEqual(
    goals.map((one) => [one.key, one.goal, isMet(one)]),
    [
      ['gateway-bun/small', 0.8, true],
      ['gateway-bun/small/p99', 2, true],
    ],
  )
})

test('a resumed session is compared with a new one on nginx', () => {
  const rows = [
    { name: 'nginx', newMicros: 100, resumedMicros: 40 },
    { name: 'hangup on node', newMicros: 300, resumedMicros: 110 },
    { name: 'hangup on bun', newMicros: 200, resumedMicros: 60 },
  ]
  assert.deepEqual(
    gatewayGoals({ handshakes: { stamp, rows } }).map((one) => [one.key, one.measured, isMet(one)]),
    [
      ['gateway-node/handshakes', 1.1, false],
      ['gateway-bun/handshakes', 0.6, true],
    ],
  )
})

test('memory of ours is the slope over what a server stands on', () => {
  const rows = (bytesEach: number, lateMs: { p50: number; p99: number } | null) =>
    [0, 1_000, 10_000].map((connections) => ({
      connections,
      cpuPercent: 1,
      bytes: connections * bytesEach,
      throughput: 1,
      cpuMicros: 1,
      lateMs,
    }))
  const goals = scaleGoals({
    servers: {
      'bun-raw': { stamp, rows: rows(1_024, null) },
      'bun-hangup': { stamp, rows: rows(4_096, { p50: 10, p99: 300 }) },
    },
    memory: {},
  })
  assert.deepEqual(
    goals.map((one) => [one.key, Math.round(one.measured), isMet(one)]),
    [
      ['bun-hangup/idle-memory', 3, false],
      ['bun-hangup/idle-cpu', 1, true],
      ['bun-hangup/idle-beside', 1, true],
      ['bun-hangup/idle-late', 300, false],
    ],
  )
})

test('memory grows from the first requests on, not from rest', () => {
  const goals = weightGoals({
    memory: {
      'gateway-bun': {
        stamp,
        bytes: [
          [0, 30e6],
          [200_000, 60e6],
          [1_000_000, 66e6],
        ],
      },
    },
  })
  assert.deepEqual(
    goals.map((one) => [one.key, Math.round(one.measured), isMet(one)]),
    [
      ['gateway-bun/growth', 10, false],
      ['gateway-bun/memory', 63, true],
    ],
  )
})

test('what is missed is told with its note, its group’s, or that there is none', () => {
  const missed = { ...goal, measured: 0.5 }
  const notes = { 'a/b': 'the kernel', c: 'all of it' }
  assert.equal(missedList([goal], {}), '1 of 1 goals are met.')
  const text = missedList([goal, missed, { ...missed, key: 'c/d', what: 'C' }, { ...missed, key: 'e/f' }], notes)
  assert.match(text, /^1 of 4 goals are met\./)
  assert.match(text, /\| A \| at least 1 \| \*\*0\.50\*\* \| {2}\| {2}\| the kernel \|/)
  assert.match(text, /\| C \|.*\| all of it \|/)
  assert.match(text, /\| not profiled yet \|/)
})

test('a gateway that misses its goal is told with what its sockets cost, and where its time goes', () => {
  const shares = (kernel: number) => ({ kernel, program: 1 - kernel, compiled: 0, beside: 0 })
  const results = [
    { ...result('nginx', 1, 1), places: shares(0.9) },
    { ...result('hangup on bun', 2, 3), places: shares(0.5) },
    result(passingName('bun'), 1.25, 1.5),
  ]
  const text = missedList(gatewayGoals({ loads: { small: { stamp, title: 'GET 13 B', results } } }), {})
  const [speed, p99] = text.split('\n').filter((line) => line.startsWith('| gateway'))
  assert.match(speed!, /\| sockets of bun, bytes passed on: 0\.80 \| CPU µs: kernel 9\.0 → 5\.0, program 1\.0 → 5\.0, /)
  assert.match(p99!, /\| sockets of bun, bytes passed on: 1\.50 \| ms: median 0\.50 → 0\.50, p99 1\.00 → 1\.00 \| /)
})
