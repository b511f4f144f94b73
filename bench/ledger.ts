/**
 * What the kernel ledger costs `Deno.serve` and `Bun.serve`, by the number of idle connections: CPU, delay of the event loop while they
 * are idle and while they are closed, and how late each is closed.
 * `npm run bench:ledger -- [--runtime deno,bun] [--count 0,1000,10000]`
 * Linux; needs `ulimit -n` above the count. Beside each stands the runtime's own server alone under the same clients, which there end
 * their connections themselves when the limit is over. They are due as fast as they were opened, some thousands in a second; in the last
 * row all had asked once more at once, and closing them keeps a core busy for as long as it takes. The delay is that of a timer of 5 ms; what the ledger keeps of the event loop at a
 * stretch is measured at its own timers.
 */
import { parseArgs } from 'node:util'
import { commands } from './contenders.ts'
import { chosen, refuse } from './flags.ts'
import { lateOf, open } from './idle-clients.ts'
import { cpuSeconds, during, moveToLoadCore, type Server } from './process.ts'
import { percentile } from './statistics.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '0,1000,10000' },
    runtime: { type: 'string', default: 'deno,bun' },
  },
})
const counts = values.count.split(',').map(Number)
if (counts.some((count) => !Number.isInteger(count) || count < 0)) refuse(`--count: ${values.count}`)
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
const p99 = (some: readonly number[]) => percentile(sorted(some), 0.99).toFixed(1)
const beside = (bare: string, ours: string) => `${bare} → ${ours}`

await moveToLoadCore()
console.log(
  '| runtime | idle connections | CPU % of a core, alone → with the ledger | timer late, p99 ms | the same while they are closed | the ledger at a stretch, p99 – longest ms | closed late by, p50 – p99 ms |',
)
console.log('| --- | --- | --- | --- | --- | --- | --- |')
for (const runtime of chosen('runtime', values.runtime, ['deno', 'bun'] as const)) {
  const costs: (readonly [number, number])[] = []
  const rows = counts.map((count) => ({ count, atOnce: false }))
  for (const clients of [...rows, { count: Math.max(...counts), atOnce: true }]) {
    const { count, atOnce } = clients
    const run = (who: 'ours' | 'bare') =>
      during({ name: who, command: [...commands[runtime], 'bench/servers/ledger.ts', who, String(idleMs)] }, (server) =>
        measure(server, clients, who),
      )
    const bare = await run('bare')
    const { cpuPercent, idle, closing, late } = await run('ours')
    if (!atOnce) costs.push([count, cpuPercent - bare.cpuPercent])
    const turns = [...idle.turns, ...closing.turns]
    const lateness = count === 0 ? '–' : `${percentile(late, 0.5).toFixed(0)} – ${percentile(late, 0.99).toFixed(0)}`
    const cells = [
      runtime,
      `${count.toLocaleString('en')}${atOnce ? ', due at once' : ''}`,
      beside(bare.cpuPercent.toFixed(1), cpuPercent.toFixed(1)),
      beside(p99(bare.idle.late), p99(idle.late)),
      beside(p99(bare.closing.late), p99(closing.late)),
      `${p99(turns)} – ${percentile(sorted(turns), 1).toFixed(1)}`,
      lateness,
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
  const [least, most] = [costs[0]!, costs.at(-1)!]
  if (most[0] === least[0]) continue
  const slope = ((most[1] - least[1]) / (most[0] - least[0])) * 1_000
  console.log(`| ${runtime} | each 1,000 more | ${slope.toFixed(2)} | | | | |`)
}
