/** What `bench/scale.ts` measured: its tables, and the slope as a plot. */
import { markdown } from '../../scripts/markdown.ts'
import type { InMemory } from '../in-memory.ts'
import type { Stamp } from '../machine.ts'
import { slope } from '../statistics.ts'
import { type Line, linePlot } from './plot.ts'
import { stampLines } from './stamps.ts'

export interface ScaleRow {
  readonly connections: number
  /** While nothing is asked. */
  readonly cpuPercent: number
  /**
   * After a collection: more than a server of the same kind without them has after the same load.
   */
  readonly bytes: number
  /** Hello beside them ÷ hello on the server without. */
  readonly throughput: number
  readonly cpuMicros: number
  /** How much later than the limit they were closed; null for a server that closes nothing. */
  readonly lateMs: { readonly p50: number; readonly p99: number } | null
}

export interface ScaleRun {
  readonly stamp: Stamp
  readonly rows: readonly ScaleRow[]
}

/** By `<runtime>-<who>`, or `gateway-<runtime>`. */
export interface ScaleData {
  readonly servers: Readonly<Record<string, ScaleRun>>
  readonly memory: Readonly<Record<string, { readonly stamp: Stamp; readonly rows: readonly InMemory[] }>>
  /**
   * The most connections that the limit of descriptors left room for, where that was fewer than
   * asked.
   */
  readonly most: number | null
}

export const titles: Readonly<Record<string, string>> = {
  'node-raw': 'Node, sockets alone',
  'node-bare': 'Node, @hono/node-server',
  'node-native': 'Node, native engine',
  'node-hangup': 'Node, hangup engine',
  'bun-raw': 'Bun, sockets alone',
  'bun-bare': 'Bun, Bun.serve',
  'bun-native': 'Bun, native engine',
  'bun-hangup': 'Bun, hangup engine',
  'deno-raw': 'Deno, sockets alone',
  'deno-bare': 'Deno, Deno.serve',
  'deno-native': 'Deno, native engine',
  'deno-hangup': 'Deno, hangup engine',
  'gateway-node': 'gateway on Node',
  'gateway-bun': 'gateway on Bun',
  'gateway-deno': 'gateway on Deno',
}

/** What it stands on: the rest of its memory is ours. */
export function baseOf(server: string): string | null {
  const [first = '', second = ''] = server.split('-')
  if (first === 'gateway') return `${second}-raw`
  if (second === 'hangup') return `${first}-raw`
  return second === 'native' ? `${first}-bare` : null
}

/** KB a connection: the slope, which what every server has anyway does not move. */
const kilobytesEach = ({ rows }: ScaleRun): number =>
  slope(rows.map(({ connections, bytes }) => [connections, bytes / 1024]))

export function oursEach({ servers }: ScaleData, server: string): number | null {
  const base = servers[baseOf(server) ?? '']
  const run = servers[server]
  return base && run ? kilobytesEach(run) - kilobytesEach(base) : null
}

const count = (connections: number): string => connections.toLocaleString('en')

function scaleTable(data: ScaleData): string {
  const rows = Object.keys(titles).flatMap((server) => {
    const run = data.servers[server]
    if (run === undefined) return []
    const last = run.rows.at(-1)
    return run.rows.map((row) => {
      const ours = oursEach(data, server)
      const isLast = row === last
      return [
        titles[server]!,
        count(row.connections),
        row.cpuPercent.toFixed(1),
        isLast ? kilobytesEach(run).toFixed(1) : '',
        isLast && ours !== null ? ours.toFixed(1) : '',
        row.connections === 0 ? '' : row.throughput.toFixed(2),
        row.connections === 0 ? '' : row.cpuMicros.toFixed(2),
        row.lateMs === null || row.connections === 0
          ? ''
          : `${row.lateMs.p50.toFixed(0)} – ${row.lateMs.p99.toFixed(0)}`,
      ]
    })
  })
  return markdown(
    [
      'server',
      'idle connections',
      'CPU % of a core',
      'KB each',
      'of these ours',
      'hello beside them, requests/s ×',
      'CPU µs ×',
      'closed late by, p50 – p99 ms',
    ],
    rows,
  )
}

function memoryTable({ memory }: ScaleData): string {
  const rows = Object.entries(memory).flatMap(([runtime, run]) =>
    run.rows.map(({ connections, cpuPercent, bytesEach, throughput, lateMs }) => [
      runtime,
      count(connections),
      cpuPercent.toFixed(1),
      (bytesEach / 1024).toFixed(2),
      throughput.toFixed(2),
      `${lateMs.p50.toFixed(0)} – ${lateMs.p99.toFixed(0)}`,
    ]),
  )
  return markdown(
    [
      'runtime',
      'idle connections',
      'CPU % of a core',
      'KB of ours each',
      'hello beside them ×',
      'closed late by, p50 – p99 ms',
    ],
    rows,
  )
}

export function scalePage(data: ScaleData): string {
  const { servers, memory, most } = data
  const stamps = [...Object.values(servers), ...Object.values(memory)].map(({ stamp }) => stamp)
  const limited =
    most === null
      ? []
      : [
          `The limit of descriptors of this machine left room for ${count(most)} in one process. More were measured on sockets in memory:`,
        ]
  return [stampLines(stamps), scaleTable(data), ...limited, memoryTable(data)].join('\n\n')
}

const hues = { node: 1, bun: 2, deno: 3 } as const

export function scalePlot({ servers }: ScaleData): string {
  const lines = Object.entries(servers).flatMap(([server, { rows }]): Line[] => {
    const [first = '', second = ''] = server.split('-')
    const runtime = (first === 'gateway' ? second : first) as keyof typeof hues
    const kind = first === 'gateway' ? 'dotted' : second === 'native' ? 'dashed' : 'solid'
    if (baseOf(server) === null) return []
    const points = rows.map(({ connections, bytes }) => [connections, Math.max(0, bytes) / 2 ** 20] as const)
    return [{ name: titles[server]!, hue: hues[runtime], kind, points }]
  })
  return linePlot({ title: 'Memory of idle connections', x: 'idle connections', y: 'MB', lines })
}
