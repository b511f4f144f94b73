/**
 * Mixed traffic for half an hour on every engine and the gateway, all runtimes at once: nothing may
 * be lost, and descriptors and memory must be back to where they were, judged from outside. `npm
 * run bench:soak -- [--minutes 30] [--runtime node,bun,deno] [--seed N] [--keep]`; exits 1 if
 * anything is wrong. With `--leaky` each server forgets one descriptor, which has to be seen.
 * Linux.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { randomFrom } from '../test/attack/random.ts'
import { commands, type Runtime, runtimes } from './contenders.ts'
import { chosen, flagsOf, positive, refuse, seedOf } from './flags.ts'
import { keep } from './kept.ts'
import { folder } from './loads.ts'
import { stampOf } from './machine.ts'
import { freePort } from './process.ts'
import { type SoakData, type SoakRow, soakPage } from './report/soak.ts'
import { soakLimits } from './soak/limits.ts'
import { look, type Seen, thirds, wrongOf } from './soak/outside.ts'
import { type Target, Traffic } from './soak/traffic.ts'

const values = flagsOf({
  minutes: { type: 'string', default: '30' },
  runtime: { type: 'string', default: runtimes.join() },
  leaky: { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
  seed: { type: 'string' },
})
const minutes = positive('minutes', values.minutes)
const chosenRuntimes = chosen('runtime', values.runtime, runtimes)
const random = randomFrom(seedOf(values.seed))
if (process.platform !== 'linux') refuse('descriptors, sockets and memory are read from /proc: Linux only')

/** What a process keeps for good once it has seen everything is not what it leaks. */
const warmUpMs = Math.min(minutes * 60_000 * 0.2, 5 * 60_000)
const reloadEveryMs = 10_000
const weighEveryMs = 10_000
const startsWithinMs = 20_000
/** Longer than the longest limit. */
const settlesWithinMs = 60_000
/** Of these, none may be in a log. */
const faults = /\[(ENGINE_ERROR|CONN_ILLEGAL_MOVE|APPLICATION_ERROR|UNUSABLE_RESPONSE|BODY_LENGTH)\]/g

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const pem = (name: string) => fileURLToPath(new URL(`../test/fixtures/tls/${name}.pem`, import.meta.url))

class Soaked {
  readonly target: Target
  readonly traffic: Traffic
  readonly child: ChildProcess
  errors = 0
  reloads = 0
  reloaded = 0
  before!: Seen
  /** Its resident size, over the time that counts. */
  readonly resident: number[] = []
  #said = ''

  constructor(target: Target, command: readonly string[]) {
    this.target = target
    this.traffic = new Traffic(target, random)
    const [program = '', ...args] = command
    this.child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-4_000)
      for (const line of text.match(/.*\[[A-Z_]+\]$/gm) ?? []) {
        if (line.endsWith('[RELOADED]')) this.reloaded += 1
        else if (faults.test(line)) {
          this.errors += 1
          console.error(`${target.name}: ${line}`)
        }
        faults.lastIndex = 0
      }
    })
  }

  get ended(): string | null {
    const { exitCode, signalCode } = this.child
    return exitCode === null && signalCode === null ? null : `${signalCode ?? `status ${exitCode}`}: ${this.#said}`
  }

  look(): Seen {
    return this.ended === null ? look(this.child.pid!, this.target.port) : { descriptors: 0, sockets: 0, bytes: 0 }
  }

  async starts(): Promise<void> {
    for (const until = performance.now() + startsWithinMs; performance.now() < until; await sleep(100)) {
      if (this.ended !== null) break
      if (
        await this.traffic.ask('/').then(
          () => true,
          () => false,
        )
      )
        return
    }
    throw new Error(`bench: ${this.target.name} did not answer: ${this.ended ?? this.#said}`)
  }

  /** Once it has no sockets and is no better than before, or the longest limit is over. */
  async settles(): Promise<Seen> {
    await sleep(3_000)
    for (const until = performance.now() + settlesWithinMs; performance.now() < until; await sleep(1_000)) {
      const seen = this.look()
      if (seen.sockets === 0 && (!this.before || seen.descriptors <= this.before.descriptors)) break
    }
    return this.look()
  }

  row(after: Seen): SoakRow {
    const { asked, lost, rude, late } = this.traffic.tally
    const { before, errors, ended, reloads } = this
    const reloadsLost = Math.max(0, reloads - this.reloaded)
    if (reloadsLost > 0) console.error(`${this.target.name}: ${reloadsLost} of ${reloads} reloads were not done`)
    const [bytesBefore, bytesAfter] = thirds(this.resident) ?? [before.bytes, after.bytes]
    return {
      server: this.target.name,
      asked,
      rude,
      late,
      reloads,
      before: { ...before, bytes: bytesBefore },
      after: { ...after, bytes: bytesAfter },
      errors,
      ended,
      lost: lost.length + reloadsLost,
    }
  }
}

