/**
 * Keeps the last run of the suite for the docs: `npm test`, then `node
 * scripts/keep-conformance.ts`, then `node scripts/docs.ts`.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { isRed } from '../src/probe/judge/verdict.ts'
import { toJson } from '../src/probe/reports/json.ts'
import { type Report, readReport } from '../src/probe/reports/report.ts'

/**
 * What the tables in the docs need, as a report that `hangup compare` reads: without what happened
 * on each connection.
 */
export const kept = (report: Report): Report => ({
  ...report,
  cells: report.cells.map((cell) => ({ ...cell, timelines: [] })),
})

if (import.meta.main) {
  const at = (path: string) => new URL(`../${path}`, import.meta.url)
  const from = 'test-results/conformance.json'
  const report = readReport(await readFile(at(from), 'utf8'), from)
  const red = report.cells.filter(({ verdict }) => isRed(verdict))
  if (red.length > 0) {
    console.error(`not kept: ${red.length} red cells, the first ${red[0]?.server} ${red[0]?.case}`)
    process.exit(1)
  }
  await writeFile(at('docs/conformance.json'), toJson(kept(report)))
}
