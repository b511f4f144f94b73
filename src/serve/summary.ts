/** The connections of several servers as those of one. */
import type { DrainResult } from '../lifecycle/drain.ts'
import type { LongLivedKind } from '../lifecycle/long-lived.ts'
import { summed } from '../observe/observer.ts'
import type { ConnectionsSummary } from './contract.ts'

/** Of no server. */
export const emptySummary: ConnectionsSummary = {
  open: 0,
  busy: 0,
  states: {},
  requests: 0,
  changedLimits: 0,
  hungUp: {},
  closeRaces: null,
  abortsOnData: null,
}

export function summaryOf(servers: readonly ConnectionsSummary[]): ConnectionsSummary {
  const sum = (of: (server: ConnectionsSummary) => number | null): number | null =>
    servers.map(of).reduce((all, one) => (all === null || one === null ? null : all + one))
  const closes = servers.flatMap(({ webSocketCloses }) => (webSocketCloses === undefined ? [] : [webSocketCloses]))
  const ends = servers.flatMap(({ webSocketEnds }) => (webSocketEnds === undefined ? [] : [webSocketEnds]))
  return {
    open: sum(({ open }) => open),
    busy: sum(({ busy }) => busy) ?? 0,
    states: summed(servers.map(({ states }) => states)),
    requests: sum(({ requests }) => requests) ?? 0,
    changedLimits: sum(({ changedLimits }) => changedLimits),
    hungUp: summed(servers.map(({ hungUp }) => hungUp)) as ConnectionsSummary['hungUp'],
    ...(closes.length > 0 && { webSocketCloses: summed(closes) as Readonly<Record<string, number>> }),
    ...(ends.length > 0 && { webSocketEnds: summed(ends) as NonNullable<ConnectionsSummary['webSocketEnds']> }),
    closeRaces: sum(({ closeRaces }) => closeRaces),
    abortsOnData: sum(({ abortsOnData }) => abortsOnData),
  }
}

export function sumOfDrains(results: readonly DrainResult[]): DrainResult {
  const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)
  const endsOf = (kind: LongLivedKind) => {
    const ends = results.flatMap((result) => result[kind] ?? [])
    const summed = { ended: sum(ends.map(({ ended }) => ended)), cut: sum(ends.map(({ cut }) => cut)) }
    return ends.length > 0 && { [kind]: summed }
  }
  return { cut: sum(results.map(({ cut }) => cut)), ...endsOf('eventStreams'), ...endsOf('webSockets') }
}
