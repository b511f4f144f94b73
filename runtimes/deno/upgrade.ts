/**
 * WebSockets of `hono/deno` on the hangup engine. Hono's helper calls `Deno.upgradeWebSocket(c.req.raw)`, which for a
 * request that `Deno.serve` did not make wants a socket of `node:net` as an option (UpgradeWebSocketOptions of Deno
 * 2.9); the helper can't pass it, so the function is replaced by one that finds it by the request and leaves every other
 * request to Deno. The socket is one end of a loopback pair; the engine's stream is piped through the other.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { UpgradeBindings } from '../../src/http1/engine.ts'
import type { RequestHead } from '../../src/http1/head.ts'
import { NativeRequest } from '../../src/http1/light/native.ts'
import type { ServerConnection } from '../../src/http1/server-connection.ts'
import { endTimerWith } from './web-socket-timer.ts'

interface UpgradeOptions {
  readonly socket?: Socket
  readonly head?: Uint8Array
}

declare const Deno: {
  upgradeWebSocket(request: Request, options?: UpgradeOptions): { response: Response; socket: WebSocket }
}

interface Offer {
  readonly near: Socket
  readonly far: Socket
  taken: boolean
}

const offers = new WeakMap<Request, Offer>()
let replaced = false

function replaceUpgrade(): void {
  if (replaced) return
  replaced = true
  const native = Deno.upgradeWebSocket
  Deno.upgradeWebSocket = (request, options) => {
    const offer = offers.get(request)
    if (offer === undefined || offer.taken) return native(request, options)
    const plain = new NativeRequest(request.url, { headers: [...request.headers] })
    const upgraded = native(plain, { ...options, socket: offer.near, head: new Uint8Array() })
    offer.taken = true
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

export async function webSocketBindings(
  connection: ServerConnection,
  _: RequestHead,
  request: Request,
): Promise<UpgradeBindings> {
  replaceUpgrade()
  const offer: Offer = { ...(await pair()), taken: false }
  offers.set(request, offer)
  return {
    env: envOf(connection),
    upgraded() {
      const { near, far, taken } = offer
      if (!taken) {
        near.destroy()
        far.destroy()
        return null
      }
      return (stream) => {
        const end = () => {
          far.destroy()
          stream.destroy()
        }
        for (const side of [far, stream]) side.on('error', end).on('close', end)
        stream.pipe(far).pipe(stream)
      }
    },
  }
}

/** Anybody on this machine may connect meanwhile; ours is the pair whose two ends know each other. */
function pair(): Promise<{ near: Socket; far: Socket }> {
  return new Promise((resolve, reject) => {
    const accepted: Socket[] = []
    let near: Socket | null = null
    const match = (): void => {
      const far = accepted.find(({ remotePort }) => remotePort === near?.localPort)
      if (near === null || far === undefined) return
      for (const stranger of accepted) if (stranger !== far) stranger.destroy()
      listener.close()
      resolve({ near, far })
    }
    const listener = createServer((far) => {
      accepted.push(far)
      match()
    })
    listener.once('error', reject)
    listener.listen(0, '127.0.0.1', () => {
      near = connect((listener.address() as AddressInfo).port, '127.0.0.1', match)
      near.once('error', reject)
    })
  })
}
