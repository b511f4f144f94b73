/**
 * WebSockets of `hono/bun` on the hangup engine. Only `Bun.serve` can speak WebSocket with Bun's
 * handlers, so one that listens on loopback, and answers nobody without a ticket of ours, takes
 * over what the application upgrades.
 */
import { connect } from 'node:net'
import type { RequestHead } from '../../src/http1/head.ts'
import type { ServerConnection } from '../../src/http1/server-connection.ts'
import { NativeResponse } from '../../src/http1/web/native.ts'
import type { LongLived } from '../../src/lifecycle/long-lived.ts'
import type { Peer } from '../../src/net/transport.ts'
import type { UpgradeOffer } from '../../src/serve/runtime.ts'
import { honoWebSocket, honoWebSocketsLoaded } from './hono-web-sockets.ts'
import { endedInDrain } from './web-sockets.ts'

interface UpgradeOptions {
  readonly data?: unknown
  readonly headers?: HeadersInit
}

interface BunServer {
  readonly port: number
  upgrade(request: Request, options: UpgradeOptions): boolean
  unref(): void
}

declare const Bun: { serve(options: object): BunServer }

const ticketField = 'hangup-ticket'

/** Of the client's request: the body was read away, and a ticket is ours to give. */
const notPassedOn = new Set(['content-length', 'transfer-encoding', 'trailer', 'expect', ticketField])

/** The request with which the connection to the other server begins. */
function handshake({ method, target, raw }: RequestHead, ticket: string): string {
  let text = `${method} ${target} HTTP/1.1\r\n`
  for (let i = 0; i < raw.length; i += 2) {
    if (!notPassedOn.has(raw[i]!.toLowerCase())) text += `${raw[i]}: ${raw[i + 1]}\r\n`
  }
  return `${text}${ticketField}: ${ticket}\r\n\r\n`
}

/** The parts of Bun's server that Hono's Bun helpers use. */
export class ServerLike {
  readonly #peer: Peer
  constructor({ transport }: ServerConnection) {
    this.#peer = transport.peer
  }
  requestIP(): Peer {
    return this.#peer
  }
  upgrade(_request: Request, _options?: UpgradeOptions): boolean {
    return false
  }
  timeout(): void {}
}

export function upgradeOffers(
  handlers: object = honoWebSocket,
): (connection: ServerConnection, head: RequestHead) => Promise<UpgradeOffer> {
  const tickets = new Map<string, UpgradeOptions>()
  let server: BunServer | null = null

  function start(longLived: LongLived): BunServer {
    const started = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      development: false,
      websocket: endedInDrain(handlers, longLived),
      fetch(request: Request, bun: BunServer) {
        const ticket = request.headers.get(ticketField) ?? ''
        const options = tickets.get(ticket)
        tickets.delete(ticket)
        if (options !== undefined && bun.upgrade(request, options)) return
        // Bun.serve takes no other class than its own.
        return new NativeResponse(null, { status: 403 })
      },
    })
    started.unref()
    return started
  }

  return async (connection, head) => {
    // Without Hono, whoever upgrades all the same is told so.
    if (handlers === honoWebSocket) await honoWebSocketsLoaded().catch(() => {})
    let accepted: UpgradeOptions | null = null
    let dropped = false
    const env = new ServerLike(connection)
    env.upgrade = (_, options = {}) => {
      if (dropped) return false
      accepted = options
      return true
    }
    return {
      env,
      upgraded() {
        if (accepted === null) return null
        const options = accepted
        return (stream, _, longLived) => {
          server ??= start(longLived)
          const ticket = crypto.randomUUID()
          tickets.set(ticket, options)
          const far = connect(server.port, '127.0.0.1')
          // It counts from now on; once the handshake is answered the other server has it.
          const opened = longLived.add('webSockets', () => {})
          far.once('data', () => opened())
          const end = () => {
            opened()
            tickets.delete(ticket)
            far.destroy()
            stream.destroy()
          }
          for (const side of [far, stream]) side.on('error', end).on('close', end)
          far.write(handshake(head, ticket), 'latin1')
          stream.pipe(far).pipe(stream)
        }
      },
      drop() {
        dropped = true
      },
    }
  }
}
