/**
 * How many processes can compute at once: the cores that this one may use, and what its cgroup
 * leaves of them.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

export function cores(available = availableParallelism(), quota = readQuota()): number {
  return Math.max(1, Math.min(available, quota))
}

/** cgroup v2: `max 100000`, or a quota and its period. Part of a core counts as one. */
export function quotaOf(text: string): number {
  const [, most, period] = /^(\d+) (\d+)\s*$/.exec(text) ?? []
  return most === undefined ? Number.POSITIVE_INFINITY : Math.ceil(Number(most) / Number(period))
}

function readQuota(): number {
  try {
    return quotaOf(readFileSync('/sys/fs/cgroup/cpu.max', 'utf8'))
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
