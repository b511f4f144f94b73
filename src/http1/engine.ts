/** `serve()` on the engine of our own: the same on every runtime but for the sockets. */
import type { Duplex } from 'node:stream'
import type { Enforcement } from '../enforcement.ts'
import { Book } from '../lifecycle/book.ts'
import { Drain } from '../lifecycle/drain.ts'
import { guardHandler } from '../lifecycle/guard.ts'
import { runningOf } from '../running.ts'
import type { App, Running, ServeOptions } from '../server.ts'
import { fetchOf, listenError, prepare } from '../serving.ts'
import { limitsOf } from './events.ts'
import type { RequestHead } from './head.ts'
import type { IncomingBody } from './incoming-body.ts'
import { installGlobals, takesLightRequests } from './light/globals.ts'
import { LightRequest } from './light/request.ts'
import { answerOf } from './light/response.ts'
import { urlOf } from './light/url.ts'
import { nativeRequest } from './native.ts'
import { type Asked, plainAnswer, type Served, ServerConnection } from './server-connection.ts'
import type { Listen } from './transport.ts'
import { connectionLines } from './writer.ts'

/** What an application gets beside the request, and what it may have done with it. */
export interface Bindings {
  /** `c.env`, like from Hono's own adapter of the runtime. */
  readonly env: unknown
  /** After the application has answered a request with `Upgrade`: takes the connection's stream, if it was upgraded. */
  readonly upgraded?: () => ((stream: Duplex) => void) | null
}

/** What differs between the runtimes. */
export interface EngineFlavour {
  readonly runtime: string
  readonly enforcement: Enforcement
  /** Why this engine serves. */
  readonly why: string
  readonly listen: Listen
  bindings(connection: ServerConnection, head: RequestHead): Bindings
  /** For a request with `Upgrade: websocket`, where something has to be ready before the application is asked. */
  webSocketBindings?(connection: ServerConnection, head: RequestHead, request: Request): Bindings | Promise<Bindings>
  /** Options that only this runtime's `serve` has. */
  readonly also: readonly string[]
}

export async function serveOnEngine(app: App, options: ServeOptions, flavour: EngineFlavour): Promise<Running> {
  const { policy, log } = prepare(options, flavour.also, flavour)
  const now = () => performance.now()
  const book = new Book<ServerConnection>({ policy, now, onHangUp: log.note })
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

  function requestOf(
    head: RequestHead,
    url: string,
    body: Uint8Array | IncomingBody | null,
  ): { request: Request } & Asked {
    if (!light) return nativeRequest(head, url, body)
    const request = new LightRequest(head, url, body)
    return { request: request as unknown as Request, abort: (reason) => LightRequest.abort(request, reason) }
  }

  const served: Served = {
    policy,
    limits: limitsOf(policy),
    now,
    book,
    draining: () => drain.draining,
    connectionLines: {
      close: connectionLines(false, 1, 0),
      keep: connectionLines(true, 1, policy.keepAliveHintMs / 1000),
      keepOld: connectionLines(true, 0, policy.keepAliveHintMs / 1000),
    },
    failed: (error) => console.error(error),
    ask(connection, head, body, answer) {
      const url = urlOf(scheme, head.host || defaultHost, head.path)
      if (url === null) {
        answer(plainAnswer(400))
        return nobody
      }
      requests += 1
      const asked = requestOf(head, url, body)
      const failed = (error: unknown): void => {
        const own = (error as { getResponse?: () => Response } | null)?.getResponse?.()
        if (own === undefined) served.failed(error)
        answer(own === undefined ? plainAnswer(500) : answerOf(own))
      }
      const ask = ({ env, upgraded }: Bindings): void => {
        const done = (response: Response): void => {
          const take = upgraded?.() ?? null
          if (take === null) answer(answerOf(response))
          else take(connection.upgrade())
        }
        try {
          const response = handler(asked.request, env)
          if (response instanceof Promise) response.then(done).catch(failed)
          else done(response)
        } catch (error) {
          failed(error)
        }
      }
      if (head.upgrade === null || flavour.webSocketBindings === undefined || !/\bwebsocket\b/i.test(head.upgrade)) {
        ask(flavour.bindings(connection, head))
      } else {
        const bindings = flavour.webSocketBindings(connection, head, asked.request)
        if (bindings instanceof Promise) bindings.then(ask, failed)
        else ask(bindings)
      }
      return asked
    },
  }

  const { port = 3000, host, unix, tls } = options
  const at = { port, host, ...(unix !== undefined && { unix }), ...(tls && { tls }) }
  const listener = await flavour
    .listen(at, (transport) => {
      const full = policy.maxConnections !== 0 && book.size >= policy.maxConnections
      const roomMade = full && book.makeRoom(now())
      const connection = new ServerConnection(transport, tls !== undefined, served)
      connection.surplus = full && !roomMade
      return connection
    })
    .catch((error) => {
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
    enforcement: flavour.enforcement,
    requests: () => requests,
  })
}

const nobody: Asked = { abort() {} }
