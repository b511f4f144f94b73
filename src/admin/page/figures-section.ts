/** The figures on top of the page. */
import { html } from 'hono/html'
import type { HistogramReading } from '../../observe/histogram.ts'
import type { ConnectionsSummary } from '../../serve/contract.ts'
import { type Html, rateBetween, spanOf, sparkline } from './chart.ts'
import type { Moment } from './history.ts'
import type { Seen } from './seen.ts'
import { countText, durationText } from './words.ts'

function figure(name: string, value: string, more: Html | string, line: Html | string = ''): Html {
  return html`<div class="figure"><dt>${name}</dt><dd>${value} <small>${more}</small>${line}</dd></div>`
}

/** Both count since the start; what is shown is how much they grow in a second. */
const counted = {
  requests: ({ requests }: Moment): number => requests,
  opened: ({ opened }: Moment): number => opened,
} as const

export function figuresSection(
  { moments, now, server }: Seen,
  { open, busy, requests, hungUp }: ConnectionsSummary,
): Html {
  const { observer } = server
  const [before, latest] = moments.slice(-2)
  const span = spanOf(moments, now)
  const rate = (value: (moment: Moment) => number): string =>
    before === undefined || latest === undefined ? '–' : rateText(rateBetween(before, latest, value))
  const closed = Object.values(hungUp).reduce((sum, count) => sum + count, 0)
  return html`<section id="figures" aria-label="Figures"><dl>
${figure('open', open === null ? '–' : countText(open), open === null ? 'not shown by this engine' : '')}
${figure('requests in flight', countText(busy), '')}
${figure('requests a second', rate(counted.requests), `${countText(requests)} in all`, sparkline(moments, span, counted.requests))}
${figure('connects a second', rate(counted.opened), `${countText(observer.openedCount)} in all`, sparkline(moments, span, counted.opened))}
${figure('closed by a limit', countText(closed), '')}
${figure('late, 99 % of closes', latenessText(observer.lateness()), '')}
${observer.lost.source === 'socket' ? figure('requests lost', countText(observer.lost.total ?? 0), '') : ''}
</dl></section>`
}

/** The bound that this share of the closes keeps. */
const lateShare = 0.99

function latenessText({ bounds, counts, count }: HistogramReading): string {
  if (count === 0) return '–'
  const bound = bounds.find((_, index) => counts[index]! >= count * lateShare)
  return bound === undefined ? `> ${durationText(bounds.at(-1)! * 1_000)}` : `≤ ${durationText(bound * 1_000)}`
}

const rateText = (rate: number): string => (rate > 0 && rate < 10 ? rate.toFixed(1) : countText(Math.round(rate)))
