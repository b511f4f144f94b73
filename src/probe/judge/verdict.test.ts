import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cases } from '../cases/index.ts'
import {
  accepts,
  atLevel,
  countsText,
  countVerdicts,
  type Deviation,
  deviationOf,
  isRed,
  judge,
  type Result,
  redIn,
  verdicts,
} from './verdict.ts'

const result = (verdict: Result['verdict'], observed: string | null = null): Result => ({
  id: 'a-case',
  verdict,
  observed,
  observedMs: null,
  reason: verdict === 'pass' ? null : 'something',
  tookMs: 1,
})
const anyFailure: Deviation = { cases: ['a-case'], what: 'it fails', issue: 'https://example.org/1' }
const otherEnd: Deviation = { ...anyFailure, accept: ['fin'] }

describe('judge()', () => {
  test('leaves a result alone where nothing is known', () => {
    assert.equal(judge(result('fail'), undefined, false).verdict, 'fail')
  })

  test('calls a failure that is known a deviation, with where it is discussed', () => {
    const judged = judge(result('fail'), anyFailure, false)
    assert.equal(judged.verdict, 'deviation')
    assert.match(judged.reason ?? '', /example\.org\/1/)
  })

  test('turns red when a known failure is gone', () => {
    assert.equal(judge(result('pass'), anyFailure, false).verdict, 'unexpected-pass')
    assert.equal(judge(result('pass'), otherEnd, false).verdict, 'unexpected-pass')
  })

  test('takes a deviating end for a deviation only if the case held otherwise', () => {
    assert.equal(judge(result('pass'), otherEnd, true).verdict, 'deviation')
    assert.equal(judge(result('fail'), otherEnd, true).verdict, 'fail')
  })

  test('never excuses a failed set-up or a failed harness', () => {
    assert.equal(judge(result('setup-failed'), anyFailure, false).verdict, 'setup-failed')
    assert.equal(judge(result('harness-failed'), anyFailure, false).verdict, 'harness-failed')
  })
})

describe('a failure at the level observe', () => {
  test('is observed, and nothing else is made of it', () => {
    assert.equal(atLevel(result('fail'), 'observe').verdict, 'observed')
    assert.equal(atLevel(result('unexpected-pass'), 'observe').verdict, 'observed')
    assert.equal(atLevel(result('fail'), 'policy').verdict, 'fail')
    for (const verdict of ['pass', 'not-judged', 'setup-failed', 'harness-failed'] as const) {
      assert.equal(atLevel(result(verdict), 'observe').verdict, verdict)
    }
  })
})

test('what is red is counted as red, and nothing else', () => {
  for (const verdict of verdicts) {
    const counts = countVerdicts([result(verdict)])
    assert.equal(counts[verdict], 1)
    assert.equal(redIn(counts) > 0, isRed(verdict))
    assert.equal(countsText(counts), `1 ${verdict}`)
  }
  assert.deepEqual(verdicts.filter(isRed), ['fail', 'unexpected-pass', 'setup-failed', 'harness-failed'])
})

describe('accepts()', () => {
  test('never takes one end for another', () => {
    assert.equal(accepts('fin', 'reset'), false)
    assert.equal(accepts('fin', '408 then fin'), false)
    assert.equal(accepts('408 then fin', 'partial 408 then fin'), false)
  })

  test('takes xx for any status of that class', () => {
    assert.equal(accepts('4xx then fin', '431 then fin'), true)
    assert.equal(accepts('4xx then fin', '500 then fin'), false)
  })
})

test('a deviation may be of one transport alone', () => {
  const [theCase] = cases
  assert.ok(theCase)
  const known: Deviation = { ...anyFailure, cases: [theCase.id], transports: ['tls'] }
  assert.equal(deviationOf(theCase, 'tls', [known]), known)
  assert.equal(deviationOf(theCase, 'tcp', [known]), undefined)
})
