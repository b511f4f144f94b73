import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Peer } from './peers.ts'
import { Reserve } from './reserve.ts'

const newcomer = () => ({ requests: 0, owed: 0 }) as Peer

test('as many newcomers are refused as use descriptors that are kept', () => {
  let used = 111
  const gone = new Set<Peer>()
  const reserve = new Reserve({ from: 112, used: () => used, knows: (peer) => !gone.has(peer) })
  assert.equal(reserve.refuses(newcomer()), false)
  used = 114
  const [first, second] = [newcomer(), newcomer()]
  assert.deepEqual(
    [first, second, newcomer()].map((peer) => reserve.refuses(peer)),
    [true, true, false],
  )
  // It has its 503 and frees its descriptor, which another newcomer takes.
  Object.assign(first, { requests: 1, owed: 0 })
  assert.deepEqual(
    [newcomer(), newcomer()].map((peer) => reserve.refuses(peer)),
    [true, false],
  )
  gone.add(second)
  assert.equal(reserve.refuses(newcomer()), true)
  used = 112
  assert.equal(reserve.refuses(newcomer()), false)
})
