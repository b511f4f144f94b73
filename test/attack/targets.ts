/**
 * What is attacked: `serve()` on each engine, and gateways, each in a process of its own, in the
 * clear and in TLS.
 */
import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { startGateway } from '../gateway/process.ts'
import type { Lifetime } from '../lib/program.ts'
import { type RuntimeName, runtimeCommands, runtimeNames, tlsFlags, tlsTexts } from '../lib/runtimes.ts'
import { startListener } from '../lib/server.ts'
import { http2Layers, type Layer, plainLayers, secureLayers, upgrade, webSocketClose } from './layers.ts'

export interface Target {
  readonly pid: number
  readonly port: number
  readonly secure: boolean
  /** Connections that it, and what stands behind it, say are open. */
  open(): Promise<number>
  /** Tells it to end; true: it has, by itself, and well. */
  endsWithin(ms: number): Promise<boolean>
  stderr(): string
}

export interface TargetKind {
  readonly name: string
  readonly layers: readonly Layer[]
  /** How long it may keep a client that says nothing. */
  readonly endsSilenceWithinMs: number
  start(t: Lifetime): Promise<Target>
}

const limitMs = 1_000
const limits = {
  handshakeTimeoutMs: limitMs,
  headTimeoutMs: limitMs,
  bodyTimeoutMs: limitMs,
  writeTimeoutMs: limitMs,
  idleTimeoutMs: limitMs,
  discardTimeoutMs: limitMs,
}
/**
 * One limit may come behind another, and an orderly end behind both. Under `Bun.serve` its own
 * clock ends who says nothing at first.
 */
const goneWithinMs = 6 * limitMs
const bunsOwnMs = 16_000

const app = new URL('./app.ts', import.meta.url).href

function engineKind(runtime: RuntimeName, engine: 'hangup' | 'native', secure: boolean): TargetKind {
  const speaksHttp2 = engine === 'native' && runtime !== 'bun'
  return {
    name: `the ${engine} engine on ${runtime}${secure ? ' in TLS' : ''}`,
    layers: (secure ? (speaksHttp2 ? http2Layers : secureLayers) : plainLayers).filter(
      // `Deno.serve` itself keeps the descriptor of a WebSocket whose client resets it as it is upgraded (docs/engines.md).
      ({ asks }) => !(asks === 'upgrade' && engine === 'native' && runtime === 'deno'),
    ),
    endsSilenceWithinMs: engine === 'native' && runtime === 'bun' ? bunsOwnMs : goneWithinMs,
    async start(t) {
      const tls = secure ? { tls: { certificates: [tlsTexts()] } } : {}
      const { pid, port, say, stderr, exited, endInput } = await startListener(t, runtimeCommands[runtime], {
        engine,
        app,
        ...limits,
        ...tls,
      })
      return {
        pid,
        port,
        secure,
        stderr,
        open: async () => JSON.parse(await say('connections')).open,
        async endsWithin(ms) {
          await say('drain')
          endInput()
          const { code } = await Promise.race([exited, delay(ms, { code: 'never' })])
          return code === 0
        },
      }
    },
  }
}

const clientLimits = [
  ...['--handshake-timeout', '1s', '--head-timeout', '1s', '--body-timeout', '1s', '--write-timeout', '1s'],
  ...['--idle-timeout', '1s', '--discard-timeout', '1s', '--upstream-idle-timeout', '500ms', '--drain-timeout', '1s'],
  ...['--upgraded-idle-timeout', '1s'],
]

function gatewayKind(runtime: RuntimeName, over: 'plain' | 'TLS' | 'HTTP/2'): TargetKind {
  const secure = over !== 'plain'
  return {
    name: `a gateway on ${runtime}${secure ? ` in ${over}` : ''}`,
    layers: {
      plain: plainLayers,
      TLS: secureLayers,
      // Node's own server upgrades nothing there.
      'HTTP/2': http2Layers.filter(({ asks }) => asks !== 'upgrade'),
    }[over],
    endsSilenceWithinMs: goneWithinMs,
    async start(t) {
      const backend = await startListener(t, runtimeCommands.node, { engine: 'hangup', app })
      const flags = [...clientLimits, ...(secure ? tlsFlags : []), ...(over === 'HTTP/2' ? ['--http2'] : [])]
      const { pid, port, stderr, signal, exited } = await startGateway(t, runtime, [backend], flags)
      return {
        pid,
        port,
        secure,
        stderr,
        open: async () => JSON.parse(await backend.say('connections')).open,
        async endsWithin(ms) {
          signal('SIGTERM')
          const { code } = await Promise.race([exited, delay(ms, { code: 'never' })])
          return code === 0
        },
      }
    },
  }
}

const engines = ['hangup', 'native'] as const

/** Those of one engine, and those of one gateway, stand together. */
export const targetKinds: readonly (readonly TargetKind[])[] = [
  ...runtimeNames.flatMap((runtime) =>
    engines.map((engine) => [false, true].map((secure) => engineKind(runtime, engine, secure))),
  ),
  ...runtimeNames.map((runtime) => [gatewayKind(runtime, 'plain'), gatewayKind(runtime, 'TLS')]),
  [gatewayKind('node', 'HTTP/2')],
]

/** What a client gets that wants to know whether the target still serves; '' is well. */
export async function refusalOf({ port, secure }: Target, { alpn, asks }: Layer): Promise<string> {
  const status = await (alpn === 'h2' ? statusOverHttp2(port) : statusOverHttp1(port, secure, questions[asks].text))
  return status === questions[asks].status ? '' : `a new client gets ${JSON.stringify(status)}`
}

const questions = {
  request: { text: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', status: '200' },
  upgrade: { text: upgrade('/ws') + webSocketClose(Math.random), status: '101' },
} as const satisfies Record<Layer['asks'], { text: string; status: string }>

const patienceMs = 5_000

async function statusOverHttp1(port: number, secure: boolean, question: string): Promise<string> {
  const at = { port, host: '127.0.0.1' }
  const socket = secure ? connectTls({ ...at, rejectUnauthorized: false }) : connectTcp(at)
  socket.setTimeout(patienceMs, () => socket.destroy())
  socket.on('error', () => {})
  socket.write(question, 'latin1')
  let text = ''
  try {
    for await (const chunk of socket) text += chunk
  } catch {
    // What has come says enough.
  }
  return /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? text.slice(0, 60)
}

function statusOverHttp2(port: number): Promise<string> {
  return new Promise((resolve) => {
    const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
    session.setTimeout(patienceMs, () => session.destroy())
    session.on('error', () => {}).once('close', () => resolve('nothing'))
    const stream = session.request({ ':path': '/' })
    stream.on('error', () => {}).resume()
    stream.once('response', ({ ':status': status }) => {
      resolve(String(status))
      session.close()
    })
  })
}
