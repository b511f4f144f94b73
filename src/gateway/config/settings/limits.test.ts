import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readOption } from '../../../policy/option.ts'
import { optionNames } from '../../../policy/policy.ts'
import { flagOf } from '../../../policy/spelling.ts'
import { upstreamDefaults, upstreamOptionNames, upstreamOptionSpecs, upstreamOptionsIn } from './limits.ts'

test('every upstream option takes its own default and says why it is that', () => {
  for (const name of upstreamOptionNames) {
    const { default: value, what, why, source, peerSees } = upstreamOptionSpecs[name]
    assert.deepEqual(readOption(upstreamOptionSpecs[name], value), { value: upstreamDefaults[name] }, name)
    assert.ok(what && why && source && peerSees, name)
  }
})

test('no upstream option shares its flag with the connection policy', () => {
  const flags = [...optionNames, ...upstreamOptionNames].map(flagOf)
  assert.equal(new Set(flags).size, flags.length)
  assert.equal(flagOf('upstreamRetryBudgetPercent'), '--upstream-retry-budget')
})

test('off is taken where a limit need not be', () => {
  for (const name of upstreamOptionNames) {
    assert.equal('value' in readOption(upstreamOptionSpecs[name], 'off'), upstreamOptionSpecs[name].off, name)
  }
  assert.ok('why' in readOption(upstreamOptionSpecs.upstreamRetryBudgetPercent, '101%'))
})

test('an upstream is kept for less time than the servers that end their connections at 5 s', () => {
  assert.ok(upstreamDefaults.upstreamIdleTimeoutMs < 5_000)
})

test('what a pool is made of belongs to its group; what one request needs, to its route', () => {
  const [ofGroups, ofRoutes] = [upstreamOptionsIn('group'), upstreamOptionsIn('route')]
  assert.ok(ofGroups.includes('upstreamMaxConnections') && !ofRoutes.includes('upstreamMaxConnections'))
  assert.ok(ofRoutes.includes('upstreamFirstByteTimeoutMs'))
  assert.ok(!ofGroups.includes('spoolMaxBytes'))
})
