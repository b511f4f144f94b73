/** `serve()` on the engine of our own: the same on every runtime but for the sockets. */
import type { Duplex } from 'node:stream'
import { limitsOf } from '../http1/events.ts'
import type { RequestHead } from '../http1/head.ts'
import { IncomingBody } from '../http1/incoming-body.ts'
import { partOf } from '../http1/range.ts'
import { type ClientAdmission, plainAnswer, type Served, ServerConnection } from '../http1/server-connection.ts'
import { installGlobals, takesWebRequests } from '../http1/web/globals.ts'
import { NativeResponse } from '../http1/web/native.ts'
import { abortNative, nativeRequest } from '../http1/web/native-request.ts'
import { type HeadLike, WebRequest } from '../http1/web/request.ts'
import {
  answerOf,
  fileBody,
  isSoundResponse,
  isStreamed,
  isWebResponse,
  type OutgoingResponse,
} from '../http1/web/response.ts'
import { urlOf } from '../http1/web/url.ts'
import { connectionLines } from '../http1/writer.ts'
import { Connections } from '../lifecycle/connections.ts'
import { Budget, type Descriptors } from '../lifecycle/descriptor-budget.ts'
import { Drain } from '../lifecycle/drain.ts'
import { withSocketFile } from '../net/socket-file.ts'
import type { Listen, ListenAt } from '../net/transport.ts'
import { type Enforcement, enforcementWith } from '../policy/enforcement.ts'
import { applicationOf, unupgraded } from './application.ts'
import type { App, Running, ServeOptions } from './contract.ts'
import { errorLine } from './error-line.ts'
import { certificatesOf, listenError, prepare, shortageLog } from './prepare.ts'
import { runningOf } from './running.ts'

/** What an application gets with a request for a WebSocket. */
export interface UpgradeBindings {
  /** `c.env`, like from Hono's own adapter of the runtime. */
  readonly env: unknown
  /**
   * After it has answered: what takes the connection's stream, or null if it was not upgraded. `returned` is what the handler
   * returned, whose fields may go with the 101.
   */
  upgraded(): ((stream: Duplex, returned: unknown) => void) | null
  /** There will be no upgrade: what was made for it goes, and none is granted any more. May be called twice. */
  drop(): void
}

