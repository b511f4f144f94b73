/**
 * Goodput under overload: a server whose handlers compute is asked at twice its capacity by clients
 * that give up after a second, on kept connections and on a new one for each request, with
 * `maxLoopLagMs`, with a limit on the accept queue, and with neither. `npm run bench:overload --
 * [--runtime node,bun,deno] [--seconds 10]` Linux.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { markdown } from '../scripts/markdown.ts'
import { commands, type Runtime, runtimes } from './contenders.ts'
import { chosen, positive } from './flags.ts'
import { stampLine, stampOf } from './machine.ts'
import { during, moveToLoadCore } from './process.ts'
import { percentile } from './statistics.ts'

const patienceMs = 1_000
const { values } = parseArgs({
  options: { runtime: { type: 'string', default: runtimes.join() }, seconds: { type: 'string', default: '10' } },
})
const seconds = positive('seconds', values.seconds)

interface Counts {
  good: number
  refused: number
  late: number
}

/** Its connections are kept, as a balancer's are, or each is for one request. */
class Clients {
  readonly counts: Counts = { good: 0, refused: 0, late: 0 }
  readonly answeredAfterMs: number[] = []
  readonly #port: number
  readonly #keeps: boolean
  readonly #idle: Socket[] = []

  constructor(port: number, keeps: boolean) {
    this.#port = port
    this.#keeps = keeps
  }

  async ask(): Promise<void> {
    const socket = this.#idle.pop() ?? connect(this.#port, '127.0.0.1')
    const from = performance.now()
    const answer = await new Promise<string | null>((resolve) => {
      const timer = setTimeout(() => resolve(null), patienceMs)
      const done = (text: string | null) => {
        clearTimeout(timer)
        resolve(text)
      }
      socket.removeAllListeners()
      socket.once('data', (data) => done(data.toString('latin1')))
      socket.once('error', () => done(null))
      socket.once('close', () => done(null))
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    })
    if (answer === null) {
      this.counts.late += 1
      socket.destroy()
      return
    }
    if (answer.startsWith('HTTP/1.1 200')) {
      this.counts.good += 1
      this.answeredAfterMs.push(performance.now() - from)
    } else this.counts.refused += 1
    if (this.#keeps) this.#idle.push(socket)
    else socket.destroy()
  }

  close(): void {
    for (const socket of this.#idle) socket.destroy()
  }
}

/** As many a second as are answered one after the other on a few connections. */
async function capacityOf(port: number, keeps: boolean): Promise<number> {
  const clients = new Clients(port, keeps)
  const until = performance.now() + 3_000
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (performance.now() < until) await clients.ask()
    }),
  )
  clients.close()
  return clients.counts.good / 3
}

async function offered(port: number, keeps: boolean, perSecond: number): Promise<Clients> {
  const clients = new Clients(port, keeps)
  const from = performance.now()
  const asked: Promise<void>[] = []
  for (;;) {
    const elapsed = performance.now() - from
    if (elapsed >= seconds * 1_000) break
    while (asked.length < (elapsed * perSecond) / 1_000) asked.push(clients.ask())
    await sleep(1)
  }
  await Promise.all(asked)
  clients.close()
  return clients
}

await moveToLoadCore()
const rows: string[][] = []
for (const runtime of chosen('runtime', values.runtime, runtimes)) {
  for (const keeps of [true, false]) {
    for (const refuses of ['off', 'lag', 'queue']) rows.push(await measure(runtime, keeps, refuses))
  }
}
console.log(`${stampLine(stampOf(runtimes))}\n`)
console.log(
  markdown(
    [
      'runtime',
      'connections',
      'refuses by',
      'capacity/s',
      'offered/s',
      'good/s',
      'refused/s',
      'given up/s',
      'p99 of good, ms',
    ],
    rows,
  ),
)

function measure(runtime: Runtime, keeps: boolean, refuses: string): Promise<string[]> {
  const contender = { name: refuses, command: [...commands[runtime], 'bench/servers/overload.ts', refuses] }
  return during(contender, async ({ port }) => {
    const capacity = await capacityOf(port, keeps)
    const { counts, answeredAfterMs } = await offered(port, keeps, 2 * capacity)
    const p99 = percentile(
      answeredAfterMs.toSorted((a, b) => a - b),
      0.99,
    )
    const each = (count: number) => (count / seconds).toFixed(0)
    return [
      runtime,
      keeps ? 'kept' : 'new',
      refuses,
      capacity.toFixed(0),
      (2 * capacity).toFixed(0),
      each(counts.good),
      each(counts.refused),
      each(counts.late),
      p99.toFixed(0),
    ]
  })
}
