/**
 * Two workers on two cores against one: `node bench/workers.ts`, `--keep` for the table of
 * docs/workers.md. wrk shares the cores with the server, so a request computes for a millisecond or
 * two, beside which wrk costs next to nothing; rounds of one and of two workers take turns. `--hello`
 * asks for a response that costs nothing: then CPU time of all workers says what another one costs,
 * and their shares how evenly they take connections.
 */
import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { childrenOf } from '../test/cluster/command.ts'
import { hangupOn, onAnyPort, type RuntimeName, runtimeNames } from '../test/lib/runtimes.ts'
import { type Server, startServer } from '../test/lib/server.ts'
import { cpuMsOf } from '../test/lib/sockets.ts'
import { chosen, flagsOf, positive } from './flags.ts'
import { inOrder, keep, keptOf } from './kept.ts'
import { stampOf } from './machine.ts'
import { type WorkersData, type WorkersRow, workersPage } from './report/workers.ts'
import { median } from './statistics.ts'
import { requireTools } from './wrk.ts'

const engines = ['native', 'hangup'] as const
const values = flagsOf({
  runtime: { type: 'string', default: runtimeNames.join() },
  engine: { type: 'string', default: engines.join() },
  connections: { type: 'string', default: '64' },
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '2' },
  hello: { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
})
const rounds = positive('rounds', values.rounds)
const seconds = positive('seconds', values.seconds)
const connections = positive('connections', values.connections)

interface Round {
  readonly perSecond: number
  readonly cpuMicros: number
  readonly shares: readonly number[]
}

const run = promisify(execFile)

async function load({ pid, url }: Server, forSeconds: number): Promise<Round> {
  const pids = childrenOf(pid)
  const before = pids.map(cpuMsOf)
  const { stdout } = await run('wrk', ['-t1', `-c${connections}`, `-d${forSeconds}s`, url])
  const spent = pids.map((each, index) => cpuMsOf(each) - before[index]!)
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`bench: wrk said\n${stdout}`)
  const whole = spent.reduce((sum, ms) => sum + ms, 0)
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1])
  return {
    perSecond: Number(/Requests\/sec: +([\d.]+)/.exec(stdout)?.[1]),
    cpuMicros: (whole / requests) * 1_000,
    shares: spent.map((ms) => Math.round((ms / whole) * 100)).sort((a, b) => b - a),
  }
}

async function measure(runtime: RuntimeName, engine: string): Promise<WorkersRow> {
  const app = values.hello ? [] : ['bench/servers/compute.ts']
  const started: Server[] = []
  const start = async (workers: number): Promise<Server> => {
    const flags = ['--engine', engine, '--workers', `${workers}`, ...onAnyPort]
    const server = await startServer(null, hangupOn(runtime, 'serve', ...app, ...flags))
    started.push(server)
    return server
  }
  try {
    const [one, two] = [await start(1), await start(2)]
    for (const server of started) await load(server, 1)
    const pairs: (readonly [Round, Round])[] = []
    for (let round = 0; round < rounds; round++) {
      const first = round % 2 === 0 ? await load(one, seconds) : null
      const second = await load(two, seconds)
      pairs.push([first ?? (await load(one, seconds)), second])
    }
    const shares = pairs.map(([, both]) => both.shares.join(' / ')).join(', ')
    const micros = median(pairs.map(([, both]) => both.cpuMicros)).toFixed(1)
    console.log(`${runtime} ${engine}, 2 workers: ${micros} µs of CPU a request, shares ${shares} %`)
    return {
      stamp: stampOf([runtime, 'wrk']),
      one: median(pairs.map(([each]) => each.perSecond)),
      two: median(pairs.map(([, both]) => both.perSecond)),
      ratio: median(pairs.map(([each, both]) => both.perSecond / each.perSecond)),
      cpuMicros: median(pairs.map(([each]) => each.cpuMicros)),
    }
  } finally {
    for (const server of started) await server.kill()
  }
}

await requireTools()
console.log(`${availableParallelism()} cores, shared with wrk of ${connections} connections`)
const names = runtimeNames.flatMap((runtime) => engines.map((engine) => `${runtime}-${engine}`))
let measured: WorkersData = {}
for (const runtime of chosen('runtime', values.runtime, runtimeNames)) {
  for (const engine of chosen('engine', values.engine, engines)) {
    measured = { ...measured, [`${runtime}-${engine}`]: await measure(runtime, engine) }
    if (values.keep && !values.hello)
      keep<WorkersData>('workers', inOrder({ ...(keptOf<WorkersData>('workers') as WorkersData), ...measured }, names))
  }
}
console.log(`\n${workersPage(measured)}`)
