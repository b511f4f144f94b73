import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { BalanceBy } from '../config/config.ts'
import { type Candidate, choose, hash, Rotation } from './balance.ts'

interface Named extends Candidate {
  readonly name: string
}

const candidate = (name: string, share = 1, inFlight = 0): Named => ({
  name,
  share,
  inFlight,
  behind: 0,
  seed: hash(name),
})
const names = (shares: readonly number[]) => shares.map((share, i) => candidate(`http://10.0.0.${i}:80`, share))

/** A generator of [0, 1) that is the same in each run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}

const one = (by: BalanceBy['by'], candidates: readonly Named[], random: () => number, key: string | null = null) =>
  choose(by, candidates, () => key, random)
const keyed = (candidates: readonly Named[], key: string) => one('hash', candidates, Math.random, key).name

/** How often each is chosen in `times`; none of the requests ends. */
function tally(by: BalanceBy['by'], candidates: readonly Named[], times: number, held: boolean): number[] {
  const random = seeded(7)
  const counts = candidates.map(() => 0)
  for (let i = 0; i < times; i++) {
    const chosen = one(by, candidates, random)
    if (held) chosen.inFlight += 1
    counts[candidates.indexOf(chosen)]! += 1
  }
  return counts
}

const anyBy = fc.constantFrom<BalanceBy['by']>('round-robin', 'least-connections', 'two-choices', 'hash')
const shares = fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 1, maxLength: 8 })

test('round robin is smooth: the heavy one is never served in one go', () => {
  const group = [candidate('a', 5), candidate('b', 1), candidate('c', 1)]
  const order = Array.from({ length: 14 }, () => one('round-robin', group, Math.random).name)
  assert.equal(order.join(''), 'aabacaaaabacaa')
})

test('round robin serves each exactly by its weight in every cycle', () => {
  fc.assert(
    fc.property(shares, (weights) => {
      const cycle = weights.reduce((total, weight) => total + weight, 0)
      assert.deepEqual(
        tally('round-robin', names(weights), cycle * 3, true),
        weights.map((weight) => weight * 3),
      )
    }),
  )
})

test('where all shares are equal, a rotation chooses whom round robin would', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 40 }), (count, times) => {
      const group = names(Array.from({ length: count }, () => 1))
      const rotation = new Rotation()
      for (let i = 0; i < times; i++) assert.equal(rotation.next(group), one('round-robin', group, Math.random))
    }),
  )
})

test('who has failed a request is not asked again for it, and nobody loses a turn by that', () => {
  const all = ['a', 'b', 'c']
  const rotation = new Rotation()
  assert.equal(rotation.next(all), 'a')
  assert.equal(rotation.another(all, ['a']), 'b')
  assert.equal(rotation.another(all, ['a', 'b']), 'c')
  assert.equal(rotation.another(all, all), null)
  assert.equal(rotation.next(all), 'b')
  assert.equal(rotation.next(['a']), 'a')
  assert.equal(rotation.another([], ['a']), null)
})

test('least connections takes the one with the fewest for its weight', () => {
  const group = [candidate('a', 1, 3), candidate('b', 1, 2), candidate('c', 2, 3)]
  assert.equal(one('least-connections', group, Math.random).name, 'c')
})

test('least connections goes round where all have equally few', () => {
  assert.deepEqual(tally('least-connections', names([1, 1, 1]), 30, false), [10, 10, 10])
  assert.deepEqual(tally('least-connections', names([3, 1]), 40, false), [30, 10])
})

test('least connections never leaves one more than a request behind another', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 9 }), { minLength: 2, maxLength: 6 }), fc.nat({ max: 100 }), (busy, times) => {
      const group = busy.map((inFlight, i) => candidate(String(i), 1, inFlight))
      const chosen = new Set<Named>()
      for (let i = 0; i < times; i++) {
        const next = one('least-connections', group, Math.random)
        next.inFlight += 1
        chosen.add(next)
      }
      const least = Math.min(...group.map(({ inFlight }) => inFlight))
      for (const { inFlight } of chosen) assert.ok(inFlight <= least + 1)
    }),
  )
})

test('two choices never takes the most loaded of a group', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = seeded(seed)
      const group = [candidate('a', 1, 1), candidate('b', 1, 9), candidate('c', 1, 2)]
      for (let i = 0; i < 50; i++) assert.notEqual(one('two-choices', group, random).name, 'b')
    }),
  )
})

test('two choices keeps loads closer together than chance does', () => {
  const spread = (counts: readonly number[]) => Math.max(...counts) - Math.min(...counts)
  const counts = tally('two-choices', names([1, 1, 1, 1, 1, 1, 1, 1]), 8_000, true)
  assert.ok(spread(counts) <= 12, `${counts}`)
})

