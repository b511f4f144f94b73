/** What `bench/weight.ts` measured: how soon each server answers, and how much memory it keeps. */
import { markdown } from '../../scripts/markdown.ts'
import type { Stamp } from '../machine.ts'
import { stampLines } from './stamps.ts'

export interface Start {
  readonly stamp: Stamp
  /** From the start of the process to the first byte of its first response. */
  readonly ms: number
  /** Median over the rounds of this one ÷ the runtime's own server. */
  readonly ratio: number
}

export interface Memory {
  readonly stamp: Stamp
  /** Resident, after one request, and after so many. */
  readonly bytes: readonly (readonly [requests: number, bytes: number])[]
  /** After the last of them and a collection of garbage; null: it has none. */
  readonly kept?: number | null
}

/** By `<runtime>-<who>`, or `gateway-<runtime>`. */
export interface WeightData {
  readonly starts: Readonly<Record<string, Start>>
  readonly memory: Readonly<Record<string, Memory>>
}

export const weightTitles: Readonly<Record<string, string>> = {
  'node-bare': 'Node, @hono/node-server',
  'node-native': 'Node, native engine',
  'node-hangup': 'Node, hangup engine',
  'gateway-node': 'gateway on Node',
  'bun-bare': 'Bun, Bun.serve',
  'bun-native': 'Bun, native engine',
  'bun-hangup': 'Bun, hangup engine',
  'gateway-bun': 'gateway on Bun',
  'deno-bare': 'Deno, Deno.serve',
  'deno-native': 'Deno, native engine',
  'deno-hangup': 'Deno, hangup engine',
  'gateway-deno': 'gateway on Deno',
  nginx: 'nginx, the same routes',
}

/** Of the memory after the least requests but none, by the last. */
export function growth({ bytes }: Memory): number {
  const [, first, last] = [bytes[0], bytes[1], bytes.at(-1)]
  return last![1] / first![1] - 1
}

const megabytes = (bytes: number): string => String(Math.round(bytes / 2 ** 20))

export function weightPage({ starts, memory }: WeightData): string {
  const marks = (Object.values(memory)[0]?.bytes ?? []).map(([requests]) => requests)
  const head = [
    'server',
    'ms to the first response',
    '×',
    ...marks.map((mark) => (mark === 0 ? 'MB at rest' : `MB after ${mark.toLocaleString('en')}`)),
    'growth',
    'MB kept then, after a collection',
  ]
  const rows = Object.entries(weightTitles).flatMap(([server, title]) => {
    const [start, kept] = [starts[server], memory[server]]
    if (!start && !kept) return []
    return [
      [
        title,
        start ? start.ms.toFixed(0) : '',
        start ? start.ratio.toFixed(2) : '',
        ...marks.map((_, index) => (kept ? megabytes(kept.bytes[index]![1]) : '')),
        kept ? `${(growth(kept) * 100).toFixed(0)} %` : '',
        kept?.kept ? megabytes(kept.kept) : '',
      ],
    ]
  })
  return [
    stampLines([...Object.values(starts), ...Object.values(memory)].map(({ stamp }) => stamp)),
    markdown(head, rows),
  ].join('\n\n')
}
