/**
 * How much of the two cores went to processes that have no part in a bench. A round that had to
 * share them says nothing about a server.
 */
import { readFileSync } from 'node:fs'

/** In ticks, of one core in `/proc/stat`. */
export interface CoreTime {
  /** User, nice, system, and what the host gave to others. */
  readonly busy: number
}

/** By number. What interrupts take is left out: it is the load's, and nobody's by name. */
export function coresIn(stat: string): CoreTime[] {
  return [...stat.matchAll(/^cpu\d+ (.*)$/gm)].map(([, columns = '']) => {
    const [user = 0, nice = 0, system = 0, , , , , steal = 0] = columns.split(' ').map(Number)
    return { busy: user + nice + system + steal }
  })
}

/** Seconds of CPU time that children of a shell took: the last line of what its `times` prints. */
export function childSeconds(times: string): number {
  const [line = ''] = times.trim().split('\n').slice(-1)
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  )
}

const ticksPerSecond = 100

/** Seconds that these cores were busy since the machine started; Linux only, else 0. */
export function busySeconds(cores: readonly number[]): number {
  if (process.platform !== 'linux') return 0
  const all = coresIn(readFileSync('/proc/stat', 'utf8'))
  return cores.reduce((sum, core) => sum + (all[core]?.busy ?? 0), 0) / ticksPerSecond
}
