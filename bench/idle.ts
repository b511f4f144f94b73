/**
 * What idle connections cost the hangup engine: CPU, memory, and how late each is closed.
 * `npm run bench:idle -- [--runtime node,bun,deno] [--count 0,1000,10000]`
 * Linux; needs `ulimit -n` above the count. Clients spread over 127.0.0.1 … 127.0.0.4, so that ports suffice.
 */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { chosen, cpuSeconds, during, refuse, residentBytes, type Server } from './compare.ts'
import { commands, runtimes } from './contenders.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '0,1000,10000' },
    runtime: { type: 'string', default: runtimes.join() },
  },
})
const counts = values.count.split(',').map(Number)
const chosenRuntimes = chosen('runtime', values.runtime, runtimes)
const idleMs = 20_000
const settleSeconds = 1
const watchSeconds = 8

if (process.platform !== 'linux') refuse('CPU and memory of the server are read from /proc: Linux only')
// The hard limit: Node, Bun and Deno raise the soft one to it when they start. 100 for what a runtime opens itself.
const descriptors = Number(/Max open files\s+\S+\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 'NaN')
if (counts.some((count) => !Number.isInteger(count) || count < 0)) refuse(`--count: ${values.count}`)
if (Math.max(...counts) + 100 > descriptors) refuse(`ulimit -Hn is ${descriptors}`)

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const percentile = (sorted: readonly number[], p: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN

interface Idle {
  /** When the answer came; from then on it is idle. */
  readonly answered: Promise<number>
  /** How much later than its limit the FIN came, ms; null if the connection ended in another way. */
  readonly late: Promise<number | null>
}

function ask(port: number, localAddress: string): Idle {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  let answeredAt = 0
  const answered = new Promise<number>((resolve, reject) => {
    socket.once('data', () => {
      answeredAt = performance.now()
      resolve(answeredAt)
    })
    socket.on('error', reject)
    socket.once('close', () => reject(new Error('bench: closed without an answer')))
  })
  const late = new Promise<number | null>((resolve) => {
    socket.once('end', () => resolve(performance.now() - answeredAt - idleMs))
    socket.once('close', () => resolve(null))
  })
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  return { answered, late }
}

/** 200 at a time: below every runtime's backlog. */
async function open(port: number, count: number): Promise<Idle[]> {
  const connections: Idle[] = []
  while (connections.length < count) {
    const batch = Array.from({ length: Math.min(200, count - connections.length) }, (_, i) =>
      ask(port, `127.0.0.${1 + (i % 4)}`),
    )
    await Promise.all(batch.map(({ answered }) => answered))
    connections.push(...batch)
  }
  return connections
}

async function measure({ port, child }: Server, count: number) {
  const bytesBefore = residentBytes(child.pid!)
  const connections = await open(port, count)
  await sleep(settleSeconds * 1_000)
  const kilobytesEach = (residentBytes(child.pid!) - bytesBefore) / count / 1024
  const cpuBefore = cpuSeconds(child.pid!)
  await sleep(watchSeconds * 1_000)
  const cpuPercent = ((cpuSeconds(child.pid!) - cpuBefore) / watchSeconds) * 100
  const first = await connections[0]?.answered
  if (first !== undefined && performance.now() - first > idleMs) {
    throw new Error('bench: opening took so long that some were closed while idling was measured')
  }
  const late = await Promise.race([Promise.all(connections.map((connection) => connection.late)), overdue()])
  const bad = late.filter((ms) => ms === null).length
  if (bad > 0) throw new Error(`bench: ${bad} of ${count} connections ended without a FIN`)
  return { cpuPercent, kilobytesEach, late: late.map(Number).sort((a, b) => a - b) }
}

/** A server that leaks must not hold up the bench for ever. */
function overdue(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error('bench: connections are open long after their limit')), idleMs + 10_000).unref()
  })
}

console.log('| runtime | idle connections | CPU % of a core | KB of memory each | closed late by, p50 – p99 ms |')
console.log('| --- | --- | --- | --- | --- |')
for (const runtime of chosenRuntimes) {
  for (const count of counts) {
    const command = [...commands[runtime], 'bench/servers/idle.ts', String(idleMs)]
    const { cpuPercent, kilobytesEach, late } = await during({ name: runtime, command }, (server) =>
      measure(server, count),
    )
    const each = count === 0 ? '–' : kilobytesEach.toFixed(1)
    const lateness = count === 0 ? '–' : `${percentile(late, 0.5).toFixed(0)} – ${percentile(late, 0.99).toFixed(0)}`
    console.log(`| ${runtime} | ${count.toLocaleString('en')} | ${cpuPercent.toFixed(1)} | ${each} | ${lateness} |`)
  }
}
