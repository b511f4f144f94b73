import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { emptySnapshot, TCP_CLOSE_WAIT, TCP_ESTABLISHED } from '../kernel/layout.ts'
import { isDue, judge, type Seen } from './judge.ts'

const seen = (info: Partial<Seen['info']>, more: Partial<Seen> = {}): Seen => ({
  state: TCP_ESTABLISHED,
  receiveQueue: 0,
  sendQueue: 0,
  ...more,
  info: { ...emptySnapshot(), state: TCP_ESTABLISHED, ...info },
})

const some = { received: 100, segmentsIn: 1, segmentsOut: 1 }

test('a connection whose last data went out is idle, and so is one that has said nothing', () => {
  assert.deepEqual(judge(seen({ ...some, sentAgoMs: 5_000, receivedAgoMs: 5_010 })), { kind: 'idle', quietMs: 5_000 })
  assert.equal(judge(seen({ sentAgoMs: 5_000, receivedAgoMs: 5_000 })).kind, 'idle')
})

test('in the same tick it is a response, unless nothing went out or more came than went', () => {
  const sameTick = { ...some, sentAgoMs: 5_000, receivedAgoMs: 5_000 }
  assert.equal(judge(seen(sameTick)).kind, 'idle')
  assert.equal(judge(seen({ ...sameTick, segmentsOut: 0 })).kind, 'unanswered')
  assert.equal(judge(seen({ ...sameTick, segmentsIn: 3, segmentsOut: 2 })).kind, 'unanswered')
})

test('one whose last data came is in a request, whatever its age', () => {
  const verdict = judge(seen({ ...some, sentAgoMs: 90_000, receivedAgoMs: 80_000 }))
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
      const verdict = judge(seen({ ...some, sentAgoMs, receivedAgoMs, unsent }, { receiveQueue, sendQueue }))
      if (!isDue(verdict, { idleMs: 60_000, headMs: null })) return
      assert.deepEqual([receiveQueue, sendQueue, unsent], [0, 0, 0])
      assert.ok(sentAgoMs >= 60_000 && receivedAgoMs >= sentAgoMs)
    }),
  )
})
