import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { FakeClock } from '../../lifecycle/clock.fake.ts'
import type { BalanceBy, CheckConfig, GroupConfig, UpstreamConfig } from '../config/config.ts'
import { type UpstreamOptions, upstreamOptionNames } from '../config/settings/limits.ts'
import { Group, type Member } from './group.ts'
import { takesRequests } from './health.ts'

interface Pool {
  readonly to: string
  maxConnections: number
  closed: boolean
}

const options = Object.fromEntries(upstreamOptionNames.map((name) => [name, 0])) as UpstreamOptions
const check: CheckConfig = { path: '/up', intervalMs: 5_000, timeoutMs: 1_000, unhealthyAfter: 2, healthyAfter: 2 }

function upstream(url: string, given: Partial<UpstreamConfig> = {}): UpstreamConfig {
  const { hostname, port } = new URL(url)
  return { url, host: hostname, port: Number(port), unix: null, tls: null, weight: 1, proxyProtocol: 'off', ...given }
}

function config(upstreams: readonly (string | UpstreamConfig)[], given: Partial<GroupConfig> = {}): GroupConfig {
  return {
    name: 'app',
    upstreams: upstreams.map((one) => (typeof one === 'string' ? upstream(one) : one)),
    balance: { by: 'round-robin' },
    check: null,
    options,
    ...given,
  }
}

const a = 'http://10.0.0.1:8000'
const b = 'http://10.0.0.2:8000'
const c = 'http://10.0.0.3:8000'

function harness(first: GroupConfig, resolved: Readonly<Record<string, readonly string[]>> = {}) {
  const clock = new FakeClock()
  const pools: Pool[] = []
  const lines: string[] = []
  const zone = new Map(Object.entries(resolved))
  /** Members that fail their checks, by name; those that answer one only when told. */
  const sick = new Set<string>()
  const mute = new Map<string, PromiseWithResolvers<boolean>>()
  const checked: { name: string; at: number }[] = []
  const group = new Group<Pool>(first, {
    clock,
    random: () => 0.5,
    makePool(_upstream, { host, port, unix }, { upstreamMaxConnections }) {
      const pool = { to: unix ?? `${host}:${port}`, maxConnections: upstreamMaxConnections, closed: false }
      pools.push(pool)
      return pool
    },
    changePool(pool, { upstreamMaxConnections }) {
      pool.maxConnections = upstreamMaxConnections
    },
    closePool(pool) {
      assert.equal(pool.closed, false, `${pool.to} is closed once`)
      pool.closed = true
    },
    resolve: async (name) => zone.get(name) ?? Promise.reject(new Error('no such name')),
    async check({ name }) {
      checked.push({ name, at: clock.now() })
      const late = mute.get(name)
      if (late !== undefined) return await late.promise
      if (sick.has(name)) throw new Error('500')
      return true
    },
    log: ({ level, code, message }) => lines.push(`${level} ${code} ${message}`),
  })
  return {
    clock,
    pools,
    lines,
    zone,
    sick,
    mute,
    checked,
    group,
    member(name: string): Member<Pool> {
      for (const member of members(group)) if (member.name === name) return member
      throw new Error(`no ${name} is up`)
    },
    states: () => group.status().map(({ state }) => state),
    /** Time passes, and what is asked of others in it is answered. */
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= 500) {
        clock.pass(Math.min(500, left))
        await setImmediate()
      }
    },
  }
}

/** Those that take requests. */
function members(group: Group<Pool>): Member<Pool>[] {
  const found: Member<Pool>[] = []
  for (let member = group.pick(null, found); member !== null; member = group.pick(null, found)) found.push(member)
  return found
}

const picks = (group: Group<Pool>, times: number) =>
  Array.from({ length: times }, () => group.pick(null, [])?.upstream.url ?? null)

function fail(group: Group<Pool>, member: Member<Pool>, times: number): void {
  for (let i = 0; i < times; i++) group.failed(member, 'connect')
}

test('requests go round those that are given', () => {
  const { group, pools } = harness(config([a, b]))
  assert.deepEqual(picks(group, 4), [a, b, a, b])
  assert.deepEqual(
    pools.map(({ to }) => to),
    ['10.0.0.1:8000', '10.0.0.2:8000'],
  )
})

