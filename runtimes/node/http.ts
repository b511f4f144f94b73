/**
 * `serve()` over `node:http` and @hono/node-server. Node's own clocks are used where they mean
 * what the policy means (request heads, the TLS handshake); the rest is the bookkeeping of `wire.ts`, swept ten
 * times a second.
 */
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import type { TlsOptions, Server as TlsServer } from 'node:tls'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { type Enforcement, enforcementWith } from '../../src/enforcement.ts'
import { CertificateStore } from '../../src/gateway/certificates.ts'
import { Book } from '../../src/lifecycle/book.ts'
import { Budget, type Descriptors } from '../../src/lifecycle/budget.ts'
import { Drain } from '../../src/lifecycle/drain.ts'
import { guardHandler } from '../../src/lifecycle/guard.ts'
import { runningOf } from '../../src/running.ts'
import type { App, Running, ServeOptions } from '../../src/server.ts'
import { certificatesOf, fetchOf, listenError, prepare, shortageLog } from '../../src/serving.ts'
import { Body, hasBody, type Incoming } from './body.ts'
import { holdAccept } from './hold.ts'
import { Session } from './session.ts'
import { type NodeMember, Wire, type WireContext } from './wire.ts'

export interface NodeServeOptions extends ServeOptions {
  /** As in @hono/node-server: `{ server: new WebSocketServer({ noServer: true }) }` of the package `ws`. */
  readonly websocket?: { readonly server: object }
}

type Outgoing = ServerResponse | Http2ServerResponse
type Listener = (incoming: any, outgoing: any) => void

export interface NodeFlavour {
  readonly runtime: string
  readonly enforcement: Enforcement
  /** Of the process; null: they can't be told. */
  readonly descriptors: () => Descriptors | null
  /** Why this engine serves. */
  readonly why: string
  /** Makes the server that speaks TLS. */
  secure(options: ServerOptions & TlsOptions, listener: Listener): Server
}

