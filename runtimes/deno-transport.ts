/** The engine's sockets on `Deno.listen` and `Deno.listenTls`. Deno can't reset: `reset` closes, and the peer sees FIN. */
import { Buffer } from 'node:buffer'
import type { Listen, Peer, Transport, TransportEvents } from '../src/http1/transport.ts'

interface DenoConn {
  readonly remoteAddr: { readonly hostname?: string; readonly port?: number }
  read(buffer: Uint8Array): Promise<number | null>
  write(bytes: Uint8Array): Promise<number>
  closeWrite(): Promise<void>
  close(): void
  handshake?(): Promise<unknown>
}

interface DenoListener extends AsyncIterable<DenoConn> {
  readonly addr: { readonly port?: number }
  accept(): Promise<DenoConn>
  close(): void
}

declare const Deno: {
  listen(options: object): DenoListener
  listenTls(options: object): DenoListener
  readonly errors: { readonly BadResource: new () => Error }
}

/** One read; the size is what a connection costs while it is idle. */
const readBytes = 16 * 1024
/** What fits surely into an empty send buffer: taken as taken, or each small answer would cost a turn more. */
const surelyTakenBytes = 16 * 1024

class DenoTransport implements Transport {
  readonly peer: Peer
  events!: TransportEvents
  readonly #conn: DenoConn
  #queue: Uint8Array[] = []
  #unsent = 0
  #writing = false
  #owesDrained = false
  #ending = false
  #paused: Promise<void> | null = null
  #wake: () => void = () => {}
  #closed = false

  constructor(conn: DenoConn) {
    this.#conn = conn
    const { hostname = '', port = 0 } = conn.remoteAddr
    this.peer = { address: hostname, port, family: hostname.includes(':') ? 'IPv6' : 'IPv4' }
  }

  get unsent(): number {
    return this.#unsent
  }

  write(head: string, body: string | Uint8Array | null): boolean {
    if (this.#closed) return true
    let bytes: Uint8Array
    if (body === null) bytes = Buffer.from(head, 'latin1')
    else if (typeof body === 'string') {
      const buffer = Buffer.allocUnsafe(head.length + Buffer.byteLength(body))
      buffer.write(head, 0, 'latin1')
      buffer.write(body, head.length)
      bytes = buffer
    } else if (head === '') bytes = body.slice()
    else bytes = Buffer.concat([Buffer.from(head, 'latin1'), body])
    const free = !this.#writing
    this.#queue.push(bytes)
    this.#unsent += bytes.length
    if (free) this.#flush()
    if (this.#unsent <= surelyTakenBytes) return true
    this.#owesDrained = true
    return false
  }

  #flush(): void {
    const bytes = this.#queue[0]
    if (bytes === undefined) {
      if (this.#ending) this.#conn.closeWrite().catch(() => {})
      if (!this.#owesDrained) return
      this.#owesDrained = false
      this.events.drained()
      return
    }
    this.#writing = true
    this.#conn.write(bytes).then(
      (taken) => {
        this.#writing = false
        this.#unsent -= taken
        if (taken < bytes.length) this.#queue[0] = bytes.subarray(taken)
        else this.#queue.shift()
        if (!this.#closed) this.#flush()
      },
      () => this.close(),
    )
  }

  async read(): Promise<void> {
    const buffer = new Uint8Array(readBytes)
    try {
      if (this.#conn.handshake !== undefined) {
        await this.#conn.handshake()
        this.events.secured()
      }
      for (;;) {
        if (this.#paused !== null) await this.#paused
        const length = await this.#conn.read(buffer)
        if (this.#closed) return
        if (length === null) break
        this.events.feed(buffer.subarray(0, length))
      }
      this.events.peerEnded()
    } catch {
      this.close()
    }
  }

  pause(): void {
    this.#paused ??= new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  resume(): void {
    this.#paused = null
    this.#wake()
  }

  end(): void {
    if (this.#ending) return
    this.#ending = true
    if (!this.#writing && !this.#closed) this.#flush()
  }

  destroy(): void {
    this.close()
  }

  reset(): void {
    this.close()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#wake()
    try {
      this.#conn.close()
    } catch {
      // Closed already.
    }
    this.events.gone()
  }
}

export const listen: Listen = async ({ port, host, unix, tls }, accept) => {
  const at = unix === undefined ? { port, hostname: host ?? '::' } : { transport: 'unix', path: unix }
  const listener = tls === undefined ? Deno.listen(at) : Deno.listenTls({ ...at, ...tls, alpnProtocols: ['http/1.1'] })
  let stopped = false
  const acceptAll = async (): Promise<void> => {
    while (!stopped) {
      try {
        const conn = await listener.accept()
        const transport = new DenoTransport(conn)
        transport.events = accept(transport)
        transport.read()
      } catch (error) {
        if (stopped || error instanceof Deno.errors.BadResource) return
        // Out of descriptors, or a client that was gone before it was accepted: the next one may do better.
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
  }
  acceptAll()
  return {
    port: listener.addr.port ?? 0,
    stop: () => {
      stopped = true
      listener.close()
    },
  }
}
