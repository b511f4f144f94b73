/**
 * The engine's sockets on `node:net` and `node:tls`: on Node, and on Deno, where they are faster
 * than `Deno.listen` under this engine, can be reset, and let go of a TLS handshake that never
 * ends.
 */

import { Buffer } from 'node:buffer'
import { type AddressInfo, createServer, type Server, Socket, type SocketConstructorOpts } from 'node:net'
import type { SecureContext } from 'node:tls'
import { deferred } from '../../src/deferred.ts'
import { isPlainHttp, plainHttpAnswer } from '../../src/http1/plain-on-tls.ts'
import { ProxyHeaderReader, proxyFaults } from '../../src/net/proxy-protocol.ts'
import type {
  Accept,
  Listen,
  ListenAt,
  Listener,
  Peer,
  ProxyProtocolFrom,
  Transport,
  TransportEvents,
} from '../../src/net/transport.ts'
import type { CertificateStore } from '../../src/tls/certificates.ts'
import { duplicateOf, isReset, resetTcp } from './reset.ts'
import { atEndOfTurn, type TurnWriter } from './turn-writes.ts'
import { writeNow, writesNow } from './write-now.ts'

/**
 * A libuv handle says how much of one large write is still queued; there is no public way to see
 * it, and none at all on Deno.
 */
const queuedIn = (tcp: Socket): number | undefined =>
  (tcp as Socket & { _handle?: { readonly writeQueueSize?: number } | null })._handle?.writeQueueSize

/**
 * Where progress can't be seen inside a write, a large body is written in pieces, smaller ones
 * while the client is slow.
 */
const pieceBytes = 128 * 1024
const slowPieceBytes = 4 * 1024
const slowPieceMs = 100
/**
 * Above it a body is not laid out with its head: the copy would cost more than a second piece of a
 * writev.
 */
const largeBytes = 16 * 1024

/** Less than what `Buffer.allocUnsafe` has a new buffer for, and room for a head. */
const pooledBytes = 2 * 1024

const encoder = new TextEncoder()

/**
 * To the start of `into`, which may have other bytes behind it. A head is nearly always ASCII,
 * which is latin1 is UTF-8; what writes latin1 on Deno is a loop that takes a microsecond for it.
 */
function writeLatin1(text: string, into: Buffer): void {
  const { read } = encoder.encodeInto(text, into.subarray(0, text.length))
  if (read !== text.length) into.write(text, 'latin1')
}

const endOf = (address = '', port = 0): Peer => ({ address, port, family: address.includes(':') ? 'IPv6' : 'IPv4' })

export class NodeTransport implements Transport, TurnWriter {
  peer: Peer
  /** As the peer announced it. */
  announcedLocal: Peer | null = null
  /** Set before anything can happen. */
  events!: TransportEvents
  /** Speaks HTTP: the TCP socket, or the TLS socket on it. */
  #socket: Socket
  /** The TCP socket itself: it alone can be reset. */
  readonly #tcp: Socket
  /** What is left of a body that is written in pieces. */
  #left: Uint8Array | null = null
  #pieceBytes = pieceBytes
  #endsAfter = false
  #owesDrained = false
  /** Nothing is read now, so nobody would hear of a reset. */
  #deaf = false
  #paused = false
  #peerEnded = false
  /** Nothing shows how much of a write the kernel has taken before it has taken all. */
  #blind: boolean
  #secure = false
  /** Messages wait for the end of the turn. */
  readonly #gathers: boolean
  /** One that does; empty once it had to be written before. */
  #waiting: string | Uint8Array | null = null

  /**
   * `accepted`: which knows the peer, whatever has become of it since. `gathers`: a message is
   * written at the end of the turn, with those of the other connections.
   */
  constructor(tcp: Socket, { accepted = tcp, gathers = false }: { accepted?: Socket; gathers?: boolean } = {}) {
    this.#tcp = tcp
    this.#gathers = gathers
    this.#socket = tcp
    this.#blind = queuedIn(tcp) === undefined
    this.peer = endOf(accepted.remoteAddress, accepted.remotePort)
  }

  get local(): Peer | null {
    if (this.announcedLocal !== null) return this.announcedLocal
    const { localAddress, localPort } = this.#tcp
    return localAddress ? endOf(localAddress, localPort) : null
  }

