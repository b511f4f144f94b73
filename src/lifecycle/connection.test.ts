import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { resolveOptions } from '../policy/resolve.ts'
import { Connection, IllegalMoveError } from './connection.ts'
import { bindLimits, type Sample } from './limits.ts'
import type { Event } from './states.ts'

const { policy } = resolveOptions({
  handshakeTimeoutMs: 1_000,
  headTimeoutMs: 3_000,
  bodyTimeoutMs: 2_000,
  minBodyBytesPerSec: 100,
  writeTimeoutMs: 4_000,
  minResponseBytesPerSec: 100,
  minRateGraceMs: 5_000,
  streamIdleTimeoutMs: 6_000,
  discardTimeoutMs: 1_500,
  discardBytes: 1_000,
  idleTimeoutMs: 2_500,
  minIdleMs: 500,
})

const limits = bindLimits(policy)

const still: Sample = { received: 0, taken: 0, unsent: 0, wanted: false }

function connection(...events: readonly (readonly [Event, number, number?])[]): Connection {
  const made = new Connection(0, limits, 'accepted', () => 0.5)
  for (const [event, at, received] of events) made.move(event, at, received)
  return made
}

test('a TLS handshake ends at its own limit, and the head clock starts after it', () => {
  const made = new Connection(0, limits, 'handshake', Math.random)
  assert.equal(made.look(still, 999), null)
  assert.equal(made.look(still, 1_000), 'handshake')
  const done = new Connection(0, limits, 'handshake', Math.random)
  done.move('secured', 900)
  assert.equal(done.look(still, 3_899), null)
  assert.equal(done.look(still, 3_900), 'silent')
})

test('a silent connection is closed at the head limit', () => {
  const made = connection()
  assert.equal(made.look(still, 2_999), null)
  assert.equal(made.look(still, 3_000), 'silent')
})

test('a first byte does not set the clock of the first head back, nor does a trickle', () => {
  const made = connection()
  for (let at = 500; at < 3_000; at += 500) assert.equal(made.look({ ...still, received: at }, at), null)
  assert.equal(made.state, 'head')
  assert.equal(made.look({ ...still, received: 9_999 }, 3_000), 'head')
})

test('idle ends at the idle limit, counted from the answer', () => {
  const made = connection(['request', 100], ['answered', 900, 50])
  assert.equal(made.state, 'idle')
  assert.equal(made.look({ ...still, received: 50 }, 3_399), null)
  assert.equal(made.look({ ...still, received: 50 }, 3_400), 'idle')
})

test('a byte after an answer is a head: the idle limit is off it, the head limit on it', () => {
  const made = connection(['request', 100], ['answered', 900, 50])
  assert.equal(made.look({ ...still, received: 51 }, 3_350), null)
  assert.equal(made.state, 'head')
  assert.equal(made.look({ ...still, received: 51 }, 6_349), null)
  assert.equal(made.look({ ...still, received: 51 }, 6_350), 'head')
})

test('a handler may take as long as it likes', () => {
  const made = connection(['request', 100])
  assert.equal(made.look(still, 1e9), null)
  assert.equal(made.state, 'handling')
})

test('a body that nobody reads is nobody’s fault', () => {
  const made = connection(['requestWithBody', 0])
  for (let at = 0; at < 60_000; at += 100) assert.equal(made.look(still, at), null)
})

test('a body that falls silent ends at its quiet limit, one that trickles at its rate', () => {
  const silent = connection(['requestWithBody', 0])
  assert.equal(silent.look({ ...still, wanted: true }, 0), null)
  assert.equal(silent.look({ ...still, wanted: true }, 2_000), 'body')

  const trickle = connection(['requestWithBody', 0])
  let reason = null
  let at = 0
  for (; reason === null && at < 20_000; at += 100)
    reason = trickle.look({ ...still, received: at / 100, wanted: true }, at)
  assert.equal(reason, 'bodyRate')
  assert.ok(at > 5_000 && at < 7_000, `at ${at}`)
})

test('an upload has a whole time, which neither its bytes nor an early response give back', () => {
  const made = new Connection(0, bindLimits({ ...policy, uploadTimeoutMs: 10_000 }), 'accepted', Math.random)
  made.move('requestWithBody', 1_000)
  const fast = (at: number): Sample => ({ received: at, taken: at, unsent: 1, wanted: true })
  for (let at = 1_100; at < 11_000; at += 100) assert.equal(made.look(fast(at), at), null, `at ${at}`)
  assert.equal(made.state, 'writing')
  assert.equal(made.dueAt, 11_000)
  assert.equal(made.look(fast(11_000), 11_000), 'upload')
  made.move('bodyEnd', 11_000)
  assert.equal(made.look(fast(60_000), 60_000), null)
})

test('a client that takes nothing of its answer is reset, one that takes a little too', () => {
  const stalled = connection(['request', 0])
  assert.equal(stalled.look({ ...still, taken: 100, unsent: 1e6 }, 0), null)
  assert.equal(stalled.state, 'writing')
  assert.equal(stalled.look({ ...still, taken: 100, unsent: 1e6 }, 3_999), null)
  assert.equal(stalled.look({ ...still, taken: 100, unsent: 1e6 }, 4_000), 'write')

  const dripping = connection(['request', 0])
  let reason = null
  for (let at = 0; reason === null && at < 20_000; at += 100) {
    reason = dripping.look({ ...still, taken: at / 100, unsent: 1e6 }, at)
  }
  assert.equal(reason, 'writeRate')
})

