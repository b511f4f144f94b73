/**
 * How a server grows with connections that are open and idle: CPU, memory, requests/s beside them,
 * and how late each is closed; and what of the memory is ours, beside the same clients on the
 * runtime's sockets or its own server alone. `npm run bench:scale -- [--server node-hangup,…]
 * [--count 0,1000,10000,50000,100000] [--in-memory 100000] [--keep] [--quick]` Linux. Counts for
 * which a process may not have the descriptors are left out, and the most that it may have is
 * measured instead: `ulimit -Hn 150000` makes room for all.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { randomFrom } from '../test/attack/random.ts'
import { collecting, collectMs, keptBytes } from './collecting.ts'
import { warmUp } from './compare.ts'
import { commands, type Runtime, runtimes } from './contenders.ts'
import { chosen, counts, flagsOf, refuse, seedOf } from './flags.ts'
import { lateOf, open } from './idle-clients.ts'
import type { InMemory } from './in-memory.ts'
import { inOrder, keep, keptOf } from './kept.ts'
import { folder } from './loads.ts'
import { stampOf } from './machine.ts'
import { type Contender, cpuSeconds, during, onServerCore, type Server, startBackend } from './process.ts'
import { backend, hangup } from './proxies.ts'
import { baseOf, type ScaleData, type ScaleRow, type ScaleRun, scalePage, titles } from './report/scale.ts'
import { median, percentile, shuffled } from './statistics.ts'
import { loadFor, requireTools } from './wrk.ts'

const values = flagsOf({
  server: { type: 'string', default: Object.keys(titles).join() },
  count: { type: 'string', default: '0,1000,10000,50000,100000' },
  'in-memory': { type: 'string', default: '100000' },
  keep: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  seed: { type: 'string' },
})
const servers = values.server === 'none' ? [] : chosen('server', values.server, Object.keys(titles))
const random = randomFrom(seedOf(values.seed))
const { watchMs, rounds } = values.quick ? { watchMs: 2_000, rounds: 1 } : { watchMs: 4_000, rounds: 3 }
const settleMs = 1_000
const opensPerSec = 2_500

if (process.platform !== 'linux') refuse('CPU and memory of the server are read from /proc: Linux only')
// The hard limit: Node, Bun and Deno raise the soft one to it when they start.
const descriptors = Number(/Max open files\s+\S+\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 'NaN')
/** From four fifths of its budget on, a server closes idle connections sooner. */
const room = Math.floor((descriptors * 0.77) / 1_000) * 1_000
const asked = counts('count', values.count)
const fitting = asked.filter((count) => count <= room)
const most = fitting.length === asked.length ? null : room
const chosenCounts = [...new Set([...fitting, ...(most === null ? [] : [most])])].sort((a, b) => a - b)

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const hello = { path: '/', connections: 64 }

function contenderOf(server: string, idleMs: number, backendPort: number): Contender {
  const [first = '', second = ''] = server.split('-')
  const runtime = (first === 'gateway' ? second : first) as Runtime
  const own =
    first === 'gateway'
      ? hangup(folder, backendPort, runtime, { flags: ['--idle-timeout', `${idleMs}ms`] })
      : { name: server, command: [...commands[runtime], 'bench/servers/idle.ts', second, String(idleMs)] }
  return collecting(own, runtime)
}

/** Long enough that none is closed before all is measured. */
const idleMsFor = (count: number): number =>
  Math.ceil((count / opensPerSec + (settleMs + watchMs + collectMs) / 1_000 + rounds * 3 + 6) * 1_000)

