/**
 * How soon a server answers after it was started, and how much memory it keeps: ours and the
 * gateway as the npm package has them, beside the runtime's own server. `npm run bench:weight --
 * [--server node-bare,node-hangup,…] [--part start,memory] [--requests 200000,600000,1000000]
 * [--rounds 9] [--keep]`. Builds `dist/` first, unless `--built` says that it is there.
 */
import { spawn, spawnSync } from 'node:child_process'
import { connect } from 'node:net'
import { randomFrom } from '../test/attack/random.ts'
import { collecting, keptBytes } from './collecting.ts'
import { commands, type Runtime, runtimes } from './contenders.ts'
import { chosen, counts, flagsOf, positive, refuse, seedOf } from './flags.ts'
import { inOrder, keep, keptOf } from './kept.ts'
import { folder } from './loads.ts'
import { stampOf } from './machine.ts'
import { type Contender, commandOf, during, freePort, onServerCore, residentBytes, startBackend } from './process.ts'
import { backend, hangup, proxy } from './proxies.ts'
import { type Memory, type Start, type WeightData, weightPage, weightTitles } from './report/weight.ts'
import { median, shuffled } from './statistics.ts'
import { loadFor, requireTools } from './wrk.ts'

const names = Object.keys(weightTitles)
const values = flagsOf({
  server: { type: 'string', default: names.join() },
  part: { type: 'string', default: 'start,memory' },
  requests: { type: 'string', default: '200000,600000,1000000' },
  rounds: { type: 'string', default: '9' },
  built: { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
  seed: { type: 'string' },
})
const servers = chosen('server', values.server, names)
const parts = chosen('part', values.part, ['start', 'memory'] as const)
const marks = counts('requests', values.requests)
const rounds = positive('rounds', values.rounds)
const random = randomFrom(seedOf(values.seed))
const restMs = 1_000
const startsWithinMs = 20_000

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const runtimeOf = (server: string): Runtime | undefined => runtimes.find((runtime) => server.includes(runtime))

function contenderOf(server: string, backendPort: number): Contender {
  const runtime = runtimeOf(server)
  if (runtime === undefined) return proxy(server, folder, backendPort)
  if (server.startsWith('gateway')) return hangup(folder, backendPort, runtime, { cli: 'dist/src/cli.js' })
  return { name: server, command: [...commands[runtime], 'bench/servers/built.ts', server.slice(runtime.length + 1)] }
}

/** Tries to connect until there is an answer. */
async function firstAnswer(port: number): Promise<void> {
  const until = performance.now() + startsWithinMs
  for (; performance.now() < until; await sleep(1)) {
    const answered = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
      socket.once('data', () => resolve(true)).once('close', () => resolve(false))
      socket.once('data', () => socket.destroy()).on('error', () => {})
    })
    if (answered) return
  }
  throw new Error('bench: no answer')
}

async function startMs(contender: Contender): Promise<number> {
  const port = await freePort()
  const [program = '', ...args] = onServerCore(commandOf(contender, port))
  const began = performance.now()
  const child = spawn(program, args, { stdio: 'ignore' })
  try {
    await firstAnswer(port)
    return performance.now() - began
  } finally {
    child.kill('SIGKILL')
  }
}

/** Each against the first of its runtime: all of them in each round. */
async function startsOf(runtime: Runtime, backendPort: number): Promise<Record<string, Start>> {
  const group = servers.filter((server) => runtimeOf(server) === runtime)
  const contenders = new Map(group.map((server) => [server, contenderOf(server, backendPort)]))
  for (const contender of contenders.values()) await startMs(contender)
  const table = new Map<string, number[]>(group.map((server) => [server, []]))
  for (let round = 0; round < rounds; round++) {
    for (const server of shuffled(group, random)) table.get(server)!.push(await startMs(contenders.get(server)!))
  }
  const stamp = stampOf([runtime])
  const first = table.get(group[0] ?? '') ?? []
  return Object.fromEntries(
    group.map((server) => {
      const mine = table.get(server)!
      return [server, { stamp, ms: median(mine), ratio: median(mine.map((ms, round) => ms / first[round]!)) }]
    }),
  )
}

function memoryOf(server: string, backendPort: number): Promise<Memory> {
  const runtime = runtimeOf(server)
  const contender = contenderOf(server, backendPort)
  return during(runtime ? collecting(contender, runtime) : contender, async (running) => {
    await sleep(restMs)
    const bytes: [number, number][] = [[0, residentBytes(running.child.pid!)]]
    let done = 0
    for (const mark of marks) {
      // The clients' connections are made anew each second.
      while (done < mark) done += (await loadFor(running, { path: '/', connections: 64 }, 1)).requests
      bytes.push([mark, residentBytes(running.child.pid!)])
    }
    const stamp = stampOf([...(runtime ? [runtime] : (['nginx'] as const)), 'wrk'])
    const [kept] = runtime ? await keptBytes([running]) : []
    return { stamp, bytes, kept: kept ?? null }
  })
}

await requireTools()
if (
  !values.built &&
  spawnSync('npm', ['run', '--silent', 'build'], { stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0
) {
  refuse('npm run build failed')
}
const starts: Record<string, Start> = {}
const memory: Record<string, Memory> = {}
const behind = servers.some((server) => /gateway|nginx/.test(server)) ? await startBackend(backend(folder)) : null
const backendPort = behind?.port ?? 0
try {
  if (parts.includes('start'))
    for (const runtime of runtimes) Object.assign(starts, await startsOf(runtime, backendPort))
  if (parts.includes('memory')) for (const server of servers) memory[server] = await memoryOf(server, backendPort)
} finally {
  behind?.child.kill('SIGKILL')
}
console.log(weightPage({ starts, memory }))
if (values.keep) {
  const kept = keptOf<WeightData>('weight')
  keep<WeightData>('weight', {
    starts: inOrder({ ...kept.starts, ...starts }, names),
    memory: inOrder({ ...kept.memory, ...memory }, names),
  })
}
