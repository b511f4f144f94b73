/** WebSockets of @hono/node-server and the package `ws` on the hangup engine. */
import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { createAdaptorServer } from '@hono/node-server'
import type { UpgradeBindings } from '../../src/http1/engine.ts'
import type { RequestHead } from '../../src/http1/head.ts'
import type { ServerConnection } from '../../src/http1/server-connection.ts'

/** What is used of a `WebSocketServer({ noServer: true })`. */
export interface WebSocketServerLike extends EventEmitter {
  handleUpgrade(incoming: object, stream: Duplex, head: Uint8Array, callback: (socket: unknown) => void): void
}

/** The parts of a `node:http` request that `getConnInfo`, `upgradeWebSocket` and `ws` look at. */
export class IncomingLike {
  readonly #connection: ServerConnection
  readonly #head: RequestHead
  readonly httpVersionMajor = 1
  #headers: Record<string, string> | null = null

  constructor(connection: ServerConnection, head: RequestHead) {
    this.#connection = connection
    this.#head = head
  }

  get method(): string {
    return this.#head.method
  }

  get url(): string {
    return this.#head.target
  }

  get httpVersion(): string {
    return `1.${this.#head.minor}`
  }

  get httpVersionMinor(): number {
    return this.#head.minor
  }

  get rawHeaders(): readonly string[] {
    return this.#head.raw
  }

  get headers(): Readonly<Record<string, string>> {
    if (this.#headers !== null) return this.#headers
    this.#headers = {}
    const { raw } = this.#head
    for (let i = 0; i < raw.length; i += 2) this.#headers[raw[i]!.toLowerCase()] ??= this.#head.get(raw[i]!) ?? ''
    return this.#headers
  }

  get socket() {
    const { transport, secure } = this.#connection
    const { address, port, family } = transport.peer
    return { remoteAddress: address, remotePort: port, remoteFamily: family, encrypted: secure }
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
): (connection: ServerConnection, head: RequestHead) => UpgradeBindings {
  const wait = waitSymbol(wss)
  return (connection, head) => {
    const incoming = new IncomingLike(connection, head)
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
