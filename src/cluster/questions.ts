/**
 * What the parent’s admin listener asks of each worker, and what a worker answers. Plain data: it
 * goes between processes.
 */
import { readingsOf } from '../admin/readings.ts'
import type { Administered } from '../admin/routes.ts'
import type { GatewayStatus } from '../gateway/status.ts'
import type { Phase } from '../lifecycle/drain.ts'
import { type State, states } from '../lifecycle/states.ts'
import type { EndedConnection } from '../observe/flight-recorder.ts'
import type { HistogramReading } from '../observe/histogram.ts'
import type { LostReading } from '../observe/lost-requests.ts'
import type { ConnectionView, DescriptorsInUse, EndReading, OpenConnection } from '../observe/observer.ts'
import type { Reading } from '../observe/reading.ts'
import type { ConnectionsSummary, Running } from '../serve/contract.ts'

export type Question =
  /** `connections`: at most so many in each state, those that have been longest in it. */
  | { readonly ask: 'report'; readonly connections: number; readonly readings: boolean }
  | { readonly ask: 'one'; readonly id: number }
  | { readonly ask: 'close'; readonly id: number }
  | { readonly ask: 'closeIdle' }
  /** A blocked event loop does not answer. */
  | { readonly ask: 'alive' }

/** A server of this process alone. */
export interface Local extends Administered {
  readonly observer: Running['observer']
}

/** All that one worker knows of itself at one moment. */
export interface Report {
  readonly summary: ConnectionsSummary
  readonly phase: Phase
  readonly opened: number
  readonly descriptors: DescriptorsInUse | null
  readonly connections: readonly ConnectionView[]
  readonly ends: readonly EndedConnection[]
  readonly lifetimes: readonly EndReading[]
  readonly lateness: HistogramReading
  readonly lost: LostReading
  /** Null: not asked for. */
  readonly readings: readonly Reading[] | null
  /** Null: not a gateway. */
  readonly upstreams: GatewayStatus | null
}

export interface Answers {
  readonly report: Report
  readonly one: OpenConnection | null
  readonly close: boolean
  readonly closeIdle: number
  readonly alive: true
}
export type Answer = Answers[keyof Answers]

/** `server`: of this process, whose observer answers at once. */
export function answerTo(question: Question, server: Local): Answer {
  const { observer } = server
  switch (question.ask) {
    case 'report':
      return reportOf(server, question)
    case 'one':
      return observer.one(question.id)
    case 'close':
      return observer.close(question.id)
    case 'closeIdle':
      return observer.closeIdle()
    case 'alive':
      return true
  }
}

/** The last of a worker, for what it has counted. */
export const lastReport = (server: Local): Report => reportOf(server, { connections: 0, readings: true })

function reportOf(
  server: Local,
  { connections: limit, readings }: { readonly connections: number; readonly readings: boolean },
): Report {
  const { observer } = server
  // Under the kernel ledger this brings the connections up to date, which the summary counts.
  if (limit > 0) observer.list({ limit: 0 })
  const summary = server.connections()
  const inState = (state: State) => (summary.states[state] === undefined ? [] : observer.list({ state, limit }))
  return {
    summary,
    phase: server.phase,
    opened: observer.openedCount,
    descriptors: observer.descriptors(),
    connections: limit === 0 ? [] : states.flatMap(inState),
    ends: observer.ends(),
    lifetimes: observer.lifetimes(),
    lateness: observer.lateness(),
    lost: observer.lost,
    readings: readings ? readingsOf(server) : null,
    upstreams: server.upstreams?.() ?? null,
  }
}
