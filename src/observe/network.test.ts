import assert from 'node:assert/strict'
import { test } from 'node:test'
import { peerText } from '../lifecycle/description.ts'
import { hostOf, networkOf } from './network.ts'

test('an address is told from its port, in every form in which a peer is shown', () => {
  for (const address of ['10.0.3.7', '2001:db8::1', '::1']) assert.equal(hostOf(peerText(address, 4_711)), address)
  assert.equal(hostOf(peerText('::ffff:10.0.3.7', 1)), '10.0.3.7')
  assert.equal(hostOf(peerText(undefined, undefined)), 'unix')
})

test('networks are /24 of IPv4 and /48 of IPv6, however the address is written', () => {
  assert.equal(networkOf('10.0.3.7'), '10.0.3.0/24')
  assert.equal(networkOf('2001:db8:7:1:2:3:4:5'), '2001:db8:7::/48')
  assert.equal(networkOf('2001:0db8:0007::5'), '2001:db8:7::/48')
  assert.equal(networkOf('2001:db8::5'), '2001:db8::/48')
  assert.equal(networkOf('fe80::1%eth0'), 'fe80::/48')
  assert.equal(networkOf('::1'), '::/48')
  assert.equal(networkOf('64:ff9b::10.0.3.7'), '64:ff9b::/48')
  assert.equal(networkOf('unix'), 'unix')
})
