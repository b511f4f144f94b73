/**
 * Several workers against one: `node bench/workers.ts`. wrk shares the cores with the server, so on
 * few of them requests a second say little; CPU time a request of all workers says what another one
 * costs, and their shares how evenly they take connections.
 */
import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { parseArgs, promisify } from 'node:util'
import { childrenOf } from '../test/cluster/command.ts'
import { hangupOn, onAnyPort, type RuntimeName, runtimeNames } from '../test/lib/runtimes.ts'
import { startServer } from '../test/lib/server.ts'
import { cpuMsOf } from '../test/lib/sockets.ts'
import { requireTools } from './wrk.ts'

const { values } = parseArgs({
  options: {
    runtime: { type: 'string', default: runtimeNames.join(',') },
    engine: { type: 'string', default: 'native,hangup' },
    workers: { type: 'string', default: '1,2' },
    connections: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '2' },
  },
})

const run = promisify(execFile)

async function measure(runtime: RuntimeName, engine: string, workers: string): Promise<string> {
  const server = await startServer(
    null,
    hangupOn(runtime, 'serve', '--engine', engine, '--workers', workers, ...onAnyPort),
  )
  const load = (seconds: string) => run('wrk', ['-t1', `-c${values.connections}`, `-d${seconds}s`, server.url])
  await load('1')
  const pids = childrenOf(server.pid)
  const before = pids.map(cpuMsOf)
  const { stdout } = await load(values.seconds)
  const spent = pids.map((pid, index) => cpuMsOf(pid) - before[index]!)
  server.signal('SIGTERM')
  await server.exited
  const whole = spent.reduce((sum, ms) => sum + ms, 0)
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1])
  const perSecond = /Requests\/sec: +(\d+)/.exec(stdout)?.[1]
  const shares = spent.map((ms) => Math.round((ms / whole) * 100)).sort((a, b) => b - a)
  const micros = ((whole / requests) * 1_000).toFixed(1)
  return `${runtime} ${engine}, ${workers}: ${perSecond} requests/s, ${micros} µs of CPU each, shares ${shares.join(' / ')} %`
}

await requireTools()
console.log(`${availableParallelism()} cores, shared with wrk of ${values.connections} connections`)
for (const runtime of values.runtime.split(',') as RuntimeName[]) {
  for (const engine of values.engine.split(',')) {
    for (const workers of values.workers.split(',')) console.log(await measure(runtime, engine, workers))
  }
}
