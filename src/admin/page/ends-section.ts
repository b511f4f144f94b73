/** Connections that ended lately, and how each of them lived. */
import { html } from 'hono/html'
import { causeText } from '../../observe/cause-text.ts'
import type { EndedConnection } from '../../observe/flight-recorder.ts'
import { markTexts } from '../../observe/mark-texts.ts'
import { by, stateCell } from './cells.ts'
import { type Html, strip } from './chart.ts'
import { type Column, tableOf } from './table.ts'
import { bytesText, countText, durationText, timeText } from './words.ts'

const mostEnds = 50

function timeline(ended: EndedConnection): Html {
  const { id, moves, movesLeftOut, openedAt, endedAt } = ended
  if (moves.length === 0) return strip(ended)
  // The last line says how it ended; that it did needs none.
  const lines = moves
    .filter(({ mark }) => mark !== 'gone')
    .map(({ mark, atMs }) => html`<li><span class="at">${durationText(atMs)}</span> ${markTexts[mark]}</li>`)
  const before =
    movesLeftOut === 0 ? '' : html`<li><span class="at">…</span> ${countText(movesLeftOut)} moves before</li>`
  return html`<details id="moves-${id}" class="moves"><summary>${strip(ended)}<span class="unseen">Timeline of connection ${id}</span></summary>
<ol><li><span class="at">0 ms</span> opened</li>${before}${lines}<li><span class="at">${durationText(endedAt - openedAt)}</span> ${causeText(ended)}</li></ol></details>`
}

const endColumns: readonly Column<EndedConnection>[] = [
  { name: 'Peer', cell: ({ peer }) => peer },
  {
    name: 'Ended (UTC)',
    cell: ({ endedAt }) => html`<time datetime="${new Date(endedAt).toISOString()}">${timeText(endedAt)}</time>`,
  },
  {
    name: 'Why',
    cell: (ended) =>
      html`${causeText(ended)}${by(ended)}${ended.route === null ? '' : html` <code>${ended.route}</code>`}`,
  },
  { name: 'In state', cell: ({ phase }) => stateCell(phase) },
  { name: 'Lived', kind: 'number', cell: ({ openedAt, endedAt }) => durationText(endedAt - openedAt) },
  { name: 'Requests', kind: 'number', cell: ({ requests }) => countText(requests) },
  { name: 'Received', kind: 'number', cell: ({ received }) => bytesText(received) },
  { name: 'Sent', kind: 'number', cell: ({ sent }) => bytesText(sent) },
  { name: 'Timeline', cell: timeline },
]

export function endsSection(ends: readonly EndedConnection[]): Html {
  return html`<section id="ends" class="panel" aria-labelledby="ends-title">
<h2 id="ends-title">Ended lately</h2>
${ends.length === 0 ? html`<p class="none">None has ended yet.</p>` : tableOf(endColumns, ends.slice(0, mostEnds), ({ id }) => `end-${id}`)}
</section>`
}
