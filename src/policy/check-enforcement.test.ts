import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkEnforcement } from './check-enforcement.ts'
import type { Enforced, Enforcement } from './enforcement.ts'
import { type OptionName, optionNames } from './policy.ts'
import { ConfigError } from './problems.ts'
import { resolveOptions, resolvePolicy } from './resolve.ts'
import { flagOf } from './spelling.ts'

const exact: Enforced = { by: 'us', stepMs: 0, how: 'timer per socket' }
const enforcement = (but: Partial<Record<OptionName, Enforced>> = {}): Enforcement =>
  Object.fromEntries(optionNames.map((option) => [option, but[option] ?? exact])) as Enforcement

const nobody: Enforced = { by: 'nobody', stepMs: 0, how: 'Bun.serve has no such limit' }
const coarse: Enforced = { by: 'runtime', stepMs: 4_000, max: 255_000, how: 'Bun.serve idleTimeout' }
const platform: Enforced = { by: 'platform', stepMs: 0, how: 'Cloudflare closes after 400 s' }

function refusals(act: () => unknown): string[] {
  try {
    act()
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems.map(({ message }) => message)
  }
  return []
}

test('refuses a set limit that nobody enforces, with the runtime, the reason and what to do', () => {
  const resolved = resolvePolicy({
    layers: [{ origin: 'flag', values: { minResponseBytesPerSec: '1kb/s' }, nameOf: flagOf }],
  })
  assert.deepEqual(
    refusals(() => checkEnforcement(resolved, enforcement({ minResponseBytesPerSec: nobody }), 'bun')),
    [
      '--min-response-rate 1kb/s: on bun nothing enforces it (Bun.serve has no such limit); ' +
        'accepted: off, or leaving it unset, or a runtime that enforces it',
    ],
  )
})

test('takes a default that nobody enforces, and a set off', () => {
  const table = enforcement({ minResponseBytesPerSec: nobody })
  assert.deepEqual(checkEnforcement(resolveOptions({}), table, 'bun'), { warnings: [] })
  assert.deepEqual(checkEnforcement(resolveOptions({ minResponseBytesPerSec: 0 }), table, 'bun'), { warnings: [] })
})

test('refuses a set value that is not the only one that can be held', () => {
  const table = enforcement({ maxConcurrentStreams: { by: 'runtime', stepMs: 0, fixed: 200, how: 'Deno’s own' } })
  assert.match(
    refusals(() => checkEnforcement(resolveOptions({ maxConcurrentStreams: 100 }), table, 'deno'))[0] ?? '',
    /^maxConcurrentStreams 100: on deno only 200 is enforced \(Deno’s own\); accepted: only 200, or off,/,
  )
  assert.deepEqual(checkEnforcement(resolveOptions({ maxConcurrentStreams: 200 }), table, 'deno').warnings, [])
})

test('refuses a set value above what can be held, also a preset’s', () => {
  const table = enforcement({ idleTimeoutMs: { ...coarse, stepMs: 0 } })
  assert.match(
    refusals(() => checkEnforcement(resolveOptions({ idleTimeoutMs: 256_000 }), table, 'bun'))[0] ?? '',
    /^idleTimeoutMs 256s: on bun at most 255s is enforced \(Bun.serve idleTimeout\); accepted: at most 255s/,
  )
  assert.match(
    refusals(() => checkEnforcement(resolveOptions({ preset: 'envoy' }), table, 'bun'))[0] ?? '',
    /^idleTimeoutMs of preset envoy 3610s/,
  )
  assert.deepEqual(checkEnforcement(resolveOptions({ idleTimeoutMs: 255_000 }), table, 'bun').warnings, [])
})

test('refuses whatever is set of the platform’s own limits', () => {
  const table = enforcement({ idleTimeoutMs: platform })
  for (const idleTimeoutMs of [0, 30_000]) {
    assert.match(
      refusals(() => checkEnforcement(resolveOptions({ idleTimeoutMs }), table, 'workers'))[0] ?? '',
      /on workers it is the platform’s to set \(Cloudflare closes after 400 s\); accepted: leaving it unset/,
    )
  }
  assert.deepEqual(checkEnforcement(resolveOptions({}), table, 'workers').warnings, [])
})

test('warns in one line of all set limits that are held only coarsely', () => {
  const table = enforcement({ idleTimeoutMs: coarse, headTimeoutMs: coarse, bodyTimeoutMs: coarse })
  const { warnings } = checkEnforcement(resolveOptions({ idleTimeoutMs: 9_000, headTimeoutMs: 3_000 }), table, 'bun')
  assert.deepEqual(warnings, [
    'enforced only coarsely on bun: headTimeoutMs 3s (up to 4s late), idleTimeoutMs 9s (up to 4s late)',
  ])
})
