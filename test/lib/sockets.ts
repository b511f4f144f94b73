/**
 * What the kernel says of a process's sockets, its descriptors and its use of the machine (Linux).
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { tcpRows } from '../../src/probe/client/kernel.ts'

const proc = (pid: number, name: string): string => readFileSync(`/proc/${pid}/${name}`, 'utf8')

export const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

/**
 * How many network sockets it holds, listeners too, in whatever state: the kernel's own lists leave
 * out those that were reset. Other descriptors and Unix sockets a runtime opens as it likes.
 */
export function socketsOf(pid: number): number {
  // The inode is the seventh of a line's columns.
  const unix = new Set(
    proc(pid, 'net/unix')
      .split('\n')
      .map((line) => `socket:[${line.trim().split(/\s+/)[6]}]`),
  )
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      const link = readlinkSync(`/proc/${pid}/fd/${fd}`)
      return link.startsWith('socket:') && !unix.has(link)
    } catch {
      // Closed meanwhile.
      return false
    }
  }).length
}

/** Connections to a port of this machine that its process holds, as its kernel shows them. */
export function connectionsTo(port: number): number {
  const rows = tcpRows(performance.now()) ?? []
  return rows.filter(({ localPort, state, inode }) => localPort === port && state !== 'LISTEN' && inode !== 0).length
}

/** In user mode and in the kernel so far: proc_pid_stat(5), in hundredths of a second. */
export function cpuMsOf(pid: number): number {
  const fields = proc(pid, 'stat')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Its memory in this moment. */
export const residentBytesOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(proc(pid, 'status'))?.[1] ?? 0) * 1024
