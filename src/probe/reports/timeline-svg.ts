/**
 * What happened on the connections of a case as a picture: sent bytes hang below a connection's
 * line, received ones stand above it, its end is a mark, and the window in which that was due is a
 * band behind all.
 *
 * Positions are shares of the width, so that a picture is as wide as its place while its text keeps
 * its size.
 */

import { html, type Markup } from './markup.ts'
import { bytes, plural, time } from './numbers.ts'
import type { Cell, Expected, ReportTimeline } from './report.ts'
import { storyOf, windowOf } from './words.ts'

/** What a report from elsewhere may have more of is not drawn. */
const mostLanes = 3
const mostEvents = 200

const bandLabelY = 11
/** Below the window's label, if there is one. */
const bandY = 16
const aboveLane = 30
const laneHeight = 44
const belowLane = 20
const axisHeight = 22
const tallest = 16

type Drawn = Pick<Cell, 'verdict' | 'expected' | 'timelines'>

/** Where the axis of these ends: all of them are drawn on the same. */
export function axisEndMs(cells: readonly Drawn[]): number {
  const lastMs = Math.max(0, ...cells.flatMap(({ timelines }) => timelines.map(({ untilMs }) => untilMs)))
  const windowsMs = cells.flatMap(({ expected }) => {
    if (!expected) return []
    const endMs = expected.fromMs + expected.latestMs + expected.lagMs
    // A window without a beginning may end long after everything is over; it is told, not drawn to
    // its end.
    return [expected.earliestMs === null ? Math.min(endMs, lastMs * 1.5) : endMs]
  })
  return Math.max(1, lastMs, ...windowsMs) * 1.05
}

/** 1, 2 or 5 times a power of ten, for four to eight marks. */
export function axisStepMs(endMs: number): number {
  const rough = endMs / 6
  const power = 10 ** Math.floor(Math.log10(rough))
  return power * (rough / power < 1.5 ? 1 : rough / power < 3.5 ? 2 : rough / power < 7.5 ? 5 : 10)
}

export function timelineSvg(
  { verdict, expected, timelines }: Drawn,
  { endMs, id, title }: { readonly endMs: number; readonly id: string; readonly title: string },
): Markup {
  const lanes = timelines.slice(0, mostLanes)
  const topY = expected ? bandY : 0
  const firstLaneY = topY + aboveLane
  const lanesEndY = firstLaneY + (lanes.length - 1) * laneHeight + belowLane
  const x = (atMs: number) => `${Math.round(Math.min(100, Math.max(0, (atMs / endMs) * 100)) * 100) / 100}%`
  const stories = lanes.map((lane, at) => `${lanes.length > 1 ? `Connection ${at + 1}: ` : ''}${storyOf(lane)}`)
  const due = expected ? ` Due ${windowOf(expected)}, counted from ${time(expected.fromMs)}.` : ''
  return html`<svg class="timeline" width="100%" height="${lanesEndY + axisHeight}" role="img" aria-labelledby="${id}-t ${id}-d">
<title id="${id}-t">${title}</title><desc id="${id}-d">${stories.join(' ')}${due}</desc>
${axis(endMs, topY, lanesEndY, x)}${expected && band(expected, lanesEndY, endMs, x)}
${lanes.map((lane, at) => laneOf(lane, firstLaneY + at * laneHeight, endMs, x, expected !== null && verdict !== 'pass'))}
</svg>`
}

type Scale = (atMs: number) => string

function axis(endMs: number, topY: number, y: number, x: Scale): Markup {
  const stepMs = axisStepMs(endMs)
  const marks = Array.from({ length: Math.floor(endMs / stepMs) + 1 }, (_, at) => at * stepMs)
  return html`<g class="axis" aria-hidden="true">${marks.map((atMs) => {
    const place = atMs === 0 ? 'start' : atMs > endMs * 0.97 ? 'end' : 'middle'
    return html`<line x1="${x(atMs)}" x2="${x(atMs)}" y1="${topY}" y2="${y + 4}"/><text x="${x(atMs)}" y="${y + 17}" text-anchor="${place}">${atMs === 0 ? '0' : time(atMs)}</text>`
  })}</g>`
}

function band(expected: Expected, y: number, endMs: number, x: Scale): Markup {
  const { fromMs, earliestMs, latestMs, lagMs } = expected
  const beginMs = Math.max(0, fromMs + (earliestMs ?? 0))
  const lastMs = Math.min(endMs, fromMs + latestMs)
  const width = (ms: number) => `${Math.max(0.3, Math.round((ms / endMs) * 10_000) / 100)}%`
  const area = (atMs: number, ms: number, kind = '') =>
    html`<rect class="${kind}" x="${x(atMs)}" y="${bandY}" width="${width(ms)}" height="${y - bandY}"/>`
  const soonerMs = earliestMs === null ? 0 : Math.min(lagMs, beginMs)
  const place = beginMs > endMs * 0.6 ? 'end' : 'start'
  const label = place === 'end' ? lastMs : beginMs
  const isCut = fromMs + latestMs > endMs
  return html`<g class="due">${
    fromMs > endMs * 0.015 && html`<line class="anchor" x1="${x(fromMs)}" x2="${x(fromMs)}" y1="${bandY}" y2="${y}"/>`
  }${area(beginMs, lastMs - beginMs)}${soonerMs > 0 && area(beginMs - soonerMs, soonerMs, 'lag')}${
    !isCut && lagMs > 0 && area(lastMs, Math.min(lagMs, endMs - lastMs), 'lag')
  }${
    earliestMs !== null && html`<line x1="${x(beginMs)}" x2="${x(beginMs)}" y1="${bandY}" y2="${y}"/>`
  }${!isCut && html`<line x1="${x(lastMs)}" x2="${x(lastMs)}" y1="${bandY}" y2="${y}"/>`}<text x="${x(label)}" y="${bandLabelY}" text-anchor="${place}">due ${windowOf(expected)}${isCut && ' →'}</text></g>`
}

