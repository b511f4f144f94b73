/**
 * Server-sent events to a thousand clients, one numbered event a second each: what that costs the
 * server, and whether every event arrives.
 */
import { connect, type Socket } from 'node:net'
import { type Contender, cpuSeconds, during, type Server } from './process.ts'

export const clients = 1_000
export const seconds = 10
/** A full accept queue drops SYNs, and the kernel tries again after 1, 3 and 7 s. */
const connectMs = 10_000

export interface FanOut {
  readonly name: string
  readonly cpuPercent: number
  /** Events that one client got. */
  readonly least: number
  readonly most: number
  readonly lost: number
}

export async function fanOut(contenders: readonly Contender[]): Promise<FanOut[]> {
  const rows: FanOut[] = []
  for (const contender of contenders) rows.push({ name: contender.name, ...(await during(contender, watch)) })
  return rows
}

async function watch({ port, child }: Server) {
  const listeners = Array.from({ length: clients }, () => new Listener(port))
  try {
    for (const until = performance.now() + connectMs; !listeners.every(({ last }) => last > 0); await sleep(100)) {
      if (performance.now() > until) throw new Error('bench: a client got no event')
    }
    const from = listeners.map(({ last }) => last)
    const before = cpuSeconds(child.pid!)
    await sleep(seconds * 1_000)
    const cpuPercent = ((cpuSeconds(child.pid!) - before) / seconds) * 100
    const counts = listeners.map(({ last }, index) => last - from[index]!)
    const lost = listeners.reduce((sum, listener) => sum + listener.lost, 0)
    return { cpuPercent, least: Math.min(...counts), most: Math.max(...counts), lost }
  } finally {
    for (const { socket } of listeners) socket.destroy()
  }
}

class Listener {
  /** The number of the last event that came. */
  last = 0
  /** Numbers that were passed over. */
  lost = 0
  readonly socket: Socket
  #rest = ''

  constructor(port: number) {
    // A broken stream shows as the client with the fewest events.
    this.socket = connect(port, '127.0.0.1').on('error', () => {})
    this.socket.setEncoding('latin1').on('data', (text: string) => this.#read(text))
    this.socket.write('GET /events HTTP/1.1\r\nHost: a\r\n\r\n')
  }

  #read(text: string): void {
    const seen = this.#rest + text
    let end = 0
    for (const event of seen.matchAll(/data: (\d+)\n\n/g)) {
      const id = Number(event[1])
      this.lost += id - this.last - 1
      this.last = id
      end = event.index + event[0].length
    }
    this.#rest = seen.slice(end)
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
