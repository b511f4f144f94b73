/** The engine's sockets on `Bun.listen`. */

import { Buffer } from 'node:buffer'
import type { SecureContext } from 'node:tls'
import { isPlainHttp, plainHttpAnswer } from '../../src/http1/plain-on-tls.ts'
import { addressOf } from '../../src/net/networks.ts'
import { ProxyHeaderReader, proxyFaults } from '../../src/net/proxy-protocol.ts'
import type { Accept, CertificatePem, Listen, Peer, Transport, TransportEvents } from '../../src/net/transport.ts'
import type { CertificateStore } from '../../src/tls/certificates.ts'

/** What is used of Bun's socket. */
export interface BunSocket {
  data: BunTransport
  readonly remoteAddress: string
  readonly remotePort: number
  readonly remoteFamily: string
  readonly localAddress: string
  readonly localPort: number
  readonly localFamily: string
  readonly fd: number
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
  setKeepAlive(enable: boolean, afterMs: number): boolean
  /**
   * The socket is TLS from here on. That a server may call it, and how it is given bytes that came
   * before, is not in Bun's types, but is what its own `node:tls` does (src/js/node/net.ts,
   * `adoptServerTLS`).
   */
  upgradeTLS(options: {
    readonly data?: BunTransport
    readonly isServer?: true
    readonly initialData?: Uint8Array
    readonly tls: object
    readonly socket: object
  }): readonly [raw: BunSocket, tls: BunSocket]
}

declare const Bun: {
  listen(options: object): { readonly hostname?: string; readonly port?: number; stop(closeActive?: boolean): void }
}

/** A message is laid out here, so that it is one write; larger bodies are written on their own. */
const scratch = Buffer.allocUnsafeSlow(256 * 1024)

/**
 * Above it, to write a head in front of a body is less than to copy both: it takes two new views.
 */
const largeBytes = 32 * 1024

const nothing = new Uint8Array(0)

export class BunTransport implements Transport {
  peer: Peer
  /** As the peer announced it. */
  announcedLocal: Peer | null = null
  events!: TransportEvents
  /** Until it is read, where there has to be one. */
  header: ProxyHeaderReader | null = null
  /** Under TLS: what the client says first decides whether there is any. */
  hello: 'none' | 'awaited' | 'refused' = 'none'
  /** Speaks HTTP: the TCP socket, or the TLS socket on it. */
  #socket: BunSocket
  /** What Bun did not take, in order. */
  #queue: Uint8Array[] = []
  #unsent = 0
  #ending = false
  #paused = false
  #peerEnded = false
  #closed = false

  constructor(socket: BunSocket) {
    this.#socket = socket
    this.peer = {
      address: socket.remoteAddress ?? '',
      port: socket.remotePort ?? 0,
      family: socket.remoteFamily === 'IPv6' ? 'IPv6' : 'IPv4',
    }
  }

