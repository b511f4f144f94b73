/**
 * The suite on every runtime: one test for each case, runtime and transport; then the table, and
 * its JSON.
 */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { cases } from '../../src/probe/cases/index.ts'
import { isRed } from '../../src/probe/judge/verdict.ts'
import { toJson } from '../../src/probe/reports/json.ts'
import { type Cell, makeReport, serverNamed } from '../../src/probe/reports/report.ts'
import { table } from '../../src/probe/reports/table.ts'
import { root } from '../lib/runtimes.ts'
import { runColumns } from './column.ts'
import { type RuntimeName, runtimeNames } from './runtimes.ts'
import { casesFor, transports, versionOf } from './suite.ts'

const longestRunMs = 600_000
const startedAt = new Date()
let columns: ReadonlyMap<RuntimeName, readonly Cell[]> = new Map()

before(
  async () => {
    columns = await runColumns(runtimeNames)
  },
  { timeout: longestRunMs },
)

for (const name of runtimeNames) {
  describe(name, () => {
    for (const transport of transports) {
      for (const { id, title } of casesFor(cases, name, transport)) {
        test(`${name} ${transport} ${id}: ${title}`, (t) => {
          const cell = columns
            .get(name)
            ?.find((candidate) => candidate.case === id && candidate.transport === transport)
          assert.ok(cell, 'the case did not run')
          if (cell.verdict === 'not-judged') return t.skip(cell.reason ?? '')
          if (cell.verdict === 'deviation') t.diagnostic(`known deviation: ${cell.reason}`)
          if (isRed(cell.verdict)) assert.fail(`${cell.verdict}: ${cell.reason}`)
          if (cell.verdict === 'observed') t.diagnostic(`observed only: ${cell.reason}`)
        })
      }
    }
  })
}

after(async () => {
  const all = [...columns.values()].flat()
  const report = makeReport({
    startedAt,
    tookMs: Date.now() - startedAt.getTime(),
    servers: runtimeNames.map((name) =>
      serverNamed(name, { startedAt: startedAt.toISOString(), version: versionOf(name) }),
    ),
    cases,
    cells: all,
  })
  await mkdir(`${root}test-results`, { recursive: true })
  await writeFile(`${root}test-results/conformance.json`, toJson(report))
  console.log(table(cases, runtimeNames, all))
})
