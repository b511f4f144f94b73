import assert from 'node:assert/strict'
import { BlockList, isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressOf, networks, plainAddress } from './networks.ts'

test('an address is in a network by its prefix, in either notation', () => {
  const trusts = networks(['10.0.0.0/8', '192.0.2.7', '2001:db8::/33', '::ffff:198.51.100.0/120'])
  for (const inside of [
    '10.255.0.1',
    '::ffff:10.1.2.3',
    '192.0.2.7',
    '2001:db8:7fff::1',
    '198.51.100.9',
    '::FFFF:C633:6401',
  ]) {
    assert.equal(trusts(inside), true, inside)
  }
  for (const outside of ['11.0.0.1', '192.0.2.8', '2001:db8:8000::1', '198.51.101.1', '::10.1.2.3', '', 'unknown']) {
    assert.equal(trusts(outside), false, outside)
  }
})

test('nobody is trusted by an empty list, everybody of a family by its whole', () => {
  assert.equal(networks([])('127.0.0.1'), false)
  assert.equal(networks(['0.0.0.0/0'])('::1'), false)
  assert.equal(networks(['0.0.0.0/0'])('::ffff:1.2.3.4'), true)
  assert.equal(networks(['::/0'])('1.2.3.4'), true)
})

test('peers on a Unix socket are trusted by name', () => {
  assert.equal(networks(['unix:'])(''), true)
  assert.equal(networks(['unix:'])('127.0.0.1'), false)
  assert.equal(networks(['10.0.0.0/8'])(''), false)
})

test('a wrong entry is named, with what would do', () => {
  assert.throws(() => networks(['10.0.0.0/8', 'localhost']), /"localhost" is not a network: 10\.0\.0\.0\/8/)
  assert.throws(() => networks(['10.0.0.0/33']), /"10\.0\.0\.0\/33": the prefix of IPv4 is 0 to 32 bits/)
  assert.throws(() => networks(['::/129']), /"::\/129": the prefix of IPv6 is 0 to 128 bits/)
  assert.throws(
    () => networks(['10.1.2.3/8']),
    /"10\.1\.2\.3\/8" has bits behind its prefix: 10\.0\.0\.0\/8 or 10\.1\.2\.3/,
  )
  assert.throws(() => networks(['2001:db8::1/32']), /has bits behind its prefix: 2001:db8::\/32 or 2001:db8::1/)
  for (const wrong of [
    '',
    '10.0.0',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '010.0.0.0/8',
    '[::1]',
    'fe80::1%eth0',
    '1::2::3',
    '1:2:3:4::5:6:7:8',
  ]) {
    assert.throws(() => networks([wrong]), TypeError, wrong)
  }
})

const v4 = fc.ipV4()
const v6 = fc.ipV6()
const texts = fc.oneof(
  v4,
  v6,
  v4.map((text) => `::ffff:${text}`),
  fc.stringMatching(/^[0-9a-f:.]{0,20}$/),
)

test('what is an address, node:net says too', () => {
  fc.assert(
    fc.property(texts, (text) => {
      assert.equal(addressOf(text) !== null, isIP(text) !== 0)
    }),
    { numRuns: 2_000 },
  )
})

test('membership is as in BlockList of node:net', () => {
  const near = fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]) => `10.${a >> 6}.${b >> 6}.1`)
  fc.assert(
    fc.property(near, near, fc.integer({ min: 8, max: 32 }), (net, address, bits) => {
      const first =
        net
          .split('.')
          .map(Number)
          .reduce((all, part) => all * 256 + part) & (bits === 0 ? 0 : -1 << (32 - bits))
      const text = [24, 16, 8, 0].map((by) => (first >>> by) & 255).join('.')
      const list = new BlockList()
      list.addSubnet(text, bits, 'ipv4')
      assert.equal(networks([`${text}/${bits}`])(address), list.check(address, 'ipv4'))
    }),
  )
  fc.assert(
    fc.property(v6, fc.integer({ min: 0, max: 128 }), fc.nat(127), (address, bits, flipped) => {
      const bytes = addressOf(address)!
      bytes[flipped >> 3]! ^= 0x80 >> (flipped & 7)
      const other = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2]! << 8) | bytes[i * 2 + 1]!).toString(16)).join(
        ':',
      )
      const list = new BlockList()
      list.addSubnet(address, bits, 'ipv6')
      assert.equal(list.check(other, 'ipv6'), flipped >= bits)
      const first = addressOf(address)!
      for (let at = 0; at < 128; at++) if (at >= bits) first[at >> 3]! &= ~(0x80 >> (at & 7))
      const net = Array.from({ length: 8 }, (_, i) => ((first[i * 2]! << 8) | first[i * 2 + 1]!).toString(16)).join(':')
      assert.equal(networks([`${net}/${bits}`])(other), flipped >= bits)
    }),
  )
})

test('more addresses than are remembered change no verdict', () => {
  const trusts = networks(['10.0.0.0/9'])
  for (let i = 0; i < 10_000; i++) assert.equal(trusts(`10.${i & 255}.${i >> 8}.1`), (i & 255) < 128)
  assert.equal(trusts('10.200.0.1'), false)
})

test('an address is said as others write it', () => {
  assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1')
  assert.equal(plainAddress('fe80::1%eth0'), 'fe80::1')
  assert.equal(plainAddress('2001:db8::1'), '2001:db8::1')
  assert.equal(plainAddress(''), '')
})
