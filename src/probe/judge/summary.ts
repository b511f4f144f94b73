/** What a probe came to, for a person: what leaks first, with what it costs; then what was found, what failed, and why not more. */
import { readFileSync } from 'node:fs'
import { readable, wrap } from '../../command/text-table.ts'
import { flagOf } from '../../policy/spelling.ts'
import { format } from '../../policy/units.ts'
import { type Finding, problemOf } from '../find/discover.ts'
import type { Judged, Outcome } from '../probing.ts'
import { printable } from '../reports/printable.ts'
import { type Counts, countsText, isRed } from './verdict.ts'

export interface Told extends Outcome {
  readonly url: string
  /** What `Server` says. */
  readonly server: string | null
  readonly tookMs: number
  /** The server's own limit of descriptors, if its process can be seen. */
  readonly descriptorLimit: number | null
}

/** `Max open files` of a process on this machine (proc_pid_limits(5)), or null. */
export function descriptorLimitOf(pid: number | undefined): number | null {
  if (pid === undefined) return null
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1]
    return soft === undefined ? null : Number(soft)
  } catch {
    return null
  }
}

export function leaksOf({ findings, descriptorLimit }: Pick<Told, 'findings' | 'descriptorLimit'>): string[] {
  const limit = descriptorLimit ?? 1024
  const whose = descriptorLimit === null ? 'at ulimit -n 1024' : `at this server’s ulimit -n of ${limit}`
  const full = `; ${whose}, ${limit} of them and nobody else is accepted`
  return findings
    .flatMap(({ question, watchedMs }) => (watchedMs === null ? [] : [{ question, watchedMs }]))
    .map(
      ({ question, watchedMs }, at) =>
        `LEAK: ${problemOf(question, watchedMs)}: ${question.cost}${at === 0 ? full : ''}.`,
    )
}

export function summary(told: Told, counts: Counts, columns: number): string {
  const width = readable(columns)
  const { judged, findings, url, server, tookMs, cutShort } = told
  const failed = judged.filter(({ run: { verdict } }) => isRed(verdict))
  const observed = judged.filter(({ run: { verdict } }) => verdict === 'observed')
  const leaks = leaksOf(told)
  const leaking = new Set(findings.filter(({ kind }) => kind === 'leak').map(({ question }) => question.case))
  const rest = failed.filter(({ case: { id } }) => !leaking.has(id))
  return [
    ...leaks.flatMap((leak) => wrap(leak, width)),
    ...(leaks.length > 0 ? [...wrap(`${flagOf('limitMs')} with a longer time tells what ends later.`, width), ''] : []),
    `${url}${server === null ? '' : ` (Server: ${printable(server)})`}${cutShort === null ? '' : `, cut short: ${cutShort}`}`,
    ...limits(findings, width),
    ...explained('failed', rest, width),
    ...explained('observed: otherwise than hangup would, and no rule says how', observed, width),
    ...unjudged(judged, width),
    '',
    `${countsText(counts)} in ${seconds(tookMs)}`,
    '',
  ].join('\n')
}

function limits(findings: readonly Finding[], width: number): string[] {
  if (findings.length === 0) return []
  const rows = [
    ['limit', 'found', 'end'],
    ...findings.map(({ question: { name }, kind, fromMs, toMs, end, reason, watchedMs }) => [
      name,
      kind === 'found'
        ? span(fromMs ?? 0, toMs ?? 0)
        : watchedMs === null
          ? '?'
          : `not in ${format('duration', watchedMs)}`,
      printable((kind === 'found' ? [end, reason] : [reason]).filter((part) => part !== null).join('; ')),
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

function explained(title: string, some: readonly Judged[], width: number): string[] {
  if (some.length === 0) return []
  const lines = some.flatMap(({ case: { id, title: what, spec }, run: { reason } }) => [
    ...wrap(`${id}: ${what}${spec.length > 0 ? ` (${spec.join(', ')})` : ''}`, width - 2).map((line) => `  ${line}`),
    ...wrap(printable(reason?.split('\n')[0] ?? ''), width - 6).map((line) => `      ${line}`),
  ])
  return ['', `${title}:`, ...lines]
}

/** One line for each reason, with the cases that it explains. */
function unjudged(judged: readonly Judged[], width: number): string[] {
  const groups = new Map<string, string[]>()
  for (const { case: theCase, run } of judged) {
    if (run.verdict !== 'not-judged') continue
    const reason = printable(run.reason?.split('\n')[0] ?? '')
    groups.set(reason, [...(groups.get(reason) ?? []), theCase.id])
  }
  if (groups.size === 0) return []
  const lines = [...groups].flatMap(([reason, ids]) => [
    ...wrap(`${reason}:`, width - 2).map((line) => `  ${line}`),
    ...wrap(ids.join(', '), width - 6).map((line) => `      ${line}`),
  ])
  return ['', 'not judged:', ...lines]
}
