/**
 * What the kernel ledger costs `Deno.serve` and `Bun.serve`, by the number of idle connections:
 * CPU, delay of the event loop while they are idle and while they are closed, and how late each is
 * closed. `npm run bench:ledger -- [--runtime deno,bun] [--count 0,1000,10000] [--keep]` Linux;
 * needs `ulimit -n` above the count. Beside each stands the runtime's own server alone under the
 * same clients, which there end their connections themselves when the limit is over. They are due
 * as fast as they were opened, some thousands in a second; in the last row all had asked once more
 * at once, and closing them keeps a core busy for as long as it takes. The delay is that of a timer
 * of 5 ms; what the ledger keeps of the event loop at a stretch is measured at its own timers.
 */
import { commands } from './contenders.ts'
import { chosen, counts, flagsOf, refuse } from './flags.ts'
import { lateOf, open } from './idle-clients.ts'
import { keep } from './kept.ts'
import { stampOf } from './machine.ts'
import { cpuSeconds, during, moveToLoadCore, type Server } from './process.ts'
import { type LedgerData, type LedgerRow, type LedgerRun, ledgerPage } from './report/ledger.ts'
import { percentile, slope } from './statistics.ts'

const values = flagsOf({
  count: { type: 'string', default: '0,1000,10000' },
  keep: { type: 'boolean', default: false },
  runtime: { type: 'string', default: 'deno,bun' },
})
const chosenCounts = counts('count', values.count)
if (process.platform !== 'linux') refuse('the kernel ledger needs Linux')

const idleMs = 20_000
const settleMs = 1_000
/** Longer than the ledger leaves any connection unseen. */
const watchMs = 10_500
const delayMs = 5_000
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

interface Delays {
  readonly late: readonly number[]
  readonly turns: readonly number[]
}

async function delays({ port }: Server, ms: number): Promise<Delays> {
  const response = await fetch(`http://127.0.0.1:${port}/delay?ms=${ms}`)
  return (await response.json()) as Delays
}

interface Clients {
  readonly count: number
  /** All are due at once. */
  readonly atOnce: boolean
}

async function measure(server: Server, { count, atOnce }: Clients, who: 'ours' | 'bare') {
  let beganAt = performance.now()
  const connections = await open(server.port, count, idleMs)
  if (atOnce) {
    beganAt = performance.now()
    await Promise.all(connections.map((connection) => connection.ask()))
  }
  const askedMs = performance.now() - beganAt
  await sleep(settleMs)
  const cpuBefore = cpuSeconds(server.child.pid!)
  await sleep(watchMs)
  const cpuPercent = ((cpuSeconds(server.child.pid!) - cpuBefore) / watchMs) * 100_000
  const idle = await delays(server, delayMs)
  const leftMs = beganAt + idleMs - 500 - performance.now()
  if (leftMs < 0) throw new Error('bench: opening took too long to watch them idle')
  await sleep(leftMs)
  const [closing] = await Promise.all([delays(server, 1_500 + askedMs), who === 'bare' ? leave() : null])
  return { cpuPercent, idle, closing, late: who === 'bare' ? [] : await lateOf(connections, idleMs) }

  async function leave() {
    await sleep(500)
    const most = Math.ceil(count / Math.max(askedMs / 50, 1))
    for (let done = 0; done < count; done += most) {
      for (const connection of connections.slice(done, done + most)) connection.end()
      await sleep(50)
    }
  }
}

const sorted = (some: readonly number[]) => [...some].sort((a, b) => a - b)
const p99 = (some: readonly number[]) => percentile(sorted(some), 0.99)

async function row(runtime: 'bun' | 'deno', clients: Clients): Promise<LedgerRow> {
  const run = (who: 'ours' | 'bare') =>
    during({ name: who, command: [...commands[runtime], 'bench/servers/ledger.ts', who, String(idleMs)] }, (server) =>
      measure(server, clients, who),
    )
  const bare = await run('bare')
  const { cpuPercent, idle, closing, late } = await run('ours')
  const turns = sorted([...idle.turns, ...closing.turns])
  return {
    connections: clients.count,
    atOnce: clients.atOnce,
    cpuPercent: { alone: bare.cpuPercent, ours: cpuPercent },
    timerLateMs: { alone: p99(bare.idle.late), ours: p99(idle.late) },
    timerLateClosingMs: { alone: p99(bare.closing.late), ours: p99(closing.late) },
    stretchMs: { p99: percentile(turns, 0.99), longest: percentile(turns, 1) },
    lateMs: clients.count === 0 ? null : { p50: percentile(late, 0.5), p99: percentile(late, 0.99) },
  }
}

await moveToLoadCore()
for (const runtime of chosen('runtime', values.runtime, ['deno', 'bun'] as const)) {
  const rows: LedgerRow[] = []
  for (const count of chosenCounts) rows.push(await row(runtime, { count, atOnce: false }))
  const costs = rows.map(({ connections, cpuPercent: { alone, ours } }) => [connections / 1_000, ours - alone] as const)
  rows.push(await row(runtime, { count: Math.max(...chosenCounts), atOnce: true }))
  const run: LedgerRun = { stamp: stampOf([runtime]), rows, slope: costs.length > 1 ? slope(costs) : null }
  console.log(`\n${ledgerPage({ [runtime]: run })}`)
  if (values.keep) keep<LedgerData>('ledger', { [runtime]: run })
}
