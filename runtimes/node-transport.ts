/** The engine's sockets on `node:net` and `node:tls`. */
import { Buffer } from 'node:buffer'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { Accept, Listen, Peer, Transport, TransportEvents } from '../src/http1/transport.ts'

/** A libuv handle says how much of one large write is still queued; there is no public way to see it. */
type Handle = { readonly writeQueueSize?: number } | null | undefined

class NodeTransport implements Transport {
  readonly peer: Peer
  /** Set before anything can happen. */
  events!: TransportEvents
  /** Speaks HTTP: the TCP socket, or the TLS socket on it. */
  readonly #socket: Socket
  /** The TCP socket itself: it alone can be reset. */
  readonly #tcp: Socket

  constructor(tcp: Socket, socket: Socket) {
    this.#tcp = tcp
    this.#socket = socket
    const { remoteAddress = '', remotePort = 0, remoteFamily } = tcp
    this.peer = { address: remoteAddress, port: remotePort, family: remoteFamily === 'IPv6' ? 'IPv6' : 'IPv4' }
  }

  get unsent(): number {
    const { writableLength } = this.#socket
    if (writableLength === 0 || this.#socket !== this.#tcp) return writableLength
    const queued = (this.#tcp as Socket & { _handle?: Handle })._handle?.writeQueueSize
    return queued === undefined || queued === 0 ? writableLength : Math.min(queued, writableLength)
  }

  write(head: string, body: string | Uint8Array | null): boolean {
    const socket = this.#socket
    if (body === null || body.length === 0) socket.write(head, 'latin1')
    else if (typeof body === 'string') {
      // ASCII is latin1 is UTF-8: one string, one write.
      if (Buffer.byteLength(body) === body.length) socket.write(head + body, 'latin1')
      else socket.write(Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]))
    } else if (head === '') socket.write(body)
    else {
      socket.cork()
      socket.write(head, 'latin1')
      socket.write(body)
      socket.uncork()
    }
    if (socket.writableLength === 0) return true
    socket.write('', () => this.events.drained())
    return false
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  reset(): void {
    if (!this.#tcp.destroyed) this.#tcp.resetAndDestroy()
  }
}

function attach(tcp: Socket, socket: Socket, accept: Accept): TransportEvents {
  const transport = new NodeTransport(tcp, socket)
  const events = accept(transport)
  transport.events = events
  socket.on('data', (bytes: Uint8Array) => events.feed(bytes))
  socket.on('end', () => events.peerEnded())
  // What went wrong, the close that follows says.
  socket.on('error', () => {})
  tcp.on('close', () => events.gone())
  return events
}

export const listen: Listen = ({ port, host, unix, tls }, accept) => {
  const secureContext = tls === undefined ? null : createSecureContext(tls)
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (tcp) => {
    if (secureContext === null) {
      attach(tcp, tcp, accept)
      return
    }
    tcp.on('error', () => {})
    const socket = new TLSSocket(tcp, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] })
    const events = attach(tcp, socket, accept)
    socket.once('secure', () => events.secured())
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(unix === undefined ? { port, ...(host === undefined ? {} : { host }) } : { path: unix }, () => {
      const address = server.address() as AddressInfo | string
      resolve({ port: typeof address === 'string' ? 0 : address.port, stop: () => void server.close() })
    })
  })
}
