/**
 * The suite on every engine: one test for each case and engine, of all the places where it ran;
 * then the report.
 */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { versionOf } from '../conformance/suite.ts'
import { root } from '../lib/runtimes.ts'
import { cases } from './cases/index.ts'
import { columnsOf, engineNames } from './columns.ts'
import { deviations } from './deviations.ts'
import { reportOf } from './report.ts'
import { type Cell, casesOn, isRed, runSuite } from './suite.ts'

const longestRunMs = 400_000
const startedAt = new Date()
let cells: readonly Cell[] = []

before(
  async () => {
    cells = await runSuite({ cases, names: engineNames, deviations })
  },
  { timeout: longestRunMs },
)

for (const name of engineNames) {
  describe(name, () => {
    const here = new Set(
      columnsOf(name).flatMap((column) => column.transports.flatMap((over) => casesOn(cases, column, over))),
    )
    for (const theCase of here) {
      const { id, title } = theCase
      test(`${name} ${id}: ${title}`, (t) => {
        const own = cells.filter((cell) => cell.engine === name && cell.case === id)
        assert.ok(own.length > 0, 'the case did not run')
        const red = own.filter(isRed)
        const said = red.map(({ start, over, verdict, reason }) => `${start} ${over}: ${verdict}: ${reason}`)
        assert.equal(red.length, 0, said.join('\n'))
        const known = own.filter(({ verdict }) => verdict === 'deviation')
        for (const { start, over, reason } of known) t.diagnostic(`${start} ${over}: known deviation: ${reason}`)
        const sometimes = deviations[name].find((deviation) => deviation.sometimes && deviation.cases.includes(id))
        if (sometimes) assert.ok(known.length > 0, `the known deviation is gone: ${sometimes.what} (${sometimes.see})`)
      })
    }
  })
}

after(async () => {
  const report = reportOf(cells, {
    startedAt: startedAt.toISOString(),
    engines: engineNames.map((name) => ({ name, version: versionOf(name) })),
  })
  await mkdir(`${root}test-results`, { recursive: true })
  await writeFile(`${root}test-results/application.json`, `${JSON.stringify(report)}\n`)
})
