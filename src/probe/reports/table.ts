/** A report as one table for people: cases down, servers across. */

import { countsText, countVerdicts, isRed, type Verdict } from '../judge/verdict.ts'
import { spanOf, time } from './numbers.ts'
import { printable } from './printable.ts'
import type { Cell, Limit, ReportCase, ReportServer } from './report.ts'

const marks: Record<Verdict, string> = {
  pass: '✓',
  deviation: '≠',
  observed: '○',
  'not-judged': '·',
  fail: '✗ FAIL',
  'unexpected-pass': '✗ GONE',
  'setup-failed': '✗ SETUP',
  'harness-failed': '✗ HARNESS',
}

/** What the table says of a case. */
type Row = Pick<ReportCase, 'id' | 'level'>

/**
 * Cases down, servers across, TCP and TLS side by side where they differ; the first row is the
 * head.
 */
export function rowsOf(cases: readonly Row[], servers: readonly string[], cells: readonly Cell[]): string[][] {
  const find = (id: string, server: string) => cells.filter((cell) => cell.case === id && cell.server === server)
  return [
    ['case', 'level', ...servers],
    ...cases
      .filter(({ id }) => cells.some((cell) => cell.case === id))
      .map(({ id, level }) => [id, level, ...servers.map((server) => cellText(find(id, server)))]),
  ]
}

export const legend =
  '✓ pass   ≠ known deviation   ○ only observed   · not judged   times: when the end came, TCP / TLS'

/**
 * The rows with a legend; what is not a pass is explained below. More servers than fit the columns
 * go below too.
 */
export function table(
  cases: readonly Row[],
  servers: readonly string[],
  cells: readonly Cell[],
  columns = Number.POSITIVE_INFINITY,
): string {
  return printable(
    [
      ...fitting(rowsOf(cases, servers, cells), columns).flatMap((rows) => [...ruled(rows), '']),
      legend,
      ...notes(cells, ({ verdict }) => isRed(verdict), 'red'),
      ...notes(cells, ({ verdict }) => verdict === 'deviation', 'known deviations'),
      ...notes(cells, ({ verdict }) => verdict === 'not-judged', 'not judged'),
      '',
      countsText(countVerdicts(cells)),
    ].join('\n'),
  )
}

const gap = 2
const widthsOf = (rows: readonly (readonly string[])[]): number[] =>
  (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))

/**
 * Several tables, each with the first columns and as many of the others as the width has room for.
 */
export function fitting(rows: readonly (readonly string[])[], columns: number, fixed = 2): string[][][] {
  const widths = widthsOf(rows)
  const head = widths.slice(0, fixed)
  const left = head.reduce((sum, width) => sum + width, (fixed - 1) * gap)
  const groups: number[][] = [[]]
  let used = left
  for (let column = fixed; column < widths.length; column++) {
    const width = gap + (widths[column] ?? 0)
    if (used + width > columns && groups.at(-1)?.length) {
      groups.push([])
      used = left
    }
    groups.at(-1)?.push(column)
    used += width
  }
  return groups.map((group) => rows.map((row) => [...row.slice(0, fixed), ...group.map((column) => row[column] ?? '')]))
}

/** Aligned, with a rule under the head. */
export function ruled(rows: readonly (readonly string[])[]): string[] {
  const widths = widthsOf(rows)
  const lines = rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join(' '.repeat(gap))
      .trimEnd(),
  )
  lines.splice(1, 0, widths.map((width) => '─'.repeat(width)).join(' '.repeat(gap)))
  return lines
}

/** TCP and TLS of one case on one server: `✓ fin 2.03 / 2.11 s`. */
function cellText(cells: readonly Cell[]): string {
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

function shown(cell: Cell): string {
  const { verdict, observed, observedMs } = cell
  if (verdict === 'not-judged') return marks[verdict]
  const time = observedMs === null ? null : `${(observedMs / 1000).toFixed(2)} s`
  return [marks[verdict], observed, time].filter((part) => part !== null).join(' ')
}

/**
 * Limits down, servers across: when each closes a silent connection; the first row is the head.
 */
export function limitRows(servers: readonly ReportServer[]): string[][] {
  const names = [...new Set(servers.flatMap(({ limits }) => limits.map(({ name }) => name)))]
  return [
    ['hangs up when silent', ...servers.map(({ name }) => name)],
    ...names.map((name) => [name, ...servers.map(({ limits }) => limitText(limits.find((one) => one.name === name)))]),
  ]
}

function limitText(limit: Limit | undefined): string {
  if (limit === undefined) return '–'
  if (limit.outcome === 'found')
    return [spanOf(limit.fromMs, limit.toMs), limit.end].filter((part) => part !== null).join(' ')
  return limit.watchedMs === null ? '?' : `✗ not in ${time(limit.watchedMs)}`
}

/** One line for each reason, with the cases that it explains. */
export function notes(cells: readonly Cell[], which: (cell: Cell) => boolean, title: string): string[] {
  const groups = new Map<string, Set<string>>()
  for (const cell of cells.filter(which)) {
    if (cell.reason?.startsWith('only over ')) continue // By design, on every server.
    const key = `${cell.server}: ${cell.reason?.split('\n')[0]}`
    const group = groups.get(key) ?? new Set()
    groups.set(key, group.add(title === 'red' ? `${cell.case} (${cell.transport})` : cell.case))
  }
  if (groups.size === 0) return []
  return ['', `${title}:`, ...[...groups].map(([reason, ids]) => `  ${reason}\n    ${[...ids].join(', ')}`)]
}
