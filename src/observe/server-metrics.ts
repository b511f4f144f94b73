/** What a server tells of itself: its connections, their ends, its requests and its descriptors. */
import { webSocketEnds } from '../lifecycle/long-lived.ts'
import { reasons } from '../lifecycle/reasons.ts'
import { states } from '../lifecycle/states.ts'
import type { ConnectionsSummary, Running } from '../serve/contract.ts'
import { version } from '../version.ts'
import { type HistogramReading, sumOfHistograms } from './histogram.ts'
import type { LostReading } from './lost-requests.ts'
import { each, type Labels, labelled, type Metric, one, type Reading, readAll, type Sample } from './reading.ts'
import { reasonLabels } from './reason-labels.ts'

/** What is read of a server; a gateway has one for each listener. */
export type Measured = Pick<Running, 'connections' | 'observer' | 'phase' | 'policy' | 'url' | 'engine'>

/** One look at it: to count its connections is work for each of them. */
interface Look extends Measured {
  readonly summary: ConnectionsSummary
  readonly scheme: string
}

/** Whoever watches a counter grow has to see it at zero. */
const noneEnforced = Object.fromEntries(Object.values(reasons).map(({ option }) => [option, 0]))

const noWebSocketEnded = Object.fromEntries(webSocketEnds.map((by) => [by, 0]))

/** Those of the process, however many servers are in it. */
export const processMetrics: readonly Metric<Look>[] = [
  {
    name: 'hangup_info',
    type: 'gauge',
    labels: ['version', 'engine'],
    help: 'Always 1: what serves.',
    read: ({ engine }) => [{ labels: { version, engine }, value: 1 }],
  },
  {
    name: 'process_open_fds',
    type: 'gauge',
    labels: [],
    help: 'Descriptors in use, of the whole process.',
    read: ({ observer }) => one(observer.descriptors()?.used ?? null),
  },
  {
    name: 'process_max_fds',
    type: 'gauge',
    labels: [],
    help: 'Descriptors that may be in use (RLIMIT_NOFILE).',
    read: ({ observer }) => one(observer.descriptors()?.limit ?? null),
  },
]

