/** What Linux shows of a server on the same machine from outside: its sockets' states, and how many it holds. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface Row {
  readonly localPort: number
  readonly remotePort: number
  readonly state: string
  /** Bytes that its owner has written and the other side has not acknowledged. */
  readonly unacknowledged: number
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

/** proc_net_tcp(5): `sl: local rem st tx:rx tr:tm retrnsmt uid timeout inode …`, numbers in hex but the last ones. */
const line = /^ *\d+: [\dA-F]+:([\dA-F]{4}) [\dA-F]+:([\dA-F]{4}) ([\dA-F]{2}) ([\dA-F]+):\S+ \S+ \S+ +\d+ +\d+ (\d+)/gm

/** The kernel gives its table page by page, and where it changes in between a socket may stand in it twice: it counts once. */
export function parseRows(text: string): Row[] {
  const held = new Set<number>()
  const rows: Row[] = []
  for (const [, local = '', remote = '', state = '', unacknowledged = '', inode] of text.matchAll(line)) {
    const row = {
      localPort: Number.parseInt(local, 16),
      remotePort: Number.parseInt(remote, 16),
      state: states[Number.parseInt(state, 16)] ?? state,
      unacknowledged: Number.parseInt(unacknowledged, 16),
      inode: Number(inode),
    }
    if (row.inode !== 0 && held.has(row.inode)) continue
    held.add(row.inode)
    rows.push(row)
  }
  return rows
}

/** Many cases look at once, and the table is one: read it at most every 20 ms. */
const freshMs = 20
/** The kernel walks all of its hash table, a quarter of a million places on a large machine: we look away for so much longer. */
const restTimes = 5

class Table {
  readonly #file: string
  #atMs = Number.NEGATIVE_INFINITY
  #restMs = freshMs
  #rows: Row[] | null = null

  constructor(file: string) {
    this.#file = file
  }

  /** How long until a look after `sinceMs` costs no more than its share. */
  restMs(sinceMs: number): number {
    return this.#atMs >= sinceMs ? 0 : Math.max(0, this.#atMs + this.#restMs - performance.now())
  }

  /** Not seen before `sinceMs`; null where the kernel has no such table: not Linux, or no IPv6. */
  rows(sinceMs: number): Row[] | null {
    const fromMs = performance.now()
    if (this.#atMs >= sinceMs && fromMs - this.#atMs < this.#restMs) return this.#rows
    this.#atMs = fromMs
    try {
      this.#rows = parseRows(readFileSync(this.#file, 'utf8'))
    } catch {
      this.#rows = null
    }
    this.#restMs = Math.max(freshMs, restTimes * (performance.now() - fromMs))
    return this.#rows
  }
}

const tables = [new Table('/proc/net/tcp'), new Table('/proc/net/tcp6')]
/** Where a server's connections were found last: that one is looked at first. */
const tableOf = new Map<number, Table>()

/** Every TCP socket of this network namespace, not seen before `sinceMs`; null where the kernel has no such table. */
export function tcpRows(sinceMs = 0): Row[] | null {
  const seen = tables.map((table) => table.rows(sinceMs))
  return seen.every((rows) => rows === null) ? null : seen.flatMap((rows) => rows ?? [])
}

/** Resolves when the tables may be read, or have been read since: many that wait look once. */
export async function rested(sinceMs: number): Promise<void> {
  const restMs = Math.max(...tables.map((table) => table.restMs(sinceMs)))
  if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs))
}

/** The server's side of one connection as long as a process holds it. Or it may have been left out once: it is missed only twice in a row. */
export function heldByServer(serverPort: number, clientPort: number, sinceMs: number): Row | undefined {
  return find(serverPort, clientPort, sinceMs) ?? find(serverPort, clientPort, performance.now())
}

function find(serverPort: number, clientPort: number, sinceMs: number): Row | undefined {
  const first = tableOf.get(serverPort)
  for (const table of tables.toSorted((a, b) => Number(b === first) - Number(a === first))) {
    const row = table
      .rows(sinceMs)
      ?.find((one) => one.localPort === serverPort && one.remotePort === clientPort && one.inode !== 0)
    if (!row) continue
    tableOf.set(serverPort, table)
    return row
  }
  return undefined
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

/** `Max open files` of a process on this machine (proc_pid_limits(5)), or null. */
export function descriptorLimitOf(pid: number | undefined): number | null {
  if (pid === undefined) return null
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1]
    return soft === undefined ? null : Number(soft)
  } catch {
    return null
  }
}
