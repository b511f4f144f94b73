/**
 * How many silent clients a server takes before it serves nobody else: one with a process or a
 * thread for each client is soon full, and what is then found of the others is about the queue and
 * not about them.
 */
import { systemClock } from '../../lifecycle/clock.ts'
import { sleep } from '../../lifecycle/time.ts'
import type { Case } from '../case.ts'
import { type Address, authorityOf, Connection } from '../client/client.ts'
import { unseen } from '../judge/verdict.ts'
import type { CaseRun } from '../run.ts'
import { fillPages } from './routes.ts'

export interface Capacity {
  /** Silent clients beside which another was answered. */
  readonly beside: number
  /** Beside so many it was not; null: as many as were tried. */
  readonly full: number | null
}

const answerWithinMs = 5_000
/** Whoever comes first is taken first, but not everywhere. */
const settleMs = 20

/**
 * 1, 2, 4, … silent clients, at most so many, each time with one beside them that asks for the
 * page.
 */
export async function capacityOf(
  address: Address,
  path: string,
  most: number,
  withinMs: number = answerWithinMs,
): Promise<Capacity> {
  const held: Connection[] = []
  const page = fillPages('{hello}', { hello: path }, { measured: {} })
  const head = `GET ${page} HTTP/1.1\r\nHost: ${authorityOf(address)}\r\n`
  let beside = 0
  try {
    for (let count = 1; count <= most; count *= 2) {
      while (held.length < count) {
        const silent = await Connection.open(address)
        held.push(silent)
        silent.send(head)
      }
      await sleep(settleMs, address.clock ?? systemClock)
      if (!(await isServed(address, `${head}Connection: close\r\n\r\n`, withinMs))) return { beside, full: count }
      beside = count
    }
    return { beside, full: null }
  } catch (error) {
    // Nobody is there any more, which is not for here to say; or it takes no more connections.
    const isGone = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED'
    return { beside, full: isGone ? null : held.length + 1 }
  } finally {
    for (const silent of held) silent.destroy()
  }
}

async function isServed(address: Address, request: string, withinMs: number): Promise<boolean> {
  const connection = await Connection.open(address, { timeoutMs: withinMs })
  try {
    connection.send(request)
    await connection.until(
      () => connection.reader.answers.length > 0 || connection.end !== 'open',
      connection.clock.now() + withinMs,
    )
    return connection.reader.answers.length > 0
  } finally {
    connection.destroy()
  }
}

export const besideCase: Case = {
  id: 'silent-beside-others',
  level: 'policy',
  title: 'Clients that stop in a request head keep nobody else waiting',
  why: 'A server that gives each client a process or a thread to wait in is full when as many clients are silent. Nothing has to be sent, and nothing is in a log.',
  spec: ['CVE-2007-6750'],
  profile: 'timed',
  steps: [{ alive: true }],
}

export function besideRun({ full }: Capacity): CaseRun {
  const clients = full === 1 ? 'one client' : `${full} clients`
  return {
    ...{ ...unseen, id: besideCase.id },
    verdict: full === null ? 'pass' : 'fail',
    reason:
      full === null
        ? null
        : `with ${clients} stopped in a head, nobody else was answered within ${answerWithinMs / 1_000} s`,
  }
}
