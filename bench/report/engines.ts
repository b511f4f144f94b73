/** What `bench/engines.ts` measured: its tables, and the time of the processor as bars. */
import { markdown } from '../../scripts/markdown.ts'
import type { Result } from '../compare.ts'
import type { Runtime } from '../contenders.ts'
import { clients, type FanOut, seconds } from '../fan-out.ts'
import type { Stamp } from '../machine.ts'
import { type Places, places } from '../places.ts'
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

const placeTitles: Readonly<Record<keyof Places, string>> = {
  kernel: 'kernel',
  program: 'program',
  compiled: 'JavaScript',
  beside: 'other threads',
}

/** CPU µs of a request in each place; null: nobody has looked. */
function microsIn({ sample, places: shares }: Result): Readonly<Record<keyof Places, number>> | null {
  if (!shares) return null
  const micros = (place: keyof Places) => shares[place] * sample.cpuMicros
  return {
    kernel: micros('kernel'),
    program: micros('program'),
    compiled: micros('compiled'),
    beside: micros('beside'),
  }
}

/** Of a request on the first, and on another one: where it costs more. */
export function placesBeside(first: Result, other: Result): string | null {
  const [from, to] = [microsIn(first), microsIn(other)]
  if (from === null || to === null) return null
  const told = places.map((place) => `${placeTitles[place]} ${from[place].toFixed(1)} → ${to[place].toFixed(1)}`)
  return `CPU µs: ${told.join(', ')}`
}

/** Whether all wait longer than on the first, or a few: the median beside the p99. */
export function waitsBeside({ sample: from }: Result, { sample: to }: Result): string {
  const told = (name: string, a: number, b: number) => `${name} ${a.toFixed(2)} → ${b.toFixed(2)}`
  return `ms: ${told('median', from.p50Ms, to.p50Ms)}, ${told('p99', from.p99Ms, to.p99Ms)}`
}

/** Where the time of the table above is spent. */
export function placesTable(runs: readonly Compared[]): readonly string[] {
  const rows = runs.flatMap(({ title, results }) =>
    results.flatMap((result) => {
      const micros = microsIn(result)
      return micros ? [[result.name, title, ...places.map((place) => micros[place].toFixed(1))]] : []
    }),
  )
  if (rows.length === 0) return []
  const told =
    'Where these µs are spent: the kernel, the runtime’s or server’s own program with its libraries and collections, what is compiled of JavaScript, and all threads but the main one (samples of `perf`, in a round after the others).'
  return [told, markdown(['server', 'load', ...places.map((place) => placeTitles[place])], rows)]
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
  if (runs.length > 0) parts.push(comparedTable(runs), ...placesTable(runs))
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
