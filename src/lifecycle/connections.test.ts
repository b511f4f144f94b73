import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveOptions } from '../policy/resolve.ts'
import { FakeClock } from './clock.fake.ts'
import { backgroundClock } from './clock.ts'
import { Connections, type ConnectionsObserver } from './connections.ts'
import { FakeMember, still } from './member.fake.ts'
import type { ReasonName } from './reasons.ts'
import type { Event } from './states.ts'

function scene(options: Parameters<typeof resolveOptions>[0] = {}, observer?: ConnectionsObserver) {
  const { policy } = resolveOptions({ idleTimeoutMs: 5_000, minIdleMs: 1_000, ...options })
  const time = { now: 0 }
  const told: ReasonName[] = []
  const connections = new Connections<FakeMember>({
    policy,
    clock: { now: () => time.now, after: backgroundClock.after },
    onClosed: (reason) => told.push(reason),
    random: () => 0.5,
    observer,
  })
  const hungUp: string[] = []
  const cut: string[] = []
  const open = (name: string, ...events: Event[]) => {
    const connection = connections.begin('accepted', time.now)
    for (const event of events) connection.move(event, time.now)
    const member = new FakeMember(connection, (verb) => {
      if (verb === 'cut') cut.push(name)
      else hungUp.push(`${name}: ${told.at(-1)}`)
    })
    connections.add(member)
    return member
  }
  return { connections, time, told, hungUp, cut, open }
}

test('a sweep hangs up on what is due, and on nothing else', () => {
  const { connections, time, hungUp, told, open } = scene()
  open('idle', 'request', 'answered')
  open('busy', 'request')
  time.now = 5_000
  connections.sweep()
  assert.deepEqual(hungUp, ['idle: idle'])
  assert.deepEqual(told, ['idle'])
  assert.deepEqual(connections.hungUp, { idleTimeoutMs: 1 })
})

test('room is made by the longest waiting: silent, then idle, then unfinished heads, never the busy or the young', () => {
  const { connections, time, hungUp, open } = scene()
  open('old head', 'bytes')
  open('busy', 'request')
  time.now = 10
  open('old idle', 'request', 'answered')
  time.now = 20
  open('silent')
  time.now = 30
  open('idle', 'request', 'answered')
  time.now = 1_500
  open('young')
  for (let i = 0; i < 4; i++) assert.equal(connections.makeRoom(1_600), true)
  assert.deepEqual(hungUp, ['silent: pressure', 'old idle: pressure', 'idle: pressure', 'old head: pressure'])
  assert.equal(connections.makeRoom(1_600), false)
})

test('a newcomer is admitted while there is room, or room can be made, and not beyond', () => {
  const { connections, time, hungUp, open } = scene({ maxConnections: 2 })
  open('busy', 'request')
  assert.equal(connections.admits(0), true)
  open('idle', 'request', 'answered')
  assert.equal(connections.admits(999), false, 'the idle one is too young')
  time.now = 1_000
  assert.equal(connections.admits(1_000), true)
  assert.deepEqual(hungUp, ['idle: pressure'])
  assert.equal(connections.admits(1_000), false)
})

test('a drain spares who has just been answered, and spreads the rest', () => {
  const { connections, time, hungUp, open } = scene({ drainSpreadMs: 4_000, drainTimeoutMs: 20_000 })
  open('idle', 'request', 'answered')
  time.now = 3_000
  open('just answered', 'request', 'answered')
  open('busy', 'request')
  connections.closeIdle(1_999)
  assert.deepEqual(hungUp, [])
  connections.closeIdle(2_000)
  assert.deepEqual(hungUp, ['idle: drained'])
  time.now = 4_000
  connections.closeIdle(3_000)
  assert.deepEqual(hungUp, ['idle: drained', 'just answered: drained'])
})

test('a drain at once spares nobody who waits', () => {
  const { connections, hungUp, open } = scene({ minIdleMs: 1_000, drainSpreadMs: 4_000, drainTimeoutMs: 20_000 })
  open('just answered', 'request', 'answered')
  open('busy', 'request')
  connections.closeIdle(Number.POSITIVE_INFINITY, true)
  assert.deepEqual(hungUp, ['just answered: drained'])
})

