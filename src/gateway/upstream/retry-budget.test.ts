import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RetryBudget } from './retry-budget.ts'

function budget(percent: number, minPerSec: number) {
  const time = { at: 0 }
  const of = new RetryBudget(percent, minPerSec, () => time.at)
  return {
    time,
    requests(count: number) {
      for (let i = 0; i < count; i++) of.request()
    },
    retries(tries: number): number {
      let given = 0
      for (let i = 0; i < tries; i++) if (of.tryRetry()) given += 1
      return given
    },
  }
}

test('a fifth of the requests may be retried, and no more', () => {
  const { requests, retries } = budget(20, 0)
  requests(1_000)
  assert.equal(retries(1_000), 200)
})

test('without any requests the reserve is what may be retried', () => {
  assert.equal(budget(20, 10).retries(1_000), 100)
  assert.equal(budget(20, 0).retries(1_000), 0)
})

test('requests older than ten seconds buy nothing', () => {
  const { time, requests, retries } = budget(10, 0)
  requests(1_600)
  time.at = 9_999
  requests(1_600)
  assert.equal(retries(3), 3)
  time.at = 10_000
  const given = retries(1_600)
  // 16 of the second lot came before the clock was read again.
  assert.equal(given, Math.floor((1_600 - 16) / 10) - 3)
  time.at = 3_600_000
  assert.equal(retries(1_600), 0)
})

test('requests so few that the clock is not read count for the time before them', () => {
  const { time, requests, retries } = budget(100, 0)
  time.at = 60_000
  requests(15)
  assert.equal(retries(15), 0)
  requests(15)
  assert.equal(retries(15), 15)
})

test('retries older than ten seconds are forgotten', () => {
  const { time, retries } = budget(20, 1)
  assert.equal(retries(100), 10)
  time.at = 9_999
  assert.equal(retries(100), 0)
  time.at = 10_000
  assert.equal(retries(100), 10)
})

test('a percentage of 0 is no limit', () => {
  assert.equal(budget(0, 0).retries(1_000), 1_000)
})

test('a retry that is given is within the budget of its ten seconds', () => {
  const step = fc.record({ afterMs: fc.nat({ max: 4_000 }), requests: fc.nat({ max: 50 }), tries: fc.nat({ max: 50 }) })
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 100 }),
      fc.nat({ max: 3 }),
      (steps, percent, min) => {
        const { time, requests, retries } = budget(percent, min)
        const done: { second: number; requests: number; retries: number }[] = []
        for (const step of steps) {
          time.at += step.afterMs
          requests(step.requests)
          const second = Math.floor(time.at / 1_000)
          done.push({ second, requests: step.requests, retries: retries(step.tries) })
          const window = done.filter((one) => one.second > second - 10)
          const sum = (of: 'requests' | 'retries') => window.reduce((total, one) => total + one[of], 0)
          if (done.at(-1)!.retries > 0) assert.ok(sum('retries') * 100 <= sum('requests') * percent + min * 1_000)
        }
      },
    ),
  )
})
