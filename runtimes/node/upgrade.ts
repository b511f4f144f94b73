/** WebSockets of @hono/node-server and the package `ws`, on both engines. */

import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { RequestHead } from '../../src/http1/head.ts'
import type { ServerConnection } from '../../src/http1/server-connection.ts'
import { backgroundClock } from '../../src/lifecycle/clock.ts'
import { goAwayMs } from '../../src/lifecycle/ending.ts'
import { goingAway, type LongLived } from '../../src/lifecycle/long-lived.ts'
import { ConfigError, problem } from '../../src/policy/problems.ts'
import type { UpgradeOffer } from '../../src/serve/runtime.ts'
import { closedByApplication } from '../../src/streams/web-socket-closer.ts'

interface WebSocketLike extends EventEmitter {
  close(code: number): void
  terminate(): void
  ping(): void
  /** Of `ws`, which answers with its own `close`. Undefined: elsewhere. */
  readonly _closeFrameReceived?: boolean
}

/** What is used of a `WebSocketServer({ noServer: true })`. */
export interface WebSocketServerLike extends EventEmitter {
  readonly options?: { readonly noServer?: boolean }
  handleUpgrade(incoming: object, stream: Duplex, head: Uint8Array, callback: (socket: WebSocketLike) => void): void
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

/** The names of symbols that `upgradeWebSocket` looks for in `c.env`. */
const waitName = 'WAIT_FOR_WEBSOCKET_SYMBOL'

/** Fields of an answer of 101 that are not the application's. */
const ownFields = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-protocol',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * A WebSocket that an application may take. `upgradeWebSocket` of @hono/node-server asks `c.env`
 * for it under a symbol that each copy of the package makes for itself, and an application has its
 * own copy: here a symbol counts by its name.
 */
export class WebSocketOffer {
  readonly #wss: WebSocketServerLike
  readonly #incoming: object
  /** Bytes that came behind the request. */
  readonly #head: Uint8Array
  readonly env: object
  #wanted: { readonly resolve: (socket: unknown) => void; readonly reject: (error: Error) => void } | null = null

  constructor(wss: WebSocketServerLike, incoming: object, head: Uint8Array) {
    this.#head = head
    this.#wss = wss
    this.#incoming = incoming
    const wait = () => new Promise((resolve, reject) => (this.#wanted = { resolve, reject }))
    const bySymbol = new Proxy(
      {},
      { get: (_, key) => (typeof key === 'symbol' && key.description === waitName ? wait : undefined) },
    )
    this.env = Object.assign(Object.create(bySymbol), { incoming, outgoing: undefined, wss })
  }

  /** Whether the application has asked for it. */
  get taken(): boolean {
    return this.#wanted !== null
  }

  /** `response`: the application's, whose fields go with the 101. */
  open(stream: Duplex, response: Response | undefined, longLived: LongLived): void {
    const wss = this.#wss
    const wanted = this.#wanted
    const addFields = (lines: string[]): void => {
      for (const [name, value] of response?.headers ?? []) if (!ownFields.has(name)) lines.push(`${name}: ${value}`)
    }
    wss.on('headers', addFields)
    endSoonAfter(stream)
    try {
      wss.handleUpgrade(this.#incoming, stream, this.#head, (socket) => {
        const byApplication = closedByApplication(socket, () => socket._closeFrameReceived === true)
        const over = longLived.add(
          'webSockets',
          () => socket.close(goingAway),
          () => socket.ping(),
        )
        socket.once('close', (code) => over(code, byApplication()))
        wss.emit('connection', socket, this.#incoming)
        wanted?.resolve(socket)
      })
    } finally {
      wss.off('headers', addFields)
    }
  }

  /** Its client has gone: who waits for it need not any more. */
  withdraw(): void {
    this.#wanted?.reject(new Error('the WebSocket’s client is gone'))
    this.#wanted = null
  }
}

/**
 * Once both have closed the WebSocket, `ws` would wait half a minute for the client's end of TCP.
 */
function endSoonAfter(stream: Duplex): void {
  stream.once('finish', () =>
    stream.once(
      'close',
      backgroundClock.after(goAwayMs, () => stream.destroy()),
    ),
  )
}

/** Throws where the package `ws` was not told that it does not listen itself. */
export function webSocketServerOf(websocket: { readonly server: object } | undefined): WebSocketServerLike | null {
  if (websocket === undefined) return null
  const wss = websocket.server as WebSocketServerLike
  if (wss.options?.noServer !== true) {
    const why = 'it listens by itself'
    throw new ConfigError([problem('websocket.server', wss, why, 'a server made with { noServer: true }')])
  }
  return wss
}

export function upgradeOffers(
  wss: WebSocketServerLike,
): (connection: ServerConnection, head: RequestHead) => UpgradeOffer {
  return (connection, head) => {
    const offer = new WebSocketOffer(wss, new IncomingLike(connection, head), new Uint8Array())
    return {
      env: offer.env,
      upgraded() {
        if (!offer.taken) return null
        return (stream, returned, longLived) =>
          offer.open(stream, returned instanceof Response ? returned : undefined, longLived)
      },
      drop: () => offer.withdraw(),
    }
  }
}
