import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { resolveOptions } from '../policy/resolve.ts'
import { backgroundClock } from './clock.ts'
import { Connections } from './connections.ts'
import { Budget, type Shortage } from './descriptor-budget.ts'
import { FakeMember } from './member.fake.ts'
import type { Event, State } from './states.ts'

const budgetOf = (
  soft: number,
  given: Parameters<typeof resolveOptions>[0] = {},
  used: () => number | null = () => null,
) => {
  const { policy } = resolveOptions({ idleTimeoutMs: 5_000, minIdleMs: 1_000, ...given })
  return { policy, budget: Budget.of({ soft, atStart: 20, used }, policy) }
}

test('connections leave what is reserved, but no more than half', () => {
  assert.equal(budgetOf(1_024).budget?.most, 960)
  assert.equal(budgetOf(100).budget?.most, 50)
  assert.equal(budgetOf(1_024, { reservedDescriptors: 'off' }).budget, null)
  assert.equal(Budget.of(null, budgetOf(1).policy), null)
})

test('what the application opens as its connections come is left as well', () => {
  const { policy } = budgetOf(1)
  const descriptors = { soft: 1_024, atStart: 20, used: () => null }
  assert.equal(Budget.of(descriptors, policy, 128)?.most, 832)
  assert.equal(Budget.of(descriptors, policy, Number.POSITIVE_INFINITY)?.most, 512)
})

test('from 80 % of the budget the idle limit shrinks, to minIdleMs at the budget', () => {
  const { budget, policy } = budgetOf(1_064, { reservedDescriptors: 64 })
  assert.equal(budget?.idleMs(799, policy), 5_000)
  assert.equal(budget?.idleMs(900, policy), 3_000)
  assert.equal(budget?.idleMs(1_000, policy), 1_000)
  assert.equal(budget?.idleMs(1_064, policy), 1_000)
  assert.equal(budget?.idleMs(1_064, { ...policy, idleTimeoutMs: 0 }), 0, 'what is off stays off')
})

test('with plenty left descriptors are estimated; else they are asked for, and what else is open is learnt', () => {
  let asked = 0
  const { budget } = budgetOf(264, {}, () => {
    asked += 1
    return 190
  })
  assert.equal(budget?.used(100), 120)
  assert.equal(asked, 0)
  assert.equal(budget?.used(150), 190)
  assert.equal(asked, 1)
  assert.equal(budget?.used(60), 100, 'forty are others’')
})

/**
 * Connections that have been in a state for so long, at the given number of descriptors.
 */
function scene(
  open: readonly { readonly state: State; readonly forMs: number }[],
  soft: number,
  reserved: number,
  discover?: () => void,
) {
  const now = 100_000
  const left = new Set<FakeMember>()
  const { policy } = resolveOptions({ idleTimeoutMs: 5_000, minIdleMs: 1_000, reservedDescriptors: reserved })
  const told: Shortage[] = []
  const connections = new Connections<FakeMember>({
    policy,
    clock: { now: () => now, after: backgroundClock.after },
    onClosed: () => {},
    random: Math.random,
    budget: Budget.of({ soft, atStart: 0, used: () => left.size + 1 }, policy),
    onShortage: (shortage) => told.push(shortage),
    ...(discover && { discover }),
  })
  const hungUp: { readonly state: State; readonly forMs: number }[] = []
  const add = (one: (typeof open)[number]) => {
    const since = now - one.forMs
    const connection = connections.begin(one.state === 'handshake' ? 'handshake' : 'accepted', since)
    for (const event of eventsTo[one.state] ?? []) connection.move(event, since)
    const member = new FakeMember(connection, () => {
      left.delete(member)
      hungUp.push(one)
    })
    member.lookAt = Number.POSITIVE_INFINITY
    left.add(member)
    connections.add(member)
  }
  for (const one of open) add(one)
  return { connections, policy, now, hungUp, told, left, add }
}

const eventsTo: Partial<Record<State, readonly Event[]>> = {
  head: ['bytes'],
  handling: ['request'],
  idle: ['request', 'answered'],
}

test('at the budget those that wait make room, the longest silent first; those just answered only if nobody is older', () => {
  const { connections, now, hungUp } = scene(
    [
      { state: 'idle', forMs: 100 },
      { state: 'idle', forMs: 3_000 },
      { state: 'accepted', forMs: 2_000 },
      { state: 'handling', forMs: 9_000 },
    ],
    8,
    4,
  )
  connections.admits(now)
  assert.deepEqual(hungUp, [{ state: 'accepted', forMs: 2_000 }])
  assert.equal(connections.makeRoomFor(2, now), 2)
  assert.deepEqual(hungUp.slice(1), [
    { state: 'idle', forMs: 3_000 },
    { state: 'idle', forMs: 100 },
  ])
})

test('room is looked for among connections that are not known yet, and only if those that are do not make it', () => {
  const idle = (forMs: number) => ({ state: 'idle' as const, forMs })
  let asked = 0
  const { connections, now, hungUp, add } = scene([idle(3_000)], 8, 4, () => {
    asked += 1
    add(idle(2_000))
  })
  assert.equal(connections.makeRoomFor(1, now), 1)
  assert.equal(asked, 0)
  add({ state: 'handling', forMs: 50 })
  assert.equal(connections.makeRoomFor(1, now), 1)
  assert.equal(asked, 1)
  assert.deepEqual(hungUp, [idle(3_000), idle(2_000)])
})

test('told of requests alone it says after how many it wants to be asked again', () => {
  const busy = (count: number) => Array.from({ length: count }, () => ({ state: 'handling' as const, forMs: 50 }))
  const { connections, now, add } = scene(busy(2), 108, 8)
  assert.equal(connections.keepWithinBudget(now), 97)
  for (const one of busy(100)) add(one)
  assert.equal(connections.keepWithinBudget(now), 1)
  assert.ok(connections.full)
  assert.ok(!connections.brimful)
  for (const one of busy(4)) add(one)
  connections.keepWithinBudget(now)
  assert.ok(connections.brimful)
})

test('with all in a request it is full, says so, and closes nobody', () => {
  const busy = Array.from({ length: 5 }, () => ({ state: 'handling' as const, forMs: 50 }))
  const { connections, now, hungUp, told } = scene(busy, 8, 4)
  connections.admits(now)
  assert.deepEqual(hungUp, [])
  assert.equal(connections.full, true)
  assert.deepEqual(told, [{ used: 6, soft: 8, idleMs: 1_000, full: true }])
})

test('whoever is open: none in a request is closed, nor a young one while an older one waits', () => {
  const state = fc.constantFrom<State>('handshake', 'accepted', 'head', 'handling', 'idle')
  const connections = fc.array(fc.record({ state, forMs: fc.integer({ min: 0, max: 4_000 }) }), { maxLength: 60 })
  fc.assert(
    fc.property(connections, fc.integer({ min: 4, max: 80 }), (open, soft) => {
      const { connections, policy, now, hungUp, left } = scene(open, soft, 4)
      const most = soft - Math.min(4, Math.floor(soft / 2))
      connections.admits(now)
      assert.ok(hungUp.every(({ state }) => state !== 'handling'))
      const kept = [...left].filter(({ connection }) => connection.state !== 'handling')
      const keptOld = kept.some(({ connection }) => now - connection.since >= policy.minIdleMs)
      const hungUpYoung = hungUp.some(({ forMs }) => forMs < policy.minIdleMs)
      assert.ok(!(keptOld && hungUpYoung))
      if (left.size + 1 > most) assert.ok(connections.full && !keptOld)
    }),
  )
})
