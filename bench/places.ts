/**
 * Where a server spends the processor's time: samples that `perf` takes of it under a load, by
 * thread and program.
 */
import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { folder } from './loads.ts'
import { onLoadCore, type Server } from './process.ts'

export const places = ['kernel', 'program', 'compiled', 'beside'] as const

/**
 * Shares of 1: the kernel, the runtime or the server itself with its libraries and collections,
 * what it has compiled of JavaScript, and all its other threads.
 */
export type Places = Readonly<Record<(typeof places)[number], number>>

const perSecond = 2_999
const run = promisify(execFile)

const isThere = spawnSync('perf', ['--version']).status === 0
if (!isThere && process.platform === 'linux') {
  console.error('bench: perf is not installed, profiles are left out (Debian: apt-get install linux-perf)')
}

function placeOf(program: string): keyof Places {
  if (program.startsWith('[kernel') || program.startsWith('[guest.kernel')) return 'kernel'
  // Code that a compiler put into memory has no file; perf names one that it could have.
  return /^\/tmp\/perf-\d+\.map$|^\/\/anon|^\[JIT\]|^anon/.test(program) ? 'compiled' : 'program'
}

/** Of lines as `123/124 7fe970815d18 [unknown] (/usr/bin/node)`: process, thread, address, symbol, program. */
export function placesIn(script: string): Places | null {
  const samples = { kernel: 0, program: 0, compiled: 0, beside: 0 }
  let all = 0
  for (const [, pid, tid, program = ''] of script.matchAll(/^\s*(\d+)\/(\d+)\s.*\(([^()]*)\)\s*$/gm)) {
    samples[pid === tid ? placeOf(program) : 'beside'] += 1
    all += 1
  }
  if (all === 0) return null
  const { kernel, program, compiled, beside } = samples
  return { kernel: kernel / all, program: program / all, compiled: compiled / all, beside: beside / all }
}

/** While `load` runs, which takes as long; null: nobody can look. */
export async function placesUnder(
  { child }: Server,
  seconds: number,
  load: () => Promise<unknown>,
): Promise<Places | null> {
  if (!isThere) return null
  const file = join(folder, `perf-${child.pid}`)
  const [program = '', ...args] = onLoadCore(
    `perf record -q -e cpu-clock -F ${perSecond} -o ${file} -p ${child.pid} -- sleep ${seconds}`.split(' '),
  )
  const [recorded] = await Promise.all([run(program, args).catch((error: Error) => error), load()])
  if (recorded instanceof Error) {
    console.error(`bench: no profile: ${recorded.message}`)
    return null
  }
  const { stdout } = await run('perf', ['script', '-i', file, '-F', 'pid,tid,ip,sym,dso'], { maxBuffer: 2 ** 28 })
  return placesIn(stdout)
}
