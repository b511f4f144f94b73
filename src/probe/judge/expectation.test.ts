import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { Problem } from '../../policy/problems.ts'
import { flagOf } from '../../policy/spelling.ts'
import { outlives } from './behind.ts'
import { expected, limitFor, pools, readExpect } from './expectation.ts'

const folder = mkdtempSync(join(tmpdir(), 'hangup-expect-'))
after(() => rmSync(folder, { recursive: true }))

function read(text: string) {
  const problems: Problem[] = []
  const given = readExpect(text, '--expect', problems)
  const known = given && problems.length === 0 ? expected([given.layer], given.enforcement, flagOf, problems) : null
  return { known, problems: problems.map(({ message }) => message) }
}

function file(text: string): string {
  const path = join(folder, 'limits.json')
  writeFileSync(path, text)
  return path
}

describe('--expect', () => {
  test('takes limits by the words of their flags; what it does not name is off', () => {
    const { known, problems } = read('idle-timeout=5s, head-timeout=10s')
    assert.deepEqual(problems, [])
    assert.equal(known?.policy.idleTimeoutMs, 5_000)
    assert.equal(known?.policy.headTimeoutMs, 10_000)
    assert.equal(known?.policy.bodyTimeoutMs, 0)
    assert.equal(known?.policy.keepAliveHintMs, 0)
    assert.equal(known?.enforcement.idleTimeoutMs.stepMs, 0)
  })

  test('takes a JSON file of limits, or what serve reports', () => {
    assert.equal(read(file('{"idleTimeoutMs":"7s","headTimeoutMs":9000}')).known?.policy.headTimeoutMs, 9_000)
    const report = {
      url: 'x',
      policy: { idleTimeoutMs: 5_000 },
      enforcement: { idleTimeoutMs: { by: 'runtime', stepMs: 4_000, how: '' } },
    }
    assert.equal(read(file(JSON.stringify(report))).known?.enforcement.idleTimeoutMs.stepMs, 4_000)
  })

  test('names what is wrong', () => {
    assert.deepEqual(read('idel-timeout=5s').problems, [
      '--expect idel-timeout: unknown limit; did you mean idle-timeout?',
    ])
    assert.deepEqual(read('idle=5s').problems, ['--expect idle: unknown limit; did you mean idle-timeout?'])
    assert.match(read('idle-timeout=5').problems[0] ?? '', /^--expect idle-timeout: "5" has no unit/)
    assert.match(read('/nowhere.json').problems[0] ?? '', /^--expect \/nowhere\.json: it cannot be read \(ENOENT\)/)
    assert.match(read(file('{')).problems[0] ?? '', /not valid JSON/)
    assert.match(read(file('[1]')).problems[0] ?? '', /not a JSON object/)
    assert.match(read(file('{"idleTimeout":5}')).problems[0] ?? '', /there is no such option/)
  })

  test('nothing expected is nothing known', () => {
    assert.equal(expected([{ origin: 'flag', values: {}, nameOf: String }], undefined, flagOf, []), null)
  })
})

describe('--behind', () => {
  test('knows how long each keeps an idle connection', () => {
    const problems: Problem[] = []
    assert.deepEqual(
      pools(['aws-alb', 'caddy'], '--behind', problems).map(({ keepsIdleMs }) => keepsIdleMs),
      [60_000, 120_000],
    )
    assert.equal(problems.length, 0)
    pools(['aws-abl'], '--behind', problems)
    pools(['kubernetes'], '--behind', problems)
    assert.equal(pools(['aws-alb', 'kubernetes'], '--behind', problems).length, 1)
    assert.equal(problems.length, 2)
    assert.match(problems[0]?.message ?? '', /aws-abl: unknown preset; did you mean aws-alb\?/)
    assert.match(problems[1]?.message ?? '', /keeps no idle connections/)
  })

  test('is watched for long enough', () => {
    const problems: Problem[] = []
    const alb = pools(['aws-alb'], '--behind', problems)
    const gcp = pools(['gcp-lb'], '--behind', problems)
    const limitOver = (tls: boolean, given?: number, behind = alb) =>
      limitFor(given, { flag: '--limit', tls }, behind, problems)
    assert.equal(limitOver(false, undefined, []), 100_000)
    assert.equal(limitOver(true, undefined, []), 130_000)
    assert.equal(limitOver(false), 100_000)
    assert.equal(limitOver(true, undefined, gcp), 615_000)
    assert.equal(limitOver(false, 90_000), 90_000)
    assert.equal(problems.length, 0)
    limitOver(false, 20_000)
    assert.match(
      problems[0]?.message ?? '',
      /^--limit 20s: aws-alb keeps an idle connection for 1m.*accepted: 65s or more/,
    )
  })

  test('says what a limit under theirs costs', () => {
    const [alb] = pools(['aws-alb'], '--behind', [])
    assert.match(outlives(alb!, 5_004) ?? '', /^your server’s 5\.0 s is under the 60 s .*intermittent 502$/)
    assert.match(outlives(alb!, 60_000) ?? '', /^your server’s 60 s/)
    assert.equal(outlives(alb!, 65_000), null)
  })
})
