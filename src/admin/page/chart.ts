/**
 * The drawings of the page, as SVG without styles of its own: its policy allows none in the markup.
 */
import { html } from 'hono/html'
import type { EndedConnection } from '../../observe/flight-recorder.ts'
import { countIn, type Group, groupOf, groups } from './groups.ts'
import { historyMs, type Moment } from './history.ts'

export type Html = ReturnType<typeof html>

/** Drawings are stretched to their place; both sides are in percent. */
const width = 100
const height = 100

/** The time that a drawing shows, in whole minutes. */
export interface Span {
  readonly ms: number
  readonly now: number
}

const minuteMs = 60_000

export function spanOf(moments: readonly Moment[], now: number): Span {
  const ms = now - (moments[0]?.at ?? now)
  return { now, ms: Math.min(Math.max(Math.ceil(ms / minuteMs), 1) * minuteMs, historyMs) }
}

const xOf = (at: number, { now, ms }: Span): number => width - ((now - at) / ms) * width
const point = (x: number, y: number): string => `${x.toFixed(2)},${y.toFixed(2)}`

/** The next number that is easy to read: 1, 2, 4, 5, 8 or 10 times a power of ten. */
export function roundUp(count: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(count, 1)))
  return power * ([1, 2, 4, 5, 8, 10].find((factor) => factor * power >= count) ?? 10)
}

/** The largest number of connections at one of these moments, rounded up. */
export function topOf(moments: readonly Moment[]): number {
  const totals = moments.map(({ states }) => groups.reduce((sum, group) => sum + countIn(group, states), 0))
  return roundUp(Math.max(4, ...totals))
}

/** Connections by group, on top of each other. */
export function areas(moments: readonly Moment[], span: Span, top: number): Html {
  const xs = moments.map(({ at }) => xOf(at, span))
  const below = moments.map(() => 0)
  const drawn = groups.map((group) => {
    const ground = [...below]
    moments.forEach(({ states }, index) => {
      below[index]! += countIn(group, states)
    })
    if (below.every((sum, index) => sum === ground[index])) return ''
    const edge = (sums: readonly number[]) => sums.map((sum, index) => point(xs[index]!, height - (sum / top) * height))
    return html`<polygon class="fill ${group}" points="${[...edge(below), ...edge(ground).reverse()].join(' ')}"/>`
  })
  return html`<svg class="areas" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" aria-hidden="true">${drawn}</svg>`
}

/** A value that changes over time, as a line without a scale. */
export function sparkline(moments: readonly Moment[], span: Span, value: (moment: Moment) => number): Html {
  const rates = moments.slice(1).map((moment, index) => {
    const before = moments[index]!
    return { at: moment.at, rate: rateBetween(before, moment, value) }
  })
  const top = Math.max(1, ...rates.map(({ rate }) => rate))
  const points = rates.map(({ at, rate }) => point(xOf(at, span), height - (rate / top) * height))
  return html`<svg class="spark" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" aria-hidden="true"><polyline points="${points.join(' ')}"/></svg>`
}

/** A second. */
export const rateBetween = (before: Moment, after: Moment, value: (moment: Moment) => number): number =>
  ((value(after) - value(before)) * 1_000) / Math.max(1, after.at - before.at)

/** A share of a whole, as a bar. */
export const bar = (share: number, name: string): Html =>
  html`<svg class="bar ${name}" aria-hidden="true"><rect class="track" width="100%" height="100%"/><rect class="part" width="${percent(share)}" height="100%"/></svg>`

export const percent = (share: number): string => `${(Math.min(Math.max(share, 0), 1) * 100).toFixed(1)}%`

type Move = EndedConnection['moves'][number]

const groupAfter: Readonly<Partial<Record<Move['mark'], Group>>> = {
  secured: 'arriving',
  bytes: 'arriving',
  request: 'handling',
  requestWithBody: 'uploading',
  bodyEnd: 'handling',
  begun: 'responding',
  blocked: 'responding',
  flowing: 'responding',
  answered: 'idle',
  upgrade: 'upgraded',
  ended: 'closing',
}

/** The parts of a connection's life from its first known move to its end. */
export function partsOf({ moves, openedAt, endedAt }: EndedConnection): { group: Group; ms: number }[] {
  const lifeMs = endedAt - openedAt
  const parts: { group: Group; ms: number }[] = []
  let group: Group = groupOf.accepted
  let from = moves.length > 0 && groupAfter[moves[0]!.mark] !== 'arriving' ? moves[0]!.atMs : 0
  for (const { mark, atMs } of [...moves, { mark: 'gone', atMs: lifeMs } as const]) {
    const last = parts.at(-1)
    const ms = Math.max(0, atMs - from)
    if (last?.group === group) last.ms += ms
    else parts.push({ group, ms })
    from = atMs
    group = groupAfter[mark] ?? group
  }
  return parts.filter(({ ms }) => ms > 0)
}

/**
 * A life as a strip. Milliseconds beside minutes would not be seen, so widths grow with the
 * logarithm.
 */
export function strip(ended: EndedConnection): Html {
  const parts = partsOf(ended).map(({ group, ms }) => ({ group, weight: Math.log10(1 + ms) + 0.3 }))
  const whole = parts.reduce((sum, { weight }) => sum + weight, 0)
  let x = 0
  const drawn = parts.map(({ group, weight }) => {
    const from = x
    x += weight / whole
    return html`<rect class="fill ${group}" x="${percent(from)}" width="${percent(weight / whole)}" height="100%"/>`
  })
  return html`<svg class="strip" aria-hidden="true">${drawn}</svg>`
}