export async function serveNodeHttp(app: App, options: NodeServeOptions, flavour: NodeFlavour): Promise<Running> {
  const descriptors = flavour.descriptors()
  const enforcement = enforcementWith(descriptors, flavour.enforcement)
  const { policy, log } = prepare(options, ['websocket'], { runtime: flavour.runtime, enforcement })
  const now = () => performance.now()
  const book = new Book<NodeMember>({
    policy,
    now,
    onHangUp: log.note,
    budget: Budget.of(descriptors, policy),
    turnsAway: true,
    onShortage: shortageLog(log, now),
  })
  const context: WireContext = { policy, now, book, lastAnswers: () => drain.draining || book.full }
  const wires = new WeakMap<object, Wire>()
  const sessions = new WeakMap<object, Session>()
  const bodies = new WeakMap<Incoming, Body>()
  let requests = 0
  let store = options.tls && new CertificateStore(certificatesOf(options.tls))

  const handler = guardHandler(fetchOf(app), {
    handlerTimeoutMs: policy.handlerTimeoutMs,
    onTimeout: () => book.count('handler'),
  })

  const server = createAdaptorServer({
    fetch(request, bindings) {
      const { incoming, outgoing } = bindings as HttpBindings
      const wire = wires.get(incoming.socket)
      // @hono/node-server asks for an upgrade without an answer to write to.
      if (outgoing === undefined) wire?.upgraded()
      else if (wire !== undefined) wire.request = request
      const answer = handler(request, bindings)
      const body = bodies.get(incoming)
      return body === undefined ? answer : body.unlessRefused(answer)
    },
    // Ours to do: the package's own limit on what is read after an early answer is fixed, and resets over the answer.
    autoCleanupIncoming: false,
    ...(options.host === undefined ? {} : { hostname: options.host }),
    ...(options.websocket === undefined ? {} : { websocket: options.websocket as any }),
    createServer: ((_: ServerOptions, listener: Listener) => makeServer(listener)) as any,
  }) as Server & { httpAllowHalfOpen: boolean }

  function makeServer(listener: Listener): Server {
    const serverOptions = {
      headersTimeout: policy.headTimeoutMs,
      // A total over head and body: never.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.min(Math.max(policy.headTimeoutMs / 20, 50), 250),
      // Idle connections are closed by the sweep: Node's own clock also runs in a head that has begun.
      keepAliveTimeout: 0,
      maxHeaderSize: policy.maxHeadBytes,
      optimizeEmptyRequests: true,
      shouldUpgradeCallback: ({ headers }: IncomingMessage) =>
        options.websocket !== undefined && headers.upgrade?.toLowerCase() === 'websocket',
    }
    const onRequest = (incoming: Incoming, outgoing: Outgoing) => {
      if (!begin(incoming, outgoing)) return
      requests += 1
      listener(incoming, outgoing)
    }
    const made = store
      ? flavour.secure(
          {
            ...serverOptions,
            ...store.choose(null).options,
            SNICallback: (name, done) => done(null, store!.choose(name).context),
            handshakeTimeout: policy.handshakeTimeoutMs,
          },
          onRequest,
        )
      : createServer(serverOptions, onRequest)
    // The HTTP/2 server takes it from nowhere else.
    Object.assign(made, { shouldUpgradeCallback: serverOptions.shouldUpgradeCallback })
    made.on('checkContinue', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      if (!tooLarge(incoming)) outgoing.writeContinue()
      onRequest(incoming, outgoing)
    })
    return made
  }

  /** Notes the request on its connection; returns whether the application is to answer it. */
  function begin(incoming: Incoming, outgoing: Outgoing): boolean {
    const wire = wires.get(incoming.socket)
    if (wire !== undefined) {
      if (!wire.begin(incoming as IncomingMessage, outgoing as ServerResponse)) return false
      outgoing.on('finish', () => wire.answered())
      ;(outgoing as { _keepAliveTimeout?: number })._keepAliveTimeout = policy.keepAliveHintMs
      // The parser takes 0.9 and 2.0 from a request line as well (RFC 9110 15.6.6).
      if (incoming.httpVersionMajor !== 1) {
        refuse(outgoing, 505, { Connection: 'close', 'Content-Length': '0' })
        return false
      }
    }
    const session = wire === undefined ? sessions.get((incoming as Http2ServerRequest).stream.session!) : undefined
    session?.begin(incoming as Http2ServerRequest, outgoing as Http2ServerResponse)
    if (hasBody(incoming)) {
      const body = new Body(incoming, policy.maxBodyBytes, () => {
        if (wire !== undefined) wire.bodyTooLarge()
        else book.count('bodyTooLarge')
        body.refuse(413)
      })
      bodies.set(incoming, body)
      wire?.expect(body)
      session?.expect(body)
      if (tooLarge(incoming)) {
        book.count('bodyTooLarge')
        refuse(outgoing, 413, wire === undefined ? {} : { Connection: 'close', 'Content-Length': '0' })
        return false
      }
    }
    if (wire?.surplus) {
      book.count('full')
      refuse(outgoing, 503, { 'Retry-After': '1', 'Content-Length': '0' })
      return false
    }
    return true
  }

  function tooLarge({ headers }: Incoming): boolean {
    return policy.maxBodyBytes !== 0 && Number(headers['content-length']) > policy.maxBodyBytes
  }

  server.timeout = 0
  server.keepAliveTimeout = 0
  // A client that ends its side is still answered.
  server.httpAllowHalfOpen = true

  const secure = options.tls !== undefined
  /** TCP connections in their handshake, by peer: a TLS socket does not say which one it is on. */
  const handshaking = new Map<string, { readonly tcp: Socket; readonly wire: Wire }>()

  server.on('connection', (tcp: Socket) => {
    if (policy.peerProbeMs > 0) tcp.setKeepAlive(true, policy.peerProbeMs)
    const admitted = book.admits(now())
    if (book.full) holdAccept()
    const wire = new Wire(tcp, secure, context)
    wire.surplus = !admitted
    book.add(wire)
    tcp.once('close', () => book.remove(wire))
    if (!secure) return attach(tcp, wire)
    const peer = peerOf(tcp)
    handshaking.set(peer, { tcp, wire })
    tcp.once('close', () => handshaking.delete(peer))
  })
  server.on('secureConnection', (socket: Socket) => {
    const begun = handshaking.get(peerOf(socket))
    if (begun === undefined) return
    handshaking.delete(peerOf(socket))
    begun.wire.secured(socket)
    attach(socket, begun.wire)
  })
  // Comes before `secureConnection`, whose own listener in Node makes the session.
  server.on('session', (session: ServerHttp2Session) => {
    const peer = peerOf(session.socket as Socket)
    const begun = handshaking.get(peer)
    if (begun === undefined) return
    handshaking.delete(peer)
    book.remove(begun.wire)
    const member = new Session(session, begun.tcp, context)
    sessions.set(session, member)
    book.add(member)
    if (drain.draining) member.announce()
  })
  server.on('clientError', (error: Error, socket: Socket) => {
    const wire = wires.get(socket)
    if (wire) wire.failed(error)
    else socket.destroy()
  })

  function attach(socket: Socket, wire: Wire): void {
    wires.set(socket, wire)
    socket.on('end', () => wire.clientEnded())
  }

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
    requests: () => requests,
    ...(store && {
      setCertificates: (certificates) => {
        store = new CertificateStore(certificates)
        ;(server as object as TlsServer).setSecureContext(store.choose(null).options)
      },
    }),
  })
}

function refuse(outgoing: Outgoing, status: number, headers: Record<string, string>): void {
  ;(outgoing as ServerResponse).writeHead(status, headers).end()
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress}|${socket.remotePort}`
}
