/** What a run came to, as one table for people and as JSON for programs. */
import type { Case } from './case.ts'
import type { CaseRun } from './run.ts'
import { isRed, type Verdict, verdicts } from './verdict.ts'

export interface Cell extends Omit<CaseRun, 'id' | 'timelines'> {
  readonly case: string
  readonly runtime: string
  readonly transport: 'tcp' | 'tls'
  readonly timelines?: CaseRun['timelines']
}

export interface Report {
  /** Rises when a program that reads the old form would misread the new one. */
  readonly version: 1
  readonly startedAt: string
  readonly tookMs: number
  /** What was run: `node 24.21.0`, `workerd …`. */
  readonly runtimes: readonly string[]
  readonly cases: readonly Pick<Case, 'id' | 'level' | 'title' | 'why' | 'spec' | 'profile'>[]
  readonly cells: readonly Cell[]
  readonly counts: Readonly<Record<Verdict, number>>
}

const marks: Record<Verdict, string> = {
  pass: '✓',
  deviation: '≠',
  'not-judged': '·',
  fail: '✗ FAIL',
  'unexpected-pass': '✗ GONE',
  'setup-failed': '✗ SETUP',
  'harness-failed': '✗ HARNESS',
}

export function countVerdicts(cells: readonly Pick<Cell, 'verdict'>[]): Record<Verdict, number> {
  const counts = Object.fromEntries(verdicts.map((verdict) => [verdict, 0])) as Record<Verdict, number>
  for (const { verdict } of cells) counts[verdict] += 1
  return counts
}

/** What the table says of a case. */
type Row = Pick<Case, 'id' | 'level'>

/** Cases down, runtimes across, TCP and TLS side by side where they differ; the first row is the head. */
export function rowsOf(cases: readonly Row[], runtimes: readonly string[], cells: readonly Cell[]): string[][] {
  const find = (id: string, runtime: string) => cells.filter((cell) => cell.case === id && cell.runtime === runtime)
  return [
    ['case', 'level', ...runtimes],
    ...cases
      .filter(({ id }) => cells.some((cell) => cell.case === id))
      .map(({ id, level }) => [id, level, ...runtimes.map((runtime) => joined(find(id, runtime)))]),
  ]
}

export const legend = '✓ pass   ≠ known deviation   · not judged   times: when the end came, TCP / TLS'

/** The rows with a legend; what is not a pass is explained below. */
export function table(cases: readonly Row[], runtimes: readonly string[], cells: readonly Cell[]): string {
  const rows = rowsOf(cases, runtimes, cells)
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  const lines = rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  lines.splice(1, 0, widths.map((width) => '─'.repeat(width)).join('  '))
  const levels = new Map(cases.map(({ id, level }) => [id, level]))
  return [
    ...lines,
    '',
    legend,
    ...notes(cells, ({ verdict, case: id }) => isRed(verdict, levels.get(id) ?? 'must'), 'red'),
    ...notes(cells, ({ verdict }) => verdict === 'deviation', 'known deviations'),
    ...notes(cells, ({ verdict }) => verdict === 'not-judged', 'not judged'),
    '',
    Object.entries(countVerdicts(cells))
      .filter(([, count]) => count > 0)
      .map(([verdict, count]) => `${count} ${verdict}`)
      .join(', '),
  ].join('\n')
}

function joined(cells: readonly Cell[]): string {
  const texts = ['tcp', 'tls'].flatMap((transport) => {
    const cell = cells.find((candidate) => candidate.transport === transport)
    return cell ? [shown(cell)] : []
  })
  const judged = texts.filter((text) => text !== marks['not-judged'])
  if (judged.length <= 1) return judged[0] ?? marks['not-judged']
  const [tcp = '', tls = ''] = judged
  if (tcp === tls) return tcp
  const sameEnd = tcp.replace(/ [\d.]+ s$/, '') === tls.replace(/ [\d.]+ s$/, '')
  if (sameEnd) return `${tcp.replace(/ s$/, '')} / ${/[\d.]+ s$/.exec(tls)?.[0]}`
  return `${tcp} / ${tls.startsWith('✓ ') && tcp.startsWith('✓ ') ? tls.slice(2) : tls}`
}

function shown({ verdict, observed, observedMs }: Cell): string {
  if (verdict === 'not-judged') return marks[verdict]
  const time = observedMs === null ? null : `${(observedMs / 1000).toFixed(2)} s`
  return [marks[verdict], observed, time].filter((part) => part !== null).join(' ')
}

/** One line for each reason, with the cases that it explains. */
export function notes(cells: readonly Cell[], which: (cell: Cell) => boolean, title: string): string[] {
  const groups = new Map<string, Set<string>>()
  for (const cell of cells.filter(which)) {
    if (cell.reason?.startsWith('only over ')) continue // By design, on every runtime.
    const key = `${cell.runtime}: ${cell.reason?.split('\n')[0]}`
    const group = groups.get(key) ?? new Set()
    groups.set(key, group.add(title === 'red' ? `${cell.case} (${cell.transport})` : cell.case))
  }
  if (groups.size === 0) return []
  return ['', `${title}:`, ...[...groups].map(([reason, ids]) => `  ${reason}\n    ${[...ids].join(', ')}`)]
}
