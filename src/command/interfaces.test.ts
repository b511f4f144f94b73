import assert from 'node:assert/strict'
import type { NetworkInterfaceInfo } from 'node:os'
import { test } from 'node:test'
import { alsoAt } from './interfaces.ts'

const at = (family: 'IPv4' | 'IPv6', address: string, internal = false) =>
  ({ family, address, internal }) as NetworkInterfaceInfo
const interfaces = {
  lo: [at('IPv4', '127.0.0.1', true), at('IPv6', '::1', true)],
  eth0: [at('IPv4', '192.168.1.5'), at('IPv6', 'fe80::1'), at('IPv6', '2001:db8::5')],
}

test('all interfaces: the address of each that others can reach', () => {
  for (const host of [undefined, '::']) {
    assert.deepEqual(alsoAt('http://localhost:3000/', host, interfaces), [
      'http://192.168.1.5:3000/',
      'http://[2001:db8::5]:3000/',
    ])
  }
  assert.deepEqual(alsoAt('https://localhost/', '0.0.0.0', interfaces), ['https://192.168.1.5/'])
})

test('one address, a Unix socket, nothing known: no other', () => {
  assert.deepEqual(alsoAt('http://127.0.0.1:3000/', '127.0.0.1', interfaces), [])
  assert.deepEqual(alsoAt('http+unix://%2Ftmp%2Fs/', undefined, interfaces), [])
  assert.deepEqual(alsoAt('http://localhost:3000/', undefined, {}), [])
})
