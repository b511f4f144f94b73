/** The parts of the page, each of which is sent anew when it has changed. */
import { html } from 'hono/html'
import type { GatewayStatus, MemberStatus, PoolStatus } from '../../gateway/status.ts'
import { Budget } from '../../lifecycle/descriptor-budget.ts'
import type { State } from '../../lifecycle/states.ts'
import { causeOption, causeText } from '../../observe/cause-text.ts'
import type { EndedConnection } from '../../observe/flight-recorder.ts'
import type { HistogramReading } from '../../observe/histogram.ts'
import type { LostCount, LostReading } from '../../observe/lost-requests.ts'
import { markTexts } from '../../observe/mark-texts.ts'
import type { ConnectionView, EndReading } from '../../observe/observer.ts'
import type { ConnectionsSummary } from '../../serve/contract.ts'
import type { Administered } from '../routes.ts'
import { areas, bar, type Html, percent, rateBetween, spanOf, sparkline, strip, topOf } from './chart.ts'
import { countIn, type Group, groupOf, groups, statesOf } from './groups.ts'
import type { Moment } from './history.ts'
import { bytesText, countText, durationText, timeText } from './words.ts'

const mostConnections = 100
const mostEnds = 50
const mostCauses = 8

/** What the sections are made of at one moment. */
export interface Seen {
  readonly server: Administered
  readonly moments: readonly Moment[]
  readonly now: number
}

/** The sections of the page by their id. `show`: the connections of that group alone. */
export function sectionsOf(seen: Seen, show: Group | null): ReadonlyMap<string, string> {
  const { server } = seen
  const summary = server.connections()
  const upstreams = server.upstreams?.()
  const sections = {
    state: stateSection(server, summary),
    figures: figuresSection(seen, summary),
    budget: budgetSection(server, summary),
    history: historySection(seen, summary, show),
    causes: causesSection(server.observer.lifetimes()),
    ...(server.observer.lost.counts.length > 0 && { lost: lostSection(server.observer.lost) }),
    ...(upstreams && { upstreams: upstreamsSection(upstreams) }),
    connections: connectionsSection(listed(server, show), summary, show),
    ends: endsSection(server.observer.ends().slice(0, mostEnds)),
  }
  return new Map(Object.entries(sections).map(([id, section]) => [id, `${section}`]))
}

function listed({ observer }: Administered, show: Group | null): ConnectionView[] {
  if (show === null) return observer.list({ limit: mostConnections })
  return statesOf(show)
    .flatMap((state) => observer.list({ limit: mostConnections, state }))
    .sort((a, b) => b.forMs - a.forMs)
    .slice(0, mostConnections)
}

const phases: Readonly<Record<Administered['phase'], string>> = {
  serving: 'serving',
  announcing: 'draining: announced',
  closing: 'draining',
  cutting: 'draining: cutting what is left',
  closed: 'closed',
}

function stateSection({ phase, url, engine }: Administered, { states, busy }: ConnectionsSummary): Html {
  const idle = countIn('idle', states)
  return html`<section id="state" aria-label="Server">
<p class="where"><span class="phase ${phase}">${phases[phase]}</span> <b>${url}</b> <span class="soft">on ${engine}</span></p>
<div class="acts">
<button form="act" name="idle" value="1"${idle === 0 ? html` disabled` : ''}>Close idle (${countText(idle)})</button>
<details id="drain"><summary>Drain…</summary><div class="ask"><p>The server takes no new connections, finishes ${
    busy === 1 ? 'the request' : `the ${countText(busy)} requests`
  } in flight and ends.</p><button form="act" name="drain" value="1" class="grave"${phase === 'serving' ? '' : html` disabled`}>Drain now</button></div></details>
</div>
</section>`
}

function figure(name: string, value: string, more: Html | string, line: Html | string = ''): Html {
  return html`<div class="figure"><dt>${name}</dt><dd>${value} <small>${more}</small>${line}</dd></div>`
}

/** Both count since the start; what is shown is how much they grow in a second. */
const counted = {
  requests: ({ requests }: Moment): number => requests,
  opened: ({ opened }: Moment): number => opened,
} as const