test('a cut ends everything and counts what was in a request', () => {
  const { connections, cut, open } = scene()
  open('idle', 'request', 'answered')
  open('busy', 'request')
  open('head', 'bytes')
  assert.equal(connections.cut(), 1)
  assert.deepEqual(cut, ['idle', 'busy', 'head'])
})

test('a member is passed by until it has to be looked at', () => {
  const { connections, time, hungUp, open } = scene()
  const member = open('idle', 'request', 'answered')
  member.lookAt = 9_000
  for (const now of [100, 5_000, 8_999]) {
    time.now = now
    connections.sweep()
  }
  assert.deepEqual(hungUp, [])
  assert.ok(member.parkedIn)
  assert.deepEqual([connections.size, [...connections].length, connections.states()], [1, 1, { idle: 1 }])
  time.now = 9_000
  connections.sweep()
  assert.deepEqual(hungUp, ['idle: idle'])
})

test('one that is woken is looked at in the next sweep, and one that leaves is gone from wherever it was', () => {
  const { connections, time, hungUp, open } = scene()
  const member = open('woken', 'request', 'answered')
  const leaver = open('leaver', 'request', 'answered')
  member.lookAt = leaver.lookAt = 60_000
  connections.sweep()
  time.now = 20_000
  member.lookAt = 0
  connections.wake(member)
  connections.remove(leaver)
  connections.remove(leaver)
  assert.equal(connections.size, 1)
  connections.sweep()
  assert.deepEqual(hungUp, ['woken: idle'])
})

test('however the clock jumps, nothing parked is forgotten', () => {
  const { connections, time, hungUp, open } = scene()
  for (const due of [700, 1_300, 9_990, 10_000]) {
    const member = open(String(due), 'request', 'answered')
    member.lookAt = due
  }
  connections.sweep()
  time.now = 10_000
  connections.sweep()
  assert.deepEqual(hungUp.sort(), ['10000: idle', '1300: idle', '700: idle', '9990: idle'].sort())
})

test('a member that has something to say is asked before it is closed, and spared without a count', () => {
  const { connections, time, hungUp, open } = scene()
  let spared = true
  const member = open('idle', 'request', 'answered')
  member.spared = () => spared
  time.now = 5_000
  connections.sweep()
  assert.deepEqual(hungUp, [])
  assert.deepEqual(connections.hungUp, {})
  spared = false
  connections.sweep()
  assert.deepEqual(hungUp, ['idle: idle'])
})

test('one that an operator ends while it has something to say is ended once it has said it', () => {
  const clock = new FakeClock()
  const { policy } = resolveOptions()
  const connections = new Connections<FakeMember>({ policy, clock, onClosed: () => {}, random: () => 0 })
  const ended: string[] = []
  const open = (name: string) => {
    const connection = connections.begin('accepted', clock.now())
    for (const event of ['request', 'answered'] as const) connection.move(event, clock.now())
    const member = new FakeMember(connection, () => ended.push(name))
    member.spared = () => clock.now() < 80
    connections.add(member)
    return member
  }
  const goes = open('goes')
  for (const member of [open('stays'), goes]) connections.closeByHand(member)
  clock.pass(60)
  assert.deepEqual(ended, [])
  goes.connection.end('gone', clock.now())
  connections.remove(goes)
  clock.pass(60)
  assert.deepEqual(ended, ['stays'])
  for (const member of [...connections]) connections.remove(member)
  clock.pass(1_000)
  assert.equal(clock.pending, 0)
})

