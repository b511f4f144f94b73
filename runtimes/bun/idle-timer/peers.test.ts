import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Peers } from './peers.ts'

test('the answer that fills the count is the last, and the next connection from there starts anew', () => {
  const peers = new Peers({ maxRequestsPerConnection: 3, maxConnectionAgeMs: 0 }, 10_000)
  const answers = Array.from({ length: 6 }, (_, at) => peers.answered('a|1', at))
  assert.deepEqual(answers, [false, false, true, false, false, true])
  assert.equal(peers.answered('a|2', 7), false)
})

test('age ends a connection ten percent sooner or later', () => {
  const limits = { maxRequestsPerConnection: 0, maxConnectionAgeMs: 1_000 }
  for (const [random, agesAt] of [
    [0, 900],
    [1, 1_100],
  ] as const) {
    const peers = new Peers(limits, 10_000, () => random)
    assert.equal(peers.answered('a|1', 0), false)
    assert.equal(peers.answered('a|1', agesAt - 1), false)
    assert.equal(peers.answered('a|1', agesAt), true)
  }
})

test('a peer that has been quiet longer than a connection can be is another connection', () => {
  const peers = new Peers({ maxRequestsPerConnection: 2, maxConnectionAgeMs: 0 }, 10_000)
  assert.equal(peers.answered('a|1', 0), false)
  assert.equal(peers.answered('a|1', 10_001), false)
  assert.equal(peers.answered('a|1', 10_002), true)
})

test('what is gone is forgotten', () => {
  const peers = new Peers({ maxRequestsPerConnection: 2, maxConnectionAgeMs: 0 }, 10_000)
  for (let port = 0; port < 1_000; port++) peers.answered(`a|${port}`, port)
  assert.equal(peers.size, 1_000)
  peers.answered('b|1', 20_000)
  assert.equal(peers.size, 1)
})
