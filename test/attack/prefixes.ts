/**
 * Clients that begin a valid exchange, get as far as a random byte of it, and then go in some way. For any server in a process of its
 * own that answers `GET /`; `faultsAfter` says what is still there of them.
 */
import { connect as connectTcp, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { socketsOf } from '../fixtures/sockets.ts'

/** Of a client's side of a handshake, about. */
const handshakeBytes = 1_800

/** What a client sends, of which each is cut somewhere. */
export interface Layer {
  readonly name: string
  readonly secure: boolean
  /** Latin1. Valid as they are, one after the other on one connection as well. */
  readonly messages: readonly string[]
}

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const post = 'POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n'
const chunked = 'POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'

const http1 = [
  get,
  get + get + get,
  `GET /large HTTP/1.1\r\nHost: a\r\n\r\n`,
  post + 'x'.repeat(300),
  `${post.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n')}${'x'.repeat(300)}`,
  `${chunked}${'5\r\nhello\r\n'.repeat(20)}0\r\nX-Trailer: a\r\n\r\n${get}`,
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n${'x'.repeat(300)}${get}`,
  `${get.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}`,
]

export const layers: readonly Layer[] = [
  { name: 'HTTP/1.1', secure: false, messages: http1 },
  { name: 'HTTP/1.1 in TLS', secure: true, messages: http1 },
]

/** How a client goes once its last byte is out. `junk`: what follows is not of the protocol, then silence. */
export const endings = ['reset', 'close', 'half-close', 'silence', 'junk'] as const
export type Ending = (typeof endings)[number]

export interface Attacked {
  readonly port: number
  readonly pid: number
  /** How many connections it says are open; null where nobody knows. */
  open(): Promise<number | null>
}

/** So many clients, some at a time. They go; those that stay until the server ends them are let go of by `letGo`. */
export async function attackWith(
  server: Attacked,
  layer: Layer,
  ending: Ending,
  count: number,
  random: () => number,
): Promise<{ letGo(): void }> {
  const sockets: Socket[] = []
  let left = count
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const message = layer.messages[Math.floor(random() * layer.messages.length)]!
      sockets.push(await attack(server.port, layer, message, ending, random))
    }
  }
  await Promise.all(Array.from({ length: Math.min(count, 20) }, one))
  return {
    letGo() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

export interface Rest {
  readonly sockets: number
}

/** What a process has when nobody is connected to it, once it has served somebody. */
export async function restOf(server: Attacked, layer: Layer): Promise<Rest> {
  await ask(server.port, layer.secure)
  for (let i = 0; i < 40 && (await server.open()) !== 0; i++) await delay(50)
  return { sockets: socketsOf(server.pid) }
}

/** What is wrong `withinMs` after an attack, or nothing. */
export async function faultsAfter(
  server: Attacked,
  layer: Layer,
  before: Rest,
  withinMs: number,
): Promise<readonly string[]> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const faults: string[] = []
    const open = await server.open()
    const sockets = socketsOf(server.pid)
    if (open !== null && open > 0) faults.push(`${open} connections are open`)
    if (sockets > before.sockets) faults.push(`${sockets - before.sockets} sockets are left`)
    if (faults.length === 0 || performance.now() > deadline) {
      const answer = await ask(server.port, layer.secure)
      return answer.startsWith('HTTP/1.1 200 ') ? faults : [...faults, `a new client gets ${JSON.stringify(answer)}`]
    }
    await delay(50)
  }
}

async function ask(port: number, secure: boolean): Promise<string> {
  const at = { port, host: '127.0.0.1' }
  const socket = secure ? connectTls({ ...at, rejectUnauthorized: false }) : connectTcp(at)
  socket.setTimeout(5_000, () => socket.destroy())
  socket.on('error', () => {})
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  let text = ''
  try {
    for await (const chunk of socket) text += chunk
  } catch {
    // What has come says enough.
  }
  return text.slice(0, 60)
}

async function attack(
  port: number,
  { secure }: Layer,
  message: string,
  ending: Ending,
  random: () => number,
): Promise<Socket> {
  const tcp = connectTcp({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  tcp.on('error', () => {})
  await new Promise((resolve) => tcp.once('connect', resolve).once('close', resolve))
  // One in three says all of it.
  const cut = random() < 0.33 ? Number.POSITIVE_INFINITY : random()
  if (secure) {
    const metered = new Metered(tcp, Math.floor(cut * (handshakeBytes + message.length)))
    const tls: TLSSocket = connectTls({ socket: metered, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
    tls.on('error', () => {})
    const said = new Promise<void>((resolve) => {
      tls.once('secureConnect', () => tls.write(message, 'latin1', () => resolve()))
    })
    tls.resume()
    // A server may also have ended it before.
    await Promise.race([metered.spent, said, delay(1_000)])
  } else {
    tcp.resume()
    const whole = message.slice(0, Math.floor(cut * (message.length + 1)))
    const middle = Math.floor(random() * whole.length)
    for (const piece of [whole.slice(0, middle), whole.slice(middle)]) {
      tcp.write(piece, 'latin1')
      if (random() < 0.5) await delay(random() * 3)
    }
  }
  await end(tcp, ending, random)
  return tcp
}

async function end(tcp: Socket, ending: Ending, random: () => number): Promise<void> {
  if (random() < 0.5) await delay(random() * 4)
  switch (ending) {
    case 'reset':
      tcp.resetAndDestroy()
      break
    case 'close':
      tcp.destroy()
      break
    case 'half-close':
      tcp.end()
      break
    case 'junk':
      tcp.write(Uint8Array.from({ length: 64 }, () => random() * 256))
      break
    case 'silence':
      break
  }
}

/** Hands on so many bytes and no more; `spent` resolves when they are out. */
class Metered extends Duplex {
  readonly spent: Promise<void>
  readonly #tcp: Socket
  #left: number
  #spend = (): void => {}

  constructor(tcp: Socket, bytes: number) {
    super()
    this.#tcp = tcp
    this.#left = bytes
    this.spent = new Promise((resolve) => {
      this.#spend = resolve
      tcp.once('close', resolve)
    })
    tcp.on('data', (data) => this.push(data))
    tcp.on('end', () => this.push(null))
    if (bytes === 0) this.#spend()
  }

  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    const piece = chunk.subarray(0, this.#left)
    this.#left -= piece.length
    if (piece.length > 0) this.#tcp.write(piece)
    if (this.#left === 0) this.#spend()
    done()
  }
}
