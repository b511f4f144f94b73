import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { networks } from '../../net/networks.ts'
import { clientOf } from './trust.ts'

const trusted = networks(['10.0.0.0/8', '2001:db8::/32', 'unix:'])
const client = (peer: string, ...raw: string[]) => clientOf(peer, raw, trusted)

test('a peer that is not trusted is the client, whatever it says', () => {
  assert.equal(client('192.0.2.1', 'X-Forwarded-For', '203.0.113.9'), '192.0.2.1')
  assert.equal(client('::ffff:192.0.2.1'), '192.0.2.1')
})

test('the client is the last one that no trusted hop vouches for', () => {
  assert.equal(client('10.0.0.1', 'X-Forwarded-For', '6.6.6.6, 203.0.113.9, 10.0.0.2'), '203.0.113.9')
  assert.equal(client('10.0.0.1', 'X-Forwarded-For', '6.6.6.6', 'x-forwarded-for', '203.0.113.9:4711'), '203.0.113.9')
  assert.equal(
    client('10.0.0.1', 'Forwarded', 'for=6.6.6.6, for="[2001:db9::1]:80";proto=https, for=10.3.0.1'),
    '2001:db9::1',
  )
  assert.equal(client('', 'X-Forwarded-For', '203.0.113.9'), '203.0.113.9')
})

test('where all are trusted it is the first of them', () => {
  assert.equal(client('10.0.0.1', 'X-Forwarded-For', '10.0.0.3, 10.0.0.2'), '10.0.0.3')
  assert.equal(client('10.0.0.1'), '10.0.0.1')
})

test('what is no address ends the walk at the hop that said it', () => {
  for (const odd of ['unknown', '_hidden', '1.2.3.4.5', '"x', '1.2.3.4;']) {
    assert.equal(client('10.0.0.1', 'X-Forwarded-For', `6.6.6.6, ${odd}, 10.0.0.2`), '10.0.0.2', odd)
  }
  assert.equal(client('10.0.0.1', 'Forwarded', 'for=6.6.6.6, proto=https'), '10.0.0.1')
  assert.equal(client('10.0.0.1', 'Forwarded', 'for=6.6.6.6, for="203.0.113.9'), '10.0.0.1')
})

test('X-Forwarded-For is believed before a Forwarded that a client could have sent', () => {
  assert.equal(client('10.0.0.1', 'Forwarded', 'for=6.6.6.6', 'X-Forwarded-For', '203.0.113.9'), '203.0.113.9')
})

test('a comma or semicolon inside quotes separates nothing', () => {
  assert.equal(client('10.0.0.1', 'Forwarded', 'for=203.0.113.9;host="a,for=6.6.6.6;\\",for=7.7.7.7"'), '203.0.113.9')
})

test('what a client puts in front never changes who it is', () => {
  const junk = fc.stringMatching(/^[ -~]{0,30}$/)
  fc.assert(
    fc.property(junk, fc.ipV4(), (before, address) => {
      fc.pre(!address.startsWith('10.'))
      assert.equal(client('10.0.0.1', 'X-Forwarded-For', `${before}, ${address}, 10.0.0.2`), address)
    }),
  )
})
