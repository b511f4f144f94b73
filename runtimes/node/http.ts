/**
 * `serve()` over `node:http`, its Requests made by @hono/node-server. Node's own clocks are off:
 * the bookkeeping of `http1-connection.ts` and `http2-session.ts` is swept twenty times a second.
 */
import fs from 'node:fs'
import type { Server } from 'node:http'
import { type AddressInfo, Server as NetServer } from 'node:net'
import { installGlobals } from '../../src/http1/web/globals.ts'
import { isSoundWebResponse } from '../../src/http1/web/response.ts'
import { backgroundClock } from '../../src/lifecycle/clock.ts'
import { Connections } from '../../src/lifecycle/connections.ts'
import { Budget } from '../../src/lifecycle/descriptor-budget.ts'
import { Drain } from '../../src/lifecycle/drain.ts'
import { enforcementWith } from '../../src/policy/enforcement.ts'
import { applicationOf } from '../../src/serve/application.ts'
import type { Running } from '../../src/serve/contract.ts'
import { connectionActions } from '../../src/serve/drain-actions.ts'
import { listenError, prepare, type ReasonLog, shortageLog } from '../../src/serve/prepare.ts'
import { runningOf } from '../../src/serve/running.ts'
import type { NativeEngine, Start } from '../../src/serve/runtime.ts'
import { filesOf, procDescriptors } from '../descriptors.ts'
import { madeOf } from './hono-response.ts'
import { NodeConnections } from './http-server.ts'
import type { NodeMember, ServerContext } from './http1-connection.ts'
import { beginHearer } from './message-begin.ts'
import type { NodeServeOptions } from './options.ts'

export async function serveNodeHttp(
  start: Start<NodeServeOptions>,
  { name, enforcement }: NativeEngine,
): Promise<Running> {
  const { app, options, observer, longLived } = start
  const descriptors = procDescriptors(filesOf(fs))
  const held = enforcementWith(descriptors, enforcement)
  const { policy, log } = prepare(start, held)
  const { now } = backgroundClock
  const connections = new Connections<NodeMember>({
    policy,
    clock: backgroundClock,
    random: Math.random,
    onClosed: log.note,
    budget: Budget.of(descriptors, policy),
    turnsAway: true,
    onShortage: shortageLog(log, now),
    observer,
  })
  observer.watch(connections)
  const context: ServerContext = {
    policy,
    now,
    connections,
    hearBegin: beginHearer((socket) => httpServer.headBegan(socket)),
    draining: () => drain.draining,
    observer,
    onBug: bugLog(log),
  }
  const httpServer = new NodeConnections(context, options, {
    application: applicationOf(app, {
      policy,
      clock: backgroundClock,
      onError: options.onError,
      log,
      onRefused: (reason) => connections.count(reason),
      isSound: (returned) => madeOf(returned) !== null || isSoundWebResponse(returned),
      draining: longLived.draining,
      webSockets: () => longLived.webSockets,
    }),
    longLived,
  })
  const { server } = httpServer
  // The requests stay those of @hono/node-server.
  const uninstallGlobals = options.globals === 'replace' ? installGlobals({ requests: false }) : () => {}

  const drain = new Drain(policy, {
    announce: () => {
      for (const member of connections) member.announce()
    },
    stopAccepting: () => {
      // Not the HTTP server's own close(): that also ends, at once, every connection that is idle this moment.
      NetServer.prototype.close.call(server)
      for (const member of connections) member.lastRequests?.()
    },
    ...connectionActions(connections, uninstallGlobals),
    longLived,
  })

  const { address, port } = await listen(server, options).catch((error) => {
    uninstallGlobals()
    throw error
  })
  return runningOf({
    engine: name,
    start,
    at: { host: address, port },
    log,
    connections,
    drain,
    enforcement: held,
    requests: () => httpServer.requests,
    setCertificates: httpServer.setCertificates,
  })
}

function listen(server: Server, options: NodeServeOptions): Promise<AddressInfo> {
  const { port = 3000, host, fd } = options
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, options)))
    server.listen(fd === undefined ? { port, ...(host !== undefined && { host }) } : { fd }, () =>
      resolve(server.address() as AddressInfo),
    )
  })
}

/** Each bug of ours once: whoever hits it as often as it likes fills no disk. */
function bugLog(log: ReasonLog): ServerContext['onBug'] {
  const told = new Set<string>()
  return ({ message }) => {
    if (told.has(message)) return
    told.add(message)
    log.error({
      level: 'error',
      code: 'CONN_ILLEGAL_MOVE',
      message: `a bug of hangup: ${message}; the connection was cut`,
    })
  }
}