/** Files whose ranges the runtime's own server answers by itself. */
export interface Files {
  /** Whether its bytes are in a file. */
  holds(blob: Blob): boolean
  /** The file that is a native Response's body; null: it is none, or nobody knows. */
  behind(response: Response): Promise<Blob> | null
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
  readonly files?: Files
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
  const book = new Connections<ServerConnection>({
    policy,
    now,
    onHangUp: log.note,
    budget: Budget.of(descriptors, policy, flavour.descriptorsBeside),
    turnsAway: flavour.holdAccept !== undefined,
    onShortage: shortageLog(log, now),
  })
  const scheme = options.tls === undefined ? 'http' : 'https'
  const application = applicationOf(app, {
    policy,
    onError: options.onError,
    log,
    onTimeout: () => book.count('handler'),
    isSound: isSoundResponse,
  })
  const uninstallGlobals = options.globals === 'replace' ? installGlobals() : () => {}
  const ours = options.globals === 'replace' || takesWebRequests()
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
    failed(error, asked) {
      if (asked !== null) application.report(error, asked as Request)
      else log.error({ level: 'error', code: 'ENGINE_ERROR', message: errorLine(error) })
    },
    abort: ours ? (asked, reason) => WebRequest.abort(asked as WebRequest, reason) : abortNative,
    ask(connection, head, body) {
      const url = urlOf(scheme, head.host || defaultHost, head.path)
      if (url === null) {
        connection.answer(plainAnswer(400))
        return
      }
      requests += 1
      const told = head.minor === 0 && head.get('upgrade') !== null ? withoutUpgrade(head) : head
      const shown = flavour.bodyInEnv === true ? null : body
      const request = ours ? (new WebRequest(told, url, shown) as object as Request) : nativeRequest(told, url, shown)
      connection.asked = request
      if (head.upgrade !== null && flavour.webSocketBindings !== undefined && isWebSocket(head)) {
        askUpgrade(connection, head, body, request)
        return
      }
      try {
        const returned = application.ask(request, flavour.env(connection, head, body))
        if (returned instanceof Promise) {
          returned.then(
            (late) => respond(connection, head, request, late),
            (error) => fail(connection, request, error),
          )
        } else respond(connection, head, request, returned)
      } catch (error) {
        fail(connection, request, error)
      }
    },
  }

  function respond(connection: ServerConnection, head: RequestHead, request: Request, returned: unknown): void {
    try {
      if (flavour.files !== undefined && head.method === 'GET') {
        respondWithFile(connection, head, request, returned, flavour.files)
      } else give(connection, request, answerOf(application.responseOf(returned, request)))
    } catch (error) {
      fail(connection, request, error)
    }
  }

  function give(connection: ServerConnection, request: Request, given: OutgoingResponse): void {
    if (given.status === 101 && given.takeOver === undefined) {
      application.report(unupgraded(), request)
      connection.answer(plainAnswer(500))
    } else connection.answer(given)
  }

  /** Where the runtime's own server would look at `Range`. */
  function respondWithFile(
    connection: ServerConnection,
    head: RequestHead,
    request: Request,
    returned: unknown,
    files: Files,
  ): void {
    const isNative = returned instanceof NativeResponse && !isWebResponse(returned)
    const file = isNative && head.get('range') !== null ? files.behind(returned) : null
    if (file !== null) {
      const { status, statusText, headers } = returned as Response
      const fields = [...headers].flat()
      file
        .then((blob) => {
          const given: OutgoingResponse = { status, statusText, fields, body: fileBody(blob), left: null }
          give(connection, request, partOf(given, blob, head))
        })
        .catch((error) => fail(connection, request, error))
      return
    }
    const given = answerOf(application.responseOf(returned, request))
    const { body } = given
    const blob = isStreamed(body) ? body.blob : undefined
    give(connection, request, blob !== undefined && files.holds(blob) ? partOf(given, blob, head) : given)
  }

  function fail(connection: ServerConnection, request: Request, error: unknown): void {
    // A handler that gave up because its client did has done nothing wrong.
    if (connection.isLeaving(error)) connection.answer(plainAnswer(500))
    else give(connection, request, answerOf(application.responseToError(error, request)))
  }

  async function askUpgrade(
    connection: ServerConnection,
    head: RequestHead,
    body: Uint8Array | IncomingBody | null,
    request: Request,
  ): Promise<void> {
    let bindings: UpgradeBindings | null = null
    let gone = false
    connection.onClient = () => {
      gone = true
      bindings?.drop()
    }
    try {
      bindings = await flavour.webSocketBindings!(connection, head, request)
      if (gone) bindings.drop()
      // The client's frames begin behind it.
      if (body instanceof IncomingBody) await readAway(body)
      const returned = await application.ask(request, bindings.env)
      const take = bindings.upgraded()
      if (take === null || !connection.open) {
        bindings.drop()
        if (take === null) respond(connection, head, request, returned)
        else connection.answer(plainAnswer(400))
        return
      }
      const stream = connection.upgrade()
      try {
        take(stream, returned)
      } catch (error) {
        stream.destroy()
        application.report(error, request)
      }
    } catch (error) {
      bindings?.drop()
      fail(connection, request, error)
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

/** A handshake is a GET (RFC 6455 4.1). */
const isWebSocket = ({ method, upgrade }: RequestHead): boolean =>
  method === 'GET' && upgrade !== null && /\bwebsocket\b/i.test(upgrade)

/** To HTTP/1.0 the field means nothing (RFC 9110 7.8): helpers for WebSockets look at it. */
function withoutUpgrade(head: RequestHead): HeadLike {
  const raw: string[] = []
  for (let i = 0; i < head.raw.length; i += 2) {
    if (head.raw[i]!.toLowerCase() !== 'upgrade') raw.push(head.raw[i]!, head.raw[i + 1]!)
  }
  return { method: head.method, raw }
}

async function readAway(body: IncomingBody): Promise<void> {
  while ((await body.read()) !== null);
}
