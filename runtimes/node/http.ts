/**
 * `serve()` over `node:http`, its Requests made by @hono/node-server. Node's own clocks are off: the bookkeeping of `wire.ts`
 * and `session.ts` is swept twenty times a second.
 */
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { SecureServerOptions, ServerHttp2Session } from 'node:http2'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import type { TLSSocket, Server as TlsServer } from 'node:tls'
import { Connections } from '../../src/lifecycle/connections.ts'
import { Budget, type Descriptors } from '../../src/lifecycle/descriptor-budget.ts'
import { Drain } from '../../src/lifecycle/drain.ts'
import { type Enforcement, enforcementWith } from '../../src/policy/enforcement.ts'
import { longestMs } from '../../src/policy/units.ts'
import { type Application, applicationOf } from '../../src/serve/application.ts'
import type { App, Running, ServeOptions } from '../../src/serve/contract.ts'
import { certificatesOf, listenError, prepare, shortageLog } from '../../src/serve/prepare.ts'
import { runningOf } from '../../src/serve/running.ts'
import { CertificateStore } from '../../src/tls/certificates.ts'
import { isHttp2, type Outgoing, refuse, refuseLast } from './answer.ts'
import { Body, hasBody, type Incoming } from './body.ts'
import { answerCleartext } from './cleartext.ts'
import { Exchange } from './exchange.ts'
import { holdAccept } from './hold.ts'
import { madeOf } from './hono-response.ts'
import { Http1Connection, type NodeMember, type ServerContext } from './http1-connection.ts'
import { Http2Session } from './http2-session.ts'
import { requestMaker } from './request.ts'
import { WebSocketOffer, type WebSocketServerLike, webSocketServerOf } from './upgrade.ts'

export interface NodeServeOptions extends ServeOptions {
  /** As in @hono/node-server: `{ server: new WebSocketServer({ noServer: true }) }` of the package `ws`. */
  readonly websocket?: { readonly server: object }
}

type Listener = (incoming: any, outgoing: any) => void

export interface NodeFlavour {
  readonly runtime: string
  readonly enforcement: Enforcement
  /** Of the process; null: they can't be told. */
  readonly descriptors: () => Descriptors | null
  /** Why this engine serves. */
  readonly why: string
  /** Makes the server that speaks TLS. */
  secure(options: SecureServerOptions, listener: Listener): Server
}

export async function serveNodeHttp(app: App, options: NodeServeOptions, flavour: NodeFlavour): Promise<Running> {
  const descriptors = flavour.descriptors()
  const enforcement = enforcementWith(descriptors, flavour.enforcement)
  const { policy, log } = prepare(options, ['websocket'], { runtime: flavour.runtime, enforcement })
  const now = () => performance.now()
  const book = new Connections<NodeMember>({
    policy,
    now,
    onHangUp: log.note,
    budget: Budget.of(descriptors, policy),
    turnsAway: true,
    onShortage: shortageLog(log, now),
  })
  const bugs = new Set<string>()
  const context: ServerContext = {
    policy,
    now,
    book,
    lastAnswers: () => drain.draining || book.full,
    onBug({ message }) {
      if (bugs.has(message)) return
      bugs.add(message)
      log.error({
        level: 'error',
        code: 'CONN_ILLEGAL_MOVE',
        message: `a bug of hangup: ${message}; the connection was cut`,
      })
    },
  }
  const connections = new NodeConnections(context, options, {
    application: applicationOf(app, {
      policy,
      onError: options.onError,
      log,
      onTimeout: () => book.count('handler'),
      isSound: (returned) => madeOf(returned) !== null,
    }),
    draining: () => drain.draining,
    secure: flavour.secure,
  })
  const { server } = connections

  const drain = new Drain(policy, {
    announce: () => {
      for (const member of book) member.announce()
    },
    stopAccepting: () => {
      // Not the HTTP server's own close(): that also ends, at once, every connection that is idle this moment.
      NetServer.prototype.close.call(server)
      for (const member of book) member.lastRequests?.()
    },
    hangUpIdle: (closingForMs) => book.hangUpIdle(closingForMs),
    left: () => book.size,
    cut: () => book.cut(),
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, options)))
    server.listen(
      { port: options.port ?? 3000, ...(options.host === undefined ? {} : { host: options.host }) },
      resolve,
    )
  })

  const { port } = server.address() as AddressInfo
  return runningOf({
    engine: 'node:http',
    why: flavour.why,
    options,
    port,
    policy,
    log,
    book,
    drain,
    enforcement,
    requests: () => connections.requests,
    setCertificates: connections.setCertificates,
  })
}

interface Parts {
  readonly application: Application
  readonly draining: () => boolean
  readonly secure: NodeFlavour['secure']
}

/** A server of Node's whose every connection is in the book from its accept on, whatever it is about to speak. */
class NodeConnections {
  readonly server: Server
  readonly setCertificates: Running['setCertificates']
  /** Handed to the application. */
  requests = 0
  readonly #context: ServerContext
  readonly #parts: Parts
  readonly #wss: WebSocketServerLike | null
  readonly #secure: boolean
  /** Makes the Request, and lets the exchange ask the application. */
  readonly #ask: ReturnType<typeof requestMaker>
  /**
   * By the socket that speaks HTTP/1.1, by the stream of HTTP/2, and before that by the TCP socket. Never by an address: a
   * client that has reset its connection has none any more, and another may have had it before.
   */
  readonly #members = new WeakMap<object, NodeMember>()

