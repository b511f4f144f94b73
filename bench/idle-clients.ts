/**
 * Clients that ask and then say nothing. They spread over sixteen addresses, so that ports suffice
 * for 100,000.
 */
import { connect } from 'node:net'

export interface Idle {
  /** When the answer came; from then on it is idle. */
  readonly answered: Promise<number>
  /** Asks again; the same of that answer. */
  ask(): Promise<number>
  /**
   * How much later than its limit the FIN came, ms; null if the connection ended in another way.
   */
  readonly late: Promise<number | null>
  /** Ends it from this side. */
  end(): void
}

const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

function ask(port: number, localAddress: string, idleMs: number): Idle {
  // To end its own side as well takes a client longer than it takes the server: that comes when all have seen their FIN.
  const socket = connect({ port, host: '127.0.0.1', localAddress, allowHalfOpen: true })
  let answeredAt = 0
  const again = () =>
    new Promise<number>((resolve, reject) => {
      socket.once('data', () => {
        answeredAt = performance.now()
        resolve(answeredAt)
      })
      socket.once('error', reject)
      socket.once('close', () => reject(new Error('bench: closed without an answer')))
      socket.write(request)
    })
  const late = new Promise<number | null>((resolve) => {
    socket.once('end', () => resolve(performance.now() - answeredAt - idleMs))
    socket.once('close', () => resolve(null))
  })
  return { answered: again(), ask: again, late, end: () => void socket.end() }
}

/** 200 at a time: below every runtime's backlog. */
export async function open(port: number, count: number, idleMs: number): Promise<Idle[]> {
  const connections: Idle[] = []
  while (connections.length < count) {
    const batch = Array.from({ length: Math.min(200, count - connections.length) }, (_, i) =>
      ask(port, `127.0.0.${2 + (i % 16)}`, idleMs),
    )
    await Promise.all(batch.map(({ answered }) => answered))
    connections.push(...batch)
  }
  return connections
}

/** How late each was closed, sorted; rejects if one was not, or not by a FIN. */
export async function lateOf(connections: readonly Idle[], idleMs: number): Promise<number[]> {
  const late = await Promise.race([Promise.all(connections.map((connection) => connection.late)), overdue(idleMs)])
  for (const connection of connections) connection.end()
  const bad = late.filter((ms) => ms === null).length
  if (bad > 0) throw new Error(`bench: ${bad} of ${connections.length} connections ended without a FIN`)
  return late.map(Number).sort((a, b) => a - b)
}

/** A server that leaks must not hold up the bench for ever. */
function overdue(idleMs: number): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error('bench: connections are open long after their limit')), idleMs + 10_000).unref()
  })
}
