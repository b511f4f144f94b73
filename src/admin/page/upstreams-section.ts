/** Of a gateway: its upstreams, their health, their connections. */
import { html } from 'hono/html'
import type { GatewayStatus, MemberStatus, PoolStatus } from '../../gateway/status.ts'
import type { Html } from './chart.ts'
import { type Column, tableOf } from './table.ts'
import { bytesText, countText, durationText } from './words.ts'

interface Upstream extends MemberStatus {
  readonly group: string
}

const healthCell = ({ state, ejectedForMs, lastFailure }: Upstream): Html =>
  html`<span class="health ${state}">${state}</span>${ejectedForMs > 0 ? ` for ${durationText(ejectedForMs)}` : ''}${
    lastFailure === null ? '' : html` <span class="soft">last failure: <code>${lastFailure}</code></span>`
  }`

const poolCell =
  (key: keyof PoolStatus) =>
  ({ pool }: Upstream): string =>
    pool === null ? '–' : countText(pool[key])

const upstreamColumns: readonly Column<Upstream>[] = [
  { name: 'Upstream', cell: ({ name }) => name },
  { name: 'Group', cell: ({ group }) => group },
  { name: 'Health', cell: healthCell },
  { name: 'In flight', kind: 'number', cell: ({ inFlight }) => countText(inFlight) },
  { name: 'Queued', kind: 'number', cell: poolCell('queued') },
  { name: 'Busy', kind: 'number', cell: poolCell('busy') },
  { name: 'Idle', kind: 'number', cell: poolCell('idle') },
  {
    name: 'Share',
    kind: 'number',
    cell: ({ share, weight }) => `${Math.round(share * 100)} % of ${countText(weight)}`,
  },
]

export function upstreamsSection({ groups, tunnels, spooledBytes }: GatewayStatus): Html {
  const rows = Object.entries(groups).flatMap(([group, members]) => members.map((member) => ({ ...member, group })))
  return html`<section id="upstreams" class="panel" aria-labelledby="upstreams-title">
<h2 id="upstreams-title">Upstreams</h2>
<p class="note">${countText(tunnels)} ${tunnels === 1 ? 'tunnel' : 'tunnels'}, ${bytesText(spooledBytes)} of requests on disk</p>
${tableOf(upstreamColumns, rows, ({ group, name }) => `upstream-${group}-${name}`)}
</section>`
}
