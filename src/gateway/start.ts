/** Starts a plan: the gateway's app behind one server for each listener. */
import type { AdminListener, AdminPlan } from '../admin/options.ts'
import type { Administered } from '../admin/routes.ts'
import type { Local } from '../cluster/questions.ts'
import type { Worker } from '../cluster/worker.ts'
import { type Socket, withSocket } from '../command/sockets.ts'
import { deferred } from '../deferred.ts'
import type { ClientAdmission } from '../http1/server-connection.ts'
import type { Clock, ServerClock } from '../lifecycle/clock.ts'
import type { DrainResult, Phase } from '../lifecycle/drain.ts'
import { networks } from '../net/networks.ts'
import type { Connect } from '../net/transport.ts'
import type { Observer } from '../observe/observer.ts'
import { openTelemetry, shelter } from '../observe/open-telemetry.ts'
import type { Reading } from '../observe/reading.ts'
import { readServers } from '../observe/server-metrics.ts'
import type { Enforcement } from '../policy/enforcement.ts'
import type { GivenOptions, Resolved } from '../policy/resolve.ts'
import type { App, Running, ServeOptions, ServerAddress } from '../serve/contract.ts'
import type { Log } from '../serve/log.ts'
import type { World } from '../serve/socket-engine.ts'
import { summaryOf, sumOfDrains } from '../serve/summary.ts'
import type { Ask } from './app.ts'
import type { GatewayPlan } from './config/resolve.ts'
import type { ListenerPlan } from './downstream/listeners.ts'
import { createGateway } from './gateway.ts'
import { Spool } from './message/spool.ts'
import type { GatewayStatus } from './status.ts'
import { tracingOf } from './tracing.ts'

export interface ServeKit {
  /** The policy, as the configuration came to it. */
  readonly resolved: Resolved
  readonly clients: ClientAdmission
  /** Answers without a Response, where the app needs not be asked. */
  direct(): Ask | null
  /** The most connections to all upstreams together. */
  readonly upstreamConnections: number
  /** See `ConnectionsOptions`. */
  readonly keepsReserve: boolean
  /** Of this listener. */
  readonly observer: Observer
  readonly world: World
}

/** What a runtime gives to a gateway. */
export interface GatewayRuntime {
  readonly runtime: string
  /** Whether its own server speaks HTTP/2 and holds the policy on it. */
  readonly http2: boolean
  readonly connect: Connect
  /** A name's addresses. */
  resolve(host: string): Promise<readonly string[]>
  /** Keeps the memory of a process that is nothing but a gateway from growing without need. */
  holdMemory?(clock: Clock): Promise<void>
  /** `serve()`, but the app's `c.env` is a `Downstream`. */
  serve(app: App, options: ServeOptions, kit: ServeKit): Promise<Running>
  /** `worker`: the number of this process among several, or 0. */
  observer(clock: ServerClock, worker: number): Observer
  listenForAdmin(server: Administered, plan: AdminPlan, log: Log): Promise<AdminListener>
}

export interface RunningGateway extends Pick<Running, 'drain' | 'kill' | 'closed' | 'engine' | 'engineWhy'> {
  readonly urls: readonly string[]
  readonly enforcement: Enforcement
  /** Where the admin listener listens; null: there is none. */
  readonly admin: ServerAddress | null
  /** Lines for the start-up report. */
  readonly notes: readonly string[]
  status(): GatewayStatus
  /** For metrics: of its listeners and its upstreams. */
  readings(): Reading[]
  /** As its operator sees it. */
  administered(): Local
  /** Requests of clients that are being answered. */
  inFlight(): number
  /** Requests in flight end as they began. Returns a line for each part that needs a restart. */
  reload(plan: GatewayPlan): readonly string[]
}

/** What a start has of the process. */
export interface StartHost extends World {
  readonly log: Log
  /** Default: nobody keeps one. */
  readonly accessLog?: ServeOptions['accessLog']
  /** Default: nobody operates it. */
  readonly admin?: AdminPlan | null
  /** One of several processes. */
  readonly worker?: Worker | null
  /** One for each listener, in their order, in the place of where they would listen. */
  readonly sockets?: readonly Socket[]
}

export type Start = (plan: GatewayPlan, runtime: GatewayRuntime, host: StartHost) => Promise<RunningGateway>

/** The start waits this long for the names of upstreams; slower ones come later. */
const namesWithinMs = 2_000