  /** HTTP is spoken on this one, nothing having been written yet. */
  secureBy(tls: Socket): void {
    this.#socket = tls
    this.#blind = true
    this.#secure = true
  }

  get quiet(): boolean {
    const { readable, writable, readableLength } = this.#socket
    return readable && writable && readableLength === 0 && this.unsent === 0 && !this.#tcp.destroyed
  }

  get unsent(): number {
    const { writableLength } = this.#socket
    const left = (this.#left?.length ?? 0) + (this.#waiting?.length ?? 0)
    if (writableLength === 0 || this.#blind) return left + writableLength
    return left + Math.min(queuedIn(this.#tcp) ?? writableLength, writableLength)
  }

  /** Laid out with their head in a piece of Node's own pool of buffers. */
  get copiesBytes(): number {
    return pooledBytes
  }

  get writeNow(): ((head: string, body: Uint8Array) => number) | undefined {
    return writesNow(this.#socket) ? this.#writeNow : undefined
  }

  #writeNow(head: string, body: Uint8Array): number {
    return this.#waiting === null ? writeNow(this.#tcp, head, body) : 0
  }

  write(head: string, body: string | Uint8Array | null, room = 0): boolean {
    const isSecond = this.#waiting !== null
    this.#writeWaiting()
    const message = this.#inOnePiece(head, body, room)
    if (message === null) this.#writeLarge(head, body!)
    else if (this.#gathers && !isSecond && head !== '') {
      this.#waiting = message
      this.#owesDrained = true
      atEndOfTurn(this)
      return false
    } else this.#send(message)
    // The end of the turn says what has become of both.
    if (isSecond) this.#owesDrained = true
    return !isSecond && this.#isTaken()
  }

  /** Latin1 text, or bytes that are the transport's own; null: the body is better written by itself. */
  #inOnePiece(head: string, body: string | Uint8Array | null, room: number): string | Uint8Array | null {
    if (body === null || body.length === 0) return head
    if (this.#blind && body.length > pieceBytes) return null
    if (typeof body !== 'string' && head.length <= room) {
      const whole = Buffer.from(body.buffer, body.byteOffset - head.length, head.length + body.length)
      writeLatin1(head, whole)
      return whole
    }
    if (body.length > largeBytes) return null
    if (typeof body === 'string') {
      // ASCII is latin1 is UTF-8: one string, one write.
      if (Buffer.byteLength(body) === body.length) return head + body
      return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)])
    }
    if (head === '') return body
    const whole = Buffer.allocUnsafe(head.length + body.length)
    writeLatin1(head, whole)
    whole.set(body, head.length)
    return whole
  }

  #writeLarge(head: string, body: string | Uint8Array): void {
    const socket = this.#socket
    if (this.#blind) {
      if (head !== '') socket.write(head, 'latin1')
      this.#left = typeof body === 'string' ? Buffer.from(body) : body
      this.#sendPiece()
      return
    }
    socket.cork()
    socket.write(head, 'latin1')
    socket.write(body, this.#secure ? this.#written : undefined)
    socket.uncork()
  }

  /** Where a second write, or the end, does not wait for the end of the turn. */
  #writeWaiting(): void {
    const message = this.#waiting
    if (message === null || message === '') return
    this.#waiting = ''
    this.#send(message)
  }

