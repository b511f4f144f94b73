/**
 * The suite, tested: a well-behaved server passes every case; the sinner of a case fails it, and
 * passes its neighbours.
 */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Case } from '../../src/probe/case.ts'
import { cases } from '../../src/probe/cases/index.ts'
import { sinners } from './sinners.ts'
import { endingsOf, neighboursOf, type Run, runAll, runs, unkept } from './trial.ts'

before(() => runAll(), { timeout: 150_000 })

const shown = ({ result }: Run) => `${result?.verdict}: ${result?.reason}`
/** What is only written down can't fail. */
const failed = ({ level }: Case) => (level === 'observe' ? 'observed' : 'fail')
const find = (sinner: string | null, id: string, ending?: string) =>
  runs.find((run) => run.sinner === sinner && run.theCase.id === id && run.ending === ending) as Run

test('each case has a sinner, and each sinner a case', () => {
  assert.deepEqual(Object.keys(sinners).sort(), cases.map(({ id }) => id).sort())
})

for (const theCase of cases) {
  const { id } = theCase
  describe(id, () => {
    test('is passed by a server that keeps the rules', (t) => {
      const why = unkept(theCase)
      if (why !== null) return t.skip(why)
      const run = find(null, id)
      if (run.result?.verdict === 'not-judged') return t.skip(run.result.reason ?? '')
      assert.equal(run.result?.verdict, 'pass', shown(run))
    })

    test('is failed by its sinner', (t) => {
      const run = find(id, id)
      if (run.result?.verdict === 'not-judged') return t.skip(run.result.reason ?? '')
      assert.equal(run.result?.verdict, failed(theCase), shown(run))
    })

    for (const ending of endingsOf(theCase)) {
      test(`is failed by an end that comes ${ending}`, () => {
        const run = find(id, id, ending)
        assert.equal(run.result?.verdict, failed(theCase), shown(run))
      })
    }

    for (const neighbour of neighboursOf(theCase)) {
      const also = sinners[id]?.also?.includes(neighbour.id)
      test(`is ${also ? 'not ' : ''}failed without ${neighbour.id}`, (t) => {
        const run = find(id, neighbour.id)
        if (run.result?.verdict === 'not-judged') return t.skip(run.result.reason ?? '')
        if (also) assert.notEqual(run.result?.verdict, 'pass', shown(run))
        else assert.equal(run.result?.verdict, 'pass', shown(run))
      })
    }
  })
}
