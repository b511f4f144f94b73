/**
 * One runtime's part of the suite on a thread of its own: where two run at once, neither's clocks
 * wait for the bytes that the other's clients send.
 */
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { cases } from '../../src/probe/cases/index.ts'
import type { Cell } from '../../src/probe/reports/report.ts'
import { type RuntimeName, runtimes } from './runtimes.ts'
import { Look, subjectOf, transports, type Which } from './suite.ts'

export class Column {
  readonly name: RuntimeName
  readonly #thread: Worker

  constructor(name: RuntimeName) {
    this.name = name
    this.#thread = new Worker(new URL(import.meta.url), { workerData: name })
  }

  /** Runs this part of the cases; rejects if the thread fails. */
  async at(which: Which): Promise<readonly Cell[]> {
    this.#thread.postMessage(which)
    const [cells] = await once(this.#thread, 'message')
    return cells
  }

  async close(): Promise<void> {
    await this.#thread.terminate()
  }
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort
  const look = new Look(cases, subjectOf(workerData), transports)
  port.on('message', async (which: Which) => port.postMessage(await look.at(which)))
}

/** Heavy cases have a server of their own and mostly wait: a column's take a third of a core. */
const heavyTogether = 2

/** One with a single profile has two servers, which wait for the platform’s limits: beside the others. */
const isSmall = ({ column }: { readonly column: Column }) => runtimes[column.name].profiles.length === 1

/** Runtimes in turn, but for the heavy cases: those of two at a time. */
export async function runColumns(names: readonly RuntimeName[]): Promise<ReadonlyMap<RuntimeName, readonly Cell[]>> {
  const columns = names.map((name) => ({ column: new Column(name), cells: [] as Cell[] }))
  try {
    const inTurn = async (some: typeof columns) => {
      for (const { column, cells } of some) cells.push(...(await column.at('light')))
    }
    await Promise.all([inTurn(columns.filter(isSmall)), inTurn(columns.filter((column) => !isSmall(column)))])
    // The second begins at the other end: what takes the processor does not do so in both at once.
    for (let first = 0; first < columns.length; first += heavyTogether) {
      await Promise.all(
        columns.slice(first, first + heavyTogether).map(async ({ column, cells }, place) => {
          cells.push(...(await column.at(place === 0 ? 'heavy' : 'heavy, backwards')))
        }),
      )
    }
  } finally {
    await Promise.all(columns.map(({ column }) => column.close()))
  }
  return new Map(columns.map(({ column, cells }) => [column.name, cells]))
}