/** `isDue`: an end was waited for in vain; else what is open is only where the client has left. */
function laneOf({ events, end, untilMs }: ReportTimeline, y: number, endMs: number, x: Scale, isDue: boolean): Markup {
  const beginMs = events[0]?.atMs ?? 0
  const isLate = untilMs > endMs * 0.55
  const [place, dx] = isLate ? ['end', -8] : ['start', 8]
  const wasReset = events.some(({ what }) => what === 'our reset')
  const endWords = { fin: 'FIN', reset: 'RST', open: isDue ? 'still open' : wasReset ? 'our RST' : 'open' }[end]
  const kind = end === 'open' && !isDue ? 'left' : end
  return html`<g class="lane"><line class="wire" x1="${x(beginMs)}" x2="${x(untilMs)}" y1="${y}" y2="${y}"/>${
    kind === 'open' && html`<line class="wire on" x1="${x(untilMs)}" x2="100%" y1="${y}" y2="${y}"/>`
  }${pauses(events, untilMs).map(
    ([fromMs, toMs]) =>
      html`<line class="pause" x1="${x(fromMs)}" x2="${x(toMs)}" y1="${y}" y2="${y}"><title>not reading from ${time(fromMs)} to ${time(toMs)}</title></line>`,
  )}${events.slice(0, mostEvents).map((event) => eventOf(event, y, endMs, x))}<use class="end ${kind}" href="#end-${end}" x="${x(untilMs)}" y="${y}"/><text class="end ${kind}" x="${x(untilMs)}" y="${y - tallest - 5}" dx="${dx}" text-anchor="${place}">${endWords} ${time(untilMs)}</text></g>`
}

function eventOf(event: ReportTimeline['events'][number], y: number, endMs: number, x: Scale): Markup | null {
  const { what, atMs, untilMs = atMs, bytes: size = 0, times = 1 } = event
  if (what === 'sent' || what === 'received') {
    const height = heightOf(size)
    const top = what === 'received' ? y - height : y
    const width = ((untilMs - atMs) / endMs) * 100
    const title = `${what} ${bytes(size)}${times > 1 ? ` in ${plural(times, 'piece')}` : ''} at ${time(atMs)}`
    // As high as a tick: what came in one go, and what was put together.
    return width < 0.5
      ? html`<line class="${what}" x1="${x(atMs)}" x2="${x(atMs)}" y1="${top}" y2="${top + height}"><title>${title}</title></line>`
      : html`<rect class="${what}" x="${x(atMs)}" y="${top}" width="${Math.round(width * 100) / 100}%" height="${height}"><title>${title}</title></rect>`
  }
  if (what === 'our fin' || what === 'our reset') {
    return html`<use class="ours" href="#${what.replace(' ', '-')}" x="${x(atMs)}" y="${y}"><title>${what} at ${time(atMs)}</title></use>`
  }
  return null
}

/** A byte is still seen, and a megabyte is as high as it gets. */
function heightOf(size: number): number {
  return Math.round(5 + (tallest - 5) * Math.min(1, Math.log2(size + 1) / 20))
}

function pauses(events: ReportTimeline['events'], untilMs: number): [number, number][] {
  const found: [number, number][] = []
  let sinceMs: number | null = null
  for (const { what, atMs } of events) {
    if (what === 'paused') sinceMs ??= atMs
    else if (what === 'resumed' && sinceMs !== null) {
      found.push([sinceMs, atMs])
      sinceMs = null
    }
  }
  if (sinceMs !== null) found.push([sinceMs, untilMs])
  return found
}

/** The marks that all pictures of a page share. */
export const marks: Markup = html`<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>
<g id="end-fin"><rect x="-4" y="-6" width="8" height="12" rx="1.5"/></g>
<g id="end-reset"><path d="M-5-5 5 5M5-5-5 5" fill="none" stroke-width="2.5" stroke-linecap="round"/></g>
<g id="end-open"><circle r="4.5" fill="none" stroke-width="2"/></g>
<g id="our-fin"><rect x="-3" y="-4" width="6" height="8" rx="1" fill="none" stroke-width="1.5"/></g>
<g id="our-reset"><path d="M-4-4 4 4M4-4-4 4" fill="none" stroke-width="1.5"/></g>
</defs></svg>`

/** How to read it. */
export const key: Markup = html`<svg class="timeline key" width="100%" height="98" role="img" aria-labelledby="key-t">
<title id="key-t">How to read a timeline: bytes sent hang below the line, bytes received stand above it, the end is a mark, the band is when it was due.</title>
<g class="due"><rect x="66%" y="${bandY}" width="16%" height="50"/><line x1="66%" x2="66%" y1="${bandY}" y2="66"/><line x1="82%" x2="82%" y1="${bandY}" y2="66"/><text x="66%" y="11">when its end is due</text></g>
<g class="lane"><line class="wire" x1="0%" x2="74%" y1="46" y2="46"/><line class="pause" x1="34%" x2="54%" y1="46" y2="46"/>
<line class="sent" x1="4%" x2="4%" y1="46" y2="56"/><line class="received" x1="18%" x2="18%" y1="32" y2="46"/>
<use class="end fin" href="#end-fin" x="74%" y="46"/><text class="end fin" x="74%" y="84" text-anchor="middle">FIN, or × RST</text>
<text x="4%" y="84" text-anchor="middle">sent</text><text x="18%" y="26" text-anchor="middle">received</text><text x="44%" y="84" text-anchor="middle">not reading</text></g>
</svg>`
