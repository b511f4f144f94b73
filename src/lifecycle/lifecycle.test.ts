/**
 * Every reachable place × what the client does × drain × pressure × age, all of them: the promises
 * of the lifecycle.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveOptions } from '../policy/resolve.ts'
import { backgroundClock } from './clock.ts'
import { Connection } from './connection.ts'
import { Connections } from './connections.ts'
import { bindLimits, rules, type Sample } from './limits.ts'
import { FakeMember } from './member.fake.ts'
import type { ReasonName } from './reasons.ts'
import { busy, type State, waiting } from './states.ts'
import { isEnding, type Place, reachable } from './walk.ts'

const before = 500
const limitMs = 1_000

const { policy } = resolveOptions({
  handshakeTimeoutMs: limitMs,
  headTimeoutMs: limitMs,
  bodyTimeoutMs: limitMs,
  uploadTimeoutMs: 5_000,
  writeTimeoutMs: limitMs,
  streamIdleTimeoutMs: limitMs,
  discardTimeoutMs: limitMs,
  discardBytes: 1_000,
  idleTimeoutMs: limitMs,
  minIdleMs: 100,
  maxConnectionAgeMs: 10_000,
  maxConnections: 1,
})
const limits = bindLimits(policy)

/** Reasons that belong to a connection nobody waits for. */
const ofWaiting: readonly ReasonName[] = [
  'silent',
  'head',
  'idle',
  'age',
  'pressure',
  'descriptors',
  'drained',
  'handshake',
]

function at({ first, events }: Place, bornAt: number = before): Connection {
  const connection = new Connection(bornAt, limits, first, () => 0.5)
  for (const event of events) {
    if (isEnding(event)) connection.end(event, before)
    else connection.move(event, before)
  }
  return connection
}

/** What the kernel may show at a look. */
const samples: readonly Sample[] = [0, 5_000].flatMap((received) =>
  [0, 10].flatMap((taken) =>
    [0, 7].flatMap((unsent) => [true, false].map((wanted) => ({ received, taken, unsent, wanted }))),
  ),
)
const births = [before, before - 100_000]
const places = reachable()

test('the state of a connection is that of its place, and a place that is left behind is never entered again by itself', () => {
  for (const place of places) assert.equal(at(place).state, place.state, place.events.join())
})

test('no busy connection is closed by a limit of those that wait, at any time, whatever its age', () => {
  for (const place of places) {
    for (const bornAt of births) {
      for (const sample of samples) {
        const connection = at(place, bornAt)
        if (!busy[connection.state]) continue
        for (const now of [before + 1, before + 999, before + 1_000, before + 1e6]) {
          const reason = connection.look(sample, now)
          const allowed = rules[connection.state].flatMap((rule) => rule.reasons)
          assert.ok(reason === null || allowed.includes(reason), `${reason} in ${connection.state}`)
          assert.ok(reason === null || !ofWaiting.includes(reason), `${reason} in ${place.events.join()}`)
        }
      }
    }
  }
})

test('every waiting connection is due, and a silent one is closed at that moment and not before', () => {
  const still: Sample = { received: 0, taken: 0, unsent: 0, wanted: false }
  for (const place of places) {
    if (!waiting.includes(place.state)) continue
    for (const bornAt of births) {
      const connection = at(place, bornAt)
      const { dueAt, since } = connection
      assert.ok(dueAt > since && dueAt <= since + limitMs, place.events.join())
      assert.equal(connection.look(still, dueAt - 1), null, place.events.join())
      assert.notEqual(connection.look(still, dueAt), null, place.events.join())
    }
  }
})

test('every state has a way out: a limit, or an event of its own, and the end of the socket from anywhere', () => {
  for (const place of places) {
    const hasLimit = rules[place.state].length > 0
    assert.ok(hasLimit || place.moves.length > 0 || place.state === 'upgraded', place.events.join())
    const connection = at(place)
    connection.end('gone', before)
    assert.equal(connection.ending, 'closed')
  }
})

test('nothing moves after the end', () => {
  for (const place of places) {
    const connection = at(place)
    connection.end('gone', before)
    const { since } = connection
    for (const event of ['bytes', 'request', 'answered', 'upgrade'] as const) connection.move(event, 9_999)
    for (const event of ['last', 'ended', 'gone'] as const) connection.end(event, 9_999)
    assert.deepEqual(
      [connection.state, connection.ending, connection.since, connection.requests],
      [
        'closing',
        'closed',
        place.state === 'closing' ? since : before,
        place.events.filter((event) => event === 'request' || event === 'requestWithBody').length,
      ],
    )
  }
})

const acts = {
  drain: (connections, _) => connections.closeIdle(0),
  room: (connections, now) => connections.makeRoom(now),
  descriptors: (connections, now) => connections.makeRoomFor(1, now),
  silent: (connections, now) => connections.turnAway(1, now),
} satisfies Record<string, (connections: Connections<FakeMember>, now: number) => unknown>

/** One connection in the table of a server whose clock stands at `now`. */
function alone(place: Place, sample: Sample, now: number) {
  /** The state in which it was closed. */
  const closed: State[] = []
  const connections = new Connections<FakeMember>({
    policy,
    clock: { now: () => now, after: backgroundClock.after },
    onClosed: () => {},
    random: () => 0,
  })
  const connection = at(place)
  const member = new FakeMember(
    connection,
    () => closed.push(connection.state),
    () => sample,
  )
  connections.add(member)
  return { connections, member, closed }
}

test('neither a drain nor pressure closes a connection that is busy, or that was answered a moment ago', () => {
  for (const place of places) {
    for (const sample of samples) {
      for (const now of [before + policy.minIdleMs - 1, before + policy.minIdleMs]) {
        for (const act of ['drain', 'room', 'descriptors', 'silent'] as const) {
          const { connections, member, closed } = alone(place, sample, now)
          acts[act](connections, now)
          connections.remove(member)
          const what = `${act} ${place.events.join()} ${JSON.stringify(sample)}`
          for (const state of closed) assert.ok(!busy[state], `${what} in ${state}`)
          // Only the last descriptors of all are worth a client that was answered a moment ago.
          if (now - before < policy.minIdleMs && (act === 'drain' || act === 'room')) assert.deepEqual(closed, [], what)
        }
      }
    }
  }
})