async function serverOf(runtime: Runtime, engine: string, how: 'plain' | 'tls'): Promise<Soaked> {
  const port = await freePort()
  const name = `${runtime}, ${engine} engine${how === 'tls' ? ', TLS' : ''}`
  const leaky = values.leaky && how === 'plain' ? 'leaky' : how
  const command = [...commands[runtime], 'bench/servers/soak.ts', engine, leaky, String(port)]
  return new Soaked({ name, port, secure: how === 'tls' }, command)
}

/** Its configuration changes all the time: to the other engine, and back. */
class Reloaded extends Soaked {
  readonly #path: string
  readonly #listen: object
  readonly #upstreams: readonly Soaked[]

  constructor(target: Target, runtime: Runtime, upstreams: readonly Soaked[]) {
    const path = join(folder, `${target.port}.json`)
    const tls = target.secure && { tls: [{ cert: pem('cert'), key: pem('key') }] }
    const listen = { host: '127.0.0.1', port: target.port, ...tls }
    // Before the first reload it has to be there.
    writeFileSync(path, JSON.stringify(configuration(listen, upstreams[0]!)))
    super(target, [
      ...commands[runtime],
      'src/cli.ts',
      'gateway',
      '--report',
      'none',
      '--log',
      'text',
      '--config',
      path,
    ])
    this.#path = path
    this.#listen = listen
    this.#upstreams = upstreams
  }

  reload(): void {
    this.reloads += 1
    const upstream = this.#upstreams[this.reloads % this.#upstreams.length]!
    writeFileSync(`${this.#path}.new`, JSON.stringify(configuration(this.#listen, upstream)))
    renameSync(`${this.#path}.new`, this.#path)
  }
}

const configuration = (listen: object, { target: { port } }: Soaked) => ({
  listen,
  to: `http://127.0.0.1:${port}`,
  ...soakLimits,
})

async function all(): Promise<{ servers: Soaked[]; gateways: Reloaded[] }> {
  const servers: Soaked[] = []
  const gateways: Reloaded[] = []
  for (const runtime of chosenRuntimes) {
    const plain = [await serverOf(runtime, 'native', 'plain'), await serverOf(runtime, 'hangup', 'plain')]
    servers.push(...plain, await serverOf(runtime, 'native', 'tls'), await serverOf(runtime, 'hangup', 'tls'))
    for (const secure of [false, true]) {
      const name = `gateway on ${runtime}${secure ? ', TLS' : ''}`
      gateways.push(new Reloaded({ name, port: await freePort(), secure }, runtime, plain))
    }
  }
  return { servers, gateways }
}

/** Those of one phase: a loop of traffic ends with it. */
async function traffic(of: readonly Soaked[], gateways: readonly Reloaded[], forMs: number): Promise<void> {
  for (const soaked of of) soaked.traffic.start()
  const reloads = setInterval(() => {
    for (const gateway of gateways) gateway.reload()
  }, reloadEveryMs)
  const told = setInterval(tell, 60_000, of)
  const weighed = setInterval(() => {
    for (const one of of) if (one.before && one.ended === null) one.resident.push(one.look().bytes)
  }, weighEveryMs)
  await sleep(forMs)
  clearInterval(weighed)
  clearInterval(reloads)
  clearInterval(told)
  await Promise.all(of.map((soaked) => soaked.traffic.stop()))
}

function tell(of: readonly Soaked[]): void {
  const [asked, lost] = [0, 0].map((_, i) =>
    of.reduce((sum, { traffic: { tally } }) => sum + (i === 0 ? tally.asked : tally.lost.length), 0),
  )
  const descriptors = of.map((soaked) => soaked.look().descriptors).join(' ')
  console.error(`${new Date().toISOString()} asked ${asked}, lost ${lost}; descriptors ${descriptors}`)
}

const { servers, gateways } = await all()
const soaked = [...servers, ...gateways]
process.once('exit', () => {
  for (const { child } of soaked) child.kill('SIGKILL')
})
await Promise.all(servers.map((server) => server.starts()))
await Promise.all(gateways.map((gateway) => gateway.starts()))
await traffic(soaked, gateways, warmUpMs)
const before = await Promise.all(soaked.map((one) => one.settles()))
for (const [index, one] of soaked.entries()) one.before = before[index]!
if (values.leaky) await Promise.all(servers.map((server) => server.traffic.ask('/leak')))
await traffic(soaked, gateways, minutes * 60_000 - warmUpMs)
const after = await Promise.all(soaked.map((one) => one.settles()))
const rows = soaked.map((one, index) => one.row(after[index]!))
const data: SoakData = { stamp: stampOf(chosenRuntimes), minutes, rows }
for (const { traffic } of soaked) for (const lost of traffic.tally.lost.slice(0, 20)) console.error(lost)
console.log(soakPage(data))
if (values.keep) keep<SoakData>('soak', data)
process.exitCode = rows.some((row) => wrongOf(row).length > 0) ? 1 : 0
for (const { child } of soaked) child.kill('SIGKILL')