test('an address says all that is needed to connect', () => {
  const tls = { servername: 'app', verify: true }
  const { group } = harness(
    config([
      upstream('https://[::1]:8443', { tls }),
      upstream('unix:/run/app.sock', { host: 'localhost', unix: '/run/app.sock' }),
    ]),
  )
  assert.deepEqual(
    members(group).map(({ address }) => address),
    [
      { host: '::1', port: 8443, tls },
      { host: 'localhost', port: 0, unix: '/run/app.sock' },
    ],
  )
})

test('a retry goes to one that was not tried, or to none', () => {
  const { group } = harness(config([a, b]))
  const first = group.pick(null, [])!
  const second = group.pick(null, [first])!
  assert.notEqual(first, second)
  assert.equal(group.pick(null, [first, second]), null)
})

test('the one that fails is ejected, comes back slowly, and gets its share again', () => {
  const { group, clock, lines, member, states } = harness(config([a, b]))
  fail(group, member(a), 5)
  assert.deepEqual(states(), ['ejected', 'up'])
  assert.deepEqual(picks(group, 3), [b, b, b])
  assert.deepEqual(lines, [
    `warn UPSTREAM_EJECTED upstream ${a} ejected for 10s after 5 failures in a row (the upstream refuses connections)`,
  ])
  assert.equal(group.status()[0]?.ejectedForMs, 10_000)
  assert.equal(group.status()[0]?.lastFailure, 'connect')
  clock.pass(10_000)
  assert.deepEqual(states(), ['slow-start', 'up'])
  assert.equal(
    lines[1],
    `info UPSTREAM_UP upstream ${a} is used again, with its full share in 10s: its ejection is over`,
  )
  assert.equal(picks(group, 110).filter((url) => url === a).length, 10)
  clock.pass(10_000)
  assert.deepEqual(states(), ['up', 'up'])
  assert.equal(picks(group, 100).filter((url) => url === a).length, 50)
})

test('one failure after its return ejects it for longer', () => {
  const { group, clock, lines, member } = harness(config([a, b]))
  fail(group, member(a), 5)
  clock.pass(10_000)
  fail(group, member(a), 1)
  assert.equal(
    lines.at(-1),
    `warn UPSTREAM_EJECTED upstream ${a} ejected for 20s after 1 failure since its return (the upstream refuses connections)`,
  )
})

test('answers in between keep it in use', () => {
  const { group, member, states } = harness(config([a, b]))
  for (let i = 0; i < 20; i++) {
    fail(group, member(a), 4)
    group.succeeded(member(a))
  }
  assert.deepEqual(states(), ['up', 'up'])
})

test('the last one stays in use however often it fails', () => {
  const { group, lines, member, states } = harness(config([a, b]))
  fail(group, member(a), 5)
  fail(group, member(b), 50)
  assert.deepEqual(states(), ['ejected', 'up'])
  assert.equal(
    lines[1],
    `warn UPSTREAM_KEPT upstream ${b} stays in use after 5 failures in a row (the upstream refuses connections): it is the last one of group app`,
  )
  assert.equal(lines.length, 2)
})

test('a group of one is never without', () => {
  const { group, member, states } = harness(config([a]))
  fail(group, member(a), 50)
  assert.deepEqual(states(), ['up'])
})

test('one that was ejected is used when the others are down', async () => {
  const { group, sick, lines, pass, member, states } = harness(config([a, b], { check }))
  sick.add(b)
  await pass(1_000)
  fail(group, member(a), 5)
  sick.add(a)
  await pass(5_000)
  assert.deepEqual(states(), ['up', 'down'])
  assert.deepEqual(lines.slice(1), [
    `warn UPSTREAM_DOWN upstream ${b} is down: it failed 2 checks in a row of /up`,
    `info UPSTREAM_UP upstream ${a} is used again: no other upstream is left`,
  ])
})

test('one that was ejected is used again when it passes a check', async () => {
  const { group, lines, pass, member, states } = harness(config([a, b], { check }))
  await pass(1_000)
  fail(group, member(a), 5)
  await pass(4_000)
  assert.deepEqual(states(), ['ejected', 'up'])
  await pass(500)
  assert.deepEqual(states(), ['slow-start', 'up'])
  assert.match(lines[1]!, /is used again, with its full share in 10s: it passed/)
})

