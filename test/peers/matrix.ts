/** docs/peers.md, out of the reports. */

import { spanOf, time as timeText } from '../../src/probe/reports/numbers.ts'
import type { Cell, Limit, Report } from '../../src/probe/reports/report.ts'
import { defaultLimitMs } from '../../src/probe/settings.ts'
import { type Asked, nameOf } from './ask.ts'
import type { Peer } from './peer.ts'

/** Not installed, and the command that would. */
export interface Missing {
  readonly peer: Peer
  readonly fix: string
}

export interface Row {
  readonly asked: Asked
  readonly report: Report
}

/** By the case that asks. */
const columns: Readonly<Record<string, string>> = {
  'idle-after-response': 'idle after an answer',
  'silent-connect': 'connects, says nothing',
  'partial-head': 'half a head',
  'head-trickle': 'a head by the line',
  'body-stall': 'an upload stops',
  'body-trickle': 'an upload trickles',
  'reader-stalls': 'stops reading',
  drain: 'SIGTERM: in flight',
}

/** What a limit on waiting must not touch. */
const inFlight: readonly string[] = [
  ...['slow-handler', 'slow-handler-after-post', 'quiet-stream', 'upload-slow-steady', 'reader-slow-steady'],
  ...['idle-after-slow-handler', 'idle-after-stream', 'idle-close-loses-no-byte'],
]

export function matrix(rows: readonly Row[], missing: readonly Missing[]): string {
  const days = [...new Set(rows.map(({ report }) => report.startedAt.slice(0, 10)))].toSorted()
  const [newest] = rows.toSorted((a, b) => b.report.startedAt.localeCompare(a.report.startedAt))
  const { by } = newest?.report ?? {}
  return `${[
    '# Who hangs up',
    `Other people’s servers under \`hangup probe\`: what each does with a client that goes silent, as it comes and with the timeouts that are recommended for it. [All cases, with the timelines of the limits](peers.html).`,
    `Made by \`npm run peers\`, never by hand: ${[days[0], ...(days.length > 1 ? [days.at(-1)] : [])].join(' to ')}, hangup ${by?.hangup} on ${by?.runtime}, ${by?.platform}, over loopback.`,
    `A time is how long it takes until the server ends the connection, from the quickest to the slowest of three looks. **open**: it had not ended it when the probe stopped watching, after ${timeText(defaultLimitMs)} unless another time is given. *by size*: no clock ends it, only the size that a head may have. SIGTERM comes while a handler is busy; of a server in a library it is the application’s affair, and these have no handler of it. Stock means that no timeout was set; a pool of workers or threads is as large as the probe has connections, where a client holds one of them.`,
    table(rows),
    ...missing.map(({ peer, fix }) => `${peer.title} was not installed: \`${fix}\`.`),
    '## Peer by peer',
    ...[...Map.groupBy(rows, ({ asked }) => asked.peer)].map(([peer, some]) => section(peer, some)),
  ].join('\n\n')}\n`
}

function table(rows: readonly Row[]): string {
  const head = ['server', 'version', ...Object.values(columns)]
  const lines = rows.map((row) => [
    nameOf(row.asked),
    row.asked.version,
    ...Object.keys(columns).map((id) => cellOf(row, id)),
  ])
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.map(escaped).join(' | ')} |`).join('\n')
}

const escaped = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
const limitsOf = ({ report }: Row) => report.servers.flatMap(({ limits }) => limits)

function cellOf(row: Row, id: string): string {
  const limit = limitsOf(row).find((one) => one.case === id)
  if (!limit) return '–'
  if (id === 'drain') return drained(limit)
  if (limit.outcome === 'leak') {
    const { later } = row.asked.variant
    const { watchedMs } = limit
    const when = watchedMs === defaultLimitMs || watchedMs === null ? '' : ` at ${timeText(watchedMs)}`
    return later?.[id] ? `open${when}: ${later[id]}` : `**open**${when}`
  }
  if (limit.outcome === 'unknown') return closesAfterEach(row) ? 'closes after each answer' : '?'
  const time = spanOf(limit.fromMs, limit.toMs)
  if (isBySize(limit)) return `**by size**, ${time}`
  const answers = [...new Set((limit.end ?? '').match(/\b[45]\d\d\b/g) ?? [])]
  return [...answers, time].join(', ')
}

