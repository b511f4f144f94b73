/**
 * Clients that begin a valid exchange, get as far as a random byte of it, and then go in some way. For any server in a process of its
 * own; afterwards `left` says what is still there of them.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls, type TLSSocket } from 'node:tls'

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
  readonly host?: string
  readonly pid: number
  /** What `connections()` says is open; null where nobody knows. */
  open(): Promise<number | null>
}

/** One client; `random` gives numbers from 0 to below 1. Resolves when it has gone, or, if it stays, once it has done its part. */
export interface Gone {
  /** Of those that stay open: whether the server has ended the connection. */
  readonly closed: boolean
  destroy(): void
}

export async function attack(
  server: Attacked,
  layer: Layer,
  message: string,
  ending: Ending,
  random: () => number,
): Promise<Gone> {
  const tcp = connectTcp({ port: server.port, host: server.host ?? '127.0.0.1', noDelay: true, allowHalfOpen: true })
  const gone = { closed: false, destroy: () => tcp.destroy() }
  tcp.on('error', () => {})
  tcp.on('end', () => {
    gone.closed = true
  })
  tcp.on('close', () => {
    gone.closed = true
  })
  await new Promise<void>((resolve) => tcp.once('connect', resolve).once('close', resolve))
  if (!layer.secure) {
    const cut = Math.floor(random() * (message.length + 1))
    tcp.resume()
    const pieces = 1 + Math.floor(random() * 3)
    for (let i = 0, from = 0; i < pieces; i++) {
      const to = i === pieces - 1 ? cut : from + Math.floor(random() * (cut - from))
      if (to > from) tcp.write(message.slice(from, to), 'latin1')
      from = to
      if (random() < 0.5) await delay(random() * 3)
    }
    await end(tcp, ending, random)
    return gone
  }
  // A handshake is some 500 bytes of the client's, its records a little more than the message.
  const metered = new Metered(tcp, Math.floor(random() * (700 + message.length)))
  const tls: TLSSocket = connectTls({ socket: metered, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
  tls.on('error', () => {})
  tls.once('secureConnect', () => tls.write(message, 'latin1'))
  tls.resume()
  await Promise.race([metered.spent, new Promise((resolve) => tls.once('data', resolve)), delay(300)])
  await end(tcp, ending, random)
  return gone
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
  #spend!: () => void

  constructor(tcp: Socket, bytes: number) {
    super()
    this.#tcp = tcp
    this.#left = bytes
    this.spent = new Promise((resolve) => {
      this.#spend = resolve
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

/** Open descriptors of a process, but those that the runtime opens as it likes. */
export function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}
