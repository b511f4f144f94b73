/** Connections by state, now and over the last minutes. */
import { html } from 'hono/html'
import type { ConnectionsSummary } from '../../serve/contract.ts'
import { areas, type Html, spanOf, topOf } from './chart.ts'
import { countIn, type Group, groups } from './groups.ts'
import type { Seen } from './seen.ts'
import { countText, durationText } from './words.ts'

export function historySection(
  { moments: past, now, server }: Seen,
  { states, requests }: ConnectionsSummary,
  show: Group | null,
): Html {
  const moments = [...past, { at: now, states, requests, opened: server.observer.openedCount }]
  const top = topOf(moments)
  const span = spanOf(moments, now)
  const legend = groups.map((group) => {
    const isShown = group === show
    return html`<li><a href="${isShown ? './' : `?show=${group}`}"${isShown ? html` aria-current="true"` : ''}><i class="dot ${group}"></i>${group} <b>${countText(countIn(group, states))}</b></a></li>`
  })
  return html`<section id="history" class="panel" aria-labelledby="history-title">
<h2 id="history-title">Connections by state</h2>
<div class="plot"><span class="top">${countText(top)}</span><span class="half">${countText(top / 2)}</span>${areas(moments, span, top)}</div>
<p class="axis" aria-hidden="true"><span>${durationText(span.ms)} ago</span><span>now</span></p>
<ul class="legend" aria-label="Open now, by state">${legend}</ul>
</section>`
}