test('two choices draws the second as evenly as the first', () => {
  const [, left = 0, right = 0] = tally(
    'two-choices',
    [candidate('a', 1, 9), candidate('b'), candidate('c')],
    8_000,
    false,
  )
  assert.ok(Math.abs(left - 4_000) < 200 && Math.abs(right - 4_000) < 200, `${left} ${right}`)
})

test('two choices follows the weights of a group that is idle', () => {
  const [heavy = 0, light = 0] = tally('two-choices', names([3, 1]), 8_000, false)
  assert.ok(heavy > 5_700 && heavy < 6_300 && light > 1_700 && light < 2_300, `${heavy} ${light}`)
})

test('a key goes to the same member whatever their order is', () => {
  fc.assert(
    fc.property(shares, fc.string(), fc.integer(), (weights, key, seed) => {
      const group = names(weights)
      const random = seeded(seed)
      const shuffled = group.map((value) => ({ value, at: random() })).sort((a, b) => a.at - b.at)
      assert.equal(
        keyed(group, key),
        keyed(
          shuffled.map(({ value }) => value),
          key,
        ),
      )
    }),
  )
})

test('when a member leaves only its own keys move', () => {
  fc.assert(
    fc.property(shares, fc.nat({ max: 7 }), fc.array(fc.string(), { maxLength: 50 }), (weights, leaves, keys) => {
      fc.pre(weights.length > 1)
      const group = names(weights)
      const gone = group[leaves % group.length]!
      const rest = group.filter((other) => other !== gone)
      for (const key of keys) {
        const before = keyed(group, key)
        if (before !== gone.name) assert.equal(keyed(rest, key), before)
      }
    }),
  )
})

test('a member whose share grows takes keys and moves none between the others', () => {
  const before = names([1, 1, 1, 0.1])
  const after = names([1, 1, 1, 1])
  let taken = 0
  for (let i = 0; i < 2_000; i++) {
    const from = keyed(before, `client ${i}`)
    const to = keyed(after, `client ${i}`)
    if (from === to) continue
    assert.equal(to, after[3]!.name)
    taken += 1
  }
  // From 0.1 of 3.1 to 1 of 4.
  assert.ok(taken > 360 && taken < 510, `${taken}`)
})

test('keys are spread by weight, also those that differ in one digit', () => {
  for (const key of [
    (i: number) => `10.1.${i >> 8}.${i & 255}`,
    (i: number) => `${i}`,
    (i: number) => `session=${i}`,
  ]) {
    const group = names([2, 1, 1])
    const counts = new Map(group.map(({ name }) => [name, 0]))
    for (let i = 0; i < 8_000; i++) counts.set(keyed(group, key(i)), counts.get(keyed(group, key(i)))! + 1)
    const [a = 0, b = 0, c = 0] = counts.values()
    assert.ok(Math.abs(a - 4_000) < 200 && Math.abs(b - 2_000) < 200 && Math.abs(c - 2_000) < 200, `${a} ${b} ${c}`)
  }
})

test('the keys of a member that leaves are spread over all others', () => {
  const group = names([1, 1, 1, 1])
  const rest = group.slice(1)
  const heirs = new Map(rest.map(({ name }) => [name, 0]))
  let total = 0
  for (let i = 0; i < 8_000; i++) {
    if (keyed(group, `${i}`) !== group[0]!.name) continue
    total += 1
    heirs.set(keyed(rest, `${i}`), heirs.get(keyed(rest, `${i}`))! + 1)
  }
  for (const count of heirs.values()) assert.ok(Math.abs(count - total / 3) < total * 0.06, `${[...heirs.values()]}`)
})

test('without a key the hash goes round', () => {
  assert.deepEqual(tally('hash', names([1, 1, 1]), 30, true), [10, 10, 10])
})

test('whatever the rule, the only one there is is taken', () => {
  fc.assert(
    fc.property(anyBy, fc.nat({ max: 1_000 }), (by, inFlight) => {
      const only = candidate('a', 1, inFlight)
      assert.equal(one(by, [only], Math.random), only)
    }),
  )
})

test('whatever the rule, one of the candidates is taken, also at the ends of what random gives', () => {
  const ends = fc.array(fc.constantFrom(0, 0.5, 1 - 2 ** -53), { minLength: 2, maxLength: 2 })
  const some = fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(anyBy, some, ends, fc.option(fc.string()), (by, weights, given, key) => {
      const group = names(weights)
      let drawn = 0
      assert.ok(group.includes(one(by, group, () => given[drawn++]!, key)))
    }),
  )
})
