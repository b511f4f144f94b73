/**
 * What idle connections cost the hangup engine: CPU, memory, and how late each is closed. `npm run bench:idle -- [--count 0,1000,10000]`.
 * Linux; needs `ulimit -n` above the count. Clients spread over 127.0.0.1 … 127.0.0.4, so that ports suffice.
 */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { type Contender, cpuSeconds, start } from './compare.ts'
import { runtimes } from './contenders.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '0,1000,10000' },
    runtime: { type: 'string', default: runtimes.join() },
  },
})
const counts = values.count.split(',').map(Number)
const idleMs = 20_000
const watchSeconds = 8

const residentBytes = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const percentile = (sorted: readonly number[], p: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? 0

/** Opens them, asks once on each; resolves to how late each is closed by then. */
async function open(port: number, count: number): Promise<{ late: Promise<number[]> }> {
  const late: Promise<number>[] = []
  for (let i = 0; i < count; i++) {
    const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${1 + (i % 4)}` })
    const answered = new Promise<number>((resolve, reject) => {
      socket.once('error', reject)
      socket.once('data', () => resolve(performance.now()))
    })
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const at = answered.then(
      (answeredAt) =>
        new Promise<number>((resolve) => {
          socket.once('end', () => resolve(performance.now() - answeredAt - idleMs))
        }),
    )
    late.push(at)
    if (i % 200 === 199) await answered
  }
  return { late: Promise.all(late) }
}

console.log('| runtime | idle connections | CPU % of a core | KB of memory each | closed late by, p50 – p99 ms |')
console.log('| --- | --- | --- | --- | --- |')
for (const runtime of values.runtime.split(',')) {
  for (const count of counts) {
    const command = runtime === 'deno' ? ['deno', 'run', '-A'] : [runtime]
    const contender: Contender = {
      name: runtime,
      command: [`node_modules/.bin/${command[0]}`, ...command.slice(1), 'bench/servers/idle.ts', String(idleMs)],
    }
    const { port, child } = await start(contender)
    const before = residentBytes(child.pid!)
    const { late } = await open(port, count)
    await sleep(1_000)
    const each = count === 0 ? 0 : (residentBytes(child.pid!) - before) / count / 1024
    const cpuBefore = cpuSeconds(child.pid!)
    await sleep(watchSeconds * 1_000)
    const cpu = ((cpuSeconds(child.pid!) - cpuBefore) / watchSeconds) * 100
    const sorted = (await late).sort((a, b) => a - b)
    const lateness =
      count === 0 ? '–' : `${percentile(sorted, 0.5).toFixed(0)} – ${percentile(sorted, 0.99).toFixed(0)}`
    console.log(`| ${runtime} | ${count.toLocaleString('en')} | ${cpu.toFixed(1)} | ${each.toFixed(1)} | ${lateness} |`)
    child.kill('SIGKILL')
  }
}
