/** One run of wrk against one server, on a core of its own. */
import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { refuse } from './flags.ts'
import { get, standstillMs } from './loads.ts'
import { busySeconds, childSeconds } from './neighbours.ts'
import { backendSeconds, cores, cpuSeconds, onLoadCore, pinned, type Server, withWords } from './process.ts'

export interface Sample {
  /** User and system time of the server process for a request. */
  readonly cpuMicros: number
  readonly requestsPerSec: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface Load {
  readonly path: string
  readonly connections: number
  /** One of `loads.ts`, for what is more than a GET. */
  readonly script?: string
}

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

export interface Loaded extends Sample {
  readonly requests: number
  /** Of the time, what others took of the cores. */
  readonly disturbed: number
}

/** Its children's times are on the last lines of its output. */
const timed = (command: readonly string[]): readonly string[] => ['sh', '-c', '"$@" && times', 'sh', ...command]

/** Fails if the server is gone, or answers anything but 2xx. */
export async function loadFor(server: Server, load: Load, seconds: number): Promise<Loaded> {
  const { path, connections, script = get } = load
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script]
  const url = `${server.secure ? 'https' : 'http'}://127.0.0.1:${server.port}${path}`
  const [program = '', ...rest] = timed(onLoadCore(['wrk', ...args, url]))
  const before = times(server)
  try {
    const { stdout } = await run(program, rest)
    const after = times(server)
    const cpu = after.server - before.server
    const ours = cpu + (after.beside - before.beside) + childSeconds(stdout)
    const disturbed = Math.max(0, after.busy - before.busy - ours) / (after.at - before.at)
    return { ...parse(stdout, cpu), disturbed }
  } catch (error) {
    throw withWords(error, server)
  }
}

/** Seconds: of the clock, of the cores, of the server, and of what else has a part in it. */
function times({ child }: Server) {
  const { user, system } = process.cpuUsage()
  return {
    at: performance.now() / 1_000,
    busy: busySeconds(cores),
    server: cpuSeconds(child.pid!),
    beside: (user + system) / 1e6 + backendSeconds(),
  }
}

function parse(stdout: string, cpu: number): Sample & { readonly requests: number } {
  const measured = /^measured (\d+) requests in (\d+) us, p50 (\d+) us, p99 (\d+) us$/m.exec(stdout)
  if (!measured || /Non-2xx|Socket errors/.test(stdout)) throw new Error(`bench: wrk said\n${stdout}`)
  const [requests = 0, micros = 0, p50Micros = 0, p99Micros = 0] = measured.slice(1).map(Number)
  return {
    requests,
    cpuMicros: (cpu * 1e6) / requests,
    requestsPerSec: requests / (micros / 1e6 - standstillMs / 1_000),
    p50Ms: p50Micros / 1_000,
    p99Ms: p99Micros / 1_000,
  }
}
