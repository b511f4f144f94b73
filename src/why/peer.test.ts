import assert from 'node:assert/strict'
import { test } from 'node:test'
import { peerOf } from './peer.ts'

const connections = [
  { id: 1, peer: '10.0.0.7:50312' },
  { id: 2, peer: '10.0.0.7:50313' },
  { id: 3, peer: '10.9.0.7:50312' },
  { id: 4, peer: '[2001:db8::7]:443' },
  { id: 5, peer: 'unix' },
]

test('a peer is an address, with or without its port, a network, or the number of a connection', () => {
  const cases: readonly (readonly [string, readonly number[]])[] = [
    ['10.0.0.7', [1, 2]],
    ['10.0.0.7:50312', [1]],
    ['10.0.0.0/8', [1, 2, 3]],
    ['2001:db8::7', [4]],
    ['[2001:db8::7]', [4]],
    ['[2001:db8::7]:443', [4]],
    ['2001:db8::/32', [4]],
    ['unix', [5]],
    ['3', [3]],
    ['#3', [3]],
    ['10.0.0.8', []],
  ]
  for (const [text, ids] of cases) {
    assert.deepEqual(
      connections.filter(peerOf(text)!).map(({ id }) => id),
      ids,
      text,
    )
  }
  for (const text of ['', 'example.org', '10.0.0', '10.0.0.0/33', '10.0.0.7:x', '-1'])
    assert.equal(peerOf(text), null, text)
})