test('a quiet stream is judged only by its own limit, from its last byte', () => {
  const made = connection(['request', 0])
  made.look({ ...still, taken: 10 }, 1_000)
  assert.equal(made.state, 'streaming')
  assert.equal(made.look({ ...still, taken: 20 }, 5_000), null)
  assert.equal(made.look({ ...still, taken: 20 }, 10_999), null)
  assert.equal(made.look({ ...still, taken: 20 }, 11_000), 'streamIdle')
})

test('an early answer leaves the rest of the body to be discarded, for a time or a size', () => {
  const made = connection(['requestWithBody', 0], ['answered', 100, 500])
  assert.equal(made.state, 'discarding')
  assert.equal(made.look({ ...still, received: 1_500 }, 200), null)
  assert.equal(made.look({ ...still, received: 1_501 }, 200), 'discard')
  const slow = connection(['requestWithBody', 0], ['answered', 100, 500])
  assert.equal(slow.look({ ...still, received: 501 }, 1_599), null)
  assert.equal(slow.look({ ...still, received: 502 }, 1_600), 'discard')
})

test('a discarded body that ends leaves an idle connection', () => {
  const made = connection(['requestWithBody', 0], ['answered', 100], ['bodyEnd', 200])
  assert.equal(made.state, 'idle')
})

test('age ends an idle connection, but not in a request and not just after one', () => {
  const aged = { ...policy, maxConnectionAgeMs: 1_000, keepAliveHintMs: 0 }
  const made = new Connection(0, bindLimits(aged), 'accepted', () => 0)
  assert.equal(made.agesAt, 900)
  made.move('request', 100)
  assert.equal(made.look(still, 1_500), null)
  made.move('answered', 1_600)
  assert.equal(made.look(still, 2_099), null)
  assert.equal(made.look(still, 2_100), 'age')
})

test('age waits for the time that the last response has promised', () => {
  const aged = { ...policy, maxConnectionAgeMs: 1_000, keepAliveHintMs: 1_500 }
  const made = new Connection(0, bindLimits(aged), 'accepted', () => 0.5)
  made.move('request', 100)
  made.move('answered', 200)
  assert.equal(made.look(still, 1_699), null)
  assert.equal(made.dueAt, 1_700)
  assert.equal(made.look(still, 1_700), 'age')
})

test('age spreads by ± 10 %', () => {
  const aged = { ...policy, maxConnectionAgeMs: 1_000, keepAliveHintMs: 0 }
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (random) => {
      const { agesAt } = new Connection(0, bindLimits(aged), 'accepted', () => random)
      assert.ok(agesAt >= 900 && agesAt <= 1_100)
    }),
  )
})

test('an event that cannot be is an error of the observer, not a no-op', () => {
  assert.throws(() => connection(['answered', 0]), IllegalMoveError)
  assert.throws(() => connection(['bytes', 0], ['bytes', 1]), IllegalMoveError)
})

test('no sequence of legal events, looked at at any time, lets the idle limit end a request in flight', () => {
  const events: readonly Event[] = [
    'bytes',
    'request',
    'requestWithBody',
    'bodyEnd',
    'begun',
    'blocked',
    'flowing',
    'answered',
  ]
  fc.assert(
    fc.property(
      fc.array(fc.record({ event: fc.constantFrom(...events), gap: fc.integer({ min: 0, max: 20_000 }) })),
      (steps) => {
        const made = new Connection(0, limits, 'accepted', Math.random)
        let at = 0
        for (const { event, gap } of steps) {
          at += gap
          const owed = made.owesAnswer
          const reason = made.look(still, at)
          if (owed)
            assert.ok(reason !== 'idle' && reason !== 'silent' && reason !== 'head', `${reason} in ${made.state}`)
          try {
            made.move(event, at)
          } catch (error) {
            assert.ok(error instanceof IllegalMoveError)
          }
        }
      },
    ),
  )
})

test('every connection that stays silent is closed by its limit plus one look', () => {
  const lookMs = 100
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5_000 }), fc.boolean(), (answeredAt, first) => {
      const made = first ? connection() : connection(['request', 0], ['answered', answeredAt])
      const limit = first ? policy.headTimeoutMs : answeredAt + policy.idleTimeoutMs
      let at = made.since
      while (made.look(still, at) === null) at += lookMs
      assert.ok(at >= limit && at <= limit + lookMs, `${at} for ${limit}`)
    }),
  )
})

test('dueAt is never later than what look() would find, and 0 where bytes are at stake', () => {
  const aged = { ...policy, maxConnectionAgeMs: 1_000, keepAliveHintMs: 0 }
  const made = new Connection(0, bindLimits(aged), 'accepted', () => 0.5)
  assert.equal(made.dueAt, 3_000)
  assert.equal(made.look(still, 2_999), null)
  made.move('request', 100)
  assert.equal(made.lookAt, 0)
  made.move('answered', 200)
  assert.equal(made.dueAt, 1_000)
  assert.equal(made.look(still, 999), null)
  assert.equal(made.look(still, 1_000), 'age')
  const idle = connection(['request', 100], ['answered', 900])
  assert.equal(idle.dueAt, 3_400)
  assert.equal(idle.lookAt, 3_400)
})
