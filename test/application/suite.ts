/** Every case on every column of an engine, and what came of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Backend, startBackend } from './backend.ts'
import { type Case, speaksHttp2, type Transport, transports } from './case.ts'
import { guarded } from './cases/index.ts'
import { type AppServer, type Column, columnsOf, type EngineName, engines, type Start, startColumn } from './columns.ts'
import { type Deviation, deviationOf } from './deviation.ts'
import { heldBack, reportsOf } from './log-lines.ts'
import { Http1Visit, Http2Visit, Pool, Sessions, type Visited } from './visit.ts'

export const verdicts = ['pass', 'deviation', 'fail', 'unexpected-pass', 'harness-failed'] as const
export type Verdict = (typeof verdicts)[number]

/** A case at one place of an engine. */
export interface Cell {
  readonly engine: EngineName
  readonly case: string
  readonly start: Start
  readonly over: Transport
  readonly verdict: Verdict
  readonly reason: string | null
}

export const isRed = ({ verdict }: Pick<Cell, 'verdict'>): boolean => verdict !== 'pass' && verdict !== 'deviation'

export function casesOn(cases: readonly Case[], { name, start }: Column, over: Transport): Case[] {
  const { runtime } = engines[name]
  return cases.filter(
    (theCase) =>
      (theCase.on?.includes(runtime) ?? true) &&
      (theCase.over ?? transports).includes(over) &&
      (over !== 'h2' || speaksHttp2(theCase)) &&
      (start === 'guarded' ? guarded.has(theCase) : theCase.under === undefined),
  )
}

/** What ends the process need not do so at once. */
const aftermathMs = 60
/** Cases of a column that run at once; columns that do. */
const workers = 8
const columnsAtOnce = 4
/** The log of the command holds back what is more than this in a second; see BurstLog. */
const reportsPerSec = 14

export interface SuiteOptions {
  readonly cases: readonly Case[]
  readonly names: readonly EngineName[]
  readonly deviations: Readonly<Record<EngineName, readonly Deviation[]>>
  readonly starts?: readonly Start[] | undefined
  readonly only?: readonly Transport[] | undefined
  /** Told when a column is done. */
  done?(column: Column, tookMs: number): void
}

export async function runSuite(options: SuiteOptions): Promise<Cell[]> {
  const backend = await startBackend()
  // The engines in turn, so that those that are slow do not all come last.
  const perEngine = options.names.map((name) =>
    columnsOf(name).filter(({ start }) => options.starts?.includes(start) ?? true),
  )
  const columns = (perEngine[0] ?? []).flatMap((_, place) => perEngine.map((each) => each[place]!))
  const cells: Cell[] = []
  try {
    await atOnce(columnsAtOnce, columns, async (column) => {
      const from = performance.now()
      cells.push(...(await new ColumnRun(column, backend, options).run()))
      options.done?.(column, performance.now() - from)
    })
  } finally {
    backend.stop()
  }
  return cells
}

async function atOnce<T>(count: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  await Promise.all(
    Array.from({ length: count }, async () => {
      for (const item of left) await work(item)
    }),
  )
}

interface Visiting {
  readonly theCase: Case
  readonly over: Transport
}

interface Result extends Visited {
  readonly server: AppServer
}

/** A server and what leads to it. */
class Place {
  readonly server: AppServer
  readonly pool: Pool
  readonly sessions: Sessions

  constructor(server: AppServer) {
    this.server = server
    this.pool = new Pool(server.address)
    this.sessions = new Sessions(server.address)
  }

  visit({ theCase, over }: Visiting): Promise<Visited> {
    return (
      over === 'h2' ? new Http2Visit(theCase, over, this.pool, this.sessions) : new Http1Visit(theCase, over, this.pool)
    ).run()
  }

  async answers(): Promise<boolean> {
    const client = await this.pool.take()
    await client.ask({}, '/hello', 'a')
    const { ending } = await client.read(false)
    if (ending === 'whole') this.pool.give(client)
    else client.destroy()
    return ending === 'whole'
  }

  async stop(): Promise<void> {
    this.pool.close()
    this.sessions.close()
    await this.server.stop()
  }
}

class ColumnRun {
  readonly #column: Column
  readonly #backend: Backend
  readonly #options: SuiteOptions
  readonly #results = new Map<Visiting, Result>()
  #place: Promise<Place> | null = null
  #mayReportAt = 0

  constructor(column: Column, backend: Backend, options: SuiteOptions) {
    this.#column = column
    this.#backend = backend
    this.#options = options
  }

