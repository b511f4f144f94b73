/** `serve()` on the engine of our own: the same on every runtime but for the sockets. */
import type { Duplex } from 'node:stream'
import { type Enforcement, enforcementWith } from '../enforcement.ts'
import { Book } from '../lifecycle/book.ts'
import { Budget, type Descriptors } from '../lifecycle/budget.ts'
import { Drain } from '../lifecycle/drain.ts'
import { guardHandler } from '../lifecycle/guard.ts'
import { runningOf } from '../running.ts'
import type { App, Running, ServeOptions } from '../server.ts'
import { certificatesOf, fetchOf, listenError, prepare, shortageLog } from '../serving.ts'
import { withSocketFile } from '../socket-file.ts'
import { limitsOf } from './events.ts'
import type { RequestHead } from './head.ts'
import type { IncomingBody } from './incoming-body.ts'
import { installGlobals, takesLightRequests } from './light/globals.ts'
import { LightRequest } from './light/request.ts'
import { answerOf, type Given } from './light/response.ts'
import { urlOf } from './light/url.ts'
import { abortNative, nativeRequest } from './native.ts'
import { type ClientAdmission, plainAnswer, type Served, ServerConnection } from './server-connection.ts'
import type { Listen, ListenAt } from './transport.ts'
import { connectionLines } from './writer.ts'

/** What an application gets with a request for a WebSocket. */
export interface UpgradeBindings {
  /** `c.env`, like from Hono's own adapter of the runtime. */
  readonly env: unknown
  /** After it has answered: what takes the connection's stream, or null if it was not upgraded. */
  upgraded(): ((stream: Duplex) => void) | null
}

/** What differs between the runtimes. */
export interface EngineFlavour {
  readonly runtime: string
  readonly enforcement: Enforcement
  /** Of the process; null: they can't be told. */
  readonly descriptors: () => Descriptors | null
  /** Why this engine serves. */
  readonly why: string
  readonly listen: Listen
  /**
   * Called for each newcomer while no descriptor is left for any, where the runtime can't be kept from accepting, and drops
   * all that wait once it can't accept.
   */
  readonly holdAccept?: () => void
  /** What the application gets as `c.env`, like from Hono's own adapter of the runtime. */
  env(connection: ServerConnection, head: RequestHead, body: Uint8Array | IncomingBody | null): unknown
  webSocketBindings?(
    connection: ServerConnection,
    head: RequestHead,
    request: Request,
  ): UpgradeBindings | Promise<UpgradeBindings>
  readonly clients?: ClientAdmission
  /** That the application opens as requests come, at most: they are kept free beside `reservedDescriptors`. */
  readonly descriptorsBeside?: number
  /** The application takes bodies from its `env` alone: bytes are shown to that as a view, which is valid only during the call. */
  readonly bodyInEnv?: boolean
  /** Options that only this runtime's `serve` has. */
  readonly also: readonly string[]
}

