import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CheckConfig } from '../config/config.ts'
import { failuresToEject, forgiveMs, Health, type HealthEvent, longestEjectMs, moves, takesRequests } from './health.ts'

const check: CheckConfig = { path: '/up', intervalMs: 1_000, timeoutMs: 500, unhealthyAfter: 3, healthyAfter: 2 }

/** Fails until it is ejected; returns when it is up again. */
function eject(health: Health, at: number): number {
  for (let i = 0; i < failuresToEject && health.state !== 'ejected'; i++) health.failed(at, 'ended', false)
  assert.equal(health.state, 'ejected')
  return at + health.lastEjectionMs
}

/** Looks whenever it is due, up to and at `until`. */
function lookUntil(health: Health, until: number): void {
  while (health.dueAt <= until) health.look(health.dueAt)
}

test('every move leads to a state that has moves of its own', () => {
  for (const row of Object.values(moves)) for (const next of Object.values(row)) assert.ok(next in moves)
})

test('five failures in a row eject, four do not', () => {
  const health = new Health()
  for (let i = 0; i < 4; i++) assert.equal(health.failed(0, 'connect', false), null)
  assert.equal(health.state, 'up')
  assert.equal(health.failed(0, 'connect', false), 'ejected')
  assert.equal(health.state, 'ejected')
  assert.equal(health.lastFailure, 'connect')
})

test('an answer begins the row anew', () => {
  const health = new Health()
  for (let i = 0; i < 40; i++) {
    if (i % 5 === 4) health.succeeded(i)
    else assert.equal(health.failed(i, 'ended', false), null)
  }
})

