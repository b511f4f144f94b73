/** Processes and their descriptors, from /proc. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface Process {
  readonly pid: number
  /** Of its command line, for a person. */
  readonly name: string
  readonly uid: number
  /** RLIMIT_NOFILE, the soft one. */
  readonly limit: number
  readonly descriptors: number
  /** Its sockets: descriptors by inode. */
  readonly sockets: ReadonlyMap<number, number>
  /** No thread of it runs or waits for a disk. */
  readonly sleeps: boolean
  /** The network namespace, `net:[4026531840]`; null: it cannot be read. */
  readonly network: string | null
}

const proc = (...path: readonly (string | number)[]): string => ['/proc', ...path].join('/')

/** Every process there is. */
export function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

/** Null: it is gone, or its descriptors may not be read. */
function descriptorsOf(pid: number): string[] | null {
  try {
    return readdirSync(proc(pid, 'fd'))
  } catch {
    return null
  }
}

function socketsAt(pid: number, fds: readonly string[]): Map<number, number> {
  const sockets = new Map<number, number>()
  for (const fd of fds) {
    try {
      const link = readlinkSync(proc(pid, 'fd', fd))
      if (link.startsWith('socket:[')) sockets.set(Number(link.slice(8, -1)), Number(fd))
    } catch {
      // It was closed meanwhile.
    }
  }
  return sockets
}

/** A server listens before it accepts: its listeners are among its first descriptors. */
const firstFew = 256

/**
 * Those that hold these sockets. Looks at the first descriptors of each, and at all where somebody
 * is still missing.
 */
export function holdersOf(inodes: ReadonlySet<number>): number[] {
  const readable = pids().flatMap((pid) => {
    const fds = descriptorsOf(pid)
    return fds === null ? [] : [{ pid, fds }]
  })
  const holders = new Set<number>()
  const missing = new Set(inodes)
  for (const isLooked of [(fd: string) => Number(fd) < firstFew, (fd: string) => Number(fd) >= firstFew]) {
    for (const { pid, fds } of readable) {
      for (const inode of socketsAt(pid, fds.filter(isLooked)).keys()) {
        if (!inodes.has(inode)) continue
        holders.add(pid)
        missing.delete(inode)
      }
    }
    if (missing.size === 0) break
  }
  return [...holders]
}

/** Null: it is gone, or it may not be looked into. */
export function readProcess(pid: number): Process | null {
  const fds = descriptorsOf(pid)
  if (fds === null) return null
  try {
    const status = readFileSync(proc(pid, 'status'), 'utf8')
    return {
      pid,
      name: nameOf(pid, status),
      uid: Number(/^Uid:\s+(\d+)/m.exec(status)?.[1] ?? -1),
      limit: Number(/^Max open files\s+(\d+)/m.exec(readFileSync(proc(pid, 'limits'), 'utf8'))?.[1] ?? Infinity),
      descriptors: fds.length,
      sockets: socketsAt(pid, fds),
      sleeps: threadsSleep(pid),
      network: networkOf(pid),
    }
  } catch {
    return null
  }
}

export function countDescriptors(pid: number): number | null {
  return descriptorsOf(pid)?.length ?? null
}

export function networkOf(pid: number | 'self'): string | null {
  try {
    return readlinkSync(proc(pid, 'ns', 'net'))
  } catch {
    return null
  }
}

function nameOf(pid: number, status: string): string {
  const words = readFileSync(proc(pid, 'cmdline'), 'utf8').split('\0').filter(Boolean)
  const short = words.map((word) => word.split('/').at(-1) ?? word).join(' ')
  const name = short || (/^Name:\s+(.*)$/m.exec(status)?.[1] ?? '?')
  return name.length > 60 ? `${name.slice(0, 59)}…` : name
}

function threadsSleep(pid: number): boolean {
  return readdirSync(proc(pid, 'task')).every((task) => {
    try {
      const stat = readFileSync(proc(pid, 'task', task, 'stat'), 'utf8')
      return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) === 'S'
    } catch {
      return true
    }
  })
}

/** linux/capability.h */
export const CAP_SETGID = 6
export const CAP_NET_ADMIN = 12

/** Whether this process has a capability. */
export function isCapable(capability: number): boolean {
  const effective = /^CapEff:\s+([0-9a-f]+)/m.exec(readFileSync(proc('self', 'status'), 'utf8'))?.[1] ?? '0'
  return ((BigInt(`0x${effective}`) >> BigInt(capability)) & 1n) === 1n
}
