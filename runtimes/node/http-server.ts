/**
 * A server of Node's that knows its connections from their accept on, whatever they are about to
 * speak.
 */
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http'
import { createSecureServer, type SecureServerOptions, type ServerHttp2Session, type Settings } from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket, Server as TlsServer } from 'node:tls'
import type { Policy } from '../../src/policy/policy.ts'
import { longestMs } from '../../src/policy/units.ts'
import type { Running } from '../../src/serve/contract.ts'
import { certificatesOf } from '../../src/serve/prepare.ts'
import { CertificateStore } from '../../src/tls/certificates.ts'
import { isHttp2, type Outgoing, refuse, refuseLast } from './answer.ts'
import { Body, hasBody, type Incoming } from './body.ts'
import { answerCleartext } from './cleartext.ts'
import { Exchange, type ExchangeParts } from './exchange.ts'
import { HeldIncoming } from './held-incoming.ts'
import { holdAccept } from './hold.ts'
import { Http1Connection, type NodeMember, type ServerContext } from './http1-connection.ts'
import { Http2Session } from './http2-session.ts'
import type { NodeServeOptions } from './options.ts'
import { requestMaker } from './request.ts'
import { WebSocketOffer, type WebSocketServerLike, webSocketServerOf } from './upgrade.ts'
import { UpgradeExchange } from './upgrade-exchange.ts'

export class NodeConnections {
  readonly server: Server
  readonly setCertificates: Running['setCertificates']
  /** Handed to the application. */
  requests = 0
  readonly #context: ServerContext
  readonly #parts: ExchangeParts
  readonly #wss: WebSocketServerLike | null
  readonly #secure: boolean
  /** Makes the Request, and lets the exchange ask the application. */
  readonly #ask: ReturnType<typeof requestMaker>
  /**
   * By the socket that speaks HTTP/1.1, by the stream of HTTP/2, and before that by the TCP socket.
   * Never by an address: a client that has reset its connection has none any more, and another may
   * have had it before.
   */
  readonly #members = new WeakMap<object, NodeMember>()
  /** Since this turn of the loop began. */
  #holding: HeldIncoming[] = []

  constructor(context: ServerContext, { tls, websocket, host = 'localhost' }: NodeServeOptions, parts: ExchangeParts) {
    this.#ask = requestMaker(host)
    this.#context = context
    this.#parts = parts
    this.#secure = tls !== undefined
    this.#wss = webSocketServerOf(websocket)
    let store = tls && new CertificateStore(certificatesOf(tls))
    this.server = this.#makeServer(store && (() => store!))
    if (store !== undefined) {
      this.setCertificates = (certificates) => {
        store = new CertificateStore(certificates)
        ;(this.server as object as TlsServer).setSecureContext(store.choose(null).options)
      }
    }
    this.#hear(this.server)
  }

