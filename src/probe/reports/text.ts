/**
 * A report of one server for a terminal: what leaks first, with what it costs; then what was found, what failed, and why
 * not more.
 */
import { readable, wrap } from '../../command/text-table.ts'
import { flagOf } from '../../policy/spelling.ts'
import { format } from '../../policy/units.ts'
import { countsText, isRed } from '../judge/verdict.ts'
import { printable } from './printable.ts'
import type { Cell, Limit, Report, ReportCase, ReportServer } from './report.ts'

interface Told {
  readonly case: ReportCase
  readonly cell: Cell
}

/** `columns`: lines are not longer. */
export function toText(report: Report, columns = 80): string {
  const width = readable(columns)
  const told = report.cells.flatMap((cell): Told[] => {
    const theCase = report.cases.find(({ id }) => id === cell.case)
    return theCase ? [{ case: theCase, cell }] : []
  })
  const leaking = new Set(report.servers.flatMap(({ limits }) => limits.filter(isLeak).map(({ case: id }) => id)))
  const failed = told.filter(({ cell }) => isRed(cell.verdict) && !leaking.has(cell.case))
  const observed = told.filter(({ cell }) => cell.verdict === 'observed')
  return [
    ...report.servers.flatMap((server) => serverLines(server, width)),
    ...explained('failed', failed, width),
    ...explained('observed: otherwise than hangup would, and no rule says how', observed, width),
    ...unjudged(report.cells, width),
    '',
    `${countsText(report.counts)} in ${seconds(report.tookMs)}`,
    '',
  ].join('\n')
}

const isLeak = ({ outcome }: Limit): boolean => outcome === 'leak'

function serverLines({ name, url, version, warnings, cutShort, limits }: ReportServer, width: number): string[] {
  return [
    ...warnings.flatMap((warning) => wrap(warning, width)),
    ...(limits.some(isLeak) ? [...wrap(`A longer ${flagOf('limitMs')} shows what ends later.`, width), ''] : []),
    `${url ?? name}${version === null ? '' : ` (Server: ${printable(version)})`}${cutShort === null ? '' : `, cut short: ${cutShort}`}`,
    ...limitLines(limits, width),
  ]
}

function limitLines(limits: readonly Limit[], width: number): string[] {
  if (limits.length === 0) return []
  const rows = [
    ['limit', 'found', 'end'],
    ...limits.map(({ name, outcome, fromMs, toMs, end, reason, watchedMs }) => [
      name,
      outcome === 'found'
        ? span(fromMs ?? 0, toMs ?? 0)
        : watchedMs === null
          ? '?'
          : `not in ${format('duration', watchedMs)}`,
      printable((outcome === 'found' ? [end, reason] : [reason]).filter((part) => part !== null).join('; ')),
    ]),
  ]
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)) + 2)
  const left = widths.reduce((sum, one) => sum + one, 2)
  const lines = rows.flatMap(([name = '', found = '', text = '']) =>
    wrap(text, width - left).map((line, at) =>
      at === 0
        ? `  ${name.padEnd(widths[0] ?? 0)}${found.padEnd(widths[1] ?? 0)}${line}`
        : `${' '.repeat(left)}${line}`,
    ),
  )
  return ['', ...lines]
}

/** Looks that agree to a tenth of a second are one number. */
function span(fromMs: number, toMs: number): string {
  const [from, to] = [seconds(fromMs), seconds(toMs)]
  return toMs - fromMs < 100 ? from : `${from} – ${to}`
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(ms < 100_000 ? 2 : 0)} s`

function explained(title: string, some: readonly Told[], width: number): string[] {
  if (some.length === 0) return []
  const lines = some.flatMap(({ case: { id, title: what, spec }, cell: { reason } }) => [
    ...wrap(`${id}: ${what}${spec.length > 0 ? ` (${spec.join(', ')})` : ''}`, width - 2).map((line) => `  ${line}`),
    ...wrap(printable(reason?.split('\n')[0] ?? ''), width - 6).map((line) => `      ${line}`),
  ])
  return ['', `${title}:`, ...lines]
}

/** One line for each reason, with the cases that it explains. */
function unjudged(cells: readonly Cell[], width: number): string[] {
  const groups = new Map<string, string[]>()
  for (const { case: id, verdict, reason } of cells) {
    if (verdict !== 'not-judged') continue
    const why = printable(reason?.split('\n')[0] ?? '')
    groups.set(why, [...(groups.get(why) ?? []), id])
  }
  if (groups.size === 0) return []
  const lines = [...groups].flatMap(([reason, ids]) => [
    ...wrap(`${reason}:`, width - 2).map((line) => `  ${line}`),
    ...wrap(ids.join(', '), width - 6).map((line) => `      ${line}`),
  ])
  return ['', 'not judged:', ...lines]
}
