import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bunClock } from '../../../src/policy/held-by.ts'
import { clockSeconds } from './clock.ts'

/** When Bun ends a connection whose clock was set to this, at the earliest and at the latest. */
const window = (seconds: number) => {
  const steps = Math.ceil(seconds / 4)
  return { earliestMs: (steps - 1) * 4_000, latestMs: steps * 4_000 }
}

test('the clock is never early, and less than two steps late', () => {
  for (let limitMs = 1; limitMs <= bunClock.longestMs; limitMs += 333) {
    const { earliestMs, latestMs } = window(clockSeconds(limitMs))
    assert.ok(earliestMs >= limitMs, `${limitMs} ms: ended after ${earliestMs}`)
    assert.ok(latestMs - limitMs <= 8_000, `${limitMs} ms: ended after ${latestMs}`)
  }
})

test('the longest limit is the last that Bun can be told', () => {
  assert.ok(window(clockSeconds(bunClock.longestMs)).earliestMs >= bunClock.longestMs)
  assert.ok(clockSeconds(bunClock.longestMs) <= 255)
  assert.ok(window(clockSeconds(bunClock.longestMs + 1)).earliestMs < bunClock.longestMs + 1)
})

test('a limit that is off stops the clock', () => assert.equal(clockSeconds(0), 0))