  async run(): Promise<Cell[]> {
    const { cases, only } = this.#options
    const suspects = new Set<Visiting>()
    try {
      for (const over of this.#column.transports) {
        if (only && !only.includes(over)) continue
        const visits = casesOn(cases, this.#column, over).map((theCase): Visiting => ({ theCase, over }))
        const recent: { visiting: Visiting; until: number; server: AppServer }[] = []
        await atOnce(workers, visits, async (visiting) => {
          const { server } = await this.#living()
          const entry = { visiting, until: Number.POSITIVE_INFINITY, server }
          recent.push(entry)
          const { wrong } = await this.#visit(visiting)
          if (wrong !== null) await Promise.race([sleep(aftermathMs), server.exited])
          entry.until = performance.now() + aftermathMs
          if (server.died() === null) return
          for (const one of recent) {
            if (one.server === server && one.until > performance.now()) suspects.add(one.visiting)
          }
        })
        // One that was at work when the process ended, each alone and before fresh eyes.
        await this.#alone(suspects)
        suspects.clear()
      }
      await sleep(300)
      return [...this.#results].map(([visiting, result]) => this.#cell(visiting, result))
    } finally {
      await (await this.#place)?.stop()
    }
  }

  async #living(): Promise<Place> {
    const place = await this.#place
    if (place && place.server.died() === null) return place
    if (this.#place && (await this.#place) === place) {
      this.#place = null
      await place?.stop()
    }
    this.#place ??= this.#start()
    return this.#place
  }

  /**
   * A server that has answered once: a machine that is busy takes its time for the first answer.
   */
  async #start(): Promise<Place> {
    const place = new Place(await startColumn(this.#column, this.#backend.url))
    for (let left = 10; left > 0 && !(await place.answers()); left--);
    return place
  }

  async #visit(visiting: Visiting): Promise<Visited> {
    await this.#pace(visiting.theCase)
    const place = await this.#living()
    const visited = await place.visit(visiting)
    this.#results.set(visiting, { ...visited, server: place.server })
    return visited
  }

  /** One after the other, each seen to have left the process alive before the next. */
  async #alone(suspects: Iterable<Visiting>): Promise<void> {
    let place: Place | null = null
    for (const visiting of suspects) {
      place ??= await this.#start()
      const { server } = place
      const visited = await place.visit(visiting)
      await Promise.race([sleep(aftermathMs), server.exited])
      const died = server.died()
      const tail = server.log().trim().split('\n').slice(-12).join('\n')
      this.#results.set(visiting, { ...visited, ...(died !== null && { wrong: `${died}\n${tail}` }), server })
      if (died === null) continue
      await place.stop()
      place = null
    }
    await place?.stop()
  }

  async #pace({ log = 'none', steps }: Case): Promise<void> {
    if (this.#column.start !== 'command' || log === 'none') return
    const now = performance.now()
    const from = Math.max(now, this.#mayReportAt)
    this.#mayReportAt = from + (answersOf(steps) * 1_000) / reportsPerSec
    if (from > now) await sleep(from - now)
  }

  #cell({ theCase, over }: Visiting, { wrong, errors, server }: Result): Cell {
    const { name, start } = this.#column
    const reason = wrong ?? wrongInLog(theCase, `/${over}/${theCase.id}`, server.log(), errors)
    const cell = { engine: name, case: theCase.id, start, over }
    if (reason?.startsWith('the client failed')) return { ...cell, verdict: 'harness-failed', reason }
    return { ...cell, ...judged(reason, deviationOf(cell, this.#options.deviations[name])) }
  }
}

/** Joins what was seen with what is known. */
function judged(reason: string | null, known: Deviation | undefined): Pick<Cell, 'verdict' | 'reason'> {
  if (known === undefined) return { verdict: reason === null ? 'pass' : 'fail', reason }
  const said = `${known.what} (${known.see})`
  if (reason !== null) return { verdict: 'deviation', reason: said }
  if (known.sometimes) return { verdict: 'pass', reason: null }
  return { verdict: 'unexpected-pass', reason: `the known deviation is gone: ${said}` }
}

const answersOf = (steps: Case['steps']): number =>
  steps.reduce((sum, step) => {
    if ('together' in step) return sum + step.together.length
    if ('sees' in step && !('ask' in step)) return sum + step.sees.length
    return sum + ('times' in step ? (step.times ?? 1) : 1)
  }, 0)

function wrongInLog({ log: wanted = 'none' }: Case, path: string, log: string, errors: number): string | null {
  const lines = reportsOf(log, path)
  const right = { none: 0, once: 1, 'if 500': errors, any: lines }[wanted]
  const missing = right - lines
  return missing === 0 || (missing > 0 && missing <= heldBack(log)) ? null : `${lines} lines in the log, not ${right}`
}
