import { launch } from '../lib/program.ts'
import { runtimeCommands, tlsFlags, tlsTexts } from '../lib/runtimes.ts'
import { portOf } from '../lib/server.ts'
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
  command: runtimeCommands[runtime],
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

/**
 * `command`: the command line, where the hangup engines replace the globals; `code`: `serve()`,
 * where they are kept; `guarded`: with a limit on handlers.
 */
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

/** Connections wait for their next case. */
const idleTimeoutMs = 60_000
const at = { host: '127.0.0.1', port: 0 }

export async function startColumn({ name, start, tls }: Column, backend: string): Promise<AppServer> {
  const { runtime, command, engine: kind } = engines[name]
  const args =
    start === 'command'
      ? [
          `runtimes/${runtime}.ts`,
          ...['--engine', kind, '--host', at.host, '--port', '0', '--report', 'json'],
          ...['--app', 'test/application/app.ts'],
          ...['--idle-timeout', `${idleTimeoutMs / 1000}s`],
          ...(tls ? tlsFlags : []),
        ]
      : [
          'test/application/server.ts',
          JSON.stringify({
            ...at,
            engine: kind,
            idleTimeoutMs,
            ...(start === 'guarded' && { handlerTimeoutMs }),
            ...(tls && { tls: tlsTexts() }),
          }),
        ]
  const program = launch(null, [...command, ...args], { env: { APPLICATION_BACKEND: backend, HANGUP_LOG: 'text' } })
  const { child, said, kill } = program
  let stopped = false
  let ended: string | null = null
  // Not `close`: whatever holds the pipes is not the server.
  const exited = new Promise<void>((done) => {
    child.once('exit', (code, signal) => {
      if (!stopped) ended = `the process ended with ${signal ?? code}`
      done()
    })
  })
  const stop = () => {
    stopped = true
    return kill()
  }
  try {
    const [, url = ''] = await program.until(/^\{.*"url":"([^"]+)"/m, 'stdout')
    return { address: { host: at.host, port: portOf(url), tls }, log: said, died: () => ended, exited, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
