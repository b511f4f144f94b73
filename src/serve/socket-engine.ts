/**
 * `serve()` on the engine of our own, HTTP/1.1 on sockets: the same on every runtime but for the
 * sockets.
 */
import { limitsOf } from '../http1/events.ts'
import type { RequestHead } from '../http1/head.ts'
import { fieldOf } from '../http1/raw-fields.ts'
import { type ClientAdmission, type ConnectionContext, ServerConnection } from '../http1/server-connection.ts'
import { installGlobals, takesWebRequests } from '../http1/web/globals.ts'
import { abortNative } from '../http1/web/native-request.ts'
import { WebRequest } from '../http1/web/request.ts'
import { isSoundResponse, streamedFrom } from '../http1/web/response.ts'
import { connectionLines } from '../http1/writer.ts'
import { backgroundClock, type Clock, type ServerClock } from '../lifecycle/clock.ts'
import { Connections } from '../lifecycle/connections.ts'
import { Budget } from '../lifecycle/descriptor-budget.ts'
import { Drain } from '../lifecycle/drain.ts'
import type { LongLived } from '../lifecycle/long-lived.ts'
import type { Accept, Listen, ListenAt, Listener } from '../net/transport.ts'
import type { Answered } from '../observe/access.ts'
import { enforcementWith } from '../policy/enforcement.ts'
import type { Policy } from '../policy/policy.ts'
import { eventStreamType } from '../streams/event-stream.ts'
import { eventStreamBody, isOpenEventStream } from '../streams/event-stream-body.ts'
import { type Application, applicationOf } from './application.ts'
import type { Running, ServeOptions } from './contract.ts'
import { connectionActions } from './drain-actions.ts'
import { errorLine } from './error-line.ts'
import { certificatesOf, listenError, prepare, type ReasonLog, shortageLog } from './prepare.ts'
import { mayTake } from './route-limits.ts'
import { runningOf } from './running.ts'
import type { Bindings, Sockets, Start } from './runtime.ts'
import { SocketRequests } from './socket-requests.ts'

/** How a gateway has the connections of its clients. */
export interface Admission {
  readonly clients?: ClientAdmission
  /**
   * That the application opens as requests come, at most: they are kept free beside
   * `reservedDescriptors`.
   */
  readonly descriptorsBeside?: number
  /** See `ListenAt`. */
  readonly gathers?: boolean
}

/** Time and chance, which a test holds in its hands. */
export interface World {
  readonly clock: ServerClock
  readonly random: () => number
  /** Default: one whose timers keep the process alive until the drain is over. */
  readonly drainClock?: Clock
}