test('one that is ejected is asked when all others have failed a request, and back when it answers', () => {
  const { group, lines, member, states } = harness(config([a, b]))
  const [first, second] = [member(a), member(b)]
  assert.equal(group.lastResort([first]), null)
  fail(group, first, 5)
  fail(group, second, 5)
  assert.equal(group.lastResort([first]), null)
  assert.equal(group.lastResort([second]), first)
  group.failed(first, 'connect')
  assert.deepEqual(states(), ['ejected', 'up'])
  assert.equal(group.lastResort([second]), first)
  group.succeeded(first)
  assert.deepEqual(states(), ['up', 'up'])
  assert.equal(lines.at(-1), `info UPSTREAM_UP upstream ${a} is used again: it answered when no other did`)
  // Now it can be done without the other.
  fail(group, second, 1)
  assert.deepEqual(states(), ['up', 'ejected'])
})

test('of several that are ejected the one is asked whose ejection ends first', () => {
  const { group, clock, member } = harness(config([a, b, c]))
  const [first, second, third] = [member(a), member(b), member(c)]
  fail(group, second, 5)
  clock.pass(1_000)
  fail(group, first, 5)
  assert.equal(group.lastResort([third]), second)
  assert.equal(group.lastResort([third, second]), first)
})

test('checks take a member out and bring it back slowly; when all fail there is none', async () => {
  const { group, sick, lines, pass, states } = harness(config([a, b], { check }))
  sick.add(a)
  await pass(6_000)
  assert.deepEqual(states(), ['down', 'up'])
  sick.add(b)
  await pass(10_000)
  assert.equal(group.pick(null, []), null)
  sick.clear()
  await pass(10_000)
  assert.deepEqual(states(), ['slow-start', 'slow-start'])
  assert.equal(
    lines.at(-1),
    `info UPSTREAM_UP upstream ${b} is used again, with its full share in 10s: it passed 2 checks in a row`,
  )
})

test('checks are made soon after the start and then every interval, and none where none is configured', async () => {
  const { checked, pass } = harness(config([a], { check }))
  await pass(11_000)
  assert.deepEqual(
    checked.map(({ at }) => at),
    [250, 5_250, 10_250],
  )
  const without = harness(config([a]))
  await without.pass(60_000)
  assert.equal(without.checked.length, 0)
})

test('a check that does not answer in time has failed, and its late answer counts for nothing', async () => {
  const { mute, pass, states } = harness(config([a, b], { check: { ...check, unhealthyAfter: 1, healthyAfter: 1 } }))
  const late = Promise.withResolvers<boolean>()
  mute.set(a, late)
  await pass(1_000)
  assert.deepEqual(states(), ['up', 'up'])
  await pass(500)
  assert.deepEqual(states(), ['down', 'up'])
  late.resolve(true)
  await pass(500)
  assert.deepEqual(states(), ['down', 'up'])
  mute.clear()
  await pass(5_000)
  assert.deepEqual(states(), ['slow-start', 'up'])
})

test('a check of a member that is gone counts for nothing', async () => {
  const { group, mute, pass, lines } = harness(config([a, b], { check: { ...check, unhealthyAfter: 1 } }))
  const late = Promise.withResolvers<boolean>()
  mute.set(a, late)
  await pass(500)
  group.update(config([b], { check }))
  late.resolve(false)
  await pass(500)
  assert.deepEqual(lines, [])
})

test('a name is as many members as it has addresses, each with a name of its own', async () => {
  const app = config([upstream('http://app:8000')])
  const { group, pools } = harness(app, { app: ['10.0.0.1', 'fd00::1'] })
  assert.equal(group.pick(null, []), null)
  await group.ready()
  assert.deepEqual(
    group.status().map(({ name }) => name),
    ['http://app:8000 (10.0.0.1)', 'http://app:8000 (fd00::1)'],
  )
  assert.deepEqual(
    pools.map(({ to }) => to),
    ['10.0.0.1:8000', 'fd00::1:8000'],
  )
})

test('a name that does not resolve at the start has no member until it does', async () => {
  const { group, zone, pass, lines } = harness(config([upstream('http://app:8000')]))
  await group.ready()
  assert.equal(group.pick(null, []), null)
  assert.deepEqual(group.names(), [{ name: 'app', addresses: [], failure: 'no such name' }])
  zone.set('app', ['10.0.0.1'])
  await pass(1_500)
  assert.equal(group.pick(null, [])?.address.host, '10.0.0.1')
  assert.equal(lines.length, 2)
})