test('a sweep that takes too long leaves the rest for a little later, and forgets nobody', async () => {
  const { policy } = resolveOptions({ idleTimeoutMs: 5_000 })
  let now = 0
  const connections = new Connections<FakeMember>({
    policy,
    clock: { now: () => now, after: backgroundClock.after },
    onClosed: () => {},
    random: Math.random,
    sliceMs: 1,
  })
  const looked: number[] = []
  for (let index = 0; index < 10; index++) {
    const member = new FakeMember(connections.begin('accepted', 0), undefined, () => {
      looked.push(index)
      now += 0.4
      member.lookAt = now + 400
      return still
    })
    connections.add(member)
  }
  connections.sweep()
  assert.deepEqual(looked, [0, 1, 2])
  for (let tries = 0; tries < 100 && looked.length < 10; tries++)
    await new Promise((resolve) => setTimeout(resolve, 10))
  assert.deepEqual(looked, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  for (const member of [...connections]) connections.remove(member)
})

test('a sweep begins with a short slice, and goes on in longer ones', async () => {
  const { policy } = resolveOptions({ idleTimeoutMs: 5_000 })
  let now = 0
  let rest: (() => void) | null = null
  const connections = new Connections<FakeMember>({
    policy,
    clock: {
      now: () => now,
      after(ms, callback) {
        if (ms < 50) rest = callback
        return () => {}
      },
    },
    onClosed: () => {},
    random: Math.random,
    sliceMs: 1,
    firstSliceMs: 0.25,
  })
  let looks = 0
  for (let index = 0; index < 50; index++) {
    const member = new FakeMember(connections.begin('accepted', 0), undefined, () => {
      looks += 1
      now += 0.125
      member.lookAt = now + 400
      return still
    })
    connections.add(member)
  }
  const slices: number[] = []
  for (let next: (() => void) | null = () => connections.sweep(); next !== null; next = rest) {
    rest = null
    looks = 0
    next()
    slices.push(looks)
  }
  assert.deepEqual(slices, [2, 4, 8, 8, 8, 8, 8, 4])
  now += 500
  looks = 0
  connections.sweep()
  assert.equal(looks, 2)
})

test('thousands that are due at once come back in slices, and a slice goes on where the one before it stopped', async () => {
  const { policy } = resolveOptions({ idleTimeoutMs: 5_000 })
  const many = 2_000
  let now = 0
  const connections = new Connections<FakeMember>({
    policy,
    clock: { now: () => (now += 0.5), after: backgroundClock.after },
    onClosed: () => {},
    random: Math.random,
    sliceMs: 1,
  })
  const looks = new Map<number, number>()
  let longest = 0
  for (let index = 0; index < many; index++) {
    const member = new FakeMember(connections.begin('accepted', 0), undefined, (at) => {
      looks.set(index, (looks.get(index) ?? 0) + 1)
      longest = Math.max(longest, now - at)
      member.lookAt = 1e9
      return still
    })
    member.lookAt = 4_000
    connections.add(member)
  }
  const parked = () => [...connections].filter(({ parkedIn }) => parkedIn !== null).length
  connections.sweep()
  assert.ok(parked() > 0 && parked() < many / 4, `${parked()} parked in one go`)
  while (parked() < many) connections.sweep()
  now = 4_000
  connections.sweep()
  assert.ok(parked() > many / 2, `${many - parked()} woken in one go`)
  while (looks.size < many) connections.sweep()
  assert.deepEqual(new Set(looks.values()), new Set([1]))
  assert.ok(longest <= 1.5, `a slice of ${longest} ms`)
  for (const member of [...connections]) connections.remove(member)
})

test('who looks for lost requests is told before and after each close of a connection that waits for its client', () => {
  const seen: string[] = []
  const observer: ConnectionsObserver = {
    nextId: () => 1,
    opened() {},
    ended() {},
    late() {},
    shortage() {},
    closing(_, why) {
      seen.push(`closing ${why}`)
      return () => seen.push(`closed ${why} after ${hungUp.length}`)
    },
  }
  const { connections, time, hungUp, open } = scene({ idleTimeoutMs: 5_000, headTimeoutMs: 5_000 }, observer)
  open('idle', 'request', 'answered')
  open('silent')
  open('half a head', 'bytes')
  open('busy', 'request')
  time.now = 5_000
  connections.sweep()
  assert.equal(hungUp.length, 3)
  assert.deepEqual(seen, ['closing idle', 'closed idle after 1', 'closing silent', 'closed silent after 2'])
  connections.closeByHand(open('by hand', 'request', 'answered'))
  assert.deepEqual(seen.slice(4), ['closing operator', 'closed operator after 4'])
  connections.closeByHand(open('busy as well', 'request'))
  connections.closeByHand(open('half a head as well', 'bytes'))
  assert.deepEqual(seen.slice(6), ['closing operator', 'closed operator after 6'])
})