/** `server` has the connections, `alone` none; both get the same load. */
async function measure(alone: Server, server: Server, count: number, closes: boolean): Promise<ScaleRow> {
  const idleMs = idleMsFor(count)
  // Without any there is nothing to compare.
  const comparedRounds = count === 0 ? 0 : rounds
  for (const one of [alone, server]) {
    if (comparedRounds > 0) await warmUp(one, hello)
    else await loadFor(one, hello, 1)
  }
  const clients = await open(server.port, count, idleMs)
  await sleep(settleMs)
  const cpuBefore = cpuSeconds(server.child.pid!)
  await sleep(watchMs)
  const cpuPercent = ((cpuSeconds(server.child.pid!) - cpuBefore) / watchMs) * 100_000
  // What a load leaves to collect is no connection's.
  const [without = 0, withThem = 0] = await keptBytes([alone, server])
  const ratios = { requestsPerSec: [] as number[], cpuMicros: [] as number[] }
  for (let round = 0; round < comparedRounds; round++) {
    const samples = new Map<Server, Awaited<ReturnType<typeof loadFor>>>()
    for (const one of shuffled([alone, server], random)) samples.set(one, await loadFor(one, hello, 1))
    for (const figure of ['requestsPerSec', 'cpuMicros'] as const) {
      ratios[figure].push(samples.get(server)![figure] / samples.get(alone)![figure])
    }
  }
  const first = await clients[0]?.answered
  if (first !== undefined && performance.now() - first > idleMs) {
    throw new Error('bench: opening took so long that some were closed while others were measured')
  }
  if (!closes) for (const client of clients) client.end()
  const late = closes ? await lateOf(clients, idleMs) : []
  return {
    connections: count,
    cpuPercent,
    bytes: count === 0 ? 0 : withThem - without,
    throughput: count === 0 ? 1 : median(ratios.requestsPerSec),
    cpuMicros: count === 0 ? 1 : median(ratios.cpuMicros),
    lateMs: closes ? { p50: percentile(late, 0.5), p99: percentile(late, 0.99) } : null,
  }
}

async function run(server: string, backendPort: number): Promise<ScaleRun> {
  const rows: ScaleRow[] = []
  const closes = baseOf(server) !== null
  // Of what the others stand on, the slope alone is needed.
  for (const count of closes ? chosenCounts : [0, chosenCounts.at(-1)!]) {
    const contender = contenderOf(server, idleMsFor(count), backendPort)
    console.error(`${titles[server]}, ${count} idle connections`)
    rows.push(await during(contender, (alone) => during(contender, (mine) => measure(alone, mine, count, closes))))
  }
  return { stamp: stampOf(runtimes.filter((runtime) => server.includes(runtime))), rows }
}

const inMemoryFlags: Readonly<Record<Runtime, readonly string[]>> = {
  node: [process.execPath, '--expose-gc'],
  bun: commands.bun,
  deno: [...commands.deno, '--v8-flags=--expose-gc'],
}

async function inMemory(runtime: Runtime): Promise<InMemory[]> {
  const rows: InMemory[] = []
  for (const count of counts('in-memory', values['in-memory'])) {
    const [program = '', ...args] = onServerCore([...inMemoryFlags[runtime], 'bench/in-memory.ts', String(count)])
    rows.push(JSON.parse((await promisify(execFile)(program, args)).stdout))
  }
  return rows
}

await requireTools()
const data = { servers: {} as Record<string, ScaleRun>, memory: {} as Record<string, ScaleData['memory'][string]> }

/** At once with each server: a run of half an hour that is cut loses none of those before. */
function keepSoFar(): void {
  if (!values.keep) return
  const kept = keptOf<ScaleData>('scale')
  keep<ScaleData>('scale', {
    servers: inOrder({ ...kept.servers, ...data.servers }, Object.keys(titles)),
    memory: { ...kept.memory, ...data.memory },
    most,
  })
}

const behind = servers.some((server) => server.startsWith('gateway')) ? await startBackend(backend(folder)) : null
try {
  for (const server of servers) {
    data.servers[server] = await run(server, behind?.port ?? 0)
    keepSoFar()
  }
} finally {
  behind?.child.kill('SIGKILL')
}
if (values['in-memory'] !== 'none') {
  for (const runtime of runtimes) {
    data.memory[runtime] = { stamp: stampOf([runtime]), rows: await inMemory(runtime) }
    keepSoFar()
  }
}
console.log(scalePage(values.keep ? (keptOf<ScaleData>('scale') as ScaleData) : { ...data, most }))
