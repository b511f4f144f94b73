/**
 * `node test/conformance/run.ts [--runtime node,bun] [--case idle,head] [--trace] [--json file]
 * [--html file]`: part of the suite, for working on it.
 */
import { writeFile } from 'node:fs/promises'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { cases } from '../../src/probe/cases/index.ts'
import { isRed } from '../../src/probe/judge/verdict.ts'
import { toHtml } from '../../src/probe/reports/html.ts'
import { toJson } from '../../src/probe/reports/json.ts'
import { makeReport, serverNamed } from '../../src/probe/reports/report.ts'
import { table } from '../../src/probe/reports/table.ts'
import { type RuntimeName, runtimeNames } from './runtimes.ts'
import { runRuntime, versionOf } from './suite.ts'

const { values } = parseArgs({
  options: {
    runtime: { type: 'string' },
    case: { type: 'string' },
    trace: { type: 'boolean', default: false },
    json: { type: 'string' },
    html: { type: 'string' },
  },
})
const names = (values.runtime?.split(',') ?? [...runtimeNames]) as RuntimeName[]
for (const name of names) {
  if (!runtimeNames.includes(name)) throw new TypeError(`--runtime: ${name} is not one of ${runtimeNames.join(', ')}`)
}
const parts = values.case?.split(',')
const chosen = cases.filter(({ id }) => parts?.some((part) => id.includes(part)) ?? true)
if (chosen.length === 0) throw new TypeError(`--case: no case has ${values.case} in its id`)

const startedAt = new Date()
const cells = []
for (const name of names) {
  const fromMs = performance.now()
  cells.push(...(await runRuntime(chosen, name)))
  console.error(`${name}: ${Math.round((performance.now() - fromMs) / 1000)} s`)
}
console.log(table(chosen, names, cells))
const red = cells.filter(({ verdict }) => isRed(verdict))
const report = makeReport({
  startedAt,
  tookMs: Date.now() - startedAt.getTime(),
  servers: names.map((name) => serverNamed(name, { startedAt: startedAt.toISOString(), version: versionOf(name) })),
  cases: chosen,
  cells,
})
if (values.json !== undefined) await writeFile(values.json, toJson(report))
if (values.html !== undefined) await writeFile(values.html, toHtml(report))
if (values.trace) console.log(JSON.stringify(red, null, 1))
process.exitCode = red.length > 0 ? 1 : 0
