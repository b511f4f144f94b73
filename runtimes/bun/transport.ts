/** The engine's sockets on `Bun.listen`. */
import { Buffer } from 'node:buffer'
import type { Accept, Listen, Peer, Transport, TransportEvents } from '../../src/http1/transport.ts'

/** What is used of Bun's socket. */
interface BunSocket {
  data: BunTransport
  readonly remoteAddress: string
  readonly remotePort: number
  readonly remoteFamily: string
  /** Returns how many bytes were taken; -1: closed. */
  write(data: string | Uint8Array, offset?: number, length?: number): number
  /** FIN. Its `end()` would wait, on TLS, for the client to agree. */
  close(): void
  /** FIN; reading goes on. */
  shutdown(): void
  /** RST. */
  terminate(): void
  pause(): void
  resume(): void
}

declare const Bun: {
  listen(options: object): { readonly port?: number; stop(closeActive?: boolean): void }
}

/** A message is laid out here, so that it is one write; larger bodies are written on their own. */
const scratch = Buffer.allocUnsafeSlow(256 * 1024)

class BunTransport implements Transport {
  readonly peer: Peer
  events!: TransportEvents
  readonly #socket: BunSocket
  /** What Bun did not take, in order. */
  #queue: Uint8Array[] = []
  #unsent = 0
  #ending = false
  #paused = false
  #closed = false

  constructor(socket: BunSocket) {
    this.#socket = socket
    this.peer = {
      address: socket.remoteAddress ?? '',
      port: socket.remotePort ?? 0,
      family: socket.remoteFamily === 'IPv6' ? 'IPv6' : 'IPv4',
    }
  }

  get unsent(): number {
    return this.#unsent
  }

  write(head: string, body: string | Uint8Array | null): boolean {
    if (this.#closed) return true
    if (this.#queue.length === 0 && (body === null || typeof body === 'string')) {
      const text = body === null ? head : head + body
      // ASCII is latin1 is UTF-8: Bun can have the string as it is.
      if (Buffer.byteLength(text) === text.length) {
        const taken = Math.max(this.#socket.write(text), 0)
        return taken === text.length || this.#keep(Buffer.from(text.slice(taken), 'latin1'))
      }
    }
    const bodyBytes = body === null ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length
    if (head.length + bodyBytes <= scratch.length) {
      let length = scratch.write(head, 0, 'latin1')
      if (typeof body === 'string') length += scratch.write(body, length)
      else if (body !== null) {
        scratch.set(body, length)
        length += bodyBytes
      }
      return this.#send(scratch, length, true)
    }
    this.#send(Buffer.from(head, 'latin1'), head.length, false)
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    return bytes === null ? this.#unsent === 0 : this.#send(bytes, bytes.length, false)
  }

  /** `view`: the bytes are of the scratch buffer. */
  #send(bytes: Uint8Array, length: number, view: boolean): boolean {
    let taken = 0
    if (this.#queue.length === 0) {
      taken = Math.max(this.#socket.write(bytes, 0, length), 0)
      if (taken === length) return true
    }
    return this.#keep(view ? bytes.slice(taken, length) : bytes.subarray(taken, length))
  }

  #keep(rest: Uint8Array): false {
    this.#queue.push(rest)
    this.#unsent += rest.length
    return false
  }

  drain(): void {
    for (let piece = this.#queue[0]; piece !== undefined; piece = this.#queue[0]) {
      const taken = Math.max(this.#socket.write(piece, 0, piece.length), 0)
      this.#unsent -= taken
      if (taken < piece.length) {
        this.#queue[0] = piece.subarray(taken)
        return
      }
      this.#queue.shift()
    }
    if (this.#ending) this.#socket.shutdown()
    else this.events.drained()
  }

  /** Under load Bun was seen, rarely, to leave out a `drain`. */
  poke(): void {
    if (this.#queue.length > 0 && !this.#closed) this.drain()
  }

  pause(): void {
    if (this.#closed || this.#paused) return
    this.#paused = true
    this.#socket.pause()
  }

  resume(): void {
    if (this.#closed || !this.#paused) return
    this.#paused = false
    this.#socket.resume()
  }

  end(): void {
    if (this.#closed) return
    this.#ending = true
    if (this.#queue.length === 0) this.#socket.shutdown()
  }

  destroy(): void {
    if (!this.#closed) this.#socket.close()
  }

  reset(): void {
    if (!this.#closed) this.#socket.terminate()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.events.gone()
  }
}

/** RFC 7301 3.1: each name behind its length; Bun takes the list as it goes over the wire. */
const alpn = Buffer.from('\x08http/1.1', 'latin1')

export const listen: Listen = async ({ port, host, unix, tls }, accept: Accept) => {
  const server = Bun.listen({
    ...(unix === undefined ? { port, hostname: host ?? '::' } : { unix }),
    ...(tls === undefined ? {} : { tls: { ...tls, ALPNProtocols: alpn } }),
    allowHalfOpen: true,
    socket: {
      open(socket: BunSocket) {
        const transport = new BunTransport(socket)
        socket.data = transport
        transport.events = accept(transport)
      },
      handshake(socket: BunSocket, success: boolean) {
        if (success) socket.data.events.secured()
        else socket.close()
      },
      data: (socket: BunSocket, bytes: Uint8Array) => socket.data.events.feed(bytes),
      drain: (socket: BunSocket) => socket.data.drain(),
      end: (socket: BunSocket) => socket.data.events.peerEnded(),
      close: (socket: BunSocket) => socket.data?.close(),
      error: (socket: BunSocket) => socket.data?.close(),
    },
  })
  return { port: server.port ?? 0, stop: () => server.stop() }
}
