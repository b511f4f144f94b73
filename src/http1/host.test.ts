import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHost } from './host.ts'

const hosts = [
  'a',
  'a.example',
  '127.0.0.1',
  '127.0.0.1:80',
  '[::1]',
  '[::ffff:1.2.3.4]:8080',
  'a:',
  "a!$&'()*+,;=~_-b",
  '%61',
]
const others = [
  '',
  ':80',
  'a b',
  'a/b',
  'a?b',
  'a#b',
  'u@a',
  'a:b',
  'a:80:80',
  '::1',
  '[::1',
  '[::1]x',
  '[g]',
  '[v1.a]',
  '%zz',
  '%0',
  '%00',
  '1.2.3.999',
  'a:65536',
  '\xe4',
  'a\\b',
  'a\0',
]

for (const host of hosts) test(`${JSON.stringify(host)} is a host`, () => assert.equal(isHost(host), true))
for (const host of others) test(`${JSON.stringify(host)} is no host`, () => assert.equal(isHost(host), false))
