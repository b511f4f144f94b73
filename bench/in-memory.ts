/**
 * The socket engine with many idle connections on sockets in memory: what is ours of their cost,
 * without the runtime's and the kernel's share, and beyond the descriptors that a process may have.
 * Run by `scale.ts`, on each runtime: `in-memory.ts CONNECTIONS`; prints JSON.
 */
import { setImmediate } from 'node:timers'
import { backgroundClock } from '../src/lifecycle/clock.ts'
import { LongLived } from '../src/lifecycle/long-lived.ts'
import type { Accept, Transport, TransportEvents } from '../src/net/transport.ts'
import { Observer } from '../src/observe/observer.ts'
import { enforcementOf } from '../src/policy/enforcement.ts'
import { resolveOptions } from '../src/policy/resolve.ts'
import { serveOnSockets } from '../src/serve/socket-engine.ts'
import { app } from './servers/hello.ts'
import { median, percentile } from './statistics.ts'

export interface InMemory {
  readonly connections: number
  readonly cpuPercent: number
  readonly bytesEach: number
  readonly lateMs: { readonly p50: number; readonly p99: number }
  /** CPU time of a hello alone ÷ beside them. */
  readonly throughput: number
}

class MemorySocket implements Transport {
  readonly peer = { address: '127.0.0.1', port: 1, family: 'IPv4' } as const
  readonly unsent = 0
  events!: TransportEvents
  writtenAt = 0
  endedAt = 0

  write(): boolean {
    this.writtenAt = performance.now()
    return true
  }
  pause(): void {}
  resume(): void {}
  end(): void {
    this.#end()
  }
  destroy(): void {
    this.#end()
  }
  reset(): void {
    this.#end()
  }
  #end(): void {
    if (this.endedAt !== 0) return
    this.endedAt = performance.now()
    setImmediate(() => this.events.gone())
  }
}

declare const Bun: { gc(force: true): void }
const inUse = (): number => {
  if ('Bun' in globalThis) Bun.gc(true)
  else (globalThis as unknown as { gc(): void }).gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const request = new TextEncoder().encode('GET / HTTP/1.1\r\nHost: a\r\n\r\n')

const count = Number(process.argv.at(-1))
const idleTimeoutMs = 30_000
const watchMs = 5_000
/** In about a millisecond. */
const openAtOnce = 25
const options = { idleTimeoutMs, globals: 'replace', signals: false, log: () => {} } as const
const resolved = resolveOptions(options)
let accept!: Accept
await serveOnSockets(
  {
    app,
    options,
    resolved,
    runtime: 'memory',
    why: 'a bench',
    observer: new Observer(backgroundClock),
    companions: { admin: null },
    longLived: new LongLived(resolved.policy, Math.random),
  },
  {
    async listen(_, accepted) {
      accept = accepted
      return { host: '127.0.0.1', port: 80, stop() {} }
    },
    enforcement: () => enforcementOf('socketEngine'),
    descriptors: () => null,
  },
  { env: () => undefined },
)

function connect(socket: MemorySocket): void {
  socket.events = accept(socket)
}

const busy = Array.from({ length: 64 }, () => new MemorySocket())
busy.forEach(connect)

/** CPU time of this process for a request on the busy ones. */
async function micros(): Promise<number> {
  const rounds: number[] = []
  for (let round = 0; round < 5; round++) {
    const before = process.cpuUsage()
    let done = 0
    for (const began = performance.now(); performance.now() - began < 400; done += busy.length) {
      for (const { events } of busy) events.feed(request)
      await turn()
    }
    const { user, system } = process.cpuUsage(before)
    rounds.push((user + system) / done)
  }
  return median(rounds)
}

await micros()
const alone = await micros()
const sockets = Array.from({ length: count }, () => new MemorySocket())
const before = inUse()
for (const [index, socket] of sockets.entries()) {
  connect(socket)
  socket.events.feed(request)
  // As fast as a core accepts them, not in one instant.
  if (index % openAtOnce === 0) await sleep(1)
}
await turn()
const bytesEach = (inUse() - before) / count
// What was made for them becomes old first.
await sleep(1_000)
const beside = await micros()
await sleep(500)
const cpuBefore = process.cpuUsage()
await sleep(watchMs)
const { user, system } = process.cpuUsage(cpuBefore)
while (sockets.some(({ endedAt }) => endedAt === 0)) await sleep(200)
const late = sockets.map(({ endedAt, writtenAt }) => endedAt - writtenAt - idleTimeoutMs).sort((a, b) => a - b)
const measured: InMemory = {
  connections: count,
  cpuPercent: (user + system) / 10 / watchMs,
  bytesEach,
  lateMs: { p50: percentile(late, 0.5), p99: percentile(late, 0.99) },
  throughput: alone / beside,
}
console.log(JSON.stringify(measured))
process.exit()
