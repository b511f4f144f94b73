/** Requests that the server's own closes lost, by network. */
import { html } from 'hono/html'
import { causeText } from '../../observe/cause-text.ts'
import type { LostCount, LostReading } from '../../observe/lost-requests.ts'
import { by, stateCell } from './cells.ts'
import type { Html } from './chart.ts'
import { type Column, tableOf } from './table.ts'
import { countText } from './words.ts'

const mostShown = 8

const lostColumns: readonly Column<LostCount>[] = [
  { name: 'Network', cell: ({ network }) => network },
  { name: 'Requests', kind: 'number', cell: ({ count }) => countText(count) },
  { name: 'Closed because', cell: (lost) => html`${causeText(lost)}${by({ by: 'server', why: lost.why })}` },
  { name: 'In state', cell: ({ phase }) => stateCell(phase) },
]

export function lostSection({ counts }: LostReading): Html {
  // In its place from the beginning: a live page puts none in.
  if (counts.length === 0) return html`<section id="lost" hidden></section>`
  const rows = [...counts].sort((a, b) => b.count - a.count).slice(0, mostShown)
  return html`<section id="lost" class="panel" aria-labelledby="lost-title">
<h2 id="lost-title">Lost requests</h2>
<p class="note">Sent in the moment in which this server closed their idle connection; never executed.</p>
${tableOf(lostColumns, rows, ({ network, phase, why }) => `lost-${network}-${phase}-${why}`)}
</section>`
}
