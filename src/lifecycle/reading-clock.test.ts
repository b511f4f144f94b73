import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from './clock.ts'
import { readingFirst } from './reading-clock.ts'

/** Timers that run when the test says so, as after a pause of the process. */
function byHand() {
  let at = 0
  const timers = new Set<() => void>()
  const clock: Clock = {
    now: () => at,
    after(_, callback) {
      const fire = () => {
        timers.delete(fire)
        callback()
      }
      timers.add(fire)
      return () => void timers.delete(fire)
    },
  }
  return {
    clock: readingFirst(clock),
    fireAt(now: number) {
      at = now
      for (const fire of [...timers]) fire()
    },
    timers,
  }
}

test('a call in time comes at once', () => {
  const { clock, fireAt } = byHand()
  let calls = 0
  clock.after(100, () => (calls += 1))
  fireAt(110)
  assert.equal(calls, 1)
})

test('a late one waits once more until all has been read', () => {
  const { clock, fireAt } = byHand()
  let calls = 0
  clock.after(100, () => (calls += 1))
  fireAt(5_000)
  assert.equal(calls, 0)
  fireAt(5_055)
  assert.equal(calls, 1)
})

test('a wait into which another pause falls is no wait, but a loop that is never on time is not waited for', () => {
  const { clock, fireAt } = byHand()
  let calls = 0
  clock.after(100, () => (calls += 1))
  for (let at = 1_000; at <= 4_000; at += 1_000) fireAt(at)
  assert.equal(calls, 0)
  fireAt(5_000)
  assert.equal(calls, 1)
})

test('either wait can be taken back', () => {
  const { clock, fireAt, timers } = byHand()
  clock.after(100, () => assert.fail())()
  const cancel = clock.after(100, () => assert.fail())
  fireAt(5_000)
  assert.equal(timers.size, 1)
  cancel()
  fireAt(6_000)
  assert.equal(timers.size, 0)
})
