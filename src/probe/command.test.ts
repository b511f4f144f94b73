import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { flagOf } from '../policy/spelling.ts'
import type { Case } from './case.ts'
import { cases } from './cases/index.ts'
import { readProbe } from './command.ts'
import { findingOf, knownFrom, questions } from './find/discover.ts'
import { judgedBehind } from './judge/behind.ts'
import { pools } from './judge/expectation.ts'
import { isRed } from './judge/verdict.ts'
import { touches } from './needs.ts'
import type { Outcome } from './probing.ts'
import type { CaseRun } from './run.ts'

describe('readProbe', () => {
  test('the path of the URL is the page, unless one is named', () => {
    assert.deepEqual(readProbe(['http://a/b?c'], {}).paths, { hello: '/b?c' })
    const { paths } = readProbe(
      ['http://a/b', '--path', '/c', '--slow-path', '/w/{ms}', '--paths', 'early=/e,empty=/n'],
      {},
    )
    assert.deepEqual(paths, { hello: '/c', slow: '/w/{ms}', early: '/e', empty: '/n' })
  })

  test('limits to expect come from flags, from variables of its own and from --expect, the first that has one', () => {
    const { expected } = readProbe(
      ['http://a', '--expect', 'idle-timeout=5s,head-timeout=9s', '--head-timeout', '8s'],
      {
        HANGUP_PROBE_BODY_TIMEOUT: '7s',
        HANGUP_IDLE_TIMEOUT: '1s',
      },
    )
    assert.equal(expected?.policy.idleTimeoutMs, 5_000)
    assert.equal(expected?.policy.headTimeoutMs, 8_000)
    assert.equal(expected?.policy.bodyTimeoutMs, 7_000)
    assert.equal(expected?.policy.writeTimeoutMs, 0)
    assert.equal(readProbe(['http://a'], { HANGUP_IDLE_TIMEOUT: '1s' }).expected, null)
  })

  test('chooses cases by how their ids begin', () => {
    const { choice } = readProbe(['http://a', '--case', 'idle-after,plain-get'], {})
    const ids = cases.filter(choice.isChosen).map(({ id }) => id)
    assert.ok(ids.includes('idle-after-response') && ids.includes('plain-get') && !ids.includes('idle-socket-returned'))
  })

  test('a page can not break out of the request line, and one of ours alone is none', () => {
    assert.throws(() => readProbe(['http://a', '--slow-path', '/a b'], {}), /--slow-path: \/a b has " " in it/)
    assert.throws(() => readProbe(['http://a', '--paths', 'whoami=/w'], {}), /unknown page whoami/)
    assert.throws(() => readProbe(['http://a', '--json', '-', '--html', '-'], {}), /only one report/)
  })
})

const idle = questions.find(({ case: id }) => id === 'idle-after-response')!
const run = (more: Partial<CaseRun>): CaseRun => ({
  ...{ id: idle.case, verdict: 'pass', observed: 'fin', observedMs: 5_000, expected: null, reason: null, tookMs: 1 },
  ...{ timelines: [] },
  ...more,
})

describe('behind a pool', () => {
  const theCase = cases.find(({ id }) => id === idle.case) as Case
  const judgedWith = (look: CaseRun) => {
    const finding = findingOf(idle, [look], 75_000)
    const outcome: Outcome = {
      ...{ judged: [{ case: theCase, run: look }], findings: [finding], known: knownFrom([finding]), cutShort: null },
    }
    const { judged, findings } = judgedBehind(outcome, pools(['aws-alb', 'caddy'], '--behind', []), flagOf)
    return {
      findings,
      red: judged.filter(({ run: { verdict } }) => isRed(verdict)).map(({ case: { id } }) => id),
      judged,
    }
  }

  test('an idle limit that is shorter than theirs fails, for each of them', () => {
    const { red, judged } = judgedWith(run({}))
    assert.deepEqual(red, ['outlives-aws-alb', 'outlives-caddy'])
    assert.match(judged[1]?.run.reason ?? '', /^your server’s 5\.0 s is under the 60 s/)
    assert.deepEqual(judgedWith(run({ observedMs: 65_000 })).red, ['outlives-caddy'])
    assert.deepEqual(judgedWith(run({ observedMs: 125_000 })).red, [])
  })

  test('one that was not seen to end is long enough, and no leak by that alone', () => {
    const open = run({ verdict: 'fail', observed: 'open', observedMs: 75_000, reason: 'still open after 75000 ms' })
    const { red, findings } = judgedWith(open)
    assert.deepEqual(red, [])
    assert.equal(findings[0]?.kind, 'unknown')
    assert.match(findings[0]?.reason ?? '', /long enough; a longer --limit tells whether it ever ends/)
  })

  test('one that could not be measured is not judged', () => {
    const { judged } = judgedWith(run({ verdict: 'not-judged', observed: null, observedMs: null, reason: 'no' }))
    assert.deepEqual(
      judged.slice(1).map(({ run: { verdict } }) => verdict),
      ['not-judged', 'not-judged'],
    )
  })
})

test('a case has to do with what ends it, what it outlives and what it takes a part of', () => {
  const of = (id: string) => touches(cases.find((one) => one.id === id) as Case).toSorted()
  assert.deepEqual(of('plain-get'), [])
  assert.deepEqual(of('idle-after-response'), ['idleTimeoutMs'])
  assert.deepEqual(of('partial-second-head'), ['headTimeoutMs', 'idleTimeoutMs'])
  assert.ok(of('quiet-stream').includes('writeTimeoutMs'))
})
