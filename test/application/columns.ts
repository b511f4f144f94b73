/** What the suite is run on: each engine, started by the command and in code, without and with TLS. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { environment, root } from '../conformance/server.ts'
import { type HostRuntime, handlerTimeoutMs, type Transport } from './case.ts'
import type { Address } from './http1-client.ts'

export interface Engine {
  readonly runtime: HostRuntime
  readonly command: readonly string[]
  readonly engine: 'native' | 'hangup'
  readonly http2: boolean
}

const engine = (runtime: HostRuntime, kind: 'native' | 'hangup', http2 = false): Engine => ({
  runtime,
  command: runtime === 'deno' ? ['deno', 'run', '-A'] : [runtime],
  engine: kind,
  http2,
})

export const engineNames = ['node', 'node-hangup', 'bun', 'bun-hangup', 'deno', 'deno-hangup'] as const
export type EngineName = (typeof engineNames)[number]

export const engines: Readonly<Record<EngineName, Engine>> = {
  node: engine('node', 'native', true),
  'node-hangup': engine('node', 'hangup'),
  bun: engine('bun', 'native'),
  'bun-hangup': engine('bun', 'hangup'),
  deno: engine('deno', 'native', true),
  'deno-hangup': engine('deno', 'hangup'),
}

/** `command`: the command line, where the hangup engines replace the globals; `code`: `serve()`, where they are kept; `guarded`: with a limit on handlers. */
export const starts = ['command', 'code', 'guarded'] as const
export type Start = (typeof starts)[number]

export interface Column {
  readonly name: EngineName
  readonly start: Start
  readonly tls: boolean
  /** What is spoken there, one after the other. */
  readonly transports: readonly Transport[]
}

export const columnsOf = (name: EngineName): Column[] =>
  starts.flatMap((start) =>
    (start === 'guarded' ? [false] : [false, true]).map((tls) => ({
      name,
      start,
      tls,
      transports: !tls ? ['tcp'] : engines[name].http2 ? ['tls', 'h2'] : ['tls'],
    })),
  )

export interface AppServer {
  readonly address: Address
  /** Standard output and error so far. */
  log(): string
  /** How the process ended, while nobody had stopped it. */
  died(): string | null
  readonly exited: Promise<void>
  stop(): Promise<void>
}

const startWithinMs = 60_000
const running = new Set<ChildProcess>()
process.on('exit', () => running.forEach((child) => void child.kill('SIGKILL')))

const files = { cert: 'test/fixtures/tls/cert.pem', key: 'test/fixtures/tls/key.pem' }
/** Connections wait for their next case. */
const idleTimeoutMs = 60_000
const at = { host: '127.0.0.1', port: 0 }

export async function startColumn({ name, start, tls }: Column, backend: string): Promise<AppServer> {
  const { runtime, command, engine: kind } = engines[name]
  const [program = '', ...before] = command
  const args =
    start === 'command'
      ? [
          `runtimes/${runtime}.ts`,
          ...['--engine', kind, '--host', at.host, '--port', '0', '--report', 'json'],
          ...['--app', 'test/application/app.ts'],
          ...['--idle-timeout', `${idleTimeoutMs / 1000}s`],
          ...(tls ? ['--tls-cert', files.cert, '--tls-key', files.key] : []),
        ]
      : [
          'test/application/server.ts',
          JSON.stringify({
            ...at,
            engine: kind,
            idleTimeoutMs,
            ...(start === 'guarded' && { handlerTimeoutMs }),
            ...(tls && {
              tls: { cert: readFileSync(root + files.cert, 'utf8'), key: readFileSync(root + files.key, 'utf8') },
            }),
          }),
        ]
  const child = spawn(program, [...before, ...args], {
    cwd: root,
    env: { ...environment, APPLICATION_BACKEND: backend, HANGUP_LOG: 'text' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let log = ''
  let ended: string | null = null
  let stopped = false
  const { promise: listening, resolve, reject } = Promise.withResolvers<string>()
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    log += text
    stdout += text
    const url = /^\{.*"url":"([^"]+)"/m.exec(stdout)?.[1]
    if (url !== undefined) resolve(url)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  const exited = new Promise<void>((done) => {
    // Not `close`: whatever holds the pipes is not the server.
    child.once('exit', (code, signal) => {
      running.delete(child)
      if (!stopped) ended = `the process ended with ${signal ?? code}`
      reject(new Error(`it ended: ${log}`))
      done()
    })
  })
  child.once('error', reject)
  const timer = setTimeout(() => reject(new Error(`not listening after ${startWithinMs} ms: ${log}`)), startWithinMs)
  const stop = async () => {
    stopped = true
    child.kill('SIGKILL')
    await exited
  }
  try {
    const { port } = new URL(await listening)
    return { address: { host: at.host, port: Number(port), tls }, log: () => log, died: () => ended, exited, stop }
  } catch (error) {
    await stop()
    throw error
  } finally {
    clearTimeout(timer)
  }
}
