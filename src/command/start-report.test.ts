import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Enforced, Enforcement } from '../policy/enforcement.ts'
import { type OptionName, optionNames } from '../policy/policy.ts'
import { ConfigError } from '../policy/problems.ts'
import { resolveOptions, resolvePolicy } from '../policy/resolve.ts'
import { flagOf } from '../policy/spelling.ts'
import { checkEnforcement, jsonReport, textReport } from './start-report.ts'

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

describe('checkEnforcement', () => {
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
})

describe('the start-up report', () => {
  const started = {
    url: 'http://127.0.0.1:3000/',
    runtime: 'bun',
    engine: 'Bun.serve',
    engineWhy: 'asked for',
    resolved: resolveOptions({ preset: ['nginx'], drainTimeoutMs: 500, maxConnections: 100 }),
    enforcement: enforcement({ idleTimeoutMs: coarse, minResponseBytesPerSec: nobody }),
  }

  test('is short, and says the address, each limit with its origin, what is off, what nobody holds, what was fitted', () => {
    const text = textReport(started, 100)
    assert.match(
      text,
      /^hangup on bun: http:\/\/127\.0\.0\.1:3000\/\nengine: Bun\.serve \(asked for\)\npreset: nginx\n/,
    )
    assert.match(text, /^ {2}idle-timeout +65s +preset +runtime +≤ 4s late; Bun\.serve idleTimeout$/m)
    assert.match(text, /^ {2}head-timeout +30s +us +timer per socket$/m)
    assert.match(text, /^ {2}keep-alive-hint +64s +derived +/m)
    assert.match(text, /^off: handler-timeout, /m)
    assert.match(text, /^default, but enforced by nobody on bun: min-response-rate 240b\/s$/m)
    assert.match(text, /^minIdleMs lowered from its default 1s to 500ms to fit drainTimeoutMs 500ms$/m)
    const lines = text.trimEnd().split('\n')
    // One for each limit, and little more.
    assert.ok(lines.length <= optionNames.length + 6, `${lines.length} lines`)
    for (const line of lines) assert.ok(line.length <= 100, line)
  })

  test('as JSON is one line with all of it', () => {
    const line = jsonReport(started)
    assert.ok(!line.includes('\n'))
    const read = JSON.parse(line)
    assert.deepEqual(Object.keys(read).toSorted(), [
      'enforcement',
      'engine',
      'engineWhy',
      'fitted',
      'origins',
      'policy',
      'presets',
      'runtime',
      'url',
    ])
    assert.equal(read.policy.idleTimeoutMs, 65_000)
    assert.equal(read.origins.idleTimeoutMs, 'preset')
    assert.equal(read.enforcement.idleTimeoutMs.stepMs, 4_000)
  })
})
