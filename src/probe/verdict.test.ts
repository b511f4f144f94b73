import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cases } from './cases/index.ts'
import { accepts, type Deviation, deviationOf, isRed, judge, type Result } from './verdict.ts'

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

describe('isRed()', () => {
  test('is true for every failure but that of what is only observed', () => {
    assert.equal(isRed('fail', 'policy'), true)
    assert.equal(isRed('unexpected-pass', 'should'), true)
    assert.equal(isRed('fail', 'observe'), false)
    assert.equal(isRed('harness-failed', 'observe'), true)
    assert.equal(isRed('not-judged', 'must'), false)
    assert.equal(isRed('deviation', 'must'), false)
  })
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
