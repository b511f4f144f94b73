/**
 * What Linux shows of a server on the same machine from outside: its sockets' states, and how many
 * it holds.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { parseTcpTable, type TcpSocketLine } from '../../kernel/tcp-table.ts'
import { type Clock, systemClock } from '../../lifecycle/clock.ts'
import { sleep } from '../../lifecycle/time.ts'

/** Many cases look at once, and the table is one: read it at most every 20 ms. */
const freshMs = 20
/**
 * The kernel walks all of its hash table, a quarter of a million places on a large machine: we look
 * away for so much longer.
 */
const restTimes = 5

class Table {
  readonly #file: string
  #atMs = Number.NEGATIVE_INFINITY
  #restMs = freshMs
  #rows: TcpSocketLine[] | null = null

  constructor(file: string) {
    this.#file = file
  }

  /** How long until a look after `sinceMs` costs no more than its share. */
  restMs(sinceMs: number, clock: Clock): number {
    return this.#atMs >= sinceMs ? 0 : Math.max(0, this.#atMs + this.#restMs - clock.now())
  }

  /** Not seen before `sinceMs`; null where the kernel has no such table: not Linux, or no IPv6. */
  rows(sinceMs: number, clock: Clock): TcpSocketLine[] | null {
    const fromMs = clock.now()
    if (this.#atMs >= sinceMs && fromMs - this.#atMs < this.#restMs) return this.#rows
    this.#atMs = fromMs
    try {
      this.#rows = parseTcpTable(readFileSync(this.#file, 'utf8'))
    } catch {
      this.#rows = null
    }
    this.#restMs = Math.max(freshMs, restTimes * (clock.now() - fromMs))
    return this.#rows
  }
}

const tables = [new Table('/proc/net/tcp'), new Table('/proc/net/tcp6')]
/** Where a server's connections were found last: that one is read first. */
const tableOf = new Map<number, Table>()

/**
 * Every TCP socket of this network namespace, not seen before `sinceMs`; null where the kernel has
 * no such table.
 */
export function tcpRows(sinceMs = 0, clock = systemClock): TcpSocketLine[] | null {
  const seen = tables.map((table) => table.rows(sinceMs, clock))
  return seen.every((rows) => rows === null) ? null : seen.flatMap((rows) => rows ?? [])
}

/** Resolves when the tables may be read, or have been read since: many that wait look once. */
export async function rested(sinceMs: number, clock: Clock): Promise<void> {
  const restMs = Math.max(...tables.map((table) => table.restMs(sinceMs, clock)))
  if (restMs > 0) await sleep(restMs, clock)
}

/**
 * The server's side of one connection as long as a process holds it. Or it may have been left out
 * once: it is missed only twice in a row.
 */
export function heldByServer(
  serverPort: number,
  clientPort: number,
  sinceMs: number,
  clock = systemClock,
): TcpSocketLine | undefined {
  return find(serverPort, clientPort, sinceMs, clock) ?? find(serverPort, clientPort, clock.now(), clock)
}

function find(serverPort: number, clientPort: number, sinceMs: number, clock: Clock): TcpSocketLine | undefined {
  const first = tableOf.get(serverPort)
  for (const table of tables.toSorted((a, b) => Number(b === first) - Number(a === first))) {
    const row = table
      .rows(sinceMs, clock)
      ?.find((one) => one.localPort === serverPort && one.remotePort === clientPort && one.inode !== 0)
    if (!row) continue
    tableOf.set(serverPort, table)
    return row
  }
  return undefined
}

/**
 * Sockets that a process holds; null if it can't be seen (not Linux, another user's process, gone).
 */
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
