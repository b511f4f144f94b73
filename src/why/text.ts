/** Ends and open connections for a terminal. */
import { readable, table, wrap } from '../command/text-table.ts'
import type { EndedConnection } from '../observe/flight-recorder.ts'
import { markTexts } from '../observe/mark-texts.ts'
import type { OpenConnection } from '../observe/observer.ts'
import { changesText } from '../policy/request-limits.ts'
import { bytes, plural, time } from '../probe/reports/numbers.ts'
import { printable } from '../probe/reports/printable.ts'
import { type Chapter, storyOf } from './story.ts'
import { causeText, shortReason } from './words.ts'

/** `2026-11-29 22:31:06.120Z` */
export const dateText = (date: number): string => new Date(date).toISOString().replace('T', ' ')

const clockText = (date: number): string => new Date(date).toISOString().slice(11, 23)

/** One line for each, the latest first. */
export function listText(ends: readonly EndedConnection[], columns: number): string {
  const rows = ends.map(({ id, peer, openedAt, endedAt, requests, by, phase, why }) => [
    clockText(endedAt),
    `#${id}`,
    peer,
    time(endedAt - openedAt),
    String(requests),
    by,
    phase,
    shortReason(why),
  ])
  const head = ['ended (UTC)', '', 'peer', 'open for', 'requests', 'by', 'in state', 'why']
  return `${table([head, ...rows], readable(columns)).join('\n')}\n`
}

export function endedText(ended: EndedConnection, columns: number): string {
  const { openedAt, endedAt, phase } = ended
  return told(ended, causeText(ended), storyOf(ended, phase), endedAt - openedAt, columns)
}

export function openText(open: OpenConnection, now: number, columns: number): string {
  const { state, forMs, dueInMs, dueBy, changedLimits, openedAt } = open
  const due = dueInMs === null ? '' : `; ${dueBy} closes it in ${time(Math.max(dueInMs, 0))}`
  const changed = changedLimits === null ? '' : `; its route has set ${changesText(changedLimits)}`
  const openMs = Math.max(now - openedAt, open.moves.at(-1)?.atMs ?? 0)
  return told(open, `open, in state ${state} for ${time(forMs)}${due}${changed}`, storyOf(open, null), openMs, columns)
}

function told(
  connection: EndedConnection | OpenConnection,
  what: string,
  story: readonly Chapter[],
  lastedMs: number,
  columns: number,
): string {
  const { id, peer, route, openedAt, requests, received, sent, movesLeftOut } = connection
  const width = readable(columns)
  const counts = `${plural(requests, 'request')}, ${bytes(received)} received, ${bytes(sent)} sent`
  return [
    `#${id}  ${peer}${route === null ? '' : `  ${printable(route)}`}`,
    ...wrap(what, width - 2).map((line) => `  ${line}`),
    `  opened ${dateText(openedAt)}, for ${time(lastedMs)}; ${counts}`,
    ...(movesLeftOut > 0 ? [`  ${plural(movesLeftOut, 'move')} before these were not kept`] : []),
    '',
    ...timeline(story, lastedMs, width),
    '',
  ].join('\n')
}

const barWidth = 20

/** A line for each move; its bar is the time until the next, on the scale of the whole. */
function timeline(story: readonly Chapter[], lastedMs: number, width: number): string[] {
  const fromMs = story[0]?.atMs ?? 0
  const scale = barWidth / Math.max(lastedMs - fromMs, 1)
  const rows = story.map(({ atMs, mark, state }, at) => {
    const untilMs = story[at + 1]?.atMs ?? (mark === 'gone' ? atMs : lastedMs)
    const from = Math.min(Math.floor((atMs - fromMs) * scale), barWidth - 1)
    const to = Math.min(Math.max(Math.round((untilMs - fromMs) * scale), from), barWidth)
    const bar = untilMs > atMs && to > from ? '━'.repeat(to - from) : '╸'
    return [time(atMs).padStart(8), state ?? '', (' '.repeat(from) + bar).padEnd(barWidth), textOf(mark)]
  })
  return table(rows, width)
}

const textOf = (mark: Chapter['mark']): string => (mark === 'opened' ? 'opened' : markTexts[mark])
