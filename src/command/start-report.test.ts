import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Enforced, Enforcement } from '../policy/enforcement.ts'
import { type OptionName, optionNames } from '../policy/policy.ts'
import { resolveOptions } from '../policy/resolve.ts'
import { jsonReport, textReport } from './start-report.ts'

const exact: Enforced = { by: 'us', stepMs: 0, how: 'timer per socket' }
const enforcement = (but: Partial<Record<OptionName, Enforced>> = {}): Enforcement =>
  Object.fromEntries(optionNames.map((option) => [option, but[option] ?? exact])) as Enforcement

const nobody: Enforced = { by: 'nobody', stepMs: 0, how: 'Bun.serve has no such limit' }
const coarse: Enforced = { by: 'runtime', stepMs: 4_000, max: 255_000, how: 'Bun.serve idleTimeout' }

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