/** Listens everywhere, or rejects like `serve()` and listens nowhere. */
export const startGateway: Start = async (plan, runtime, host) => {
  const { log, accessLog, admin: adminPlan = null, worker = null, sockets = [], ...world } = host
  const { clock, random } = world
  const { dir, maxBytes } = plan.config.spool
  const spool = maxBytes === 0 ? null : new Spool({ dir, maxBytes })
  const telemetry = await openTelemetry(log)
  const sheltered = shelter(log)
  const gateway = createGateway(plan.config, {
    tracing: telemetry && tracingOf(telemetry, sheltered),
    clock,
    random,
    connect: runtime.connect,
    resolve: runtime.resolve,
    spool,
    log,
    ready: () => worker?.isReady ?? phase() === 'serving',
  })
  const observer = runtime.observer(clock, worker?.number ?? 0)
  const servers: { listener: ListenerPlan; server: Running }[] = []
  const all = <T>(what: (server: Running) => T): T[] => servers.map(({ server }) => what(server))
  const phase = (): Phase => all((server) => server.phase).find((phase) => phase !== 'serving') ?? 'serving'
  let admin: AdminListener | null = null
  let stopExport = (): void => {}
  const closed = deferred<DrainResult>()
  const summed = async (results: readonly Promise<DrainResult>[]): Promise<DrainResult> => {
    const result = sumOfDrains(await Promise.all(results))
    gateway.close()
    stopExport()
    await admin?.close()
    closed.resolve(result)
    return result
  }
  const kit: Omit<ServeKit, 'observer'> = {
    resolved: plan.resolved,
    clients: gateway.clients,
    direct: gateway.direct,
    upstreamConnections: mostUpstreamConnections(plan),
    keepsReserve: adminPlan !== null || (worker?.isWatched ?? false),
    world,
  }
  await within(namesWithinMs, clock, gateway.ready())
  try {
    for (const [index, listener] of plan.listeners.entries()) {
      servers.push({
        listener,
        server: await runtime.serve(
          gateway.app,
          { ...optionsOf(plan, listener, log, sockets[index]), ...(accessLog && { accessLog }) },
          {
            ...kit,
            observer: observer.ofListener(),
          },
        ),
      })
    }
    if (telemetry !== null) {
      const { exportMetrics } = await import('../observe/export-metrics.ts')
      stopExport = exportMetrics(telemetry, sheltered, readings, labelled())
    }
    if (adminPlan !== null) admin = await runtime.listenForAdmin(administered(), adminPlan, log)
  } catch (error) {
    await summed(all((server) => server.kill()))
    throw error
  }
  const first = servers[0]!.server
  return {
    urls: all(({ url }) => url),
    admin: admin?.address ?? null,
    engine: engines(),
    engineWhy: [...new Set(all(({ engineWhy }) => engineWhy))].join('; '),
    enforcement: first.enforcement,
    notes: spool?.inMemory
      ? [
          `the folder of the spool, ${spool.dir}, is in memory, so the spool saves none; choose another with --spool-dir`,
        ]
      : [],
    status: () => gateway.status(),
    readings,
    administered,
    inFlight: () => all((server) => server.connections().busy).reduce((sum, busy) => sum + busy, 0),
    reload(next) {
      gateway.reload(next.config)
      return servers.flatMap(({ listener, server }) => {
        const certificates = next.listeners.find(({ name }) => name === listener.name)?.certificates
        if (listener.certificates === null || !certificates) return []
        if (server.setCertificates !== undefined) server.setCertificates(certificates)
        else if (JSON.stringify(certificates) !== JSON.stringify(listener.certificates)) {
          return [`${listener.name}: new certificates need a restart on this engine`]
        }
        return []
      })
    },
    drain,
    kill: () => summed(all((server) => server.kill())),
    closed: closed.promise,
  }

  function drain(how?: { readonly announce?: boolean }): Promise<DrainResult> {
    return summed(all((server) => server.drain(how)))
  }

  function labelled(): { server: Running; labels: { listener: string } }[] {
    return servers.map(({ listener, server }) => ({ server, labels: { listener: listener.name } }))
  }

  function readings(): Reading[] {
    return [...readServers(labelled()), ...gateway.readings()]
  }

  function engines(): string {
    return [...new Set(all(({ engine }) => engine))].join(', ')
  }

  function administered(): Local {
    return {
      get phase() {
        return phase()
      },
      url: all(({ url }) => url).join(' '),
      engine: engines(),
      policy: plan.resolved.policy,
      observer,
      connections: () => summaryOf(all((server) => server.connections())),
      upstreams: () => gateway.status(),
      readings,
      drain,
    }
  }
}

/** Resolves with the promise, or when the time is over. */
function within(ms: number, clock: Clock, promise: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, resolve)
    void promise.finally(cancel).then(resolve)
  })
}

function mostUpstreamConnections({ config }: GatewayPlan): number {
  const ofGroups = Object.values(config.groups).map(
    ({ upstreams, options }) => upstreams.length * (options.upstreamMaxConnections || Number.POSITIVE_INFINITY),
  )
  return ofGroups.reduce((sum, most) => sum + most, 0)
}

function optionsOf({ serve }: GatewayPlan, listener: ListenerPlan, log: Log, socket: Socket | undefined): GivenOptions {
  const { port, host, unix, certificates, engine, proxyProtocol } = listener
  const options: GivenOptions = {
    ...serve,
    engine,
    log,
    ...(unix === undefined ? { port } : { unix }),
    ...(host !== undefined && { host }),
    ...(certificates !== null && { tls: { certificates } }),
    ...(proxyProtocol !== null && { proxyProtocol: { ...proxyProtocol, trust: networks(proxyProtocol.trust) } }),
  }
  return socket === undefined ? options : withSocket(options, socket)
}
