import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveOptions } from '../policy/resolve.ts'
import { Connection } from './connection.ts'
import { bindLimits, type Sample } from './limits.ts'
import { ChangedLimits, changedBy, changesIn, laxest } from './request-limits.ts'

const own = bindLimits(
  resolveOptions({ bodyTimeoutMs: 2_000, minBodyBytesPerSec: 100, streamIdleTimeoutMs: 3_000, idleTimeoutMs: 4_000 })
    .policy,
)
const still: Sample = { received: 0, taken: 0, unsent: 0, wanted: false }
const waits: Sample = { ...still, received: 50, wanted: true }

const connection = () => new Connection(0, own, 'accepted', () => 0.5)

test('limits are bound once for a route, and changes add up', () => {
  const upload = { bodyTimeoutMs: 10_000 }
  const stream = { streamIdleTimeoutMs: 0 }
  const both = changedBy(changedBy(own, upload), stream)
  assert.equal(changedBy(changedBy(own, upload), stream), both)
  assert.deepEqual(changesIn(both, own), { ...upload, ...stream })
  assert.equal(changesIn(own, own), null)
  assert.equal(changesIn(changedBy(own, { bodyTimeoutMs: 2_000 }), own), null)
})

test('of two the laxest of each holds: longer, slower, larger, off', () => {
  const one = changedBy(own, { bodyTimeoutMs: 1_000, minBodyBytesPerSec: 50, streamIdleTimeoutMs: 0 })
  const other = changedBy(own, { bodyTimeoutMs: 5_000, minBodyBytesPerSec: 500, maxBodyBytes: 10 })
  for (const joined of [laxest(one, other), laxest(other, one)]) {
    assert.deepEqual(changesIn(joined, own), { bodyTimeoutMs: 5_000, minBodyBytesPerSec: 50, streamIdleTimeoutMs: 0 })
  }
  assert.equal(laxest(one, one), one)
  const noRate = changedBy(own, { minBodyBytesPerSec: 0 })
  assert.equal(laxest(one, noRate).policy.minBodyBytesPerSec, 0)
})

test('requests in flight on one connection share its clocks, those without limits of their own among them', () => {
  const changed = new ChangedLimits()
  const [short, long] = [changedBy(own, { bodyTimeoutMs: 500 }), changedBy(own, { bodyTimeoutMs: 9_000 })]
  const [first, second] = [{}, {}]
  changed.set(first, short)
  assert.equal(changed.together(own, 1), short)
  assert.equal(changed.together(own, 2).policy.bodyTimeoutMs, 2_000)
  changed.set(second, long)
  assert.equal(changed.together(own, 2).policy.bodyTimeoutMs, 9_000)
  changed.delete(second)
  changed.delete(first)
  assert.equal(changed.together(own, 1), own)
  assert.equal(changed.together(own, 0), own)
})

test('a request has its limits until it is answered, and the next one the server’s', () => {
  const made = connection()
  made.limitTo(changedBy(own, { bodyTimeoutMs: 10_000 }))
  assert.equal(made.limits, own, 'nothing is in flight')
  made.move('requestWithBody', 0)
  made.limitTo(changedBy(own, { bodyTimeoutMs: 10_000, minBodyBytesPerSec: 0 }))
  assert.equal(made.look(waits, 0), null)
  assert.equal(made.look(waits, 9_999), null)
  assert.equal(made.look(waits, 10_000), 'body')
  made.move('bodyEnd', 10_000, 100)
  made.move('answered', 10_000, 100)
  assert.equal(made.limits, own)
  assert.equal(made.look({ ...still, received: 100 }, 13_999), null)
  assert.equal(made.look({ ...still, received: 100 }, 14_000), 'idle')
})

test('the same connection holds a later body to the server’s own limit', () => {
  const made = connection()
  made.move('requestWithBody', 0)
  made.limitTo(changedBy(own, { bodyTimeoutMs: 0, minBodyBytesPerSec: 0 }))
  assert.equal(made.look(waits, 1_000_000), null)
  made.move('bodyEnd', 1_000_000, 100)
  made.move('answered', 1_000_000, 100)
  made.move('requestWithBody', 1_001_000, 150)
  const later = { ...waits, received: 150 }
  made.look(later, 1_001_000)
  assert.equal(made.look(later, 1_002_999), null)
  assert.equal(made.look(later, 1_003_000), 'body')
})

test('limits that are changed in the middle of a body count what was quiet before', () => {
  const made = connection()
  made.move('requestWithBody', 0)
  assert.equal(made.look(waits, 0), null)
  assert.equal(made.look({ ...waits, received: 1_000 }, 1_500), null)
  made.limitTo(changedBy(own, { bodyTimeoutMs: 800 }))
  assert.equal(made.look({ ...waits, received: 1_000 }, 2_299), null)
  assert.equal(made.look({ ...waits, received: 1_000 }, 2_300), 'body')
})

test('a stream that its route lets be quiet is due by nothing, and says so', () => {
  const made = connection()
  made.move('request', 0)
  made.move('begun', 100)
  assert.equal(made.dueBy, 'streamIdleTimeoutMs')
  made.limitTo(changedBy(own, { streamIdleTimeoutMs: 0 }))
  assert.equal(made.dueBy, null)
})