export async function serveOnEngine(app: App, options: ServeOptions, flavour: EngineFlavour): Promise<Running> {
  const descriptors = flavour.descriptors()
  const enforcement = enforcementWith(descriptors, flavour.enforcement)
  const { policy, log } = prepare(options, flavour.also, { runtime: flavour.runtime, enforcement })
  const now = () => performance.now()
  const book = new Book<ServerConnection>({
    policy,
    now,
    onHangUp: log.note,
    budget: Budget.of(descriptors, policy, flavour.descriptorsBeside),
    turnsAway: flavour.holdAccept !== undefined,
    onShortage: shortageLog(log, now),
  })
  const scheme = options.tls === undefined ? 'http' : 'https'
  const handler = guardHandler(fetchOf(app), {
    handlerTimeoutMs: policy.handlerTimeoutMs,
    onTimeout: () => book.count('handler'),
  })
  const uninstallGlobals = options.globals === 'replace' ? installGlobals() : () => {}
  const light = options.globals === 'replace' || takesLightRequests()
  let requests = 0
  /** For HTTP/1.0 without Host (RFC 9112 3.3). */
  let defaultHost = 'localhost'

  const served: Served = {
    policy,
    limits: limitsOf(policy),
    clients: flavour.clients,
    showsViews: flavour.bodyInEnv,
    now,
    book,
    lastAnswers: () => drain.draining || book.full,
    connectionLines: {
      close: connectionLines(false, 1, 0),
      keep: connectionLines(true, 1, policy.keepAliveHintMs / 1000),
      keepOld: connectionLines(true, 0, policy.keepAliveHintMs / 1000),
    },
    failed: (error) => console.error(error),
    abort: light ? (asked, reason) => LightRequest.abort(asked as LightRequest, reason) : abortNative,
    ask(connection, head, body) {
      const url = urlOf(scheme, head.host || defaultHost, head.path)
      if (url === null) {
        connection.answer(plainAnswer(400))
        return null
      }
      requests += 1
      const shown = flavour.bodyInEnv === true ? null : body
      const request = light
        ? (new LightRequest(head, url, shown) as object as Request)
        : nativeRequest(head, url, shown)
      if (head.upgrade !== null && flavour.webSocketBindings !== undefined && /\bwebsocket\b/i.test(head.upgrade)) {
        askUpgrade(connection, flavour.webSocketBindings(connection, head, request), request)
        return request
      }
      try {
        const response = handler(request, flavour.env(connection, head, body))
        if (response instanceof Promise) {
          response.then(
            (late) => respond(connection, late),
            (error) => fail(connection, error),
          )
        } else respond(connection, response)
      } catch (error) {
        fail(connection, error)
      }
      return request
    },
  }

  function respond(connection: ServerConnection, response: Response): void {
    let given: Given
    try {
      given = answerOf(response)
    } catch (error) {
      fail(connection, error)
      return
    }
    connection.answer(given)
  }

  function fail(connection: ServerConnection, error: unknown): void {
    const own = (error as { getResponse?: () => Response } | null)?.getResponse?.()
    if (own === undefined) served.failed(error)
    connection.answer(own === undefined ? plainAnswer(500) : answerOf(own))
  }

  async function askUpgrade(
    connection: ServerConnection,
    made: UpgradeBindings | Promise<UpgradeBindings>,
    request: Request,
  ): Promise<void> {
    try {
      const { env, upgraded } = await made
      const response = await handler(request, env)
      const take = upgraded()
      if (take === null) respond(connection, response)
      else take(connection.upgrade())
    } catch (error) {
      fail(connection, error)
    }
  }

  const { port = 3000, host, unix, tls, proxyProtocol } = options
  const at: ListenAt = {
    port,
    host,
    peerProbeMs: policy.peerProbeMs,
    ...(unix !== undefined && { unix }),
    ...(tls && { tls: { certificates: certificatesOf(tls) } }),
    ...(proxyProtocol && {
      proxyProtocol: {
        others: 'refuse',
        ...proxyProtocol,
        onRefused: (why, { address }) =>
          log.write({ level: 'warn', code: 'proxyProtocol', message: `closed a connection from ${address}: ${why}` }),
      },
    }),
  }
  const listener = await withSocketFile(flavour.listen)(at, (transport) => {
    const admitted = book.admits(now())
    if (book.full) flavour.holdAccept?.()
    const connection = new ServerConnection(transport, tls !== undefined, served)
    connection.surplus = !admitted
    return connection
  }).catch((error) => {
    uninstallGlobals()
    throw listenError(error, options)
  })
  if (listener.port !== 0) defaultHost = `localhost:${listener.port}`

  const drain = new Drain(policy, {
    announce: () => {},
    stopAccepting: () => listener.stop(),
    hangUpIdle: (closingForMs) => book.hangUpIdle(closingForMs),
    left: () => {
      if (book.size === 0) uninstallGlobals()
      return book.size
    },
    cut: () => {
      uninstallGlobals()
      return book.cut()
    },
  })
  return runningOf({
    engine: 'hangup',
    why: flavour.why,
    options,
    port: listener.port,
    policy,
    log,
    book,
    drain,
    enforcement,
    requests: () => requests,
    setCertificates: listener.setCertificates,
  })
}