/** Of a head that comes by the line the number of lines is limited as well. */
const isBySize = ({ case: id, end }: Limit) => id === 'head-trickle' && /^(400|413|431) /.test(end ?? '')

function drained({ outcome, reason, fromMs }: Limit): string {
  const busy = /in flight: ([^;]+)/.exec(reason ?? '')?.[1] ?? '?'
  const fate = busy === 'lost' ? '**lost**' : busy.replace(/,.*/, '')
  return outcome === 'leak' ? `${fate}; **still running**` : `${fate}, gone after ${spanOf(fromMs, fromMs)}`
}

const closesAfterEach = ({ report }: Row) =>
  report.cells.some(({ case: id, observed }) => id === 'plain-get' && observed === 'fin')

function section(peer: Peer, rows: readonly Row[]): string {
  const from = peer.debian.length > 0 ? `Debian: ${peer.debian.join(', ')}` : 'npm ci'
  return [
    `### ${peer.title}`,
    `${peer.language}; ${from}; version ${rows[0]?.asked.version}.${peer.proxy ? ' The pages are behind it, on node:http.' : ''}${peer.drains ? ` ${peer.drains}.` : ''}`,
    ...Object.entries(peer.kills ?? {}).map(([id, what]) => `**Not asked** \`${id}\`: ${what}.`),
    ...rows.map((row) => {
      const { what, source, name } = row.asked.variant
      const told = [...keepsNone(row), ...leaksIn(row), ...cutsIn(row), ...broken(row)]
      return [
        `**${name}**: ${what}${source ? ` (${source})` : ''}`,
        '',
        ...(told.length > 0 ? told : ['nothing leaks, and nothing in flight is cut.']).map((line) => `- ${line}`),
      ].join('\n')
    }),
  ].join('\n\n')
}

function keepsNone(row: Row): string[] {
  return closesAfterEach(row)
    ? ['it keeps no connection: each answer ends with the close, and what needs one that is kept is not judged.']
    : []
}

function leaksIn(row: Row): string[] {
  const { later = {} } = row.asked.variant
  const [late, seen] = [true, false].map((isLate) =>
    limitsOf(row).filter(({ outcome, case: id }) => outcome === 'leak' && id in later === isLate),
  )
  return [
    ...(seen ?? []).map(
      ({ case: id, problem, reason }) => `**leaks**: ${problem}${id === 'drain' ? ` (${reason})` : ''}.`,
    ),
    ...(late ?? []).map(({ case: id, name, reason }) => `${name}: ${reason}; ${later[id]}.`),
  ]
}

function cutsIn({ report }: Row): string[] {
  const titles = new Map(report.cases.map(({ id, title }) => [id, title]))
  const cut = report.cells.filter((cell) => inFlight.includes(cell.case) && isCut(cell))
  const lost = report.cells.filter(({ case: id, reason }) => id === 'drain' && reason?.includes('in flight: lost'))
  return [
    ...cut.map(
      ({ case: id, reason }) => `**cuts what is in flight**: “${titles.get(id)}” does not hold (${firstLine(reason)}).`,
    ),
    ...lost.map(() => 'SIGTERM loses the request in flight.'),
  ]
}

/** A 5xx where the case has only begun is a request lost as well. */
const isCut = ({ verdict, reason }: Cell) =>
  verdict === 'fail' ||
  verdict === 'observed' ||
  (verdict === 'not-judged' && /answer is 5\d\d|before the answer was whole/.test(reason ?? ''))

function broken({ report }: Row): string[] {
  const ids = report.cells
    .filter(({ verdict, level, case: id }) => verdict === 'fail' && level === 'must' && !toldApart.includes(id))
    .map(({ case: id }) => `\`${id}\``)
  return ids.length > 0 ? [`otherwise than the RFC says: ${ids.join(', ')}.`] : []
}

/** Cases of which the matrix has its own words. */
const toldApart: readonly string[] = ['drain', 'plain-get']

const firstLine = (text: string | null) => text?.split('\n')[0] ?? ''
