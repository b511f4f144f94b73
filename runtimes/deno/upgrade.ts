/**
 * WebSockets of `hono/deno` on the hangup engine. Hono's helper calls
 * `Deno.upgradeWebSocket(c.req.raw)`, which for a request that `Deno.serve` did not make wants a
 * socket of `node:net` as an option (UpgradeWebSocketOptions of Deno 2.9); the helper can't pass
 * it, so the function is replaced by one that finds it by the request and leaves every other
 * request to Deno. The socket is one end of a loopback pair; the engine's stream is piped through
 * the other.
 */

import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { RequestHead } from '../../src/http1/head.ts'
import type { ServerConnection } from '../../src/http1/server-connection.ts'
import { NativeRequest } from '../../src/http1/web/native.ts'
import { WebRequest } from '../../src/http1/web/request.ts'
import type { Coded } from '../../src/policy/codes.ts'
import type { UpgradeOffer } from '../../src/serve/runtime.ts'
import { closedInDrain } from './closed-in-drain.ts'
import { endTimerWith, idleTimeoutFor } from './web-socket-timer.ts'

interface UpgradeOptions {
  readonly socket?: Socket
  readonly head?: Uint8Array
}

declare const Deno: {
  upgradeWebSocket(request: Request, options?: UpgradeOptions): { response: Response; socket: WebSocket }
}

/** Two ends of one connection; `near` is for Deno. */
interface Pair {
  readonly near: Socket
  readonly far: Socket
}

class Offer {
  readonly pair: Pair
  readonly idleTimeoutMs: number
  socket: WebSocket | null = null
  state: 'offered' | 'taken' | 'dropped' = 'offered'

  constructor(pair: Pair, idleTimeoutMs: number) {
    this.pair = pair
    this.idleTimeoutMs = idleTimeoutMs
  }

  drop(): void {
    this.state = 'dropped'
    this.pair.near.destroy()
    this.pair.far.destroy()
  }
}

/**
 * Nobody is there for whom the handler asks for a WebSocket. Hono answers with what `getResponse`
 * gives, without a word in its log.
 */
class ClientGoneError extends Error implements Coded {
  override readonly name = 'ClientGoneError'
  readonly code = 'CLIENT_GONE'
  getResponse(): Response {
    return new Response(null, { status: 400 })
  }
}

const offers = new WeakMap<Request, Offer>()
let replaced = false

function replaceUpgrade(): void {
  if (replaced) return
  replaced = true
  const native = Deno.upgradeWebSocket
  Deno.upgradeWebSocket = (request, options) => {
    const offer = offers.get(request)
    if (offer === undefined) {
      if (WebRequest.is(request)) throw new TypeError('this request asks for no WebSocket')
      return native(request, options)
    }
    if (offer.state === 'dropped') throw new ClientGoneError('the client has gone')
    if (offer.state === 'taken') throw new TypeError('this request was upgraded already')
    const plain = new NativeRequest(request.url, { headers: [...request.headers] })
    const upgraded = native(plain, {
      ...options,
      ...idleTimeoutFor(offer.idleTimeoutMs),
      socket: offer.pair.near,
      head: new Uint8Array(),
    })
    offer.state = 'taken'
    offer.socket = upgraded.socket
    endTimerWith(upgraded.socket)
    return upgraded
  }
}

/** One for each connection. */
const envs = new WeakMap<ServerConnection, object>()

export function envOf(connection: ServerConnection): object {
  let env = envs.get(connection)
  if (env === undefined) {
    const { address, port } = connection.transport.peer
    env = { remoteAddr: { hostname: address, port, transport: 'tcp' } }
    envs.set(connection, env)
  }
  return env
}

export async function offerUpgrade(
  connection: ServerConnection,
  _: RequestHead,
  request: Request,
): Promise<UpgradeOffer> {
  replaceUpgrade()
  const offer = new Offer(await pair(), connection.connection.ownLimits.policy.webSocketIdleTimeoutMs)
  offers.set(request, offer)
  return {
    env: envOf(connection),
    upgraded() {
      if (offer.state !== 'taken') return null
      const { far } = offer.pair
      return (stream, _, longLived) => {
        if (offer.socket !== null) closedInDrain(offer.socket, longLived)
        const end = () => {
          far.destroy()
          stream.destroy()
        }
        for (const side of [far, stream]) side.on('error', end).on('close', end)
        stream.pipe(far).pipe(stream)
      }
    },
    drop: () => offer.drop(),
  }
}

/** Without a descriptor for the far end Deno tells nobody: see `keepAccepting` of transport.ts. */
const pairMs = 2_000

/**
 * Anybody on this machine may connect meanwhile; ours is the pair whose two ends know each other.
 */
function pair(): Promise<Pair> {
  return new Promise((resolve, reject) => {
    const accepted: Socket[] = []
    let near: Socket | null = null
    const give = (far: Socket | undefined): void => {
      clearTimeout(timer)
      for (const stranger of accepted) if (stranger !== far) stranger.destroy()
      listener.close()
    }
    const match = (): void => {
      const far = accepted.find(({ remotePort }) => remotePort === near?.localPort)
      if (near === null || far === undefined) return
      give(far)
      resolve({ near, far })
    }
    const fail = (error: Error): void => {
      give(undefined)
      near?.destroy()
      reject(error)
    }
    const timer = setTimeout(() => fail(new Error('no connection to the other end of a WebSocket')), pairMs)
    const listener = createServer((far) => {
      // What goes wrong later, the close that follows says.
      far.on('error', () => {})
      accepted.push(far)
      match()
    })
    listener.once('error', fail)
    listener.listen(0, '127.0.0.1', () => {
      near = connect((listener.address() as AddressInfo).port, '127.0.0.1', match)
      near.on('error', fail)
    })
  })
}
