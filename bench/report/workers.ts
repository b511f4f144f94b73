/** What `bench/workers.ts` measured: what a second worker on a second core brings. */
import { markdown } from '../../scripts/markdown.ts'
import type { Stamp } from '../machine.ts'
import { stampLines } from './stamps.ts'

export interface WorkersRow {
  readonly stamp: Stamp
  /** Requests a second, medians over the rounds. */
  readonly one: number
  readonly two: number
  /** Median of the rounds' own. */
  readonly ratio: number
  /** CPU of the one worker for a request. */
  readonly cpuMicros: number
}

/** By `<runtime>-<engine>`. */
export type WorkersData = Readonly<Record<string, WorkersRow>>

export function workersPage(data: WorkersData): string {
  const rows = Object.entries(data).map(([name, { one, two, ratio, cpuMicros }]) => [
    name.replace('-', ', '),
    (cpuMicros / 1_000).toFixed(2),
    one.toFixed(0),
    two.toFixed(0),
    ratio.toFixed(2),
  ])
  return [
    stampLines(Object.values(data).map(({ stamp }) => stamp)),
    markdown(['runtime, engine', 'ms of CPU a request', '1 worker, requests/s', '2 workers, requests/s', '×'], rows),
  ].join('\n\n')
}
