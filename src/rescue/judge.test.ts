import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { emptySnapshot } from '../kernel/layout.ts'
import { isDue, judge, type Seen } from './judge.ts'
import { TCP_CLOSE_WAIT, TCP_ESTABLISHED } from './sock-diag.ts'

const seen = (info: Partial<Seen['info']>, more: Partial<Seen> = {}): Seen => ({
  state: TCP_ESTABLISHED,
  receiveQueue: 0,
  sendQueue: 0,
  ...more,
  info: { ...emptySnapshot(), state: TCP_ESTABLISHED, ...info },
})

test('a connection whose last data went out is idle, and in the same tick as well', () => {
  assert.deepEqual(judge(seen({ sentAgoMs: 5_000, receivedAgoMs: 5_010 })), { kind: 'idle', quietMs: 5_000 })
  assert.deepEqual(judge(seen({ sentAgoMs: 5_000, receivedAgoMs: 5_000 })), { kind: 'idle', quietMs: 5_000 })
})

test('one whose last data came is in a request, whatever its age', () => {
  const verdict = judge(seen({ sentAgoMs: 90_000, receivedAgoMs: 80_000 }))
  assert.deepEqual(verdict, { kind: 'unanswered', quietMs: 80_000 })
  assert.equal(isDue(verdict, { idleMs: 1_000, headMs: null }), false)
  assert.equal(isDue(verdict, { idleMs: 1_000, headMs: 80_000 }), true)
  assert.equal(isDue(verdict, { idleMs: 1_000, headMs: 80_001 }), false)
})

test('one that its client has left is the server’s own leak, and apart', () => {
  const verdict = judge(seen({ sentAgoMs: 9e6, receivedAgoMs: 9e6 }, { state: TCP_CLOSE_WAIT }))
  assert.equal(verdict.kind, 'close-wait')
  assert.equal(isDue(verdict, { idleMs: 1, headMs: 1 }), false)
})

test('nothing with bytes on their way, younger than the limit, or with data that came last is ever due', () => {
  const ms = fc.integer({ min: 0, max: 200_000 })
  const few = fc.constantFrom(0, 0, 1, 100)
  fc.assert(
    fc.property(ms, ms, few, few, few, (sentAgoMs, receivedAgoMs, receiveQueue, sendQueue, unsent) => {
      const verdict = judge(seen({ sentAgoMs, receivedAgoMs, unsent }, { receiveQueue, sendQueue }))
      if (!isDue(verdict, { idleMs: 60_000, headMs: null })) return
      assert.deepEqual([receiveQueue, sendQueue, unsent], [0, 0, 0])
      assert.ok(sentAgoMs >= 60_000 && receivedAgoMs >= sentAgoMs)
    }),
  )
})
