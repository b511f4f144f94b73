/**
 * WebSockets on `node:http` on Deno, for Hono's own Deno helper. It calls `Deno.upgradeWebSocket(c.req.raw)`, which for a
 * request that `Deno.serve` did not make wants the socket of Node's `upgrade` event as an option (UpgradeWebSocketOptions
 * of Deno 2.9); the helper has no way to pass it, so the function is replaced by one that finds it by the request and
 * leaves every other request to Deno.
 */
import type { IncomingMessage } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

interface UpgradeOptions {
  readonly socket?: Socket
  readonly head?: Uint8Array
}

declare const Deno: {
  upgradeWebSocket(request: Request, options?: UpgradeOptions): { response: Response; socket: WebSocket }
}

const waiting = new WeakMap<Request, Required<UpgradeOptions>>()
let replaced = false

function replaceUpgrade(): void {
  if (replaced) return
  replaced = true
  const native = Deno.upgradeWebSocket
  Deno.upgradeWebSocket = (request, options) => {
    const own = waiting.get(request)
    waiting.delete(request)
    return native(request, { ...options, ...own })
  }
}

/** Asks the application; what it does not upgrade is answered, and the connection ends. */
export async function upgrade(
  incoming: IncomingMessage,
  socket: Socket,
  head: Uint8Array,
  answer: (request: Request) => Response | Promise<Response>,
): Promise<void> {
  replaceUpgrade()
  // Node takes its own listener off an upgraded socket; without one a reset would end the process.
  socket.on('error', () => {})
  try {
    const headers = new Headers()
    const { rawHeaders } = incoming
    for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '')
    const scheme = 'encrypted' in socket ? 'https' : 'http'
    const request = new Request(`${scheme}://${incoming.headers.host}${incoming.url}`, {
      method: incoming.method!,
      headers,
    })
    waiting.set(request, { socket: await bridge(socket), head })
    const response = await answer(request)
    if (!waiting.delete(request)) return
    const body = new Uint8Array(await response.arrayBuffer())
    const lines = [`HTTP/1.1 ${response.status} ${response.statusText}`]
    for (const [name, value] of response.headers) lines.push(`${name}: ${value}`)
    socket.write(`${lines.join('\r\n')}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`)
    socket.end(body)
  } catch {
    socket.destroy()
  }
}

/**
 * A loopback pair that carries the plain bytes. Deno takes a socket over whole: a TLS socket it can't, and of a plain
 * one the server would never see the end. Over the pair the client's socket stays the server's, to count and to cut.
 */
function bridge(socket: Socket): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const accepted: Socket[] = []
    const listener = createServer((far) => {
      accepted.push(far)
      match()
    })
    listener.once('error', reject)
    let near: Socket | null = null
    listener.listen(0, '127.0.0.1', () => {
      near = connect((listener.address() as AddressInfo).port, '127.0.0.1', match)
      near.once('error', reject)
    })

    /** Anybody on this machine may connect meanwhile; ours is the one whose two ends know each other. */
    function match(): void {
      const far = accepted.find(({ remotePort }) => remotePort === near?.localPort)
      if (near === null || far === undefined) return
      for (const stranger of accepted) if (stranger !== far) stranger.destroy()
      listener.close()
      const end = () => {
        far.destroy()
        socket.destroy()
      }
      for (const side of [far, socket]) side.on('error', end).on('close', end)
      socket.pipe(far).pipe(socket)
      resolve(near)
    }
  })
}