  get local(): Peer | null {
    if (this.announcedLocal !== null || this.#closed) return this.announcedLocal
    const { localAddress: address, localPort: port, localFamily } = this.#socket
    return address ? { address, port, family: localFamily === 'IPv6' ? 'IPv6' : 'IPv4' } : null
  }

  /** HTTP is spoken on this one, nothing having been written yet. */
  secureBy(tls: BunSocket): void {
    this.#socket = tls
  }

  get unsent(): number {
    return this.#unsent
  }

  /** Laid out in `scratch`. */
  get copiesBytes(): number {
    return largeBytes
  }

  get quiet(): boolean {
    return !this.#closed && !this.#peerEnded && !this.#ending && this.#queue.length === 0
  }

  write(head: string, body: string | Uint8Array | null, room = 0): boolean {
    if (this.#closed) return true
    if (head.length <= room && body instanceof Uint8Array && body.length > largeBytes) {
      const length = head.length + body.length
      const whole = Buffer.from(body.buffer, body.byteOffset - head.length, length)
      whole.write(head, 'latin1')
      return this.#send(whole, length, false)
    }
    if (this.#queue.length === 0 && (body === null || typeof body === 'string')) {
      const text = body === null ? head : head + body
      // ASCII is latin1 is UTF-8: Bun can have the string as it is.
      if (Buffer.byteLength(text) === text.length) {
        const taken = this.#taken(this.#socket.write(text))
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

  /** `view`: the bytes are of the scratch buffer, whose own `slice` would be one of it as well. */
  #send(bytes: Uint8Array, length: number, view: boolean): boolean {
    let taken = 0
    if (this.#queue.length === 0) {
      taken = this.#taken(this.#socket.write(bytes, 0, length))
      if (taken === length) return true
    }
    return this.#keep(view ? Uint8Array.prototype.slice.call(bytes, taken, length) : bytes.subarray(taken, length))
  }

  /**
   * Of a write. Where nobody reads, Bun says of a reset only that the socket is closed, and nothing
   * more until somebody reads.
   */
  #taken(bytes: number): number {
    if (bytes >= 0) return bytes
    queueMicrotask(() => {
      this.reset()
      this.close()
    })
    return 0
  }

  #keep(rest: Uint8Array): false {
    this.#queue.push(rest)
    this.#unsent += rest.length
    return false
  }

  drain(): void {
    // Bun says it after a handshake, too.
    if (this.#queue.length === 0) return
    for (let piece = this.#queue[0]; piece !== undefined; piece = this.#queue[0]) {
      const taken = this.#taken(this.#socket.write(piece, 0, piece.length))
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

  duplicate(dup: (fd: number) => number): number {
    return this.#closed ? -1 : dup(this.#socket.fd)
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

  peerEnd(): void {
    this.#peerEnded = true
    this.events.peerEnded()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.events.gone()
  }
}

/** RFC 7301 3.1: each name behind its length; Bun takes the list as it goes over the wire. */
export const alpn = Buffer.from('\x08http/1.1', 'latin1')

/** The `context` of a SecureContext is Bun's own object. */
export const nativeOf = (context: SecureContext): unknown =>
  (context as SecureContext & { readonly context: unknown }).context

/**
 * Bun makes an array for each read. What is longer costs more to collect than to give back at once.
 */
const longReadBytes = 1024

/** Not in the library of Node 20, for which the types are. */
interface ReadBytes extends Uint8Array {
  readonly buffer: ArrayBuffer & { transfer(length: number): ArrayBuffer }
}

/** Nobody has a view of what was read when it has been fed. */
function feed({ data: { events } }: BunSocket, bytes: ReadBytes): void {
  events.feed(bytes)
  if (bytes.length > longReadBytes) bytes.buffer.transfer(0)
}

/** A socket that speaks HTTP. */
export const http = {
  // A Buffer's views are made by its class, which is written in JavaScript.
  binaryType: 'uint8array',
  data: feed,
  drain: (socket: BunSocket) => socket.data.drain(),
  end: (socket: BunSocket) => socket.data.peerEnd(),
  close: (socket: BunSocket) => socket.data?.close(),
  error: (socket: BunSocket) => socket.data?.close(),
}

/** Bun says the name it was given, and not what it has bound. */
async function resolved(host: string): Promise<string> {
  if (addressOf(host) !== null) return host
  const { lookup } = await import('node:dns/promises')
  return (await lookup(host)).address
}

/** Loaded where there are certificates: what reads them brings all of `node:tls` with it. */
async function stores(): Promise<(pems: readonly CertificatePem[]) => CertificateStore> {
  const { CertificateStore } = await import('../../src/tls/certificates.ts')
  return (pems) => new CertificateStore(pems)
}

export const listen: Listen = async ({ port, host, peerProbeMs = 0, unix, fd, tls, proxyProtocol }, accept: Accept) => {
  const storeOf = tls && (await stores())
  let store = tls && storeOf?.(tls.certificates)

  const secured = {
    ...http,
    open() {},
    handshake(socket: BunSocket, success: boolean) {
      if (success) socket.data.events.secured()
      else socket.close()
    },
  }
  const securedByName = {
    ...secured,
    serverName: (_: unknown, name: string | undefined) => nativeOf(store!.choose(name).context),
  }

  const secure = (tcp: BunSocket, transport: BunTransport, certificates: CertificateStore, came: Uint8Array) => {
    const [, socket] = tcp.upgradeTLS({
      data: transport,
      isServer: true,
      initialData: came,
      tls: {
        secureContext: nativeOf(certificates.choose(null).context),
        ALPNProtocols: alpn,
        requestCert: false,
        rejectUnauthorized: false,
      },
      socket: certificates.several ? securedByName : secured,
    })
    transport.secureBy(socket)
  }

  /** With what has come of it so far. */
  const readHello = (socket: BunSocket, bytes: Uint8Array) => {
    const transport = socket.data
    transport.hello = 'awaited'
    if (bytes.length === 0) return
    if (isPlainHttp(bytes)) {
      // What else it sends is read away: a reset would overtake the answer.
      transport.hello = 'refused'
      socket.write(plainHttpAnswer)
      socket.shutdown()
    } else {
      transport.hello = 'none'
      secure(socket, transport, store!, bytes)
    }
  }

  const plain =
    proxyProtocol === undefined && store === undefined
      ? http
      : {
          ...http,
          data(socket: BunSocket, bytes: Uint8Array) {
            const transport = socket.data
            const reader = transport.header
            if (reader === null) {
              // Under TLS these are its records.
              if (store === undefined) transport.events.feed(bytes)
              else if (transport.hello === 'awaited') readHello(socket, bytes.slice())
              return
            }
            const used = reader.feed(bytes)
            const { header, fault } = reader
            if (fault !== null) {
              proxyProtocol!.onRefused(proxyFaults[fault], transport.peer)
              socket.close()
            } else if (header !== null) {
              transport.header = null
              if (header.client !== null) transport.peer = header.client
              transport.announcedLocal = header.destination
              if (store !== undefined) readHello(socket, bytes.slice(used))
              else if (used < bytes.length) transport.events.feed(bytes.subarray(used))
            }
          },
          drain(socket: BunSocket) {
            if (store === undefined) socket.data.drain()
          },
          end(socket: BunSocket) {
            const { header, hello } = socket.data
            if (store === undefined || header !== null || hello !== 'none') socket.data.events.peerEnded()
          },
        }

  const server = Bun.listen({
    ...(fd !== undefined ? { fd } : unix !== undefined ? { unix } : { port, hostname: await resolved(host ?? '::') }),
    allowHalfOpen: true,
    socket: {
      ...plain,
      open(socket: BunSocket) {
        // Reset before it was accepted: nobody waits for an answer, and without an address it would look like a peer on a Unix socket.
        if (unix === undefined && !socket.remoteAddress) {
          socket.terminate()
          return
        }
        if (peerProbeMs > 0 && unix === undefined) socket.setKeepAlive(true, peerProbeMs)
        const transport = new BunTransport(socket)
        socket.data = transport
        transport.events = accept(transport)
        if (proxyProtocol?.trust(transport.peer.address)) transport.header = new ProxyHeaderReader()
        else if (proxyProtocol?.others === 'refuse') {
          proxyProtocol.onRefused('its peer is none of those that announce clients', transport.peer)
          socket.close()
        } else if (store !== undefined) readHello(socket, nothing)
      },
    },
  })
  return {
    // Of an inherited one it says neither.
    host: unix === undefined ? (server.hostname ?? host ?? '') : '',
    port: unix === undefined ? (server.port ?? port) : 0,
    stop: () => server.stop(),
    ...(storeOf && {
      setCertificates: (certificates) => {
        store = storeOf(certificates)
      },
    }),
  }
}
