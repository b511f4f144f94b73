/** What `bench/ledger.ts` measured. */
import { markdown } from '../../scripts/markdown.ts'
import type { Stamp } from '../machine.ts'
import { stampLines } from './stamps.ts'

export interface LedgerRow {
  readonly connections: number
  /** All were due in one instant. */
  readonly atOnce: boolean
  /** Of a core: the runtime's own server alone, and with the ledger. */
  readonly cpuPercent: { readonly alone: number; readonly ours: number }
  readonly timerLateMs: { readonly alone: number; readonly ours: number }
  readonly timerLateClosingMs: { readonly alone: number; readonly ours: number }
  readonly stretchMs: { readonly p99: number; readonly longest: number }
  readonly lateMs: { readonly p50: number; readonly p99: number } | null
}

export interface LedgerRun {
  readonly stamp: Stamp
  readonly rows: readonly LedgerRow[]
  /** CPU % for each 1,000 connections more. */
  readonly slope: number | null
}

/** By runtime. */
export type LedgerData = Readonly<Record<'bun' | 'deno', LedgerRun>>

const beside = ({ alone, ours }: LedgerRow['cpuPercent']): string => `${alone.toFixed(1)} → ${ours.toFixed(1)}`

export function ledgerPage(data: Partial<LedgerData>): string {
  const runs = Object.entries(data)
  const rows = runs.flatMap(([runtime, run]) => [
    ...run.rows.map((row) => [
      runtime,
      `${row.connections.toLocaleString('en')}${row.atOnce ? ', due at once' : ''}`,
      beside(row.cpuPercent),
      beside(row.timerLateMs),
      beside(row.timerLateClosingMs),
      `${row.stretchMs.p99.toFixed(1)} – ${row.stretchMs.longest.toFixed(1)}`,
      row.lateMs ? `${row.lateMs.p50.toFixed(0)} – ${row.lateMs.p99.toFixed(0)}` : '–',
    ]),
    ...(run.slope === null ? [] : [[runtime, 'each 1,000 more', run.slope.toFixed(2), '', '', '', '']]),
  ])
  const head = [
    'runtime',
    'idle connections',
    'CPU % of a core, alone → with the ledger',
    'timer late, p99 ms',
    'the same while they are closed',
    'the ledger at a stretch, p99 – longest ms',
    'closed late by, p50 – p99 ms',
  ]
  return [stampLines(runs.map(([, { stamp }]) => stamp)), markdown(head, rows)].join('\n\n')
}
