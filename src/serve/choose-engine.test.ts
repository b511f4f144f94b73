import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Enforced, Enforcement } from '../policy/enforcement.ts'
import { optionNames } from '../policy/policy.ts'
import { resolveOptions } from '../policy/resolve.ts'
import { chooseEngine } from './choose-engine.ts'
import type { NativeEngine } from './runtime.ts'

const exact: Enforced = { by: 'runtime', stepMs: 0, how: '' }
const every = Object.fromEntries(optionNames.map((name) => [name, exact])) as Enforcement
const native = (changes: Partial<Enforcement> = {}, deviations: NativeEngine['deviations'] = []): NativeEngine => ({
  name: 'native.serve',
  enforcement: { ...every, ...changes },
  deviations,
})

test('auto is native where that holds every limit and loses no request', () => {
  assert.equal(chooseEngine({}, resolveOptions(), native()).engine, 'native')
})

test('auto is hangup where a limit is nobody’s, too large for the runtime, or set and coarse; off it does not matter', () => {
  const nobody = native({ maxConnections: { ...exact, by: 'nobody' } })
  assert.equal(chooseEngine({}, resolveOptions(), nobody).engine, 'native')
  const { engine, why } = chooseEngine({}, resolveOptions({ maxConnections: 5 }), nobody)
  assert.deepEqual([engine, why], ['hangup', 'native.serve does not hold maxConnections'])
  const short = native({ idleTimeoutMs: { ...exact, max: 60_000 } })
  assert.equal(chooseEngine({}, resolveOptions({ preset: 'gcp-lb' }), short).engine, 'hangup')
  const fixed = native({ maxConcurrentStreams: { ...exact, fixed: 200 } })
  assert.equal(chooseEngine({}, resolveOptions({ maxConcurrentStreams: 100 }), fixed).engine, 'hangup')
  assert.equal(chooseEngine({}, resolveOptions({ maxConcurrentStreams: 200 }), fixed).engine, 'native')
  const coarse = native({ idleTimeoutMs: { ...exact, stepMs: 4_000 } })
  assert.equal(chooseEngine({}, resolveOptions(), coarse).engine, 'native')
  assert.equal(chooseEngine({}, resolveOptions({ idleTimeoutMs: 2_000 }), coarse).engine, 'hangup')
})

test('auto is hangup where the native server loses requests, and says which', () => {
  const lossy = native({}, [{ what: 'no answer', source: 'bug#1', losesRequests: true }])
  assert.deepEqual(chooseEngine({}, resolveOptions(), lossy), {
    engine: 'hangup',
    why: 'native.serve: no answer (bug#1)',
  })
  assert.equal(chooseEngine({ engine: 'native' }, resolveOptions(), lossy).engine, 'native')
})

test('an impossible choice is an error that names the option', () => {
  assert.throws(
    () => chooseEngine({ engine: 'native' }, resolveOptions(), { why: 'it needs --allow-this' }),
    /engine .*--engine.* native: it needs --allow-this/,
  )
  assert.throws(() => chooseEngine({ engine: 'native', unix: '/a' }, resolveOptions(), native()), /Unix socket/)
  assert.throws(() => chooseEngine({ engine: 'turbo' as never }, resolveOptions(), native()), /no such engine/)
  assert.equal(chooseEngine({ unix: '/a' }, resolveOptions(), native()).engine, 'hangup')
  const proxyProtocol = { trust: () => true }
  assert.throws(() => chooseEngine({ engine: 'native', proxyProtocol }, resolveOptions(), native()), /PROXY protocol/)
  assert.equal(chooseEngine({ proxyProtocol }, resolveOptions(), native()).engine, 'hangup')
})
