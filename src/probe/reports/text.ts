/**
 * A report of one server for a terminal: what leaks first, with what it costs; then what was found,
 * what failed, and why not more.
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

function adviceFor(url: string | null): string {
  const gateway = url === null ? '' : ` In front of the server, hangup gateway --to ${url} closes such clients.`
  return `A longer ${flagOf('limitMs')} shows what ends later.${gateway}`
}

function serverLines({ name, url, version, warnings, cutShort, limits }: ReportServer, width: number): string[] {
  return [
    ...warnings.flatMap((warning) => wrap(warning, width)),
    ...(limits.some(isLeak) ? [...wrap(adviceFor(url), width), ''] : []),
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

/** More cases than this are told by their number. */
const fewCases = 24

/** One line for each reason, with the cases that it explains, or how many they are. */
function unjudged(cells: readonly Cell[], width: number): string[] {
  const those = cells.filter(({ verdict }) => verdict === 'not-judged')
  if (those.length === 0) return []
  const reasonOf = ({ reason }: Cell) => printable(reason?.split('\n')[0] ?? '')
  if (those.length > fewCases) return ['', ...counted(those.map(reasonOf), width)]
  const groups = groupBy(those, reasonOf)
  const lines = [...groups].flatMap(([reason, some]) => [
    ...wrap(`${reason}:`, width - 2).map((line) => `  ${line}`),
    ...wrap(some.map(({ case: id }) => id).join(', '), width - 6).map((line) => `      ${line}`),
  ])
  return ['', 'not judged:', ...lines]
}

/** `--upload-path`, `--paths ws=…`, `--connections 201` */
const flagInReason = /--[a-z-]+(?: (?:\w+=…|\d+))?/

/** Reasons that differ in a flag alone are one line with all the flags. */
function counted(reasons: readonly string[], width: number): string[] {
  const groups = [...groupBy(reasons, (reason) => reason.replace(flagInReason, '…'))]
  const lines = groups
    .toSorted(([, a], [, b]) => b.length - a.length)
    .flatMap(([reason, some]) => {
      const byFlag = groupBy(some, (one) => flagInReason.exec(one)?.[0] ?? '')
      const flags = [...byFlag].toSorted(([, a], [, b]) => b.length - a.length)
      const listed = flags.map(([flag, { length }]) => (flags.length > 1 ? `${flag} (${length})` : flag)).join(', ')
      return wrap(reason.replace('…', listed), width - 7).map((line, at) =>
        at === 0 ? `${String(some.length).padStart(5)}  ${line}` : `       ${line}`,
      )
    })
  return [`not judged, ${reasons.length} cases (${flagOf('json')} lists each):`, ...lines]
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return groups
}
