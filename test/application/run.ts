/**
 * The suite by hand, red cells on standard output: `npx node test/application/run.ts [--engine
 * node,bun-hangup] [--case id,…] [--start code] [--over h2] [--bare] [--json FILE]`
 */
import { writeFileSync } from 'node:fs'
import process from 'node:process'
import { parseArgs } from 'node:util'
import type { Transport } from './case.ts'
import { cases } from './cases/index.ts'
import { type EngineName, engineNames, type Start } from './columns.ts'
import { deviations } from './deviations.ts'
import { isRed, runSuite } from './suite.ts'

const text = { type: 'string' } as const
const { values } = parseArgs({
  options: { engine: text, case: text, start: text, over: text, json: text, bare: { type: 'boolean' } },
})
const list = (value: string | undefined) => value?.split(',')
const ids = list(values.case)
const none = Object.fromEntries(engineNames.map((name) => [name, []])) as unknown as typeof deviations

// The servers end with this process.
process.on('SIGTERM', () => process.exit(143))

const from = performance.now()
const cells = await runSuite({
  cases: ids
    ? cases.filter(({ id }) =>
        ids.some((given) => (given.endsWith('*') ? id.startsWith(given.slice(0, -1)) : id === given)),
      )
    : cases,
  names: (list(values.engine) ?? engineNames) as readonly EngineName[],
  deviations: values.bare ? none : deviations,
  starts: list(values.start) as readonly Start[] | undefined,
  only: list(values.over) as readonly Transport[] | undefined,
  done: ({ name, start, tls }, tookMs) =>
    console.error(`${name} ${start}${tls ? ' tls' : ''}: ${(tookMs / 1000).toFixed(1)} s`),
})
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(cells))
for (const { engine, case: id, start, over, verdict, reason } of cells.filter(isRed)) {
  console.log(`${engine} ${start} ${over} ${id}: ${verdict}: ${reason}`)
}
const red = cells.filter(isRed).length
console.log(`${cells.length} cells, ${red} red, ${((performance.now() - from) / 1000).toFixed(1)} s`)