function figuresSection({ moments, now, server }: Seen, { open, busy, requests, hungUp }: ConnectionsSummary): Html {
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

function budgetSection({ policy, observer }: Administered, { open }: ConnectionsSummary): Html {
  const bars: Html[] = []
  const descriptors = observer.descriptors()
  if (descriptors !== null) {
    const { used, limit } = descriptors
    const budget = Budget.of({ soft: limit, atStart: used, used: () => used }, policy)
    const most = budget?.most ?? limit
    bars.push(
      budgetBar({
        name: 'File descriptors',
        used,
        whole: limit,
        marks: budget === null ? [] : [budget.easeFrom, budget.most],
        level: used >= most ? 'full' : used >= (budget?.easeFrom ?? most) ? 'short' : 'plenty',
        more:
          budget === null
            ? 'no budget: reservedDescriptors is off'
            : `idle connections are closed sooner from ${countText(budget.easeFrom)}, at once from ${countText(budget.most)}`,
      }),
    )
  }
  if (policy.maxConnections > 0 && open !== null) {
    const level = open >= policy.maxConnections ? 'full' : 'plenty'
    const more = 'at maxConnections, the longest idle connection makes room'
    bars.push(budgetBar({ name: 'Connections', used: open, whole: policy.maxConnections, marks: [], level, more }))
  }
  if (bars.length === 0) return html`<section id="budget" hidden></section>`
  return html`<section id="budget" aria-label="Budgets">${bars}</section>`
}

interface BudgetBar {
  readonly name: string
  readonly used: number
  readonly whole: number
  readonly marks: readonly number[]
  readonly level: 'plenty' | 'short' | 'full'
  readonly more: string
}

function budgetBar({ name, used, whole, marks, level, more }: BudgetBar): Html {
  return html`<div class="budget ${level}">
<h2>${name}</h2><p><b>${countText(used)}</b> of ${countText(whole)}</p>
<svg class="bar wide" aria-hidden="true"><rect class="track" width="100%" height="100%"/><rect class="part" width="${percent(used / whole)}" height="100%"/>${marks.map(
    (mark) => html`<rect class="mark" x="${percent(mark / whole)}" width="2" height="100%"/>`,
  )}</svg>
<p class="soft">${more}</p></div>`
}

function historySection(
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

function causesSection(readings: readonly EndReading[]): Html {
  const counts = new Map<string, { cause: EndReading; count: number }>()
  for (const reading of readings) {
    const key = `${reading.by} ${reading.why}`
    const { count = 0 } = counts.get(key) ?? {}
    counts.set(key, { cause: reading, count: count + reading.lifetime.count })
  }
  const sorted = [...counts.values()].sort((a, b) => b.count - a.count)
  const most = sorted[0]?.count ?? 1
  const rows = sorted
    .slice(0, mostCauses)
    .map(
      ({ cause, count }) =>
        html`<tr><th scope="row">${causeText(cause)}${by(cause)}</th><td class="number">${countText(count)}${bar(count / most, cause.by)}</td></tr>`,
    )
  return html`<section id="causes" class="panel" aria-labelledby="causes-title">
<h2 id="causes-title">Why connections ended</h2>
${rows.length === 0 ? html`<p class="none">None has ended yet.</p>` : html`<table class="causes"><thead class="unseen"><tr><th scope="col">Why</th><th scope="col">How many</th></tr></thead><tbody>${rows}</tbody></table>`}
</section>`
}

function by(cause: Pick<EndReading, 'by' | 'why'>): Html {
  const option = causeOption(cause)
  return html` <span class="by"><i class="dot by-${cause.by}"></i>${cause.by}${option === null ? '' : html` · <code>${option}</code>`}</span>`
}

interface Column<Row> {
  readonly name: string
  readonly cell: (row: Row) => Html | string
  readonly kind?: 'number' | 'act'
}

/** A narrow screen shows rows as cards: the roles stay what they are, whatever the style makes of the table. */
function tableOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[], idOf: (row: Row) => string): Html {
  const head = columns.map(({ name, kind = '' }) =>
    kind === 'act'
      ? html`<th role="columnheader" scope="col"><span class="unseen">${name}</span></th>`
      : html`<th role="columnheader" scope="col"${classOf(kind)}>${name}</th>`,
  )
  const body = rows.map((row) => {
    const cells = columns.map(({ name, kind = '', cell }, index) =>
      index === 0
        ? html`<th role="rowheader" scope="row">${cell(row)}</th>`
        : html`<td role="cell"${classOf(kind)} data-name="${name}">${cell(row)}</td>`,
    )
    return html`<tr role="row" id="${idOf(row)}">${cells}</tr>`
  })
  return html`<table role="table" class="rows"><thead role="rowgroup"><tr role="row">${head}</tr></thead><tbody role="rowgroup">${body}</tbody></table>`
}

const classOf = (kind: string): Html | string => (kind === '' ? '' : html` class="${kind}"`)

const lostColumns: readonly Column<LostCount>[] = [
  { name: 'Network', cell: ({ network }) => network },
  { name: 'Requests', kind: 'number', cell: ({ count }) => countText(count) },
  { name: 'Closed because', cell: (lost) => html`${causeText(lost)}${by({ by: 'server', why: lost.why })}` },
  { name: 'In state', cell: ({ phase }) => stateCell(phase) },
]

function lostSection({ counts }: LostReading): Html {
  const rows = [...counts].sort((a, b) => b.count - a.count).slice(0, mostCauses)
  return html`<section id="lost" class="panel" aria-labelledby="lost-title">
<h2 id="lost-title">Lost requests</h2>
<p class="note">Sent in the moment in which this server closed their idle connection; never executed.</p>
${tableOf(lostColumns, rows, ({ network, phase, why }) => `lost-${network}-${phase}-${why}`)}
</section>`
}

const stateCell = (state: State): Html => html`<span class="state"><i class="dot ${groupOf[state]}"></i>${state}</span>`

function dueCell({ dueInMs, dueBy, forMs }: ConnectionView): Html {
  if (dueInMs === null) return html`<span class="soft">no limit</span>`
  const left = Math.max(0, dueInMs)
  return html`<span class="due"><span>${durationText(left)}</span>${bar(left / Math.max(1, left + forMs), 'left')}<code>${dueBy}</code></span>`
}

const connectionColumns: readonly Column<ConnectionView>[] = [
  { name: 'Peer', cell: ({ peer }) => peer },
  { name: 'State', cell: ({ state }) => stateCell(state) },
  { name: 'For', kind: 'number', cell: ({ forMs }) => durationText(forMs) },
  { name: 'Closes in', cell: dueCell },
  { name: 'Request in flight', cell: ({ route }) => (route === null ? '' : html`<code>${route}</code>`) },
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

function connectionsSection(
  connections: readonly ConnectionView[],
  { open, states }: ConnectionsSummary,
  show: Group | null,
): Html {
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

function upstreamsSection({ groups, tunnels, spooledBytes }: GatewayStatus): Html {
  const rows = Object.entries(groups).flatMap(([group, members]) => members.map((member) => ({ ...member, group })))
  return html`<section id="upstreams" class="panel" aria-labelledby="upstreams-title">
<h2 id="upstreams-title">Upstreams</h2>
<p class="note">${countText(tunnels)} ${tunnels === 1 ? 'tunnel' : 'tunnels'}, ${bytesText(spooledBytes)} of requests on disk</p>
${tableOf(upstreamColumns, rows, ({ group, name }) => `upstream-${group}-${name}`)}
</section>`
}

function timeline(ended: EndedConnection): Html {
  const { id, moves, movesLeftOut, openedAt, endedAt } = ended
  if (moves.length === 0) return strip(ended)
  const lines = moves.map(
    ({ mark, atMs }) => html`<li><span class="at">${durationText(atMs)}</span> ${markTexts[mark]}</li>`,
  )
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

function endsSection(ends: readonly EndedConnection[]): Html {
  return html`<section id="ends" class="panel" aria-labelledby="ends-title">
<h2 id="ends-title">Ended lately</h2>
${ends.length === 0 ? html`<p class="none">None has ended yet.</p>` : tableOf(endColumns, ends, ({ id }) => `end-${id}`)}
</section>`
}
