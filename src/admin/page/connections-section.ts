/** Open connections, one by one. */
import { html } from 'hono/html'
import type { ConnectionView } from '../../observe/observer.ts'
import { changesText } from '../../policy/request-limits.ts'
import type { ConnectionsSummary } from '../../serve/contract.ts'
import type { Administered } from '../routes.ts'
import { stateCell } from './cells.ts'
import { bar, type Html } from './chart.ts'
import { countIn, type Group, statesOf } from './groups.ts'
import { type Column, tableOf } from './table.ts'
import { bytesText, countText, durationText } from './words.ts'

const mostConnections = 100

function dueCell({ dueInMs, dueBy, forMs }: ConnectionView): Html {
  if (dueInMs === null) return html`<span class="soft">no limit</span>`
  const left = Math.max(0, dueInMs)
  return html`<span class="due"><span>${durationText(left)}</span>${bar(left / Math.max(1, left + forMs), 'left')}<code>${dueBy}</code></span>`
}

/** With what its route has changed. */
function requestCell({ route, changedLimits }: ConnectionView): Html {
  const said = route === null ? '' : html`<code>${route}</code>`
  return changedLimits === null ? html`${said}` : html`${said} <span class="soft">${changesText(changedLimits)}</span>`
}

const connectionColumns: readonly Column<ConnectionView>[] = [
  { name: 'Peer', cell: ({ peer }) => peer },
  { name: 'State', cell: ({ state }) => stateCell(state) },
  { name: 'For', kind: 'number', cell: ({ forMs }) => durationText(forMs) },
  { name: 'Closes in', cell: dueCell },
  { name: 'Request in flight', cell: requestCell },
  { name: 'Requests', kind: 'number', cell: ({ requests }) => countText(requests) },
  { name: 'Received', kind: 'number', cell: ({ received }) => bytesText(received) },
  { name: 'Sent', kind: 'number', cell: ({ sent }) => bytesText(sent) },
  {
    name: 'Close it',
    kind: 'act',
    cell: ({ id, peer }) =>
      html`<button form="act" name="close" value="${id}" aria-label="Close connection ${id} of ${peer}">Close</button>`,
  },
]

function listed({ observer }: Administered, show: Group | null): ConnectionView[] {
  if (show === null) return observer.list({ limit: mostConnections })
  return statesOf(show)
    .flatMap((state) => observer.list({ limit: mostConnections, state }))
    .sort((a, b) => b.forMs - a.forMs)
    .slice(0, mostConnections)
}

export function connectionsSection(
  server: Administered,
  { open, states }: ConnectionsSummary,
  show: Group | null,
): Html {
  const connections = listed(server, show)
  const whole = show === null ? (open ?? 0) : countIn(show, states)
  const note =
    connections.length < whole
      ? `${countText(connections.length)} of ${countText(whole)}, the longest in their state first`
      : 'the longest in their state first'
  const none =
    open === null
      ? 'The server of this runtime does not show its connections; --engine hangup does.'
      : `No connection is ${show ?? 'open'}.`
  return html`<section id="connections" class="panel" aria-labelledby="connections-title" tabindex="-1">
<h2 id="connections-title">Connections${show === null ? '' : html` <span class="filter"><i class="dot ${show}"></i>${show}</span> <a href="./">show all</a>`}</h2>
${connections.length === 0 ? html`<p class="none">${none}</p>` : html`<p class="note">${note}</p>${tableOf(connectionColumns, connections, ({ id }) => `connection-${id}`)}`}
</section>`
}