export const serverMetrics: readonly Metric<Look>[] = [
  {
    name: 'hangup_ready',
    type: 'gauge',
    labels: [],
    help: '1 while it takes new work, 0 from the first moment of a drain.',
    read: ({ phase }) => one(phase === 'serving' ? 1 : 0),
  },
  {
    name: 'hangup_connections',
    type: 'gauge',
    labels: ['state'],
    help: 'Open connections by state.',
    read: ({ summary: { open, states: now } }) =>
      open === null ? [] : states.map((state) => ({ labels: { state }, value: now[state] ?? 0 })),
  },
  {
    name: 'hangup_connections_limit',
    type: 'gauge',
    labels: [],
    help: 'Connections that may be open (maxConnections); missing where that is off.',
    read: ({ policy: { maxConnections } }) => one(maxConnections || null),
  },
  {
    name: 'hangup_connections_opened_total',
    type: 'counter',
    labels: [],
    help: 'Connections accepted.',
    read: ({ summary, observer }) => one(summary.open === null ? null : observer.openedCount),
  },
  {
    name: 'hangup_connection_duration_seconds',
    type: 'histogram',
    labels: ['by', 'phase', 'reason'],
    help: 'How long connections were open, by who ended them, in which state, and why.',
    read: ({ observer }) => lifetimesOf(observer),
  },
  {
    name: 'hangup_close_lateness_seconds',
    type: 'histogram',
    labels: [],
    help: 'How long after a limit had run out its connection was closed.',
    read: ({ observer }) => [{ labels: {}, value: observer.lateness() }],
  },
  {
    name: 'hangup_limits_enforced_total',
    type: 'counter',
    labels: ['option'],
    help: 'Connections closed, and requests refused, by the option that said so.',
    read: ({ summary }) => each('option', { ...noneEnforced, ...summary.hungUp }),
  },
  {
    name: 'hangup_websockets_ended_total',
    type: 'counter',
    labels: ['by'],
    help: 'WebSockets that have ended: closed by the client, the application or the drain, idle, or lost without a close frame.',
    read: ({ summary }) => each('by', { ...noWebSocketEnded, ...summary.webSocketEnds }),
  },
  {
    name: 'hangup_requests_total',
    type: 'counter',
    labels: [],
    help: 'Requests given to the application.',
    read: ({ summary }) => one(summary.requests),
  },
  {
    name: 'http_server_active_requests',
    type: 'gauge',
    labels: ['url_scheme'],
    help: 'Requests that are being answered.',
    read: ({ summary, scheme }) => [{ labels: { url_scheme: scheme }, value: summary.busy }],
  },
  {
    name: 'http_server_request_duration_seconds',
    type: 'histogram',
    labels: ['http_request_method', 'http_response_status_code', 'url_scheme', 'error_type'],
    help: 'From the head of a request to the end of its response; on the runtimes’ own servers to its beginning, and there of many requests one in eight is timed.',
    read: ({ observer, scheme }) =>
      observer.requests.read().map(({ method, status, duration }) => ({
        labels: {
          http_request_method: method,
          http_response_status_code: status,
          url_scheme: scheme,
          ...(status >= 500 && { error_type: status }),
        },
        value: duration,
      })),
  },
  {
    name: 'hangup_lost_requests_total',
    type: 'counter',
    labels: ['source', 'phase', 'reason', 'network'],
    help: 'Requests that our own closes lost. Source namespace: TCPAbortOnData, of all processes of the network namespace.',
    read: ({ observer }) => lostOf(observer.lost),
  },
  {
    name: 'hangup_unwatched_closes_total',
    type: 'counter',
    labels: [],
    help: 'Closes of waiting connections of which it is not known whether they lost a request.',
    read: ({ observer: { lost } }) => one(lost.source === 'socket' ? lost.unwatched : null),
  },
  {
    name: 'hangup_close_races_total',
    type: 'counter',
    labels: [],
    help: 'Requests that came in the instant of a close, whose response was lost (kernel ledger only).',
    read: ({ summary }) => one(summary.closeRaces),
  },
  {
    name: 'hangup_aborts_on_data_total',
    type: 'counter',
    labels: [],
    help: 'The kernel’s TCPAbortOnData since the start, of all processes of the network namespace (kernel ledger only).',
    read: ({ summary }) => one(summary.abortsOnData),
  },
]

/** `labels` tell the servers of one process apart; their metrics have them beside their own. */
export function readServers(servers: readonly { readonly server: Measured; readonly labels?: Labels }[]): Reading[] {
  const looks = servers.map(({ server, labels }) => ({ look: lookAt(server), labels }))
  const [first] = looks
  return [
    ...(first === undefined ? [] : readAll(processMetrics, first.look)),
    ...looks.flatMap(({ look, labels }) => labelled(readAll(serverMetrics, look), labels)),
  ]
}

function lookAt({ observer, policy, url, engine, phase, connections }: Measured): Look {
  observer.requests.areRead = true
  const scheme = url.startsWith('https') ? 'https' : 'http'
  return { observer, policy, url, engine, phase, connections, summary: connections(), scheme }
}

/** Two causes of one label are one series. */
function lifetimesOf(observer: Measured['observer']): Sample<HistogramReading>[] {
  const samples = new Map<string, Sample<HistogramReading>>()
  for (const { by, phase, why, lifetime } of observer.lifetimes()) {
    const labels = { by, phase, reason: reasonLabels[why] }
    const key = Object.values(labels).join(' ')
    const known = samples.get(key)
    samples.set(key, { labels, value: known === undefined ? lifetime : sumOfHistograms(known.value, lifetime) })
  }
  return [...samples.values()]
}

const unknown = { phase: 'unknown', reason: 'unknown', network: 'unknown' }

function lostOf({ source, total, counts }: LostReading): Sample<number>[] {
  if (source !== 'socket') {
    return source === null || total === null ? [] : [{ labels: { source, ...unknown }, value: total }]
  }
  const samples = new Map<string, Sample<number>>()
  for (const { phase, why, network, count } of counts) {
    const labels = { source, phase, reason: reasonLabels[why], network }
    const key = Object.values(labels).join(' ')
    samples.set(key, { labels, value: (samples.get(key)?.value ?? 0) + count })
  }
  return [...samples.values()]
}
