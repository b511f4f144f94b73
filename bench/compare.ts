/**
 * Several servers, one load: started together, loaded in turn, compared round by round, so that a machine that is slow for
 * a moment is slow for all. One core each for the server and the load (Linux; elsewhere unpinned).
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'

export interface Contender {
  readonly name: string
  /** Program and arguments; the port is added as the last one, unless they are made for a port. */
  readonly command: readonly string[] | ((port: number) => readonly string[])
}

export interface Sample {
  readonly requestsPerSec: number
  readonly p99Ms: number
  /** User and system time of the server process for a request. */
  readonly cpuMicros: number
}

export interface Result {
  readonly name: string
  readonly sample: Sample
  /** Median over the rounds of this one ÷ the first. */
  readonly ratio: Sample
}

export interface Load {
  readonly path: string
  readonly connections: number
  /** A wrk script, for what is no GET. */
  readonly script?: string
}

const pinned = process.platform === 'linux'
const serverCore = '0'
const loadCore = '1'
const run = promisify(execFile)

/** A run on a machine with one core, or without wrk, compares nothing: it says so instead. */
export async function requireTools(): Promise<void> {
  if (availableParallelism() < 2) refuse('one core for the server and one for the load are needed')
  for (const tool of pinned ? ['wrk', 'taskset'] : ['wrk']) {
    // wrk --version exits 1.
    const missing = await run(tool, ['--version']).then(
      () => false,
      (error) => error.code === 'ENOENT',
    )
    if (missing) refuse(`${tool} is not installed (Debian and Ubuntu: apt-get install wrk util-linux)`)
  }
}

/** Nothing was measured. */
export function refuse(why: string): never {
  console.error(`bench: ${why}`)
  process.exit(2)
}

/** The names in a flag, each of which must be known: a mistyped one would leave out a table without a word. */
export function chosen<Name extends string>(flag: string, text: string, known: readonly Name[]): Name[] {
  return text
    .split(',')
    .map((name) => known.find((one) => one === name) ?? refuse(`--${flag}: ${name} is none of ${known.join(', ')}`))
}

/** As the flag was given; a round of 0 or NaN seconds measures nothing. */
export function positive(flag: string, text: string): number {
  const value = Number(text)
  return Number.isInteger(value) && value > 0 ? value : refuse(`--${flag}: ${text} is not a whole number above 0`)
}

/** The first is what the others are compared with; who begins changes from round to round. */
export async function compare(
  contenders: readonly Contender[],
  load: Load,
  {
    rounds = 7,
    seconds = 2,
    started = async () => {},
  }: { rounds?: number; seconds?: number; started?: (server: Server) => Promise<void> } = {},
): Promise<Result[]> {
  const servers: Server[] = []
  try {
    for (const contender of contenders) {
      const server = await start(contender)
      servers.push(server)
      await started(server)
    }
    for (const server of servers) await loadFor(server, load, 2)
    const table: Sample[][] = servers.map(() => [])
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < servers.length; turn++) {
        const index = (round + turn) % servers.length
        table[index]![round] = await loadFor(servers[index]!, load, seconds)
      }
    }
    return contenders.map(({ name }, index) => ({
      name,
      sample: medians(table[index]!),
      ratio: medians(
        table[index]!.map((mine, round) => {
          const first = table[0]![round]!
          return {
            requestsPerSec: mine.requestsPerSec / first.requestsPerSec,
            p99Ms: mine.p99Ms / first.p99Ms,
            cpuMicros: mine.cpuMicros / first.cpuMicros,
          }
        }),
      ),
    }))
  } finally {
    for (const { child } of servers) child.kill('SIGKILL')
  }
}

/** One run of wrk against one server. */
export async function loadFor(
  { port, child }: Server,
  { path, connections, script }: Load,
  seconds: number,
): Promise<Sample & { readonly requests: number }> {
  const before = cpuSeconds(child.pid!)
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', ...(script ? ['-s', script] : [])]
  const command = ['wrk', ...args, `http://127.0.0.1:${port}${path}`]
  const [program = '', ...rest] = pinned ? ['taskset', '-c', loadCore, ...command] : command
  const { stdout } = await run(program, rest)
  return parse(stdout, cpuSeconds(child.pid!) - before)
}

export const columns = ['server', 'load', 'requests/s', '×', 'p99 ms', '×', 'CPU µs a request', '×']

export function row({ name, sample, ratio }: Result, load: string): string[] {
  return [
    name,
    load,
    Math.round(sample.requestsPerSec).toLocaleString('en'),
    ratio.requestsPerSec.toFixed(2),
    sample.p99Ms.toFixed(1),
    ratio.p99Ms.toFixed(2),
    sample.cpuMicros.toFixed(1),
    ratio.cpuMicros.toFixed(2),
  ]
}

export const markdown = (rows: readonly (readonly string[])[]): string =>
  [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

export interface Server {
  readonly port: number
  readonly child: ChildProcess
}

/** What the compared servers ask in their turn, beside the load; whoever starts it ends it. */
export const startBackend = (contender: Contender): Promise<Server> => start(contender, loadCore)

/** One server for as long as the work takes; it does not outlive a failure. */
export async function during<T>(contender: Contender, work: (server: Server) => Promise<T>): Promise<T> {
  const server = await start(contender)
  try {
    return await work(server)
  } finally {
    server.child.kill('SIGKILL')
  }
}

async function start({ command }: Contender, core = serverCore): Promise<Server> {
  const port = await freePort()
  const argv = typeof command === 'function' ? command(port) : [...command, String(port)]
  const [program = '', ...args] = pinned ? ['taskset', '-c', core, ...argv] : argv
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  for (let attempt = 0; attempt < 100; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    if (child.exitCode !== null) break
    const answered = await fetch(`http://127.0.0.1:${port}/`).then(
      (response) => response.ok,
      () => false,
    )
    if (answered) return { port, child }
  }
  child.kill('SIGKILL')
  throw new Error(`bench: ${argv.join(' ')} did not answer`)
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}

const ticksPerSecond = 100

/** For a bench whose own process is the load. */
export async function moveToLoadCore(): Promise<void> {
  if (pinned) await run('taskset', ['-acp', loadCore, String(process.pid)])
}

/** Linux only; 0 elsewhere. taskset execs, so the pid is the server's own. */
export function cpuSeconds(pid: number): number {
  if (!pinned) return 0
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Linux only. */
export const residentBytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024

function parse(stdout: string, cpu: number): Sample & { readonly requests: number } {
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(stdout)
  const total = /(\d+) requests in/.exec(stdout)
  const p99 = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout)
  if (!rate || !total || !p99 || /Non-2xx|Socket errors/.test(stdout)) throw new Error(`bench: wrk said\n${stdout}`)
  const unit = { us: 0.001, ms: 1, s: 1000 }[p99[2] as 'us' | 'ms' | 's']
  const requests = Number(total[1])
  return {
    requests,
    requestsPerSec: Number(rate[1]),
    p99Ms: Number(p99[1]) * unit,
    cpuMicros: (cpu * 1e6) / requests,
  }
}

function medians(samples: readonly Sample[]): Sample {
  const median = (of: (sample: Sample) => number) => {
    const sorted = samples.map(of).sort((a, b) => a - b)
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  }
  return {
    requestsPerSec: median((sample) => sample.requestsPerSec),
    p99Ms: median((sample) => sample.p99Ms),
    cpuMicros: median((sample) => sample.cpuMicros),
  }
}
