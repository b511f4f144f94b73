import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Enforced, Enforcement } from '../../policy/enforcement.ts'
import { type OptionName, optionNames, type Policy } from '../../policy/policy.ts'
import { cases } from '../cases/index.ts'
import { dueWindow, limitWindow, paceMs, spanMs, unenforced } from './window.ts'

const policyOf = (set: Partial<Policy>): Policy =>
  Object.fromEntries(optionNames.map((name) => [name, set[name] ?? 0])) as Record<OptionName, number>

const enforcementOf = (set: Partial<Record<OptionName, Partial<Enforced>>>): Enforcement =>
  Object.fromEntries(
    optionNames.map((name) => [name, { by: 'us', stepMs: 0, how: 'a test', ...set[name] }]),
  ) as unknown as Record<OptionName, Enforced>

describe('the window of a limit', () => {
  test('is 50 ms early to 250 ms late, and what the harness may add, for a short limit', () => {
    const limits = { policy: policyOf({ idleTimeoutMs: 2_000 }) }
    assert.deepEqual(limitWindow('idleTimeoutMs', limits), { earliestMs: 1_950, latestMs: 2_400 })
  })

  test('is 10 % late for a long one', () => {
    const limits = { policy: policyOf({ idleTimeoutMs: 10_000 }) }
    assert.equal(limitWindow('idleTimeoutMs', limits).latestMs, 11_150)
  })

  test('is later by the steps of the clock', () => {
    const limits = {
      policy: policyOf({ idleTimeoutMs: 2_000 }),
      enforcement: enforcementOf({ idleTimeoutMs: { stepMs: 4_000 } }),
    }
    assert.deepEqual(limitWindow('idleTimeoutMs', limits), { earliestMs: 1_950, latestMs: 6_400 })
  })

  test('opens sooner where the limit is only what was seen, late as a server may be', () => {
    const policy = policyOf({ idleTimeoutMs: 2_000, headTimeoutMs: 10_000 })
    const enforcement = enforcementOf({ headTimeoutMs: { stepMs: 1_000 } })
    const limits = { policy, enforcement, measured: true }
    assert.deepEqual(limitWindow('idleTimeoutMs', limits), { earliestMs: 1_700, latestMs: 2_400 })
    assert.deepEqual(limitWindow('headTimeoutMs', limits), { earliestMs: 7_950, latestMs: 12_150 })
  })

  test('follows the longest of the options that share its clock', () => {
    const limits = {
      policy: policyOf({ idleTimeoutMs: 2_000, headTimeoutMs: 3_000 }),
      enforcement: enforcementOf({ idleTimeoutMs: { sharesClockWith: ['headTimeoutMs'] } }),
    }
    assert.equal(limitWindow('idleTimeoutMs', limits).earliestMs, 2_950)
  })

  test('of a rate is that of its grace', () => {
    const limits = { policy: policyOf({ minBodyBytesPerSec: 240, minRateGraceMs: 5_000 }) }
    assert.equal(limitWindow('minBodyBytesPerSec', limits).earliestMs, 4_950)
  })

  test('of the age reaches 10 % to both sides', () => {
    const limits = { policy: policyOf({ maxConnectionAgeMs: 10_000 }) }
    assert.deepEqual(limitWindow('maxConnectionAgeMs', limits), { earliestMs: 8_950, latestMs: 12_150 })
  })

  test('spans several limits from the first to the last, leaving out what is off', () => {
    const limits = { policy: policyOf({ idleTimeoutMs: 2_000, headTimeoutMs: 3_000 }) }
    const due = { by: ['idleTimeoutMs', 'headTimeoutMs', 'bodyTimeoutMs'] as OptionName[], from: 'sent' as const }
    assert.deepEqual(dueWindow(due, limits), { earliestMs: 1_950, latestMs: 3_450 })
  })

  test('is everything up to the end of the look while nothing is known', () => {
    const limits = { policy: policyOf({ idleTimeoutMs: 2_000 }), measureMs: 9_000 }
    const window = { earliestMs: Number.NEGATIVE_INFINITY, latestMs: 9_000 }
    assert.deepEqual(dueWindow({ by: ['idleTimeoutMs'], from: 'received' }, limits), window)
  })

  test('of "within" has no early end', () => {
    const window = dueWindow({ from: 'sent', withinMs: 1_000 }, { policy: policyOf({}) })
    assert.deepEqual(window, { earliestMs: Number.NEGATIVE_INFINITY, latestMs: 1_150 })
  })
})

describe('a span', () => {
  test('that outlives limits is longer than the latest moment that any of them may take', () => {
    const limits = {
      policy: policyOf({ idleTimeoutMs: 2_000, headTimeoutMs: 3_000 }),
      enforcement: enforcementOf({ idleTimeoutMs: { stepMs: 4_000 }, bodyTimeoutMs: { by: 'nobody' } }),
    }
    assert.equal(spanMs({ outlive: ['idleTimeoutMs', 'headTimeoutMs', 'bodyTimeoutMs'] }, limits), 6_700)
  })

  test('is a share of a limit, or plain milliseconds', () => {
    const limits = { policy: policyOf({ idleTimeoutMs: 2_000 }) }
    assert.equal(spanMs({ part: 0.5, of: 'idleTimeoutMs', plusMs: 10 }, limits), 1_010)
    assert.equal(spanMs(7, limits), 7)
  })
})

describe('a limit', () => {
  test('that nobody enforces, that is too large, or that is off, is nobody’s fault', () => {
    const limits = {
      policy: policyOf({ idleTimeoutMs: 300_000, headTimeoutMs: 1 }),
      enforcement: enforcementOf({ idleTimeoutMs: { max: 255_000 }, headTimeoutMs: { by: 'nobody', how: 'no clock' } }),
    }
    assert.match(unenforced('idleTimeoutMs', limits) ?? '', /above 255000/)
    assert.match(unenforced('headTimeoutMs', limits) ?? '', /nobody enforces headTimeoutMs: no clock/)
    assert.match(unenforced('bodyTimeoutMs', limits) ?? '', /off/)
  })

  test('that is set and held can be judged', () => {
    assert.equal(unenforced('idleTimeoutMs', { policy: policyOf({ idleTimeoutMs: 1 }) }), null)
  })
})

test('a trickle stays under what servers count, however long the limit is', () => {
  const trickles = cases.flatMap(({ id, steps }) =>
    steps.flatMap((step) => ('send' in step && step.until === 'closed' ? [{ id, ...step }] : [])),
  )
  assert.ok(trickles.length >= 6)
  for (const seconds of [1, 5, 30, 100, 600, 3_600]) {
    const policy = policyOf(Object.fromEntries(optionNames.map((name) => [name, seconds * 1_000])))
    const latestMs = limitWindow('headTimeoutMs', { policy }).latestMs
    for (const { id, send, ...step } of trickles) {
      const times = latestMs / paceMs(step, { policy })
      // Apache and Deno take 100 fields, nginx and Apache 8 kB in one.
      if (send.includes('\r\n') && id.startsWith('head'))
        assert.ok(times <= 90, `${id}: ${times} fields in ${seconds} s`)
      else assert.ok(times * send.length <= 16_000 || step.atMost === undefined, `${id}: ${times} in ${seconds} s`)
    }
  }
  const paces = (id: string) => trickles.filter((one) => one.id === id).map(({ atMost }) => atMost !== undefined)
  assert.deepEqual(['head-trickle', 'head-byte-trickle', 'chunk-line-never-ends'].flatMap(paces), [true, true, true])
})
