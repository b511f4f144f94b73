import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { flagOf } from '../../policy/spelling.ts'
import { limitsOf } from '../case.ts'
import { cases } from '../cases/index.ts'
import type { CaseRun } from '../run.ts'
import { findingOf, knownFrom, type Question, questions, unknownLimit } from './discover.ts'

const question = (id: string): Question => questions.find((one) => one.case === id)!
const idle = question('idle-after-response')
const look = (more: Partial<CaseRun>): CaseRun => ({
  id: idle.case,
  verdict: 'pass',
  observed: 'fin',
  observedMs: 5_000,
  reason: null,
  expected: null,
  tookMs: 5_000,
  timelines: [],
  ...more,
})

test('every question is a case that is due by the limits that it gives', () => {
  for (const { case: id, gives } of questions) {
    const theCase = cases.find((one) => one.id === id)
    assert.ok(theCase, id)
    for (const name of gives.filter((given) => given !== 'minRateGraceMs')) {
      assert.ok(limitsOf(theCase).includes(name), `${id} gives ${name}`)
    }
  }
})

describe('a finding', () => {
  test('is the quickest and the slowest of several looks', () => {
    const found = findingOf(
      idle,
      [look({}), look({ observedMs: 8_012, verdict: 'deviation', observed: 'reset' })],
      75_000,
    )
    assert.deepEqual([found.kind, found.fromMs, found.toMs, found.end], ['found', 5_000, 8_012, 'fin or reset'])
  })

  test('is a leak as soon as one look saw no end', () => {
    const open = look({ verdict: 'fail', observed: 'open', observedMs: 75_000, reason: 'still open after 75000 ms' })
    const leak = findingOf(idle, [look({}), open], 75_000)
    assert.deepEqual([leak.kind, leak.reason], ['leak', 'still open after 75s'])
    const held = look({ verdict: 'fail', observed: 'ESTABLISHED', observedMs: null, reason: '' })
    assert.equal(findingOf(idle, [held], 1_000).kind, 'leak')
  })

  test('is unknown where the question could not be put', () => {
    const failed = look({ verdict: 'setup-failed', observed: null, observedMs: null, reason: 'no connection' })
    assert.deepEqual(findingOf(idle, [failed], 1_000).reason, 'no connection')
    const early = look({ verdict: 'fail', observed: '405 then fin', observedMs: null, reason: '405 then fin at 1 ms' })
    assert.equal(findingOf(idle, [early], 1_000).kind, 'unknown')
    assert.equal(findingOf(idle, [], 1_000).reason, 'not measured')
  })
})

describe('what is known', () => {
  const stepped = findingOf(idle, [look({}), look({ observedMs: 8_000 })], 75_000)
  const leak = findingOf(question('partial-head'), [look({ verdict: 'fail', observed: 'open' })], 75_000)

  test('is the quickest look, and the spread as the step of the server’s clock', () => {
    const { policy, enforcement } = knownFrom([stepped, leak], 4_000)
    assert.equal(policy.idleTimeoutMs, 5_000)
    assert.equal(enforcement.idleTimeoutMs.stepMs, 3_000)
    assert.equal(policy.headTimeoutMs, 0)
    assert.equal(policy.keepAliveHintMs, 4_000)
  })

  test('a trickle that is cut off gives a rate and its grace', () => {
    const { policy } = knownFrom([findingOf(question('body-trickle'), [look({ observedMs: 2_100 })], 75_000)])
    assert.deepEqual([policy.minBodyBytesPerSec, policy.minRateGraceMs], [100, 2_100])
  })

  test('says why a limit is not known', () => {
    const { policy } = knownFrom([stepped, leak])
    const why = (name: 'idleTimeoutMs' | 'headTimeoutMs' | 'bodyTimeoutMs' | 'maxBodyBytes') =>
      unknownLimit(name, policy, [stepped, leak, findingOf(question('body-stall'), [], 1)], flagOf)
    assert.equal(why('idleTimeoutMs'), null)
    assert.equal(why('headTimeoutMs'), 'no limit was seen that could be judged: head is still open after 75s')
    assert.match(why('bodyTimeoutMs') ?? '', /not known \(body: not measured\); with --body-timeout it is judged/)
    assert.match(why('maxBodyBytes') ?? '', /cannot be measured from outside; with --max-body it is judged/)
  })
})