export async function serveOnSockets(
  start: Start,
  sockets: Sockets,
  bindings: Bindings,
  { clients, descriptorsBeside, gathers = false }: Admission = {},
  { clock, random, drainClock }: World = { clock: backgroundClock, random: Math.random },
): Promise<Running> {
  const { app, options, observer, longLived, keepsReserve = false, isInternal = false } = start
  const descriptors = sockets.descriptors()
  const enforcement = enforcementWith(descriptors, sockets.enforcement())
  const { policy, log } = prepare(start, enforcement)
  const connections = new Connections<ServerConnection>({
    policy,
    clock,
    random,
    onClosed: log.note,
    budget: Budget.of(descriptors, policy, descriptorsBeside),
    turnsAway: sockets.holdAccept !== undefined || keepsReserve,
    keepsReserve,
    onShortage: shortageLog(log, clock.now),
    observer,
  })
  observer.watch(connections)
  const secure = options.tls !== undefined
  const application = applicationOf(app, {
    policy,
    clock,
    onError: options.onError,
    log,
    onRefused: (reason) => connections.count(reason),
    isSound: isSoundResponse,
    ...(!isInternal && { draining: longLived.draining }),
    webSockets: () => longLived.webSockets,
  })
  const uninstallGlobals = options.globals === 'replace' ? installGlobals() : () => {}
  const webRequests = options.globals === 'replace' || takesWebRequests()
  const requests = new SocketRequests({ application, bindings, secure, webRequests, longLived })

  const context: ConnectionContext = {
    policy,
    limits: { ...limitsOf(policy), mayTake },
    clients,
    clock,
    connections,
    draining: () => drain.draining,
    longLived,
    framed: framedBy(longLived),
    connectionLines: connectionLinesOf(policy),
    failed: failureLog(application, log),
    abort: webRequests ? (asked, reason) => WebRequest.abort(asked as WebRequest, reason) : abortNative,
    answered(head, status, ms, by) {
      observer.requests.answered(head.method, status, ms)
      observer.access?.answered(accessTo(head, status, ms, by))
    },
    ask: (connection, head, body) => requests.ask(connection, head, body),
  }

  const listener = await listen(sockets.listen, options, { policy, log, clock, gathers }, (transport) => {
    const admitted = connections.admits(clock.now())
    if (connections.full) sockets.holdAccept?.()
    const connection = new ServerConnection(transport, secure, context)
    connection.surplus = !admitted
    return connection
  }).catch((error) => {
    uninstallGlobals()
    throw error
  })
  if (listener.port !== 0) requests.defaultHost = `localhost:${listener.port}`

  const drain = new Drain(
    policy,
    {
      announce: () => {},
      stopAccepting: () => listener.stop(),
      ...connectionActions(connections, uninstallGlobals),
      longLived,
    },
    drainClock,
  )
  return runningOf({
    engine: 'hangup',
    start,
    at: listener,
    log,
    connections,
    drain,
    enforcement,
    requests: () => requests.count,
    setCertificates: listener.setCertificates,
  })
}

function accessTo(head: RequestHead, status: number, ms: number, by: ServerConnection): Answered {
  const { method, target, minor } = head
  return {
    connection: by.connection.id,
    peer: by.describe().peer,
    method,
    target,
    protocol: `HTTP/1.${minor}`,
    status,
    bytes: by.responseBytes,
    ms,
    header: (name) => head.get(name),
  }
}

const connectionLinesOf = ({ keepAliveHintMs }: Policy): ConnectionContext['connectionLines'] => ({
  close: connectionLines(false, 1, 0),
  keep: connectionLines(true, 1, keepAliveHintMs / 1000),
  keepOld: connectionLines(true, 0, keepAliveHintMs / 1000),
})

/** Looking at the fields of a response that has lines makes them: only of what says its type. */
const framedBy =
  (longLived: LongLived): ConnectionContext['framed'] =>
  (body, method, answer) => {
    const { status, lines } = answer
    if (lines !== undefined && !lines.includes(eventStreamType)) return body
    const headers = { get: (name: string) => fieldOf(answer.fields, name) }
    if (!isOpenEventStream(status, headers)) return body
    return streamedFrom(eventStreamBody(body, method, longLived), null)
  }

/** What failed behind an answer is the application's, and before there was a Request ours. */
function failureLog(application: Application, log: ReasonLog): ConnectionContext['failed'] {
  return (error, asked) => {
    if (asked !== null) application.report(error, asked as Request)
    else log.error({ level: 'error', code: 'ENGINE_ERROR', message: errorLine(error) })
  }
}

interface ListenContext {
  readonly policy: Policy
  readonly log: ReasonLog
  readonly clock: ServerClock
  readonly gathers: boolean
}

async function listen(
  open: Listen,
  options: ServeOptions,
  { policy, log, clock, gathers }: ListenContext,
  accept: Accept,
): Promise<Listener> {
  const { port = 3000, host, unix, fd, tls, proxyProtocol } = options
  const at: ListenAt = {
    port,
    host,
    peerProbeMs: policy.peerProbeMs,
    ...(unix !== undefined && { unix }),
    ...(fd !== undefined && { fd }),
    ...(gathers && { gathers }),
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
  try {
    if (at.unix === undefined) return await open(at, accept)
    const { withSocketFile } = await import('../net/socket-file.ts')
    return await withSocketFile(open, clock)(at, accept)
  } catch (error) {
    throw listenError(error, options)
  }
}