  #makeServer(store: (() => CertificateStore) | undefined): Server {
    const { policy } = this.#context
    const options = {
      // Node's own clocks are off. After a stall of the process they go off before what came meanwhile has been read.
      headersTimeout: 0,
      requestTimeout: 0,
      keepAliveTimeout: 0,
      maxHeaderSize: policy.maxHeadBytes,
      // Of HTTP/2; four of them are no fields.
      maxHeaderListPairs: policy.maxHeadFields + 4,
      optimizeEmptyRequests: true,
      // From the accept on: of a TLS server Node sets it with the first response only.
      noDelay: true,
    }
    const onRequest = (incoming: Incoming, outgoing: Outgoing) => {
      const exchange = this.#begin(incoming, outgoing)
      if (exchange !== null) this.#askWithBody(incoming, exchange)
    }
    if (store === undefined) return createServer({ ...options, IncomingMessage: HeldIncoming }, onRequest)
    const secureOptions: SecureServerOptions = {
      ...options,
      ...store().choose(null).options,
      SNICallback: (name, done) => done(null, store().choose(name).context),
      handshakeTimeout: longestMs,
      settings: settingsOf(policy),
      allowHTTP1: true,
      Http1IncomingMessage: HeldIncoming,
    }
    // Its types know no half-open connections, and that it also is a server of HTTP/1.1.
    return createSecureServer(
      { ...secureOptions, allowHalfOpen: true } as SecureServerOptions,
      onRequest,
    ) as object as Server
  }

  #hear(server: Server & { httpAllowHalfOpen?: boolean }): void {
    server.timeout = 0
    // Node drops what is beyond without a word: with one more it shows that there were too many.
    server.maxHeadersCount = this.#context.policy.maxHeadFields + 1
    server.keepAliveTimeout = 0
    // A client that ends its side is still answered.
    server.httpAllowHalfOpen = true
    // The HTTP/2 server takes it from nowhere else. HTTP/1.0 has no upgrades (RFC 9110 7.8).
    Object.assign(server, {
      shouldUpgradeCallback: ({ headers, httpVersion, method }: IncomingMessage) =>
        this.#wss !== null &&
        headers.upgrade?.toLowerCase() === 'websocket' &&
        httpVersion === '1.1' &&
        method === 'GET',
    })
    server.on('checkContinue', (incoming: Incoming, outgoing: ServerResponse) => {
      const exchange = this.#begin(incoming, outgoing)
      if (exchange === null) return
      outgoing.writeContinue()
      this.#ask(incoming, exchange)
    })
    server.on('checkExpectation', (incoming: Incoming, outgoing: ServerResponse) => {
      if (this.#begin(incoming, outgoing) !== null) refuse(outgoing, 417)
    })
    server.on('upgrade', (incoming, socket, head) => this.#upgrade(incoming as HeldIncoming, socket as Socket, head))
    server.on('connection', (tcp: Socket) => this.#accepted(tcp))
    server.on('secureConnection', (socket: TLSSocket) => this.#secured(socket))
    // Comes before `secureConnection`, whose own listener in Node makes the session.
    server.on('session', (session: ServerHttp2Session) => this.#opened(session))
    server.on('tlsClientError', (error: Error, socket: TLSSocket) => answerCleartext(error, tcpUnder(socket)))
    server.on('clientError', (error: Error, socket: Socket) => {
      const wire = this.#members.get(socket)
      if (wire instanceof Http1Connection) wire.failed(error)
      else socket.destroy()
    })
  }

  /** Once its body is there, where that is a matter of what Node has read already. */
  #askWithBody(incoming: Incoming, exchange: Exchange): void {
    const held = !('stream' in incoming) && incoming.body !== null && incoming.hold(() => this.#ask(incoming, exchange))
    if (!held) {
      this.#ask(incoming, exchange)
      return
    }
    if (this.#holding.length === 0) setImmediate(this.#askHeld)
    this.#holding.push(incoming)
  }

  readonly #askHeld = (): void => {
    const holding = this.#holding
    this.#holding = []
    for (const incoming of holding) incoming.askNow()
  }

  /** The first byte of a request has come. */
  headBegan(socket: Socket): void {
    const member = this.#members.get(socket)
    if (member instanceof Http1Connection) member.lookSoon()
  }

  #accepted(tcp: Socket): void {
    const { policy, connections, now } = this.#context
    if (policy.peerProbeMs > 0) tcp.setKeepAlive(true, policy.peerProbeMs)
    const admitted = connections.admits(now())
    if (connections.full) holdAccept()
    const wire = new Http1Connection(tcp, this.#secure, this.#context)
    wire.surplus = !admitted
    this.#members.set(tcp, wire)
    connections.add(wire)
    tcp.once('close', () => {
      wire.gone()
      connections.remove(wire)
    })
    if (!this.#secure) tcp.on('end', () => wire.clientEnded())
  }

  #secured(socket: TLSSocket): void {
    const member = this.#members.get(tcpUnder(socket))
    if (member === undefined) return
    socket.on('end', () => member.clientEnded())
    // HTTP/2 has a session in its place.
    if (!(member instanceof Http1Connection)) return
    member.secured(socket)
    this.#members.set(socket, member)
  }

  #opened(session: ServerHttp2Session): void {
    const { connections } = this.#context
    const tcp = tcpUnder(session.socket as TLSSocket)
    const wire = this.#members.get(tcp)
    if (!(wire instanceof Http1Connection)) return
    const member = new Http2Session(session, tcp, this.#context)
    member.surplus = wire.surplus
    this.#members.set(tcp, member)
    session.prependListener('stream', (stream) => this.#members.set(stream, member))
    if (tcp.destroyed || session.destroyed) {
      connections.remove(wire)
      return
    }
    connections.replace(wire, member)
    tcp.once('close', () => {
      member.connection.blame('client', 'reset')
      connections.remove(member)
    })
  }

  /** Notes the request on its connection; null: the application is not to answer it. */
  #begin(incoming: Incoming, outgoing: Outgoing, offer: WebSocketOffer | null = null): Exchange | null {
    const { policy, connections } = this.#context
    const member = this.#members.get('stream' in incoming ? incoming.stream : incoming.socket)
    if (member === undefined || !member.begin(incoming, outgoing)) return null
    if (!isHttp2(outgoing)) {
      ;(outgoing as { _keepAliveTimeout?: number })._keepAliveTimeout = policy.keepAliveHintMs
      // The parser takes 0.9 and 2.0 from a request line as well (RFC 9110 15.6.6).
      if (incoming.httpVersionMajor !== 1) {
        refuseLast(outgoing, 505)
        return null
      }
      if (incoming.rawHeaders.length > 2 * policy.maxHeadFields) {
        connections.count('headFields')
        refuseLast(outgoing, 431)
        return null
      }
    } else if (namesTwoHosts(incoming.headers)) {
      refuse(outgoing, 400)
      return null
    }
    let body: Body | null = null
    if (hasBody(incoming)) {
      const made = new Body(incoming, policy.maxBodyBytes, () => member.bodyTooLarge(made))
      body = made
      member.expect(made)
      if (made.isTooLarge && !made.awaitRoute()) {
        member.bodyTooLarge(made)
        refuseLast(outgoing, 413)
        return null
      }
    }
    if (member.surplus) {
      connections.count('full')
      refuse(outgoing, 503, ['Retry-After', '1'])
      return null
    }
    this.requests += 1
    if (offer === null) return new Exchange(this.#parts, incoming, outgoing, body, member)
    return new UpgradeExchange(
      this.#parts,
      incoming as HeldIncoming,
      outgoing as ServerResponse,
      member as Http1Connection,
      offer,
    )
  }

  /**
   * Node has given up the connection with this: what is owed on it goes out first, then the
   * application is asked.
   */
  #upgrade(incoming: HeldIncoming, socket: Socket, head: Uint8Array): void {
    socket.on('error', ignore)
    const wire = this.#members.get(socket)
    const wss = this.#wss
    if (!(wire instanceof Http1Connection) || wss === null) {
      socket.destroy()
      return
    }
    wire.beforeUpgrade(() => {
      const outgoing = new ServerResponse(incoming)
      outgoing.shouldKeepAlive = false
      outgoing.assignSocket(socket)
      outgoing.once('finish', () => {
        outgoing.detachSocket(socket)
        socket.destroySoon()
      })
      const offer = new WebSocketOffer(wss, incoming, head)
      const exchange = this.#begin(incoming, outgoing, offer)
      if (exchange !== null) this.#ask(incoming, exchange)
      else if (!outgoing.headersSent) socket.destroySoon()
    })
  }
}

/** A TLS socket keeps it to itself, as `_parent`. */
function tcpUnder(socket: TLSSocket): Socket {
  return (socket as TLSSocket & { readonly _parent?: Socket })._parent ?? socket
}

/** RFC 9113 6.5.2: each field of a list counts 32 bytes beside its own. */
const fieldOverhead = 32

function settingsOf({ maxConcurrentStreams, maxHeadBytes, maxHeadFields }: Policy): Settings {
  return {
    ...(maxConcurrentStreams > 0 && { maxConcurrentStreams }),
    // What is compressed is counted by what it stands for.
    ...(maxHeadBytes > 0 && { maxHeaderListSize: maxHeadBytes + maxHeadFields * fieldOverhead }),
  }
}

/**
 * Over HTTP/2: whoever goes by one of the two is asked something else than whoever goes by the
 * other (RFC 9113 8.3.1).
 */
function namesTwoHosts({ host, ':authority': authority }: IncomingMessage['headers']): boolean {
  if (host === undefined || authority === undefined || host === authority) return false
  return withoutPort(host) !== withoutPort(String(authority))
}

/** HTTP/2 is spoken over TLS alone, whose port goes without saying. */
const withoutPort = (authority: string): string => authority.toLowerCase().replace(/:443$/, '')

const ignore = (): void => {}
