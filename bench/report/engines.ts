/** What `bench/engines.ts` measured: its tables, and the time of the processor as bars. */
import { markdown } from '../../scripts/markdown.ts'
import type { Result } from '../compare.ts'
import type { Runtime } from '../contenders.ts'
import { clients, type FanOut, seconds } from '../fan-out.ts'
import type { Stamp } from '../machine.ts'
import { barPlot, type Hue } from './plot.ts'
import { stampLines } from './stamps.ts'

/** Of one load on one runtime: its servers took turns in one run. */
export interface Compared {
  readonly stamp: Stamp
  readonly title: string
  readonly results: readonly Result[]
}

export interface RuntimeRun {
  readonly loads: Readonly<Record<string, Compared>>
  readonly events: { readonly stamp: Stamp; readonly rows: readonly FanOut[] } | null
}

export type EnginesData = Readonly<Record<Runtime, RuntimeRun>>

/** The time of the processor first: it is the steadiest figure. */
export function comparedTable(runs: readonly Compared[]): string {
  const columns = ['server', 'load', 'CPU µs a request', '×', 'requests/s', '×', 'p99 ms', '×']
  const rows = runs.flatMap(({ title, results }) =>
    results.map(({ name, sample, ratio }) => [
      name,
      title,
      sample.cpuMicros.toFixed(1),
      ratio.cpuMicros.toFixed(2),
      Math.round(sample.requestsPerSec).toLocaleString('en'),
      ratio.requestsPerSec.toFixed(2),
      sample.p99Ms.toFixed(1),
      ratio.p99Ms.toFixed(2),
    ]),
  )
  const disturbed = runs.flatMap(({ results }) => results).reduce((sum, result) => sum + result.disturbed, 0)
  const note = disturbed === 0 ? [] : [`Other processes took part of the two cores in ${disturbed} rounds of these.`]
  return [markdown(columns, rows), ...note].join('\n\n')
}

function eventsTable(rows: readonly FanOut[]): string {
  return markdown(
    [
      `server, ${clients.toLocaleString('en')} event streams`,
      'CPU % of a core',
      `events a client in ${seconds} s, least – most`,
      'events lost',
    ],
    rows.map(({ name, cpuPercent, least, most, lost }) => [
      name,
      cpuPercent.toFixed(1),
      `${least} – ${most}`,
      String(lost),
    ]),
  )
}

/** `picture` stands above the table. */
export function enginesSection(runtime: string, { loads, events }: RuntimeRun, picture?: string): string {
  const runs = Object.values(loads)
  const stamps = [...runs, ...(events === null ? [] : [events])].map(({ stamp }) => stamp)
  const parts = [`### ${runtime}`, stampLines(stamps)]
  if (picture !== undefined) parts.push(picture)
  if (runs.length > 0) parts.push(comparedTable(runs))
  if (events !== null) parts.push(eventsTable(events.rows))
  return parts.join('\n\n')
}

/** Ours have a colour, the runtime's own server and others are grey. */
const hueOf = (name: string): Hue => (name.startsWith('hangup') ? (name.includes('native') ? 2 : 1) : 0)

export function comparedPlot(title: string, runs: readonly Compared[]): string {
  const groups = runs.map(({ title: heading, results }) => ({
    title: heading,
    bars: results.map(({ name, sample }) => ({ name, value: sample.cpuMicros, hue: hueOf(name) })),
  }))
  return barPlot(`${title}: CPU time of a request, less is better`, 'µs', groups)
}
