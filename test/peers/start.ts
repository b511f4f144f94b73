/** Starts a peer, and ends it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from '../lib/free-port.ts'
import { root } from '../lib/runtimes.ts'
import type { Peer, Variant } from './peer.ts'

const listensWithinMs = 30_000
const endsWithinMs = 3_000
const builtWithinMs = 120_000
/** Of what it says the end is kept: why it did not start. */
const keptBytes = 4_000

export type Places = Readonly<Record<'port' | 'origin' | 'tmp', string>>

export function fill(text: string, places: Partial<Places>): string {
  const all: Record<string, string> = {
    ...places,
    apps: `${root}test/peers/apps`,
    bin: `${root}node_modules/.bin`,
    tools: `${root}test/node_modules/.bin`,
  }
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => all[name] ?? whole)
}

/** What it says of its version, or null: it is not installed. */
export async function versionOf({ version }: Peer): Promise<string | null> {
  try {
    const said = await run(version, {})
    return /\d+([.-]\d+)+/.exec(said)?.[0] ?? said.trim()
  } catch {
    return null
  }
}

/** Runs a command to its end. Throws with what it said if that is not 0. */
export async function run(argv: readonly string[], places: Partial<Places>): Promise<string> {
  const [program = '', ...args] = argv.map((word) => fill(word, places))
  const { stdout, stderr } = await promisify(execFile)(program, args, { cwd: root, timeout: builtWithinMs })
  return `${stdout}${stderr}`
}

export interface Started {
  readonly pid: number
  readonly port: number
  /** SIGTERM, then SIGKILL, to it and to all that it has started. */
  stop(): Promise<void>
}

/** Resolves when it listens. Throws with the end of what it said if it does not. */
export async function start(
  { argv, env = {}, files = {} }: Pick<Variant, 'argv' | 'env' | 'files'>,
  given: Omit<Places, 'port'>,
): Promise<Started> {
  const port = await freePort()
  const places = { ...given, port: String(port) }
  await mkdir(given.tmp, { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(`${given.tmp}/${name}`, fill(text, places))
  const [program = '', ...args] = argv.map((word) => fill(word, places))
  const filled = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fill(value, places)]))
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, ...filled },
    // A group of its own: its workers end with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-keptBytes)
    })
  }
  let failed: Error | null = null
  child.once('error', (error) => {
    failed = error
  })
  const untilMs = performance.now() + listensWithinMs
  while (!(await listens(port))) {
    const why = failed ?? (hasEnded(child) ? 'it ended' : performance.now() > untilMs ? 'it does not listen' : null)
    if (why !== null) {
      await stop(child)
      throw new Error(`${argv.join(' ')}: ${why}\n${said}`)
    }
    await sleep(100)
  }
  return { pid: child.pid as number, port, stop: () => stop(child) }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return
  signal(child.pid, 'SIGTERM')
  const untilMs = performance.now() + endsWithinMs
  while (!hasEnded(child) && performance.now() < untilMs) await sleep(50)
  signal(child.pid, 'SIGKILL')
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function listens(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ port, host: '127.0.0.1' })
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}
