/**
 * Keeps the last run of the application suite for the docs: `npm test`, then this, then `node
 * scripts/docs.ts`.
 */
import { readFile, writeFile } from 'node:fs/promises'
import process from 'node:process'
import type { ApplicationReport } from '../test/application/report.ts'

const at = (path: string) => new URL(`../${path}`, import.meta.url)
const report = JSON.parse(await readFile(at('test-results/application.json'), 'utf8')) as ApplicationReport
const red = report.chapters.flatMap(({ cases }) =>
  cases.flatMap(({ id, on }) =>
    Object.entries(on).flatMap(([name, { red = [] }]) => red.map((at) => `${name} ${id} ${at}`)),
  ),
)
if (red.length > 0) {
  console.error(`not kept: ${red.length} red, the first ${red[0]}`)
  process.exit(1)
}
await writeFile(at('docs/application.json'), `${JSON.stringify(report, null, 1)}\n`)
