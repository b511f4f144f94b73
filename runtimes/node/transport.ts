/**
 * The engine's sockets on `node:net` and `node:tls`: on Node, and on Deno, where they are faster than `Deno.listen` under this
 * engine, can be reset, and let go of a TLS handshake that never ends.
 */
import { Buffer } from 'node:buffer'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { Accept, Listen, Peer, Transport, TransportEvents } from '../../src/http1/transport.ts'

/** A libuv handle says how much of one large write is still queued; there is no public way to see it, and none at all on Deno. */
const queuedIn = (tcp: Socket): number | undefined =>
  (tcp as Socket & { _handle?: { readonly writeQueueSize?: number } | null })._handle?.writeQueueSize

/** Where progress can't be seen inside a write, a large body is written in pieces, smaller ones while the client is slow. */
const pieceBytes = 128 * 1024
const slowPieceBytes = 4 * 1024
const slowPieceMs = 100
/** Above it a body is not laid out with its head: the copy would cost more than a second piece of a writev. */
const largeBytes = 16 * 1024

class NodeTransport implements Transport {
  readonly peer: Peer
  /** Set before anything can happen. */
  events!: TransportEvents
  /** Speaks HTTP: the TCP socket, or the TLS socket on it. */
  readonly #socket: Socket
  /** The TCP socket itself: it alone can be reset. */
  readonly #tcp: Socket
  /** What is left of a body that is written in pieces. */
  #left: Uint8Array | null = null
  #pieceBytes = pieceBytes
  #endsAfter = false
  #owesDrained = false
  /** Nothing shows how much of a write the kernel has taken before it has taken all. */
  readonly #blind: boolean

  constructor(tcp: Socket, socket: Socket) {
    this.#tcp = tcp
    this.#socket = socket
    this.#blind = socket !== tcp || queuedIn(tcp) === undefined
    const { remoteAddress = '', remotePort = 0, remoteFamily } = tcp
    this.peer = { address: remoteAddress, port: remotePort, family: remoteFamily === 'IPv6' ? 'IPv6' : 'IPv4' }
  }

  get unsent(): number {
    const { writableLength } = this.#socket
    const left = this.#left === null ? 0 : this.#left.length
    if (writableLength === 0 || this.#blind) return left + writableLength
    return left + Math.min(queuedIn(this.#tcp) ?? writableLength, writableLength)
  }

  write(head: string, body: string | Uint8Array | null): boolean {
    const socket = this.#socket
    if (body === null || body.length === 0) this.#send(head, 'latin1')
    else if (this.#blind && body.length > pieceBytes) {
      if (head !== '') socket.write(head, 'latin1')
      this.#left = typeof body === 'string' ? Buffer.from(body) : body
      this.#sendPiece()
    } else if (body.length > largeBytes) {
      socket.cork()
      socket.write(head, 'latin1')
      socket.write(body, this.#written)
      socket.uncork()
      this.#owesDrained = socket.writableLength > 0
      return !this.#owesDrained
    } else if (typeof body === 'string') {
      // ASCII is latin1 is UTF-8: one string, one write.
      if (Buffer.byteLength(body) === body.length) this.#send(head + body, 'latin1')
      else this.#send(Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]))
    } else if (head === '') this.#send(body)
    else {
      socket.cork()
      socket.write(head, 'latin1')
      this.#send(body)
      socket.uncork()
    }
    if (socket.writableLength === 0 && this.#left === null) return true
    this.#owesDrained = true
    if (!this.#blind) socket.write('', this.#written)
    return false
  }

  /** An empty write behind the others says when they are out; on Deno's TLS it would never come back, so there each says so itself. */
  #send(data: string | Uint8Array, encoding?: BufferEncoding): void {
    if (this.#blind) this.#socket.write(data, encoding, this.#written)
    else this.#socket.write(data, encoding)
  }

  #sendPiece(): void {
    const left = this.#left
    if (left === null || left.length === 0) {
      this.#left = null
      if (this.#endsAfter) this.#socket.end()
      this.#written()
      return
    }
    const began = performance.now()
    this.#left = left.subarray(this.#pieceBytes)
    this.#socket.write(left.subarray(0, this.#pieceBytes), (error) => {
      if (error) return
      this.#pieceBytes = performance.now() - began > slowPieceMs ? slowPieceBytes : pieceBytes
      this.#sendPiece()
    })
  }

  readonly #written = (): void => {
    if (!this.#owesDrained || this.#left !== null || this.#socket.writableLength > 0) return
    this.#owesDrained = false
    this.events.drained()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    if (this.#left === null) this.#socket.end()
    else this.#endsAfter = true
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
