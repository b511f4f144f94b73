import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLast } from './last-answer.ts'

const none = { surplus: false, draining: false, full: false }
const young = { requests: 1, agesAt: Number.POSITIVE_INFINITY }
const unlimited = { maxRequestsPerConnection: 0 }

test('a response is the last of its connection for any one of five reasons, and for no other', () => {
  assert.equal(isLast(young, unlimited, 1e9, none), false)
  for (const why of ['surplus', 'draining', 'full'] as const) {
    assert.equal(isLast(young, unlimited, 0, { ...none, [why]: true }), true, why)
  }
  const counted = { maxRequestsPerConnection: 3 }
  assert.deepEqual(
    [2, 3, 4].map((requests) => isLast({ ...young, requests }, counted, 0, none)),
    [false, true, true],
  )
  assert.deepEqual(
    [999, 1_000].map((now) => isLast({ ...young, agesAt: 1_000 }, unlimited, now, none)),
    [false, true],
  )
})
