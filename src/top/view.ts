/** One look as lines for a screen of a size, or for a pipe. Pure. */
import { table } from '../command/text-table.ts'
import { type State, states } from '../lifecycle/states.ts'
import type { ConnectionView } from '../observe/observer.ts'
import { bytes, time } from '../probe/reports/numbers.ts'
import { printable } from '../probe/reports/printable.ts'
import { shortReason } from '../why/words.ts'
import type { Look } from './look.ts'

export type Style = 'bold' | 'dim' | 'selected' | 'soon' | 'busy' | 'wrong'

export interface Line {
  readonly text: string
  readonly style?: Style
}

/** What the rows are sorted by. */
export const orders = {
  longest: (a, b) => b.forMs - a.forMs,
  due: (a, b) => (a.dueInMs ?? never) - (b.dueInMs ?? never),
  requests: (a, b) => b.requests - a.requests,
  bytes: (a, b) => b.received + b.sent - a.received - a.sent,
  peer: (a, b) => a.peer.localeCompare(b.peer, 'en', { numeric: true }),
} as const satisfies Readonly<Record<string, (a: ConnectionView, b: ConnectionView) => number>>
export type Order = keyof typeof orders
export const orderNames = Object.keys(orders) as readonly Order[]
const never = Number.MAX_VALUE

export interface View {
  readonly order: Order
  /** Null: all. */
  readonly state: State | null
  /** The number of a connection. */
  readonly selected: number | null
}

export interface Size {
  readonly columns: number
  readonly rows: number
}

/** The rows that a view shows, in its order. */
export const rowsOf = ({ connections }: Look, { order, state }: View): readonly ConnectionView[] =>
  connections.filter((one) => state === null || one.state === state).toSorted(orders[order])

interface Column {
  readonly title: string
  /** The narrowest terminal that has room for it. */
  readonly from: number
  cell(view: ConnectionView): string
}

const columns: readonly Column[] = [
  { title: '#', from: 0, cell: ({ id }) => String(id) },
  { title: 'peer', from: 0, cell: ({ peer }) => peer },
  { title: 'state', from: 0, cell: ({ state }) => state },
  { title: 'for', from: 0, cell: ({ forMs }) => time(forMs) },
  { title: 'closes in', from: 56, cell: ({ dueInMs }) => (dueInMs === null ? '' : time(Math.max(dueInMs, 0))) },
  { title: 'by', from: 90, cell: ({ dueBy }) => dueBy ?? '' },
  { title: 'requests', from: 70, cell: ({ requests }) => String(requests) },
  { title: 'in', from: 100, cell: ({ received }) => bytes(received) },
  { title: 'out', from: 100, cell: ({ sent }) => bytes(sent) },
  { title: 'route', from: 110, cell: ({ route }) => printable(route ?? '') },
]

const soonMs = 1_000
const busy: ReadonlySet<State> = new Set(['body', 'handling', 'writing', 'streaming'])

/** `rate`: requests a second; null: not known yet. */
function headOf({ at, summary }: Look, rate: number | null, width: number): Line[] {
  const { url, engine, phase, open, requests, opened, descriptors, states: counts } = summary
  const perSecond = rate === null ? '' : ` (${rate < 10 ? rate.toFixed(1) : rate.toFixed(0)}/s)`
  const used = descriptors === null ? '' : `  descriptors ${descriptors.used} of ${descriptors.limit}`
  const inStates = states.flatMap((state) => (counts[state] === undefined ? [] : [`${state} ${counts[state]}`]))
  const isShort = descriptors !== null && descriptors.used > descriptors.limit * 0.9
  return [
    { text: `${new Date(at).toISOString().slice(11, 19)}  ${url}  ${engine}, ${phase}`, style: 'bold' },
    {
      text: `connections ${open ?? '?'}  opened ${opened}  requests ${requests}${perSecond}${used}`,
      ...(isShort && { style: 'wrong' }),
    },
    { text: inStates.join('  ') },
  ].map((line) => ({ ...line, text: cut(line.text, width) }) as Line)
}

/** A header, and so many rows at most around the selected one. */
function connectionsOf(look: Look, view: View, width: number, most: number): Line[] {
  const rows = rowsOf(look, view)
  const at = Math.max(
    rows.findIndex(({ id }) => id === view.selected),
    0,
  )
  const first = Math.max(0, Math.min(at - Math.floor(most / 2), rows.length - most))
  const shown = rows.slice(first, first + most)
  const fitting = columns.filter(({ from }) => from <= width)
  const head = fitting.map(({ title }) => title)
  const [header = '', ...lines] = table([head, ...shown.map((row) => fitting.map(({ cell }) => cell(row)))], width)
  return [
    { text: header, style: 'dim' },
    ...lines.map((text, index): Line => {
      const row = shown[index]!
      if (row.id === view.selected) return { text: `>${text.slice(1)}`, style: 'selected' }
      const style = styleOf(row)
      return style === null ? { text } : { text, style }
    }),
  ]
}

function styleOf({ state, dueInMs }: ConnectionView): Style | null {
  if (dueInMs !== null && dueInMs < soonMs) return 'soon'
  if (busy.has(state)) return 'busy'
  return state === 'closing' ? 'dim' : null
}

function endsOf({ ends }: Look, width: number, most: number): Line[] {
  const shown = ends.slice(0, most)
  if (shown.length === 0) return []
  const rows = shown.map(({ endedAt, openedAt, id, peer, by, phase, why }) => [
    new Date(endedAt).toISOString().slice(11, 19),
    `#${id}`,
    peer,
    time(endedAt - openedAt),
    `by ${by} in ${phase}`,
    shortReason(why),
  ])
  return [{ text: 'ended (UTC)', style: 'dim' }, ...table(rows, width).map((text) => ({ text }))]
}

/** For a pipe: all of it. */
export function plainText(look: Look, view: View, width: number): string {
  const rest = Number.MAX_SAFE_INTEGER
  const lines = [
    ...headOf(look, null, width),
    ...[{ text: '' }, ...connectionsOf(look, view, width, rest)],
    ...[{ text: '' }, ...endsOf(look, width, 5)],
  ]
  return `${lines.map(({ text }) => text).join('\n')}\n`
}

const keysText = 'q quit  ↑↓ select  c close it  w its moves  s sort  f state  i close idle  d drain  space pause'

/** A screen: what is above, `notice` and the keys at its foot. */
export function screenOf(
  look: Look,
  view: View,
  { columns: width, rows }: Size,
  {
    rate,
    notice,
    moves,
  }: { readonly rate: number | null; readonly notice: Line | null; readonly moves: string | null },
): Line[] {
  const foot: Line[] = [notice ?? { text: `sorted by ${view.order}, state ${view.state ?? 'any'}`, style: 'dim' }]
  foot.push({ text: keysText, style: 'dim' })
  const room = Math.max(rows - foot.length, 0)
  const ends = rows >= 20 ? endsOf(look, width, 5) : []
  const head = headOf(look, rate, width)
  const most = Math.max(room - head.length - ends.length - 1, 0)
  const middle =
    moves === null ? connectionsOf(look, view, width, most) : moves.split('\n').map((text): Line => ({ text }))
  const body = [...head, ...middle].slice(0, room - ends.length)
  const gap = Array.from({ length: Math.max(room - ends.length - body.length, 0) }, (): Line => ({ text: '' }))
  return [...body, ...gap, ...ends, ...foot]
    .slice(0, rows)
    .map(({ text, ...rest }) => ({ text: cut(text, width), ...rest }))
}

const cut = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, Math.max(width - 1, 0))}…` : text
