/** What Linux shows of a server on the same machine from outside: its sockets' states, and how many it holds. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface Row {
  readonly localPort: number
  readonly remotePort: number
  readonly state: string
  /** 0: no process holds it any more; what is left belongs to the kernel (TIME_WAIT, an orphan's FIN_WAIT). */
  readonly inode: number
}

/** include/net/tcp_states.h */
const states = [
  '',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
]

/** proc_net_tcp(5): `sl local rem st tx:rx tr:tm retrnsmt uid timeout inode …`, numbers in hex but the last ones. */
export function parseRows(text: string): Row[] {
  const rows: Row[] = []
  for (const line of text.split('\n').slice(1)) {
    const [, local, remote, state, , , , , , inode] = line.trim().split(/\s+/)
    if (local === undefined || remote === undefined || state === undefined || inode === undefined) continue
    rows.push({
      localPort: Number.parseInt(local.slice(local.indexOf(':') + 1), 16),
      remotePort: Number.parseInt(remote.slice(remote.indexOf(':') + 1), 16),
      state: states[Number.parseInt(state, 16)] ?? state,
      inode: Number(inode),
    })
  }
  return rows
}

/** Many cases look at once, and the table is one: read it at most every 20 ms. */
const freshMs = 20
let cache: { readonly atMs: number; readonly rows: Row[] | null } = { atMs: Number.NEGATIVE_INFINITY, rows: null }

/** Every TCP socket of this network namespace, not seen before `sinceMs`; null where the kernel has no such table. */
export function tcpRows(sinceMs = 0): Row[] | null {
  const nowMs = performance.now()
  if (cache.atMs >= sinceMs && nowMs - cache.atMs < freshMs) return cache.rows
  let rows: Row[] | null = null
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    try {
      rows = [...(rows ?? []), ...parseRows(readFileSync(file, 'utf8'))]
    } catch {
      // No such table: not Linux, or no IPv6.
    }
  }
  cache = { atMs: nowMs, rows }
  return rows
}

/** The server's side of one connection as long as a process holds it. */
export function heldByServer(serverPort: number, clientPort: number, sinceMs: number): Row | undefined {
  return tcpRows(sinceMs)?.find(
    (row) => row.localPort === serverPort && row.remotePort === clientPort && row.inode !== 0,
  )
}

/** Sockets that a process holds; null if it can't be seen (not Linux, another user's process, gone). */
export function socketCount(pid: number): number | null {
  try {
    return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:')
      } catch {
        return false // Closed between the two looks.
      }
    }).length
  } catch {
    return null
  }
}
