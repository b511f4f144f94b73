import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from './clock.fake.ts'
import { LongLived } from './long-lived.ts'

function scene({ streams = 1, drainSpreadMs = 0, drainTimeoutMs = 10_000, webSocketIdleTimeoutMs = 0 } = {}) {
  let next = 0
  const moments = [0.1, 0.5, 0.9]
  const clock = new FakeClock()
  const policy = { streams, drainSpreadMs, drainTimeoutMs, webSocketIdleTimeoutMs }
  const longLived = new LongLived(policy, () => moments[next++] ?? 0, clock)
  const told: string[] = []
  return { longLived, clock, told, add: (name: string) => longLived.add('eventStreams', () => told.push(name)) }
}

test('each is told of its end once, at its own moment within drainSpreadMs', () => {
  const { longLived, told, add } = scene({ drainSpreadMs: 1_000 })
  for (const name of ['a', 'b', 'c']) add(name)
  for (const [at, expected] of [
    [0, ''],
    [100, 'a'],
    [499, 'a'],
    [525, 'ab'],
    [925, 'abc'],
    [2_000, 'abc'],
  ] as const) {
    longLived.tick(at, 10_000 - at)
    assert.equal(told.join(''), expected, `at ${at}`)
  }
})

test('one that comes during the drain is told at the next tick', () => {
  const { longLived, told, add } = scene()
  longLived.tick(3_000, 7_000)
  add('late')
  longLived.tick(3_025, 6_975)
  assert.deepEqual(told, ['late'])
})

test('with streams: finish they are told a second before they are cut, and sooner in a short drain', () => {
  for (const [drainTimeoutMs, lastMs] of [
    [10_000, 1_000],
    [60_000, 1_000],
    [500, 50],
  ] as const) {
    const { longLived, told, add } = scene({ streams: 0, drainTimeoutMs })
    add('a')
    longLived.tick(0, lastMs + 1)
    assert.deepEqual(told, [])
    longLived.tick(0, lastMs)
    assert.deepEqual(told, ['a'])
  }
})

test('it counts what was told and is gone as ended, what is still there as cut, and not what left by itself', () => {
  const { longLived, add } = scene()
  assert.deepEqual(longLived.result, {})
  const [over, left] = [add('a'), add('b')]
  add('c')
  longLived.add('webSockets', () => {})
  left()
  longLived.tick(0, 10_000)
  over()
  over()
  assert.deepEqual(longLived.result, { eventStreams: { ended: 1, cut: 1 }, webSockets: { ended: 0, cut: 1 } })
})

test('its signal fires when the drain begins', () => {
  const { longLived } = scene()
  assert.equal(longLived.draining.aborted, false)
  longLived.announce()
  assert.equal(longLived.draining.aborted, true)
})

test('a WebSocket whose client does not answer for two seconds counts as ended', () => {
  const { longLived, add } = scene()
  add('a')
  longLived.add('webSockets', () => {})
  longLived.tick(0, 10_000)
  assert.deepEqual([longLived.unanswered(8_001), longLived.unanswered(8_000)], [0, 1])
  assert.equal(longLived.letGo(8_000), 1)
  assert.deepEqual(longLived.result, { eventStreams: { ended: 0, cut: 1 }, webSockets: { ended: 1, cut: 0 } })
})

test('a WebSocket is pinged at each half of webSocketIdleTimeoutMs until it is over, and never with it off', () => {
  for (const [webSocketIdleTimeoutMs, expected] of [
    [10_000, [5_000, 10_000, 15_000]],
    [0, []],
  ] as const) {
    const { longLived, clock } = scene({ webSocketIdleTimeoutMs })
    const pings: number[] = []
    const over = longLived.add(
      'webSockets',
      () => {},
      () => void pings.push(clock.now()),
    )
    clock.pass(19_999)
    over()
    clock.pass(60_000)
    assert.deepEqual(pings, expected)
    assert.equal(clock.pending, 0)
  }
})

test('WebSockets that have ended are counted by the code of their close, and streams are not', () => {
  const { longLived } = scene()
  assert.deepEqual(longLived.closes, {})
  for (const code of [1000, 1006, 1000]) longLived.add('webSockets', () => {})(code)
  longLived.add('eventStreams', () => {})()
  assert.deepEqual(longLived.closes, { 1000: 2, 1006: 1 })
})

test('and by who ended them: one that the drain has told counts as its own, whoever closes first', () => {
  const { longLived } = scene()
  longLived.add('webSockets', () => {})(1000)
  longLived.add('webSockets', () => {})(1000, true)
  longLived.add('webSockets', () => {})(1006)
  const over = longLived.add('webSockets', () => {})
  longLived.tick(0, 10_000)
  over(1001, true)
  longLived.add('eventStreams', () => {})()
  assert.deepEqual(longLived.ends, { client: 1, application: 1, lost: 1, drain: 1 })
})
