/**
 * A raw client: it sends exactly what it is told, and keeps every byte that comes back and how its
 * connection ended.
 */
import { connect as connectTcp, type Socket, type TcpNetConnectOpts } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

const bodyFollowsMs = 5

export type End = 'open' | 'fin' | 'reset'

/**
 * A port of 127.0.0.1, the path of a Unix socket, or more of an address. `tls`: any certificate
 * will do.
 */
export type Address =
  | number
  | string
  | (Partial<TcpNetConnectOpts> & { readonly path?: string; readonly tls?: ConnectionOptions | undefined })

/** As HTTP/1.1 says it: the head of a request without a body. */
export const get = (path: string, more = '', method = 'GET'): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`

export class Client {
  /** Under TLS, too: what an RST and a local port belong to. */
  readonly tcp: Socket
  readonly socket: Socket
  /** All that came, as latin1. */
  text = ''
  bytes = 0
  end: End = 'open'
  /** What the server calls it. */
  peer = ''
  readonly openedAt = performance.now()
  lastByteAt = 0
  endedAt = 0
  /** And secured, if it speaks TLS. Rejects if it does not come to that. */
  readonly connected: Promise<this>
  /** Resolves at the first of FIN and RST. */
  readonly ended: Promise<this>
  /** Resolves when neither side sends any more. */
  readonly closed: Promise<this>
  readonly #watchers = new Set<() => void>()

  /** Connects; what is sent before it is connected waits. */
  constructor(address: Address) {
    const { tls, ...at } =
      typeof address === 'number' ? { port: address } : typeof address === 'string' ? { path: address } : address
    const options = { host: '127.0.0.1', noDelay: true, ...at } as TcpNetConnectOpts
    this.tcp = connectTcp(options)
    this.socket = tls
      ? connectTls({ socket: this.tcp, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'], ...tls })
      : this.tcp
    this.tcp.once('connect', () => {
      this.peer = `127.0.0.1:${this.tcp.localPort}`
    })
    this.connected = new Promise((resolve, reject) => {
      this.socket.once(this.socket === this.tcp ? 'connect' : 'secureConnect', () => resolve(this))
      for (const socket of [this.tcp, this.socket]) {
        socket.once('error', reject).once('close', () => reject(new Error('closed before it was connected')))
      }
    })
    // Whoever does not wait for it sees its end.
    this.connected.catch(() => {})
    this.ended = new Promise((resolve) => {
      const over = (end: End) => {
        if (this.end === 'open') {
          this.end = end
          this.endedAt = performance.now()
          resolve(this)
        }
        this.#changed()
      }
      this.socket.on('end', () => over('fin'))
      for (const socket of new Set([this.socket, this.tcp])) {
        socket.on('error', () => over('reset')).on('close', () => over('reset'))
      }
    })
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve(this)))
    this.socket.on('data', (data: Buffer) => {
      this.lastByteAt = performance.now()
      this.bytes += data.length
      this.received(data)
      this.#changed()
    })
    this.socket.on('drain', () => this.#changed())
  }

  static open<T extends Client>(this: new (address: Address) => T, address: Address): Promise<T> {
    return new this(address).connected
  }

  protected received(data: Buffer): void {
    this.text += data.toString('latin1')
  }

  send(data: string | Uint8Array): this {
    if (this.socket.writable) this.socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
    return this
  }

  get(path: string): this {
    return this.send(get(path))
  }

  /** Sends FIN, and reads on. */
  finish(): void {
    this.socket.end()
  }

  reset(): void {
    this.tcp.resetAndDestroy()
  }

  destroy(): void {
    this.socket.destroy()
    this.tcp.destroy()
  }

  /**
   * Looks again whenever something happens on the connection; resolves to whether it held in time.
   */
  until(test: () => boolean, withinMs: number): Promise<boolean> {
    if (test()) return Promise.resolve(true)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const settle = (held: boolean) => {
      clearTimeout(timer)
      this.#watchers.delete(look)
      resolve(held)
    }
    const look = () => {
      if (test()) settle(true)
    }
    const timer = setTimeout(() => settle(test()), withinMs)
    this.#watchers.add(look)
    return promise
  }

  /** All that came once it matches, or once the connection has ended or this is late. */
  async heard(pattern: RegExp, withinMs = 20_000): Promise<string> {
    await this.until(() => pattern.test(this.text) || this.end !== 'open', withinMs)
    return this.text
  }

  /** The status of each answer that has begun. */
  get statuses(): readonly string[] {
    return Array.from(this.text.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => status!)
  }

  /**
   * All that came once so many answers have begun, and a moment later; or once the connection has
   * ended or this is late.
   */
  async answers(count = 1, withinMs = 20_000): Promise<string> {
    await this.until(() => this.statuses.length >= count || this.end !== 'open', withinMs)
    // A body that is there follows its head at once, in a write of its own.
    await sleep(bodyFollowsMs)
    return this.text
  }

  /** Waits for its end, so long; then this side is closed as well. */
  async over(withinMs: number): Promise<this> {
    await this.until(() => this.end !== 'open', withinMs)
    this.destroy()
    return this
  }

  #changed(): void {
    for (const look of [...this.#watchers]) look()
  }
}

/**
 * Sends this on a connection of its own; resolves to all that came until `enough` was there, or
 * until the end.
 */
export async function exchange(address: Address, text: string, enough = /(?!)/): Promise<string> {
  const client = new Client(address).send(text)
  await client.until(() => enough.test(client.text) || client.end !== 'open', 2 ** 31 - 1)
  client.destroy()
  return client.text
}
