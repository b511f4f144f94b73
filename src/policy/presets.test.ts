import assert from 'node:assert/strict'
import { test } from 'node:test'
import { optionNames } from './policy.ts'
import { type Preset, type PresetName, presetNames, presets } from './presets.ts'
import { resolvePolicy } from './resolve.ts'

/**
 * How long each keeps an idle connection to its backend (see the sources in presets.ts), in
 * seconds.
 */
const poolIdleSec: Partial<Record<PresetName, number>> = {
  'aws-alb': 60,
  'gcp-lb': 600,
  nginx: 60,
  'ingress-nginx': 60,
  heroku: 90,
  'go-proxy': 90,
  caddy: 120,
  cloudflare: 900,
  envoy: 3_600,
}

test('behind a pool the server is not the first to end an idle connection', () => {
  for (const [name, sec] of Object.entries(poolIdleSec) as [PresetName, number][]) {
    const { policy } = resolvePolicy({ layers: [], presets: [name] })
    assert.ok(policy.idleTimeoutMs >= (sec + 5) * 1_000, `${name}: ${policy.idleTimeoutMs}`)
    assert.ok(policy.keepAliveHintMs >= sec * 1_000, `${name} promises less than the pool keeps`)
    assert.equal((presets[name] as Preset).keepsIdleMs, sec * 1_000)
  }
})

test('internet is the defaults', () => {
  const plain = resolvePolicy({ layers: [] })
  const internet = resolvePolicy({ layers: [], presets: ['internet'] })
  assert.deepEqual(internet.policy, plain.policy)
  assert.deepEqual(internet.origins, plain.origins)
})

test('kubernetes sets the announce phase and nothing else', () => {
  assert.deepEqual(presets.kubernetes.sets, { drainDelayMs: 5_000 })
})

test('every preset says why and whence, sets known options, and combines with every other', () => {
  for (const name of presetNames) {
    const { behind, why, source, sets }: Preset = presets[name]
    assert.ok(behind && why && source, name)
    for (const option of Object.keys(sets)) assert.ok((optionNames as readonly string[]).includes(option), option)
    for (const other of presetNames) resolvePolicy({ layers: [], presets: [name, other] })
  }
})
