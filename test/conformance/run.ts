/** `node test/conformance/run.ts [--runtime node,bun] [--case idle,head] [--trace]`: part of the suite, for working on it. */
import process from 'node:process'
import { parseArgs } from 'node:util'
import { cases } from '../../src/probe/cases/index.ts'
import { table } from '../../src/probe/report.ts'
import { isRed } from '../../src/probe/verdict.ts'
import { type RuntimeName, runtimeNames } from './runtimes.ts'
import { runRuntime } from './suite.ts'

const { values } = parseArgs({
  options: { runtime: { type: 'string' }, case: { type: 'string' }, trace: { type: 'boolean', default: false } },
})
const names = (values.runtime?.split(',') ?? [...runtimeNames]) as RuntimeName[]
for (const name of names) {
  if (!runtimeNames.includes(name)) throw new TypeError(`--runtime: ${name} is not one of ${runtimeNames.join(', ')}`)
}
const parts = values.case?.split(',')
const chosen = cases.filter(({ id }) => parts?.some((part) => id.includes(part)) ?? true)
if (chosen.length === 0) throw new TypeError(`--case: no case has ${values.case} in its id`)

const cells = []
for (const name of names) {
  const fromMs = performance.now()
  cells.push(...(await runRuntime(chosen, name)))
  console.error(`${name}: ${Math.round((performance.now() - fromMs) / 1000)} s`)
}
console.log(table(chosen, names, cells))
const level = (id: string) => chosen.find((one) => one.id === id)?.level ?? 'must'
const red = cells.filter((cell) => isRed(cell.verdict, level(cell.case)))
if (values.trace) console.log(JSON.stringify(red, null, 1))
process.exitCode = red.length > 0 ? 1 : 0
