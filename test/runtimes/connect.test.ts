/**
 * `connect` of every runtime: the same checks on each, against servers here whose every FIN and RST
 * is known.
 */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import {
  type AddressInfo,
  createServer,
  type ListenOptions,
  connect as netConnect,
  type Server,
  type Socket,
} from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { TLSSocket } from 'node:tls'
import { makeCertificate } from '../fixtures/tls/make.ts'
import { run, startProgram, suiteLifetime } from '../lib/program.ts'
import { commandOn } from '../lib/runtimes.ts'
import type { Given } from './connect-checks.ts'

const checks = 'test/runtimes/connect-checks.ts'
const runtimes = {
  node: commandOn('node', checks, '../../runtimes/node/connect.ts'),
  bun: commandOn('bun', checks, '../../runtimes/bun/connect.ts'),
  deno: commandOn('deno', checks, '../../runtimes/node/connect.ts'),
} as const

/** Open connections to `late`. */
const lateOnes = new Set<Socket>()
/** How watched connections ended. */
const fates = new Map<string, string>()

/** Waits for a line, and does what it says. */
function obey(socket: Socket, about: string): void {
  let line = ''
  const onData = (bytes: Buffer) => {
    const at = bytes.indexOf('\n')
    line += bytes.toString('latin1', 0, at < 0 ? bytes.length : at)
    if (at < 0) return
    socket.off('data', onData)
    const [what = '', argument = ''] = line.trim().split(' ')
    const rest = bytes.subarray(at + 1)
    if (what === 'PROXY') socket.write(line)
    else commands[what]!(socket, argument, about)
    if (rest.length > 0) socket.emit('data', rest)
  }
  socket.on('data', onData)
  socket.on('error', () => {})
}

const tcpOf = new WeakMap<Socket, Socket>()

const commands: Record<string, (socket: Socket, argument: string, about: string) => void> = {
  echo: (socket) => socket.on('data', (bytes) => socket.write(bytes)).on('end', () => socket.end()),
  late: (socket) => socket.write(`${lateOnes.size} open`),
  who: (socket, _, about) => socket.write(about),
  fin(socket) {
    socket.end('bye')
    socket.resume()
  },
  rst: (socket) => (tcpOf.get(socket) ?? socket).resetAndDestroy(),
  send: (socket, length) => socket.resume().write(Uint8Array.from({ length: Number(length) }, (_, i) => i % 251)),
  count(socket, afterMs) {
    let length = 0
    let inPlace = true
    socket.on('data', (bytes: Buffer) => {
      for (let i = 0; i < bytes.length; i += 997) if (bytes[i] !== (length + i) % 251) inPlace = false
      length += bytes.length
    })
    socket.on('end', () => socket.end(`${length} ${inPlace ? 'in place' : 'in disorder'}`))
    socket.pause()
    setTimeout(() => socket.resume(), Number(afterMs))
  },
  watch(socket, key) {
    fates.set(key, 'open')
    socket.on('error', (error: NodeJS.ErrnoException) => fates.set(key, error.code ?? ''))
    socket.on('end', () => {
      if (fates.get(key) === 'open') fates.set(key, 'end')
      socket.end()
    })
    socket.resume().write('watching')
  },
  fate: (socket, key) => socket.resume().end(fates.get(key) ?? 'unknown'),
}

const servers: Server[] = []
const clients = new Set<Socket>()
/** Of the server that is silent. */
const fillers = new Set<Socket>()
let given: Given
let _stopped: ChildProcess | undefined
const unix = join(tmpdir(), `hangup-connect-${process.pid}.sock`)

async function serve(
  onSocket: (socket: Socket) => void,
  at: ListenOptions = { port: 0, host: '127.0.0.1' },
): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    clients.add(socket)
    socket.on('close', () => clients.delete(socket)).on('error', () => {})
    onSocket(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(at, resolve))
  return (server.address() as AddressInfo).port
}

before(async () => {
  const upstream = makeCertificate(['upstream.test'])
  const client = makeCertificate(['client.test'])
  const secure = (tcp: Socket, announcement: string) => {
    let sni = ''
    const socket = new TLSSocket(tcp, {
      ...upstream,
      isServer: true,
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      SNICallback(name, done) {
        sni = name
        done(null)
      },
    })
    tcpOf.set(socket, tcp)
    socket.on('error', () => {})
    socket.on('secure', () => {
      const shown = socket.getPeerCertificate().subject?.CN ?? 'nobody'
      obey(socket, `${announcement}sni ${sni}, alpn ${socket.alpnProtocol}, client ${shown}`)
    })
  }
  const plain = await serve((socket) => obey(socket, ''))
  await serve((socket) => obey(socket, ''), { path: unix })
  const tls = await serve((tcp) => secure(tcp, ''))
  const announced = await serve((tcp) => {
    tcp.once('readable', () => {
      const bytes = tcp.read() as Buffer
      const end = bytes.indexOf('\r\n') + 2
      if (bytes.length > end) tcp.unshift(bytes.subarray(end))
      secure(tcp, `announced by ${bytes.toString('latin1', 0, end - 2)}, `)
    })
  })
  const mute = await serve((socket) => void socket.resume())
  const hasty = await serve((socket) => void socket.once('data', () => socket.end()))
  const hastier = await serve((socket) => void socket.once('data', () => socket.resetAndDestroy()))
  const late = await serve((socket) => {
    lateOnes.add(socket)
    const leave = () => lateOnes.delete(socket)
    socket.resume().on('end', leave).on('close', leave)
  })
  const gone = createServer()
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
  const refused = (gone.address() as AddressInfo).port
  await new Promise((resolve) => gone.close(resolve))
  const silent = await serveSilent()
  given = { plain, tls, announced, mute, hasty, hastier, silent, late, refused, unix, ca: upstream.cert, client }
})

const suite = suiteLifetime()

/**
 * The kernel drops a SYN to a full accept queue: a connect there is neither accepted nor refused.
 */
async function serveSilent(): Promise<number> {
  if (process.platform !== 'linux') return 0
  const code = `const s = require('node:net').createServer(); s.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))`
  const stopped = await startProgram(suite, commandOn('node', '-e', code))
  const port = Number(stopped.line)
  stopped.signal('SIGSTOP')
  for (let i = 0; i < 4; i++) {
    const socket = netConnect(port, '127.0.0.1').on('error', () => {})
    fillers.add(socket)
  }
  await new Promise((resolve) => setTimeout(resolve, 100))
  return port
}

after(() => {
  for (const socket of [...clients, ...fillers]) socket.destroy()
  for (const server of servers) server.close()
  rmSync(unix, { force: true })
})

for (const [runtime, command] of Object.entries(runtimes)) {
  test(`connections to upstreams on ${runtime}`, { timeout: 120_000 }, async (t) => {
    const { stdout } = await run(t, command, { env: { HANGUP_CONNECT_CHECKS: JSON.stringify(given) } })
    const results = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { name: string; error: string | null })
    assert.ok(results.length > 30, `${results.length} checks ran`)
    for (const { name, error } of results) await t.test(name, () => assert.equal(error, null))
  })
}
