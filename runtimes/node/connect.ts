/**
 * Connections to upstreams on `node:net` and `node:tls`: on Node, and on Deno, where a read into
 * one buffer of ours costs less than `Deno.connect` does, and a connection can be reset.
 */

import { readSync } from 'node:fs'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls'
import { deferred } from '../../src/deferred.ts'
import type { Connect, ConnectTls } from '../../src/net/transport.ts'
import { clientContext } from '../client-context.ts'
import { NodeTransport } from './transport.ts'

/** Every connection reads into it: what is read is used, or copied, before the next one reads. */
const shared = new Uint8Array(256 * 1024)

function secure(tcp: Socket, { servername, verify }: ConnectTls, secureContext: SecureContext): TLSSocket {
  return connectTls({
    socket: tcp,
    secureContext,
    // An address is none of SNI's names (RFC 6066 3), but may be one of the certificate's.
    ...(isIP(servername) ? { host: servername } : { servername }),
    rejectUnauthorized: verify,
    ALPNProtocols: ['http/1.1'],
  })
}

/**
 * What can still be read of a socket whose write has just failed, before it is destroyed for that:
 * an upstream that refuses an upload early and hangs up resets the connection, its answer unread.
 * Null: there is nothing, or no way to it (Deno).
 */
function readLeft(tcp: Socket): Uint8Array | null {
  const { fd = -1 } = (tcp as Socket & { readonly _handle?: { readonly fd?: number } | null })._handle ?? {}
  if (fd < 0) return null
  try {
    return shared.slice(0, readSync(fd, shared))
  } catch {
    return null
  }
}

/** Only a gateway connects, and runs nobody else's code in its turns. */
const gathered = { gathers: true } as const

/** Without TLS. */
class PlainTransport extends NodeTransport {
  readonly #tcp: Socket
  #failed = false

  constructor(tcp: Socket) {
    super(tcp, gathered)
    this.#tcp = tcp
  }

  override write(head: string, body: string | Uint8Array | null, room?: number): boolean {
    const taken = super.write(head, body, room)
    if (this.#tcp.errored) this.#readLeft()
    return taken
  }

  override endTurn(): void {
    super.endTurn()
    if (this.#tcp.errored) this.#readLeft()
  }

  #readLeft(): void {
    if (this.#failed) return
    this.#failed = true
    const left = readLeft(this.#tcp)
    // It may be written from within what the parser tells. The close comes later still.
    if (left !== null && left.length > 0) process.nextTick(() => this.events.feed(left))
  }
}

export const connect: Connect = async ({ host, port, unix, tls, preamble }, accept, signal) => {
  signal.throwIfAborted()
  const context = tls && clientContext(tls)
  const { promise, resolve, reject } = deferred()
  let transport: NodeTransport
  const tcp = connectTcp({
    ...(unix === undefined ? { host, port } : { path: unix }),
    allowHalfOpen: true,
    noDelay: true,
    ...(tls === undefined && {
      onread: {
        buffer: shared,
        callback(length: number) {
          transport.events.feed(shared.subarray(0, length))
          return true
        },
      },
    }),
  })
  const giveUp = () => {
    tcp.destroy()
    reject(signal.reason)
  }
  signal.addEventListener('abort', giveUp, { once: true })
  // Later it changes nothing any more, and the close that follows says it.
  tcp.on('error', reject)

  const begin = (socket: Socket) => {
    transport = socket === tcp ? new PlainTransport(tcp) : new NodeTransport(tcp, gathered)
    if (socket !== tcp) transport.secureBy(socket)
    const events = accept(transport)
    transport.events = events
    if (socket !== tcp) socket.on('data', (bytes: Uint8Array) => events.feed(bytes))
    socket.on('end', () => transport.peerEnd())
    tcp.on('close', () => events.gone())
    resolve()
  }
  tcp.once('connect', () => {
    if (signal.aborted) return
    if (preamble !== undefined) tcp.write(preamble)
    if (tls === undefined || context === undefined) {
      begin(tcp)
      return
    }
    const socket = secure(tcp, tls, context)
    socket.once('secureConnect', () => {
      if (!signal.aborted) begin(socket)
    })
    socket.on('error', (error) => {
      reject(error)
      tcp.destroy()
    })
  })
  try {
    await promise
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
