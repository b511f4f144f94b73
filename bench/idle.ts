/**
 * What idle connections cost the hangup engine: CPU, memory, and how late each is closed.
 * `npm run bench:idle -- [--runtime node,bun,deno] [--count 0,1000,10000]`
 * Linux; needs `ulimit -n` above the count. Clients spread over 127.0.0.1 … 127.0.0.4, so that ports suffice.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { commands, runtimes } from './contenders.ts'
import { chosen, refuse } from './flags.ts'
import { lateOf, open } from './idle-clients.ts'
import { cpuSeconds, during, residentBytes, type Server } from './process.ts'
import { percentile } from './statistics.ts'

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

async function measure({ port, child }: Server, count: number) {
  const bytesBefore = residentBytes(child.pid!)
  const connections = await open(port, count, idleMs)
  await sleep(settleSeconds * 1_000)
  const kilobytesEach = (residentBytes(child.pid!) - bytesBefore) / count / 1024
  const cpuBefore = cpuSeconds(child.pid!)
  await sleep(watchSeconds * 1_000)
  const cpuPercent = ((cpuSeconds(child.pid!) - cpuBefore) / watchSeconds) * 100
  const first = await connections[0]?.answered
  if (first !== undefined && performance.now() - first > idleMs) {
    throw new Error('bench: opening took so long that some were closed while idling was measured')
  }
  const late = await lateOf(connections, idleMs)
  return { cpuPercent, kilobytesEach, late }
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
