import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adminPlan } from './options.ts'

test('bare, it is loopback; a port is one on loopback', () => {
  assert.deepEqual(adminPlan(true), { at: { host: '127.0.0.1', port: 9180 }, token: null, hosts: [] })
  assert.deepEqual(adminPlan(9000).at, { host: '127.0.0.1', port: 9000 })
  assert.deepEqual(adminPlan('9000').at, { host: '127.0.0.1', port: 9000 })
  assert.deepEqual(adminPlan('[::1]:9000').at, { host: '::1', port: 9000 })
  assert.deepEqual(adminPlan('localhost:0').at, { host: 'localhost', port: 0 })
  assert.deepEqual(adminPlan('unix:/run/a.sock').at, { unix: '/run/a.sock' })
})

test('what more than this machine can reach needs a token', () => {
  const token = 'a-token-of-enough-length'
  for (const listen of ['0.0.0.0:9180', ':9180', '[::]:9180', '10.0.0.1:9180', 'example.org:9180']) {
    assert.throws(() => adminPlan(listen), /needs a token/, listen)
    assert.equal(adminPlan({ listen, token }).token, token)
  }
  assert.deepEqual(adminPlan({ listen: ':9180', token }).at, { host: '::', port: 9180 })
  assert.throws(() => adminPlan({ token: 'short' }), /shorter than 16/)
})

test('what is not a place is an error that names the option and what is accepted', () => {
  for (const listen of ['', 'unix:', 'a b:1', '127.0.0.1', '127.0.0.1:99999', 'http://127.0.0.1:9180', '1:2:3']) {
    assert.throws(() => adminPlan(listen, '--admin'), /--admin.*accepted: a port/s, listen)
  }
})
