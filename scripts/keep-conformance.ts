/** Keeps the last run of the suite for the docs: `npm test`, then `node scripts/keep-conformance.ts`, then `node scripts/docs.ts`. */
import { readFile, writeFile } from 'node:fs/promises'
import type { Cell, Report } from '../src/probe/report.ts'
import { isRed } from '../src/probe/verdict.ts'

export interface KeptReport {
  readonly startedAt: string
  readonly runtimes: readonly string[]
  readonly cases: readonly Pick<Report['cases'][number], 'id' | 'level'>[]
  readonly cells: readonly Cell[]
}

if (import.meta.main) {
  const at = (path: string) => new URL(`../${path}`, import.meta.url)
  const report: Report = JSON.parse(await readFile(at('test-results/conformance.json'), 'utf8'))
  const levels = new Map(report.cases.map(({ id, level }) => [id, level]))
  const red = report.cells.filter((cell) => isRed(cell.verdict, levels.get(cell.case) ?? 'must'))
  if (red.length > 0) {
    console.error(`not kept: ${red.length} red cells, the first ${red[0]?.runtime} ${red[0]?.case}`)
    process.exit(1)
  }
  const kept = {
    startedAt: report.startedAt,
    runtimes: report.runtimes,
    cases: report.cases.map(({ id, level }) => ({ id, level })),
    cells: report.cells.map(({ timelines, ...cell }) => cell),
  }
  await writeFile(at('docs/conformance.json'), `${JSON.stringify(kept)}\n`)
}
