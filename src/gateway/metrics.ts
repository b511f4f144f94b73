/** What a gateway tells of itself: its upstreams, and what it holds for the slower side. */
import { each, type Metric, one, type Sample } from '../observe/reading.ts'
import type { Spool } from './message/spool.ts'
import type { Group, Member } from './upstream/group.ts'
import { type HealthState, healthStates } from './upstream/health.ts'
import type { Pool } from './upstream/pool.ts'

/** What requests count on their way. */
export interface Meters {
  /** Of messages that are buffered, in memory. */
  heldBytes: number
  /** Whether somebody reads them: to time a request means to read the clock for it. */
  areRead: boolean
}

interface Look {
  readonly groups: ReadonlyMap<string, Group<Pool>>
  readonly tunnels: number
  readonly heldBytes: number
  readonly spool: Spool | null
}

type Labels = Sample<number>['labels']

function* upstreams({ groups }: Look): Generator<{ labels: Labels; member: Member<Pool> }> {
  for (const [group, { members }] of groups) {
    for (const member of members) yield { labels: { group, upstream: member.name }, member }
  }
}

/** One sample for each upstream. */
const ofUpstreams = (look: Look, read: (member: Member<Pool>) => number): Sample<number>[] =>
  Array.from(upstreams(look), ({ labels, member }) => ({ labels, value: read(member) }))

/** Several, told apart by one more label. */
const splitOf = (
  look: Look,
  label: string,
  read: (member: Member<Pool>) => Readonly<Record<string, number>>,
): Sample<number>[] =>
  Array.from(upstreams(look)).flatMap(({ labels, member }) =>
    each(label, read(member)).map((sample) => ({ ...sample, labels: { ...labels, ...sample.labels } })),
  )

const stateSet = (now: HealthState) => Object.fromEntries(healthStates.map((state) => [state, state === now ? 1 : 0]))

const upstreamLabels = ['group', 'upstream']

export const gatewayMetrics: readonly Metric<Look>[] = [
  {
    name: 'hangup_upstream_state',
    type: 'gauge',
    labels: [...upstreamLabels, 'state'],
    help: 'Health of each upstream: 1 for the state that it is in, 0 for the others.',
    read: (look) => splitOf(look, 'state', ({ health }) => stateSet(health.state)),
  },
  {
    name: 'hangup_upstream_requests_in_flight',
    type: 'gauge',
    labels: upstreamLabels,
    help: 'Requests that were given to an upstream and have not ended, those that wait for a connection among them.',
    read: (look) => ofUpstreams(look, ({ inFlight }) => inFlight),
  },
  {
    name: 'hangup_upstream_requests_queued',
    type: 'gauge',
    labels: upstreamLabels,
    help: 'Requests that wait for a connection to the upstream.',
    read: (look) => ofUpstreams(look, ({ pool }) => pool.queued),
  },
  {
    name: 'hangup_upstream_connections',
    type: 'gauge',
    labels: [...upstreamLabels, 'state'],
    help: 'Connections to the upstream: idle, busy, or connecting.',
    read: (look) => splitOf(look, 'state', ({ pool: { idle, busy, connecting } }) => ({ idle, busy, connecting })),
  },
  {
    name: 'hangup_upstream_connections_opened_total',
    type: 'counter',
    labels: upstreamLabels,
    help: 'Connections to the upstream that were opened.',
    read: (look) => ofUpstreams(look, ({ pool }) => pool.opened),
  },
  {
    name: 'hangup_upstream_response_seconds',
    type: 'histogram',
    labels: upstreamLabels,
    help: 'From the choice of the upstream to the head of its response, with the wait for a connection. From the first scrape on.',
    read: (look) =>
      Array.from(upstreams(look), ({ labels, member }) => ({ labels, value: member.tally.answers.read() })),
  },
  {
    name: 'hangup_upstream_failures_total',
    type: 'counter',
    labels: [...upstreamLabels, 'failure'],
    help: 'Requests that an upstream did not answer, by why: the names of docs/errors.md.',
    read: (look) => splitOf(look, 'failure', ({ tally }) => tally.failures),
  },
  {
    name: 'hangup_upstream_retries_total',
    type: 'counter',
    labels: ['group'],
    help: 'Requests that were sent once more.',
    read: ({ groups }) => Array.from(groups, ([group, { retries }]) => ({ labels: { group }, value: retries.made })),
  },
  {
    name: 'hangup_upstream_retries_refused_total',
    type: 'counter',
    labels: ['group'],
    help: 'Requests that could have been sent once more, had upstreamRetryBudgetPercent left a retry.',
    read: ({ groups }) => Array.from(groups, ([group, { retries }]) => ({ labels: { group }, value: retries.refused })),
  },
  {
    name: 'hangup_gateway_buffered_bytes',
    type: 'gauge',
    labels: ['where'],
    help: 'Of messages that are buffered for the slower side: in memory, and in the spool.',
    read: ({ heldBytes, spool }) => each('where', { memory: heldBytes, spool: spool?.usedBytes ?? 0 }),
  },
  {
    name: 'hangup_gateway_spool_limit_bytes',
    type: 'gauge',
    labels: [],
    help: 'What may be in the spool (spoolMaxBytes); missing without one.',
    read: ({ spool }) => one(spool?.maxBytes ?? null),
  },
  {
    name: 'hangup_gateway_tunnels',
    type: 'gauge',
    labels: [],
    help: 'Upgraded connections that are open through the gateway.',
    read: ({ tunnels }) => one(tunnels),
  },
]