test('when a name moves, what stays keeps its pool and its health, and what goes is closed', async () => {
  const { group, zone, pass, pools, member } = harness(config([upstream('http://app:8000'), a]), {
    app: ['10.1.0.1', '10.1.0.2'],
  })
  await pass(500)
  fail(group, member('http://app:8000 (10.1.0.2)'), 4)
  zone.set('app', ['10.1.0.2', '10.1.0.3'])
  await pass(33_000)
  assert.deepEqual(
    group.status().map(({ name, failuresInRow }) => [name, failuresInRow]),
    [
      ['http://app:8000 (10.1.0.2)', 4],
      ['http://app:8000 (10.1.0.3)', 0],
      [a, 0],
    ],
  )
  assert.deepEqual(
    pools.filter(({ closed }) => closed).map(({ to }) => to),
    ['10.1.0.1:8000'],
  )
})

test('the last address that took requests is gone: one that was ejected takes its place', async () => {
  const { group, member, states } = harness(config([a, b]))
  fail(group, member(a), 5)
  group.update(config([a]))
  assert.deepEqual(states(), ['up'])
  assert.deepEqual(picks(group, 2), [a, a])
})

test('a reload keeps pools and health of those that stay, and takes their new weight', () => {
  const { group, pools, member } = harness(config([a, b]))
  fail(group, member(a), 3)
  const kept = member(a).pool
  group.update(config([upstream(a, { weight: 3 }), c]))
  assert.equal(member(a).pool, kept)
  assert.equal(group.status()[0]?.failuresInRow, 3)
  assert.deepEqual(picks(group, 4).sort(), [a, a, a, c])
  assert.deepEqual(
    pools.map(({ closed }) => closed),
    [false, true, false],
  )
})

test('a reload that changes how to connect makes a new pool and closes the old one', () => {
  const { group, pools, member } = harness(config([a, b]))
  const old = member(a).pool
  group.update(config([upstream(a, { proxyProtocol: 'v2' }), b]))
  assert.notEqual(member(a).pool, old)
  assert.deepEqual(
    pools.map(({ closed }) => closed),
    [true, false, false],
  )
})

test('a reload to a name that is not resolved yet leaves no moment without a member', async () => {
  const { group, zone, pass, pools } = harness(config([a]))
  zone.set('app', ['10.1.0.1'])
  group.update(config([upstream('http://app:8000')]))
  assert.equal(group.pick(null, [])?.upstream.url, a)
  await pass(500)
  assert.deepEqual(picks(group, 2), ['http://app:8000', 'http://app:8000'])
  assert.equal(pools[0]?.closed, true)
})

test('until a new name is resolved, what is left of before does not stand in the way of what is new', async () => {
  const { group, zone, pass, pools, member } = harness(config([a]))
  zone.set('app', ['10.1.0.1'])
  group.update(config([upstream(a, { proxyProtocol: 'v2' }), upstream('http://app:8000')]))
  assert.equal(member(a).upstream.proxyProtocol, 'v2')
  await pass(500)
  assert.deepEqual(
    pools.map(({ closed }) => closed),
    [true, false, false],
  )
})

test('a reload without checks uses again what they had taken out', async () => {
  const { group, sick, pass, states } = harness(config([a, b], { check }))
  sick.add(a)
  await pass(6_000)
  group.update(config([a, b]))
  assert.deepEqual(states(), ['slow-start', 'up'])
})

test('a reload changes how the load is shared out', () => {
  const { group, member } = harness(config([a, b]))
  member(a).inFlight = 3
  group.update(config([a, b], { balance: { by: 'least-connections' } }))
  assert.deepEqual(picks(group, 3), [b, b, b])
})

test('a reload tells its new options to pools that stay, and gives them to those that are new', () => {
  const { group, pools } = harness(config([a, b]))
  group.update(config([a, c], { options: { ...options, upstreamMaxConnections: 7 } }))
  assert.deepEqual(
    pools.filter(({ closed }) => !closed).map(({ to, maxConnections }) => [to, maxConnections]),
    [
      ['10.0.0.1:8000', 7],
      ['10.0.0.3:8000', 7],
    ],
  )
})

test('what a member that is gone still reports changes nothing', () => {
  const { group, lines, member } = harness(config([a, b]))
  const gone = member(a)
  group.update(config([b, c]))
  fail(group, gone, 50)
  group.succeeded(gone)
  assert.deepEqual(lines, [])
})

