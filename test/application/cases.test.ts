import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as v from 'valibot'
import { stepSchema, transports } from './case.ts'
import { cases } from './cases/index.ts'
import { columnsOf, engineNames } from './columns.ts'
import { deviations } from './deviations.ts'
import { casesOn } from './suite.ts'

test('every case is data that the suite understands, beside one route', () => {
  for (const theCase of cases) {
    const routes = ['returns', 'routes', 'fetches'].filter((name) => name in theCase)
    assert.equal(routes.length, 1, `${theCase.id} has ${routes.length} routes`)
    assert.match(theCase.id, /^[a-z0-9]+(-[a-z0-9]+)*$/)
    assert.ok(theCase.title.length > 0 && !theCase.title.endsWith('.'), theCase.id)
    for (const step of theCase.steps) {
      const { issues } = v.safeParse(stepSchema, step)
      assert.equal(issues, undefined, `${theCase.id}: ${issues?.[0].message}`)
    }
  }
})

test('ids are names of one case each', () => {
  const ids = cases.map(({ id }) => id)
  assert.deepEqual(
    ids.filter((id, place) => ids.indexOf(id) !== place),
    [],
  )
})

for (const name of engineNames) {
  test(`the deviations of ${name} name cases that run there, once each`, () => {
    const cells = columnsOf(name).flatMap((column) =>
      column.transports.flatMap((over) =>
        casesOn(cases, column, over).map(({ id }) => `${id} ${column.start} ${over}`),
      ),
    )
    const known = new Set(cells)
    const named = deviations[name].flatMap(
      ({ cases: ids, starts = ['command', 'code', 'guarded'], over = transports }) =>
        ids.map((id) =>
          starts.flatMap((start) => over.map((one) => `${id} ${start} ${one}`)).filter((cell) => known.has(cell)),
        ),
    )
    assert.deepEqual(
      named.filter((each) => each.length === 0),
      [],
      'a deviation that is nowhere',
    )
    const all = named.flat()
    assert.deepEqual(
      all.filter((cell, place) => all.indexOf(cell) !== place),
      [],
    )
  })
}