  withdraw(): boolean {
    if (this.#waiting === null || this.#waiting === '') return false
    this.#waiting = ''
    this.#owesDrained = false
    return true
  }

  endTurn(): void {
    this.#writeWaiting()
    this.#waiting = null
    if (!this.#owesDrained || !this.#isTaken()) return
    this.events.drained()
  }

  /** Under TLS an empty write does not come back on Deno, so there each says so itself. */
  #send(message: string | Uint8Array): void {
    if (this.#secure) this.#socket.write(message, 'latin1', this.#written)
    else this.#socket.write(message, 'latin1')
  }

  /**
   * Whether the kernel has all of it; if not, `drained` follows. An empty write behind the others
   * says when they are out.
   */
  #isTaken(): boolean {
    this.#owesDrained = this.#socket.writableLength > 0 || this.#left !== null
    if (this.#owesDrained && !this.#secure && this.#left === null) this.#socket.write('', this.#written)
    return !this.#owesDrained
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
    if (!this.#owesDrained || this.#waiting !== null || this.#left !== null || this.#socket.writableLength > 0) return
    this.#owesDrained = false
    this.events.drained()
  }

  poke(): void {
    if (this.#deaf && isReset(this.#tcp)) this.#tcp.destroy()
  }

  pause(): void {
    this.#paused = true
    this.#deaf = true
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#deaf = this.#peerEnded
    this.#socket.resume()
  }

  /** FIN, or what looks like one. */
  peerEnd(): void {
    this.#peerEnded = true
    this.#deaf = true
    if (isReset(this.#tcp)) this.#tcp.destroy()
    else this.events.peerEnded()
  }

  duplicate(dup: (fd: number) => number): number {
    return duplicateOf(this.#tcp, dup)
  }

  end(): void {
    this.#writeWaiting()
    if (this.#left === null) this.#socket.end()
    else this.#endsAfter = true
  }

  destroy(): void {
    this.#writeWaiting()
    this.#socket.destroy()
  }

  reset(): void {
    if (this.#tcp.destroyed) return
    this.#writeWaiting()
    // A Unix socket has no RST, and Node throws at the attempt.
    if (this.#tcp.remoteAddress === undefined) this.#tcp.destroy()
    else resetTcp(this.#tcp, this.#socket)
  }
}

/** `socket` is the one that speaks HTTP. */
function hear(socket: Socket, transport: NodeTransport): void {
  const { events } = transport
  socket.on('data', (bytes: Uint8Array) => events.feed(bytes))
  socket.on('end', () => transport.peerEnd())
}

/** What is read is used, or copied, before the next one reads. */
const shared = new Uint8Array(256 * 1024)

/**
 * The accepted connection as a socket that reads into `shared`, or null where none can be made. A
 * stream allocates 64 KB for each read and hands them on through four functions: a fifth of what a
 * small request costs. `onread` is how it is done without, but a server has no such option; so its
 * socket, which has not begun to read, gives its handle to one that has.
 */
function readingShared(accepted: Socket, feed: (bytes: Uint8Array) => void): Socket | null {
  const holder = accepted as unknown as { _handle?: object | null }
  const handle = holder._handle
  if (!handle) return null
  holder._handle = null
  const options = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: shared,
      callback(length: number) {
        feed(shared.subarray(0, length))
        return true
      },
    },
  }
  return new Socket(options as SocketConstructorOpts)
}

// What went wrong, the close that follows says.
const ignore = () => {}
const nothing = new Uint8Array(0)

/** Waits for the first byte, and calls `then` if it is no HTTP; what came is still to be read. */
function readHello(tcp: Socket, transport: NodeTransport, came: Uint8Array, then: () => void): void {
  const onEnd = () => transport.peerEnd()
  const onData = (bytes: Uint8Array) => {
    tcp.off('data', onData)
    if (isPlainHttp(bytes)) {
      // What else it sends is read away: a reset would overtake the answer. The limit of a handshake is that of its end.
      tcp.end(plainHttpAnswer)
      tcp.resume()
      return
    }
    tcp.off('end', onEnd).pause()
    tcp.unshift(bytes)
    then()
  }
  tcp.on('end', onEnd)
  if (came.length > 0) onData(came)
  else tcp.on('data', onData)
}

/**
 * Calls `then` with what came behind the header, once it is there and the client is known; closes
 * the connection if it is none.
 */
function readProxyHeader(
  tcp: Socket,
  transport: NodeTransport,
  { onRefused }: ProxyProtocolFrom,
  then: (rest: Uint8Array) => void,
): void {
  const reader = new ProxyHeaderReader()
  const onEnd = () => transport.peerEnd()
  const onData = (bytes: Uint8Array) => {
    const used = reader.feed(bytes)
    const { header, fault } = reader
    if (fault !== null) {
      onRefused(proxyFaults[fault], transport.peer)
      tcp.destroy()
    } else if (header !== null) {
      tcp.off('data', onData).off('end', onEnd)
      if (header.client !== null) transport.peer = header.client
      transport.announcedLocal = header.destination
      then(bytes.subarray(used))
    }
  }
  tcp.on('data', onData).on('end', onEnd)
}

/**
 * What accepts: `node:net`'s server, or what takes its place where that falls short. `plain`:
 * nothing is read before `onSocket`.
 */
export type OpenServer = (
  at: ListenAt,
  plain: boolean,
  onSocket: (accepted: Socket) => void,
) => Promise<Omit<Listener, 'setCertificates'>>

const unixAddress = { host: '', port: 0 } as const

/** `onListening`: for what only one runtime's server needs. */
export async function openNetServer(
  { port, host, unix, fd }: ListenAt,
  plain: boolean,
  onSocket: (accepted: Socket) => void,
  onListening?: (server: Server) => void,
): Promise<Omit<Listener, 'setCertificates'>> {
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: plain }, onSocket)
  const { promise: listening, resolve, reject } = deferred()
  server.once('error', reject)
  const place = unix === undefined ? { port, ...(host !== undefined && { host }) } : { path: unix }
  server.listen(fd === undefined ? place : { fd }, resolve)
  await listening
  onListening?.(server)
  const address = server.address() as AddressInfo | string | null
  // One on a Unix socket is a path, and of an inherited one unknown.
  const at =
    address === null || typeof address === 'string' ? unixAddress : { host: address.address, port: address.port }
  return { ...at, stop: () => void server.close() }
}

/** Loaded where there are certificates: a tenth of a start. */
async function tlsParts() {
  const [{ TLSSocket }, { CertificateStore }] = await Promise.all([
    import('node:tls'),
    import('../../src/tls/certificates.ts'),
  ])
  return { TLSSocket, CertificateStore }
}

export async function listenOn(at: ListenAt, accept: Accept, open: OpenServer = openNetServer): Promise<Listener> {
  const { peerProbeMs = 0, unix, tls, proxyProtocol, gathers = false } = at
  const parts = tls && (await tlsParts())
  let store = tls && parts && new parts.CertificateStore(tls.certificates)
  const SNICallback = (name: string, done: (error: null, context: SecureContext) => void) =>
    done(null, store!.choose(name).context)

  const secure = (tcp: Socket, transport: NodeTransport, certificates: CertificateStore, came: Uint8Array) => {
    readHello(tcp, transport, came, () => {
      const socket = new parts!.TLSSocket(tcp, {
        isServer: true,
        secureContext: certificates.choose(null).context,
        ...(certificates.several && { SNICallback }),
        ALPNProtocols: ['http/1.1'],
      })
      // How a socket without a `tls.Server` tells of a record that is none, and of a renegotiation. It would wait for a better one.
      socket.on('_tlsError', () => tcp.destroy())
      socket.on('error', ignore)
      transport.secureBy(socket)
      hear(socket, transport)
      socket.once('secure', () => {
        socket.disableRenegotiation()
        transport.events.secured()
      })
    })
  }

  const plain = store === undefined && proxyProtocol === undefined
  const server = await open(at, plain, (accepted) => {
    // Reset before it was accepted: nobody waits for an answer, and without an address it would look like a peer on a Unix socket.
    if (unix === undefined && accepted.remoteAddress === undefined) {
      accepted.on('error', ignore).destroy()
      return
    }
    const reading = plain ? readingShared(accepted, (bytes) => events.feed(bytes)) : null
    const tcp = reading ?? accepted
    // Of each: an option of the server is not read on Deno.
    if (peerProbeMs > 0 && unix === undefined) tcp.setKeepAlive(true, peerProbeMs)
    const transport = new NodeTransport(tcp, { accepted, gathers })
    const events = accept(transport)
    transport.events = events
    tcp.on('error', ignore)
    tcp.on('close', () => events.gone())
    if (proxyProtocol?.trust(transport.peer.address)) {
      readProxyHeader(tcp, transport, proxyProtocol, (rest) => {
        if (store === undefined) {
          hear(tcp, transport)
          if (rest.length > 0) events.feed(rest)
          return
        }
        secure(tcp, transport, store, rest)
      })
    } else if (proxyProtocol?.others === 'refuse') {
      proxyProtocol.onRefused('its peer is none of those that announce clients', transport.peer)
      tcp.destroy()
    } else if (store !== undefined) secure(tcp, transport, store, nothing)
    else if (reading === null) {
      hear(tcp, transport)
      tcp.resume()
    } else tcp.on('end', () => transport.peerEnd())
  })
  return {
    ...server,
    ...(parts && {
      setCertificates: (certificates) => {
        store = new parts.CertificateStore(certificates)
      },
    }),
  }
}

export const listen: Listen = (at, accept) => listenOn(at, accept)