test('the hash is asked for its key, and holds on to one member until that is out', () => {
  const balance: BalanceBy = { by: 'hash', of: 'address', name: '' }
  const { group, clock } = harness(config([a, b, c], { balance }))
  const keyOf = () => '10.9.8.7'
  const first = group.pick(keyOf, [])!
  for (let i = 0; i < 20; i++) assert.equal(group.pick(keyOf, []), first)
  fail(group, first, 5)
  const second = group.pick(keyOf, [])!
  assert.notEqual(second, first)
  assert.equal(group.pick(keyOf, []), second)
  clock.pass(20_000)
  assert.equal(group.pick(keyOf, []), first)
})

test('closed, it closes its pools and checks nothing more', async () => {
  const { group, pools, checked, pass } = harness(config([a, b], { check }))
  group.close()
  await pass(60_000)
  assert.equal(group.pick(null, []), null)
  assert.ok(pools.every(({ closed }) => closed))
  assert.equal(checked.length, 0)
})

test('a timer is set only while there is something to wait for', () => {
  const clock = new FakeClock()
  const running = new Set<() => void>()
  const counting = {
    now: clock.now,
    after(ms: number, callback: () => void) {
      const cancel = clock.after(ms, () => {
        running.delete(cancel)
        callback()
      })
      running.add(cancel)
      return () => {
        running.delete(cancel)
        cancel()
      }
    },
  }
  const group = new Group<null>(config([a, b, c]), {
    clock: counting,
    random: () => 0.5,
    makePool: () => null,
    changePool: () => {},
    closePool: () => {},
    resolve: async () => [],
    check: async () => true,
    log: () => {},
  })
  assert.equal(running.size, 0)
  const member = group.pick(null, [])!
  for (let i = 0; i < 5; i++) group.failed(member)
  assert.equal(running.size, 1)
  clock.pass(10_000)
  assert.equal(running.size, 1)
  clock.pass(10_000)
  assert.equal(running.size, 0)
  for (const other of [member, group.pick(null, [member])!]) for (let i = 0; i < 5; i++) group.failed(other)
  assert.equal(running.size, 1)
  group.close()
  assert.equal(running.size, 0)
})

test('whatever happens, one that is not down is there to choose, and pools are closed once, when they are gone', async () => {
  const urls = [a, b, c]
  const which = fc.nat({ max: 2 })
  const times = fc.integer({ min: 1, max: 7 })
  const step = fc.oneof(
    fc.record({ what: fc.constant('fail' as const), which, times }),
    fc.record({ what: fc.constant('succeed' as const), which }),
    fc.record({ what: fc.constant('sicken' as const), which }),
    fc.record({ what: fc.constant('heal' as const), which }),
    fc.record({ what: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 12_000 }) }),
    fc.record({ what: fc.constant('update' as const), to: fc.subarray(urls, { minLength: 1 }), checks: fc.boolean() }),
  )
  const by = fc.constantFrom<BalanceBy>(
    { by: 'round-robin' },
    { by: 'least-connections' },
    { by: 'two-choices' },
    { by: 'hash', of: 'address', name: '' },
  )
  await fc.assert(
    fc.asyncProperty(by, fc.array(step, { maxLength: 25 }), async (balance, steps) => {
      const { group, pools, sick, pass } = harness(config(urls, { balance, check }))
      const seen = new Map<string, Member<Pool>>()
      for (const one of steps) {
        for (const member of members(group)) seen.set(member.name, member)
        if (one.what === 'fail') {
          const member = seen.get(urls[one.which]!)
          if (member !== undefined) fail(group, member, one.times)
        } else if (one.what === 'succeed') {
          const member = seen.get(urls[one.which]!)
          if (member !== undefined) group.succeeded(member)
        } else if (one.what === 'sicken') sick.add(urls[one.which]!)
        else if (one.what === 'heal') sick.delete(urls[one.which]!)
        else if (one.what === 'pass') await pass(one.ms)
        else group.update(config(one.to, { balance, check: one.checks ? check : null }))
        const status = group.status()
        const usable = status.filter(({ state }) => takesRequests(state))
        const picked = group.pick(() => 'key', [])
        assert.equal(
          picked === null,
          status.every(({ state }) => state === 'down'),
        )
        assert.equal(members(group).length, usable.length)
        if (picked !== null) assert.ok(usable.some(({ name }) => name === picked.name))
        assert.equal(pools.filter(({ closed }) => !closed).length, status.length)
      }
      group.close()
      assert.ok(pools.every(({ closed }) => closed))
    }),
    { numRuns: 60 },
  )
})
