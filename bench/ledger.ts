/**
 * What the kernel ledger costs, by the number of idle connections: CPU, delay of the event loop, and how late each is closed.
 * `npm run bench:ledger -- [--runtime deno,bun] [--count 0,1000,10000]`
 * Linux; needs `ulimit -n` above the count. The delay is that of a timer of 5 ms, and what it is without connections is the
 * runtime's and the machine's own.
 */
import { parseArgs } from 'node:util'
import { chosen, cpuSeconds, during, refuse, type Server } from './compare.ts'
import { commands } from './contenders.ts'
import { lateOf, open, percentile } from './idle-clients.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '0,1000,10000' },
    runtime: { type: 'string', default: 'deno,bun' },
  },
})
const counts = values.count.split(',').map(Number)
if (counts.some((count) => !Number.isInteger(count) || count < 0)) refuse(`--count: ${values.count}`)
if (process.platform !== 'linux') refuse('the kernel ledger needs Linux')

const idleMs = 30_000
const settleMs = 2_000
/** Longer than the ledger leaves any connection unseen. */
const watchMs = 11_000
const delayMs = 5_000
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function delays({ port }: Server, ms: number): Promise<number[]> {
  const response = await fetch(`http://127.0.0.1:${port}/delay?ms=${ms}`)
  return (await response.json()) as number[]
}

async function measure(server: Server, count: number) {
  const openedAt = performance.now()
  const connections = await open(server.port, count, idleMs)
  const openMs = performance.now() - openedAt
  await sleep(settleMs)
  const cpuBefore = cpuSeconds(server.child.pid!)
  await sleep(watchMs)
  const cpuPercent = ((cpuSeconds(server.child.pid!) - cpuBefore) / watchMs) * 100_000
  const idle = await delays(server, delayMs)
  if (performance.now() - openedAt > idleMs) throw new Error('bench: opening took too long to watch them idle')
  await sleep(openedAt + idleMs - 500 - performance.now())
  const closing = await delays(server, Math.max(1_000, openMs + 1_000))
  return { cpuPercent, idle, closing, late: await lateOf(connections, idleMs) }
}

console.log(
  '| runtime | idle connections | CPU % of a core | timer late, p99 ms | the same while they are closed | closed late by, p50 – p99 ms |',
)
console.log('| --- | --- | --- | --- | --- | --- |')
for (const runtime of chosen('runtime', values.runtime, ['deno', 'bun'] as const)) {
  const costs: (readonly [number, number])[] = []
  for (const count of counts) {
    const command = [...commands[runtime], 'bench/servers/ledger.ts', String(idleMs)]
    const { cpuPercent, idle, closing, late } = await during({ name: runtime, command }, (server) =>
      measure(server, count),
    )
    costs.push([count, cpuPercent])
    const p99 = (some: readonly number[]) => percentile(some, 0.99).toFixed(1)
    const lateness = count === 0 ? '–' : `${percentile(late, 0.5).toFixed(0)} – ${percentile(late, 0.99).toFixed(0)}`
    const cells = [runtime, count.toLocaleString('en'), cpuPercent.toFixed(1), p99(idle), p99(closing), lateness]
    console.log(`| ${cells.join(' | ')} |`)
  }
  const [least, most] = [costs[0]!, costs.at(-1)!]
  if (most[0] === least[0]) continue
  const slope = ((most[1] - least[1]) / (most[0] - least[0])) * 1_000
  console.log(`| ${runtime} | each 1,000 more | ${slope.toFixed(2)} | | | |`)
}
