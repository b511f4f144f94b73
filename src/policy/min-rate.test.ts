import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MinRate, type RateBreach, type RateLimits } from './min-rate.ts'

const limits: RateLimits = { quietMs: 3_000, bytesPerSec: 1_000, graceMs: 2_000 }

/**
 * Feeds `bytes` every `everyMs`; returns when and why it ran out, or null if it lasts for `forMs`.
 */
function run(given: RateLimits, bytes: number, everyMs: number, forMs: number): { at: number; why: RateBreach } | null {
  const pace = new MinRate(given, 0, 0)
  let total = 0
  for (let at = everyMs; at <= forMs; at += everyMs) {
    total += bytes
    const why = pace.look(at, total, true)
    if (why) return { at, why }
  }
  return null
}

test('silence runs out after quietMs when there is no rate', () => {
  assert.deepEqual(run({ ...limits, bytesPerSec: 0 }, 0, 100, 10_000), { at: 3_000, why: 'quiet' })
})

test('silence runs out after the grace when the rate is the shorter clock', () => {
  assert.deepEqual(run(limits, 0, 100, 10_000), { at: 2_000, why: 'rate' })
})

test('a trickle below the rate runs out though it is never quiet', () => {
  const out = run(limits, 10, 100, 60_000)
  assert.equal(out?.why, 'rate')
  assert.ok(out.at > 2_000 && out.at < 3_000, `at ${out.at}`)
})

test('at the rate a body lives for ever', () => {
  assert.equal(run(limits, 100, 100, 600_000), null)
})

test('a fast beginning pays for no more trickle than quiet time allows', () => {
  const pace = new MinRate(limits, 0, 0)
  assert.equal(pace.look(100, 1e9, true), null)
  let total = 1e9
  let at = 100
  while (pace.look(at, total, true) === null) {
    at += 100
    total += 1
    assert.ok(at < 5_000, 'the gigabyte paid for the trickle')
  }
})

test('time in which the peer owes nothing does not count', () => {
  const pace = new MinRate(limits, 0, 0)
  assert.equal(pace.look(1_900, 0, false), null)
  assert.equal(pace.look(100_000, 0, false), null)
  assert.equal(pace.look(100_000, 0, true), null, 'it resumes with what was left')
  assert.equal(pace.look(100_050, 0, true), null)
  assert.equal(pace.look(100_200, 0, true), 'rate')
})

test('switched off, nothing runs out', () => {
  assert.equal(run({ quietMs: 0, bytesPerSec: 0, graceMs: 2_000 }, 0, 1_000, 1e7), null)
})

test('any body at or above the rate, looked at at any times, lives; any silence ends by the shorter clock', () => {
  fc.assert(
    fc.property(
      fc.record({
        quietMs: fc.integer({ min: 500, max: 60_000 }),
        bytesPerSec: fc.integer({ min: 1, max: 1e6 }),
        graceMs: fc.integer({ min: 1, max: 10_000 }),
      }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 200 }),
      (given, gaps) => {
        const pace = new MinRate(given, 0, 0)
        let at = 0
        let total = 0
        for (const gap of gaps) {
          at += gap
          // What came in the gap is at least what the rate asks for it.
          total += Math.ceil((gap * given.bytesPerSec) / 1000)
          if (gap < given.graceMs) assert.equal(pace.look(at, total, true), null)
          else return
        }
        const end = at + Math.max(given.quietMs, given.graceMs)
        assert.notEqual(pace.look(end, total, true), null)
      },
    ),
  )
})

test('limits that change count what was quiet before, and keep the credit that is left', () => {
  const pace = new MinRate(limits, 0, 0)
  assert.equal(pace.look(1_000, 100, true), null)
  pace.change({ ...limits, quietMs: 500, bytesPerSec: 0 }, 1_200)
  assert.equal(pace.look(1_499, 100, true), null)
  assert.equal(pace.look(1_500, 100, true), 'quiet')
  const slower = new MinRate({ ...limits, quietMs: 0 }, 0, 0)
  assert.equal(slower.look(1_000, 0, true), null)
  slower.change({ ...limits, quietMs: 0, graceMs: 5_000 }, 1_000)
  assert.equal(slower.look(4_999, 0, true), null)
  assert.equal(slower.look(5_000, 0, true), 'rate')
  const none = new MinRate({ quietMs: 0, bytesPerSec: 0, graceMs: 2_000 }, 0, 0)
  assert.equal(none.dueAt, Number.POSITIVE_INFINITY)
  none.change(limits, 10_000)
  assert.equal(none.dueAt, 3_000, 'it has been quiet since')
})
