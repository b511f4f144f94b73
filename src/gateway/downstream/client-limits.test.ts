import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ClientLimits } from '../config/config.ts'
import { ClientLimiter, clientKey } from './client-limits.ts'

const off: ClientLimits = { maxConnections: 0, requestsPerSec: 0, burst: 0 }
function limiter(limits: Partial<ClientLimits>) {
  const clock = { ms: 1_000 }
  return { clock, limiter: new ClientLimiter({ ...off, ...limits }, () => clock.ms) }
}

test('a burst passes, then one for each interval', () => {
  const { clock, limiter: one } = limiter({ requestsPerSec: 10, burst: 3 })
  assert.deepEqual(
    [1, 2, 3, 4].map(() => one.request('192.0.2.1')),
    [0, 0, 0, 1],
  )
  clock.ms += 99
  assert.equal(one.request('192.0.2.1'), 1)
  clock.ms += 1
  assert.equal(one.request('192.0.2.1'), 0)
  assert.equal(one.request('192.0.2.1'), 1)
  clock.ms += 10_000
  assert.deepEqual(
    [1, 2, 3, 4].map(() => one.request('192.0.2.1')),
    [0, 0, 0, 1],
  )
})

test('one client’s requests are none of another’s', () => {
  const { limiter: one } = limiter({ requestsPerSec: 1, burst: 1 })
  assert.equal(one.request('192.0.2.1'), 0)
  assert.equal(one.request('192.0.2.1'), 1)
  assert.equal(one.request('192.0.2.2'), 0)
})

test('who comes back after Retry-After is let in, and not a second before', () => {
  const { clock, limiter: one } = limiter({ requestsPerSec: 1, burst: 1 })
  assert.equal(one.request('a'), 0)
  const waitSec = one.request('a')
  clock.ms += waitSec * 1_000 - 1
  assert.ok(one.request('a') > 0)
  clock.ms += 1
  assert.equal(one.request('a'), 0)
})

test('less than one a second is waited for longer', () => {
  const { limiter: one } = limiter({ requestsPerSec: 0.4, burst: 1 })
  assert.deepEqual([one.request('a'), one.request('a')], [0, 3])
})

test('no burst is a burst of one', () => {
  const { limiter: one } = limiter({ requestsPerSec: 5 })
  assert.deepEqual([one.request('a'), one.request('a')], [0, 1])
})

test('in no stretch of time does more pass than the burst and the rate allow', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 10 }),
      steps,
      (requestsPerSec, burst, waits) => {
        const { clock, limiter: one } = limiter({ requestsPerSec, burst })
        const passed: number[] = []
        for (const wait of waits) {
          clock.ms += wait
          if (one.request('a') === 0) passed.push(clock.ms)
        }
        for (let from = 0; from < passed.length; from++) {
          for (let to = from; to < passed.length; to++) {
            const most = burst + ((passed[to]! - passed[from]!) * requestsPerSec) / 1_000
            assert.ok(to - from + 1 <= most + 1e-6, `${to - from + 1} in ${passed[to]! - passed[from]!} ms`)
          }
        }
        // Refused only where one more would have been too many.
        assert.equal(passed[0], clock.ms - waits.slice(1).reduce((sum, wait) => sum + wait, 0))
      },
    ),
  )
})

test('a flood of addresses takes no more memory than its bound, and those that are done make room first', () => {
  const { clock, limiter: one } = limiter({ requestsPerSec: 1, burst: 2 })
  const address = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`
  for (let i = 0; i < 65_536; i++) one.request(address(i))
  clock.ms += 500
  one.request('192.0.2.1')
  assert.equal(one.size, 65_536)
  one.request('192.0.2.1')
  assert.equal(one.request('192.0.2.1'), 1, 'the newcomer is counted')
  assert.equal(one.request(address(1)), 0)
  assert.equal(one.request(address(1)), 1, 'those that are left are as well')
  clock.ms += 1_500
  one.request('192.0.2.2')
  assert.ok(one.size < 10, `${one.size}`)
})

test('without a rate nobody is remembered', () => {
  const { limiter: one } = limiter({ maxConnections: 1 })
  assert.equal(one.off, true)
  for (let i = 0; i < 100; i++) assert.equal(one.request(`192.0.2.${i}`), 0)
  assert.equal(one.size, 0)
})

test('connections are counted until they are gone, those too many as well', () => {
  const { limiter: one } = limiter({ maxConnections: 2 })
  assert.deepEqual(
    [1, 2, 3].map(() => one.connected('192.0.2.1')),
    [true, true, false],
  )
  assert.equal(one.connected('192.0.2.2'), true)
  one.disconnected('192.0.2.1')
  assert.equal(one.connected('192.0.2.1'), false)
  one.disconnected('192.0.2.1')
  one.disconnected('192.0.2.1')
  assert.equal(one.connected('192.0.2.1'), true)
})

test('one that was too many is admitted once others are gone', () => {
  const { limiter: one } = limiter({ maxConnections: 1 })
  one.connected('192.0.2.1')
  assert.equal(one.connected('192.0.2.1'), false)
  assert.equal(one.admits('192.0.2.1'), false)
  one.disconnected('192.0.2.1')
  assert.equal(one.admits('192.0.2.1'), true)
})

test('new limits hold for connections that are open already', () => {
  const { limiter: one } = limiter({})
  assert.equal(one.connected('a'), true)
  one.update({ maxConnections: 1, requestsPerSec: 1, burst: 1 })
  assert.equal(one.connected('a'), false)
  assert.equal(one.off, false)
  assert.deepEqual([one.request('a'), one.request('a')], [0, 1])
  one.update(off)
  assert.equal(one.request('a'), 0)
  assert.equal(one.size, 0)
})

test('a /64 of IPv6 is one client, an IPv4 address is one in either form', () => {
  assert.equal(clientKey('2001:db8:1:2::3'), clientKey('2001:db8:1:2:ffff::'))
  assert.notEqual(clientKey('2001:db8:1:2::3'), clientKey('2001:db8:1:3::3'))
  assert.equal(clientKey('::ffff:192.0.2.1'), clientKey('192.0.2.1'))
  assert.notEqual(clientKey('::ffff:192.0.2.1'), clientKey('::ffff:192.0.2.2'))
})