  constructor(context: ServerContext, { tls, websocket, host = 'localhost' }: NodeServeOptions, parts: Parts) {
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
    }
    const onRequest = (incoming: Incoming, outgoing: Outgoing) => {
      const exchange = this.#begin(incoming, outgoing)
      if (exchange !== null) this.#ask(incoming, exchange)
    }
    if (store === undefined) return createServer(options, onRequest)
    return this.#parts.secure(
      {
        ...options,
        ...store().choose(null).options,
        SNICallback: (name, done) => done(null, store().choose(name).context),
        handshakeTimeout: longestMs,
        ...(policy.maxConcurrentStreams > 0 && { settings: { maxConcurrentStreams: policy.maxConcurrentStreams } }),
      },
      onRequest,
    )
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
    server.on('checkContinue', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const exchange = this.#begin(incoming, outgoing)
      if (exchange === null) return
      outgoing.writeContinue()
      this.#ask(incoming, exchange)
    })
    server.on('checkExpectation', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      if (this.#begin(incoming, outgoing) !== null) refuse(outgoing, 417)
    })
    server.on('upgrade', (incoming, socket, head) => this.#upgrade(incoming, socket as Socket, head))
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
    const wss = this.#wss
    if (wss !== null) server.on('close', () => wss.close?.())
  }

  #accepted(tcp: Socket): void {
    const { policy, book, now } = this.#context
    if (policy.peerProbeMs > 0) tcp.setKeepAlive(true, policy.peerProbeMs)
    const admitted = book.admits(now())
    if (book.full) holdAccept()
    const wire = new Http1Connection(tcp, this.#secure, this.#context)
    wire.surplus = !admitted
    this.#members.set(tcp, wire)
    book.add(wire)
    tcp.once('close', () => {
      book.remove(wire)
      wire.gone()
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
    const { book } = this.#context
    const tcp = tcpUnder(session.socket as TLSSocket)
    const wire = this.#members.get(tcp)
    if (!(wire instanceof Http1Connection)) return
    book.remove(wire)
    const member = new Http2Session(session, tcp, this.#context)
    member.surplus = wire.surplus
    this.#members.set(tcp, member)
    session.prependListener('stream', (stream) => this.#members.set(stream, member))
    if (tcp.destroyed || session.destroyed) return
    book.add(member)
    tcp.once('close', () => book.remove(member))
    if (this.#parts.draining()) member.announce()
  }

  /** Notes the request on its connection; null: the application is not to answer it. */
  #begin(incoming: Incoming, outgoing: Outgoing, offer: WebSocketOffer | null = null): Exchange | null {
    const { policy, book } = this.#context
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
        book.count('headFields')
        refuseLast(outgoing, 431)
        return null
      }
    }
    let body: Body | null = null
    if (hasBody(incoming)) {
      const made = new Body(incoming, policy.maxBodyBytes, () => member.bodyTooLarge(made))
      body = made
      member.expect(made)
      if (policy.maxBodyBytes !== 0 && Number(incoming.headers['content-length']) > policy.maxBodyBytes) {
        book.count('bodyTooLarge')
        refuseLast(outgoing, 413)
        return null
      }
    }
    if (member.surplus) {
      book.count('full')
      refuse(outgoing, 503, ['Retry-After', '1'])
      return null
    }
    this.requests += 1
    const { application } = this.#parts
    if (offer === null) return new Exchange(application, incoming, outgoing, body, member)
    return new UpgradeExchange(
      application,
      incoming as IncomingMessage,
      outgoing as ServerResponse,
      member as Http1Connection,
      offer,
    )
  }

  /** Node has given up the connection with this: what is owed on it goes out first, then the application is asked. */
  #upgrade(incoming: IncomingMessage, socket: Socket, head: Uint8Array): void {
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

/** A request whose application may take the connection instead of answering. */
class UpgradeExchange extends Exchange {
  readonly #outgoing: ServerResponse
  readonly #wire: Http1Connection
  readonly #offer: WebSocketOffer

  constructor(
    application: Application,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    wire: Http1Connection,
    offer: WebSocketOffer,
  ) {
    super(application, incoming, outgoing, null, wire)
    this.#outgoing = outgoing
    this.#wire = wire
    this.#offer = offer
  }

  protected override get env(): object {
    return this.#offer.env
  }

  protected override answer(response: Response): void {
    const { socket } = this.#outgoing
    if (!this.#offer.taken) this.write(response)
    else if (socket === null || socket.destroyed || !this.#wire.upgrade()) this.#offer.withdraw()
    else {
      this.#outgoing.detachSocket(socket)
      this.#offer.open(socket, response)
    }
  }
}

/** A TLS socket keeps it to itself, as `_parent`. */
function tcpUnder(socket: TLSSocket): Socket {
  return (socket as TLSSocket & { readonly _parent?: Socket })._parent ?? socket
}

const ignore = (): void => {}