test('an ejection lasts ten seconds, and then the share grows by a tenth a second', () => {
  const health = new Health()
  assert.equal(eject(health, 1_000), 11_000)
  assert.equal(health.look(10_999), false)
  assert.equal(health.look(11_000), true)
  assert.equal(health.state, 'slow-start')
  const shares = Array.from({ length: 10 }, (_, second) => {
    lookUntil(health, 11_000 + second * 1_000)
    return health.share
  })
  assert.deepEqual(shares, [0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
  lookUntil(health, 21_000)
  assert.equal(health.state, 'up')
  assert.equal(health.share, 1)
  assert.equal(health.dueAt, Number.POSITIVE_INFINITY)
})

test('its share grows on time also where a sum of times is rounded', () => {
  const ejectedAt = 5_500.1
  assert.ok(ejectedAt + 11_000 - (ejectedAt + 10_000) < 1_000)
  const health = new Health()
  health.look(eject(health, ejectedAt))
  health.look(health.dueAt)
  assert.equal(health.share, 0.1)
  assert.equal(health.dueAt, ejectedAt + 12_000)
})

test('the first failure after an ejection ejects again, for twice as long, up to five minutes', () => {
  const health = new Health()
  const times: number[] = []
  let now = eject(health, 0)
  for (let i = 0; i < 8; i++) {
    times.push(health.lastEjectionMs)
    health.look(now)
    assert.equal(health.failed(now, 'ended', false), 'ejected')
    now += health.lastEjectionMs
  }
  assert.deepEqual(times, [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000])
})

test('after its first answer it takes five failures again', () => {
  const health = new Health()
  const back = eject(health, 0)
  health.look(back)
  health.succeeded(back)
  assert.ok(health.spotless)
  for (let i = 0; i < 4; i++) assert.equal(health.failed(back, 'ended', false), null)
  assert.equal(health.failed(back, 'ended', false), 'ejected')
  assert.equal(health.lastEjectionMs, 20_000)
})

test('each minute of good behaviour undoes one doubling', () => {
  const health = new Health()
  let now = eject(health, 0)
  for (let i = 0; i < 2; i++) {
    health.look(now)
    now = eject(health, now)
  }
  assert.equal(health.lastEjectionMs, 40_000)
  lookUntil(health, now)
  health.succeeded(now)
  const later = now + 2 * forgiveMs
  lookUntil(health, later)
  eject(health, later)
  assert.equal(health.lastEjectionMs, 20_000)
})

test('time without any answer forgives nothing', () => {
  const health = new Health()
  let now = eject(health, 0)
  lookUntil(health, now)
  health.succeeded(now)
  now = eject(health, now)
  assert.equal(health.lastEjectionMs, 20_000)
  health.succeeded(now - 1)
  now += 100 * forgiveMs
  lookUntil(health, now)
  now = eject(health, now)
  assert.equal(health.lastEjectionMs, 40_000)
  health.succeeded(now - 1)
  now += 100 * forgiveMs
  lookUntil(health, now)
  eject(health, now)
  assert.equal(health.lastEjectionMs, 80_000)
})

test('the last one is never ejected, which is said once a row', () => {
  const health = new Health()
  const said = Array.from({ length: 9 }, () => health.failed(0, 'ended', true))
  assert.deepEqual(said, [null, null, null, null, 'kept', null, null, null, null])
  assert.equal(health.state, 'up')
  assert.equal(health.failed(0, 'ended', false), 'ejected', 'now there is another')
})

test('what was in flight at an ejection neither lengthens nor ends it', () => {
  const health = new Health()
  const back = eject(health, 0)
  assert.equal(health.failed(5_000, 'ended', false), null)
  health.succeeded(5_000)
  assert.equal(health.dueAt, back)
  health.look(back)
  assert.equal(health.failed(back, 'ended', false), 'ejected')
})

test('checks take it down after so many in a row, and up again slowly', () => {
  const health = new Health()
  const results = [false, false, true, false, false, false, true, false, true, true]
  const changes = results.map((passed, at) => (health.checked(at, passed, check) ? health.state : '-'))
  assert.deepEqual(changes, ['-', '-', '-', '-', '-', 'down', '-', '-', '-', 'slow-start'])
  assert.equal(health.share, 0.1)
})

test('a check that passes ends an ejection, slowly and on probation; checks that fail outlast it', () => {
  const health = new Health()
  eject(health, 0)
  assert.equal(health.checked(1_000, true, check), true)
  assert.deepEqual([health.state, health.share], ['slow-start', 0.1])
  assert.equal(health.failed(1_500, 'ended', false), 'ejected')
  assert.equal(health.lastEjectionMs, 20_000)
  for (let i = 0; i < 3; i++) health.checked(i, false, check)
  assert.equal(health.state, 'down')
  assert.equal(health.look(21_500), false)
})

test('an answer ends an ejection only of one that was asked in spite of it, and then at once and whole', () => {
  const health = new Health()
  eject(health, 0)
  assert.equal(health.succeeded(100), false)
  assert.equal(health.state, 'ejected')
  health.onTrial()
  assert.equal(health.succeeded(200), true)
  assert.deepEqual([health.state, health.share, health.failuresInRow], ['up', 1, 0])
  eject(health, 300)
  assert.equal(health.succeeded(400), false, 'the trial was of the ejection before')
})

test('what requests met before it went down is forgotten when checks find it healthy', () => {
  const health = new Health()
  health.look(eject(health, 0))
  for (let i = 0; i < 3; i++) health.checked(20_000, false, check)
  for (let i = 0; i < 2; i++) health.checked(30_000, true, check)
  assert.ok(health.spotless)
  assert.equal(health.failed(30_000, 'ended', false), null)
})

test('down by checks that are made no more, it is used again', () => {
  const health = new Health()
  for (let i = 0; i < 3; i++) health.checked(i, false, check)
  assert.equal(health.unchecked(10), true)
  assert.equal(health.state, 'slow-start')
  assert.equal(health.unchecked(10), false)
})

test('whatever happens: it moves by the table, its share fits its state, and nothing but checks keeps it out for ever', () => {
  type Happening = 'success' | 'failure' | 'sparedFailure' | 'look' | 'noOther' | 'pass' | 'fail'
  const expected: Record<Happening, readonly HealthEvent[]> = {
    success: [],
    failure: ['fails'],
    sparedFailure: [],
    look: ['ejectionOver', 'ramped'],
    noOther: ['noOther'],
    pass: ['checksPass'],
    fail: ['checksFail'],
  }
  const happening = fc.record({
    what: fc.constantFrom(...(Object.keys(expected) as Happening[])),
    times: fc.integer({ min: 1, max: 6 }),
    afterMs: fc.nat({ max: 20_000 }),
  })
  fc.assert(
    fc.property(
      fc.array(happening, { maxLength: 60 }),
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      (happenings, start) => {
        const health = new Health()
        let now = start
        for (const { what, times, afterMs } of happenings) {
          now += afterMs
          for (let i = 0; i < times; i++) {
            const before = health.state
            if (what === 'success') health.succeeded(now)
            else if (what === 'failure') health.failed(now, 'ended', false)
            else if (what === 'sparedFailure') health.failed(now, 'ended', true)
            else if (what === 'look') health.look(now)
            else if (what === 'noOther') health.noOther()
            else health.checked(now, what === 'pass', check)
            const legal = expected[what].map((event) => moves[before][event])
            assert.ok(health.state === before || legal.includes(health.state), `${before} → ${health.state} by ${what}`)
            if (health.state === 'up') assert.equal(health.share, 1)
            assert.ok(health.share >= 0.1 && health.share <= 1)
            const waits = health.state === 'ejected' || health.state === 'slow-start'
            assert.equal(health.dueAt !== Number.POSITIVE_INFINITY, waits)
            assert.ok(health.lastEjectionMs <= longestEjectMs)
          }
        }
        lookUntil(health, now + longestEjectMs)
        assert.ok(takesRequests(health.state) || health.state === 'down')
      },
    ),
  )
})
