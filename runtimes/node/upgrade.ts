/** WebSockets of @hono/node-server and the package `ws` on the hangup engine. */
import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { createAdaptorServer } from '@hono/node-server'
import type { Bindings } from '../../src/http1/engine.ts'
import type { RequestHead } from '../../src/http1/head.ts'
import type { ServerConnection } from '../../src/http1/server-connection.ts'

/** What is used of a `WebSocketServer({ noServer: true })`. */
export interface WebSocketServerLike extends EventEmitter {
  handleUpgrade(incoming: object, stream: Duplex, head: Uint8Array, callback: (socket: unknown) => void): void
}

/** The parts of a `node:http` request that `getConnInfo`, `upgradeWebSocket` and `ws` look at. */
export function incomingOf({ transport, secure }: ServerConnection, head: RequestHead) {
  const { address, port, family } = transport.peer
  let headers: Record<string, string> | null = null
  return {
    method: head.method,
    url: head.target,
    httpVersion: `1.${head.minor}`,
    httpVersionMajor: 1,
    httpVersionMinor: head.minor,
    rawHeaders: head.raw,
    socket: { remoteAddress: address, remotePort: port, remoteFamily: family, encrypted: secure },
    get headers() {
      if (headers !== null) return headers
      headers = {}
      for (let i = 0; i < head.raw.length; i += 2) {
        const name = head.raw[i]!.toLowerCase()
        headers[name] ??= head.get(name) ?? ''
      }
      return headers
    },
  }
}

/**
 * Its `upgradeWebSocket` asks `c.env`, under a symbol that the package keeps to itself, for the socket that the server will
 * have. The package shows the symbol to every application whose request is an upgrade: here to one that only looks.
 */
function waitSymbol(wss: WebSocketServerLike): symbol {
  let found: symbol | undefined
  const server = new EventEmitter()
  createAdaptorServer({
    fetch: (_, env) => {
      found = Object.getOwnPropertySymbols(env)[0]
      return new Response()
    },
    websocket: { server: Object.assign(new EventEmitter(), { options: { noServer: true } }) as never },
    createServer: (() => server) as never,
    overrideGlobalObjects: false,
  })
  const request = { url: '/', headers: { upgrade: 'websocket', host: 'localhost' }, socket: {} }
  const socket = Object.assign(new EventEmitter(), { destroyed: true })
  server.emit('upgrade', request, socket, new Uint8Array())
  if (found === undefined) throw new Error(`this version of @hono/node-server hands out no WebSockets: ${typeof wss}`)
  return found
}

export function webSocketBindings(
  wss: WebSocketServerLike,
): (connection: ServerConnection, head: RequestHead) => Bindings {
  const wait = waitSymbol(wss)
  return (connection, head) => {
    const incoming = incomingOf(connection, head)
    let accept: ((socket: unknown) => void) | null = null
    const env = {
      incoming,
      outgoing: undefined,
      wss,
      [wait]: () =>
        new Promise((resolve) => {
          accept = resolve
        }),
    }
    return {
      env,
      upgraded() {
        if (accept === null) return null
        const accepted = accept
        return (stream) => wss.handleUpgrade(incoming, stream, new Uint8Array(), accepted)
      },
    }
  }
}
