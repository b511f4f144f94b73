/** The parent of `--workers`, from its listening sockets to its exit status. */
import { lookup } from 'node:dns/promises'
import process from 'node:process'
import type { AdminPlan } from '../admin/options.ts'
import type { Administered } from '../admin/routes.ts'
import { deferred } from '../deferred.ts'
import { backgroundClock, systemClock } from '../lifecycle/clock.ts'
import type { InheritedAddress } from '../net/inherited.ts'
import { withSocketFile } from '../net/socket-file.ts'
import type { Listener } from '../net/transport.ts'
import { exitStatus } from '../policy/exit-status.ts'
import type { Policy } from '../policy/policy.ts'
import { ConfigError, problem } from '../policy/problems.ts'
import type { ServeOptions } from '../serve/contract.ts'
import type { Log } from '../serve/log.ts'
import { listenError } from '../serve/prepare.ts'
import type { HeldListener, ServeRuntime } from '../serve/runtime.ts'
import { onSignals } from '../serve/signals.ts'
import { Cluster, type SharedListener } from './cluster.ts'
import { cores } from './cores.ts'
import type { WorkerStart } from './messages.ts'
import { Whole } from './whole.ts'

/** Where a listener is to be, or the socket that is handed to it. */
export type Place =
  | Pick<ServeOptions, 'port' | 'host' | 'unix'>
  | { readonly fd: number; readonly at: InheritedAddress }

export interface LeadParts {
  readonly runtime: ServeRuntime
  readonly workers: number | 'auto'
  /** How `--workers` was written. */
  readonly name: string
  readonly places: readonly Place[]
  readonly command: readonly [string, ...string[]]
  readonly policy: Policy
  readonly admin: AdminPlan | null
  readonly log: Log
  /**
   * It has upstreams, and reads its configuration anew on SIGHUP; other commands get other workers.
   */
  readonly isGateway: boolean
  /** Of the supervisor's watchdog; 0: there is none. */
  readonly watchdogMs: number
  exit(status: number): void
  /** Once all serve. Returns how systemd is told. */
  started(started: LeadStart): void
  /** Of what ends, for whoever supervises the process. */
  supervised(ending: Ending): Ending & { reloading?(): () => void }
}

type Ending = Pick<Cluster, 'drain' | 'kill' | 'closed'>

export interface LeadStart extends WorkerStart {
  readonly workers: number
  readonly admin: string | undefined
}

export async function lead(parts: LeadParts): Promise<void> {
  const { runtime, log, policy, admin, command } = parts
  const count = parts.workers === 'auto' ? cores() : parts.workers
  const listeners = await listenersOf(parts, count)
  const cluster = new Cluster(
    { count, listeners, command, isWatched: admin !== null, policy, clock: systemClock, log },
    { ended: (worker) => whole.retire(worker) },
  )
  const whole = new Whole(cluster, policy, parts.isGateway)
  let ending: ReturnType<LeadParts['supervised']> = cluster
  let closeAdmin = async (): Promise<void> => {}
  // Nothing else keeps this process while it waits to start a worker.
  setInterval(() => {}, 2 ** 31 - 1)
  onSignals(
    {
      drain: (how) => ending.drain(how),
      kill: () => ending.kill(),
      closed: cluster.closed,
    },
    {
      exit: (status) => void closeAdmin().then(() => parts.exit(cluster.hasFailed ? exitStatus.failed : status)),
      log,
      inFlight: () => cluster.inFlight,
    },
  )
  const serving = deferred<void>()
  onOtherSignals(cluster, parts, serving.promise, () => ending.reloading?.() ?? (() => {}))
  const start = await cluster.start()
  // A signal has ended it while it started.
  if (cluster.isEnding) return
  if ('status' in start) {
    for (const listener of listeners.flat()) listener.close()
    return parts.exit(start.status)
  }
  const server: Administered = whole.administered(start)
  let adminUrl: string | undefined
  if (admin !== null) {
    const { listenForAdmin } = await import('../admin/listener.ts')
    const listener = await listenForAdmin(server, admin, runtime, log).catch(async (error) => {
      await cluster.kill()
      throw error
    })
    adminUrl = listener.address.url
    closeAdmin = () => listener.close()
  }
  ending = parts.supervised(cluster)
  // The supervisor hears from this process alone, which is never blocked.
  if (parts.watchdogMs > 0) cluster.watch(parts.watchdogMs)
  parts.started({ ...start, workers: count, admin: adminUrl })
  serving.resolve()
}

/**
 * Heard from the beginning, or they would end this process, and obeyed once all workers are
 * `serving`.
 */
function onOtherSignals(
  cluster: Cluster,
  { isGateway, log }: LeadParts,
  serving: Promise<void>,
  reloading: () => () => void,
): void {
  const roll = (): void => {
    if (cluster.isEnding) return
    const reloaded = reloading()
    void cluster.roll().then(reloaded)
  }
  const on = (signal: 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2', act: () => void): void => {
    try {
      process.on(signal, () => void serving.then(act))
    } catch (error) {
      log({ level: 'info', code: 'SIGNAL_UNAVAILABLE', message: `${signal} cannot be handled: ${error}`, count: 1 })
    }
  }
  on('SIGHUP', () => {
    cluster.tellAll({ order: 'signal', signal: 'SIGHUP' })
    if (!isGateway) roll()
  })
  // Log files anew, as without workers.
  on('SIGUSR1', () => cluster.tellAll({ order: 'signal', signal: 'SIGUSR1' }))
  on('SIGUSR2', roll)
}

async function listenersOf({ places, runtime, name, workers }: LeadParts, count: number): Promise<SharedListener[][]> {
  const listeners: SharedListener[][] = []
  for (const place of places) {
    const opened = 'at' in place ? handed(place) : await openAt(place, runtime)
    if ('why' in opened) {
      const why = `its workers cannot share a listening socket: ${opened.why}`
      throw new ConfigError([problem(name, workers, why, 'one process, without it')])
    }
    const sockets = 'at' in place || count === 1 ? [opened] : await oneForEach(opened, runtime, count)
    listeners.push(sockets.map((socket) => shared(socket, runtime)))
  }
  return listeners
}

/**
 * On one socket whoever is awake first takes all that wait, and of a burst of clients one worker
 * may get all. So each has a socket of its own where the system shares out new connections among
 * them; all are held here. That the address was free is known by then: such sockets would also join
 * those of another server.
 */
async function oneForEach(one: HeldListener, runtime: ServeRuntime, count: number): Promise<HeldListener[]> {
  const { at } = one
  if ('unix' in at || process.platform !== 'linux') return [one]
  one.close()
  const sockets: HeldListener[] = []
  try {
    while (sockets.length < count) {
      const socket = await runtime.openListener(at, true)
      if ('why' in socket) throw new Error(socket.why)
      sockets.push(socket)
    }
    return sockets
  } catch {
    for (const socket of sockets) socket.close()
    const again = await runtime.openListener(at)
    if ('why' in again) throw new Error(again.why)
    return [again]
  }
}

function shared(listener: HeldListener, { inheritable }: ServeRuntime): SharedListener {
  if (inheritable === undefined) return { ...listener, inheritedAs: null }
  const duplicate = inheritable(listener.fd)
  // All that this process has of it.
  const close = (): void => {
    listener.close()
    duplicate.close()
  }
  return { ...listener, close, inheritedAs: duplicate.fd }
}

/** It is systemd’s as well, and what waits in it outlives this server. */
function handed({ fd, at }: Extract<Place, { readonly fd: number }>): HeldListener {
  return { fd, at, close() {} }
}

async function openAt(
  place: Pick<ServeOptions, 'port' | 'host' | 'unix'>,
  runtime: ServeRuntime,
): Promise<HeldListener | { readonly why: string }> {
  const { port = 3000, host, unix } = place
  try {
    if (unix !== undefined) return await openUnix(unix, runtime)
    if (host !== undefined) {
      const { address } = await lookup(host)
      return await runtime.openListener({ host: address, port })
    }
    return await runtime.openListener({ host: '::', port }).catch((error: NodeJS.ErrnoException) => {
      // Without IPv6.
      if (error.code !== 'EAFNOSUPPORT' && error.code !== 'EADDRNOTAVAIL') throw error
      return runtime.openListener({ host: '0.0.0.0', port })
    })
  } catch (error) {
    throw listenError(error, place)
  }
}

/** With the care for its file that a server of one process takes. */
async function openUnix(unix: string, runtime: ServeRuntime): Promise<HeldListener | { readonly why: string }> {
  let opened: HeldListener | { readonly why: string } | null = null
  const open = withSocketFile(async (): Promise<Listener> => {
    const listener = await runtime.openListener({ unix })
    opened = listener
    return { host: '', port: 0, stop: () => ('close' in listener ? listener.close() : undefined) }
  }, backgroundClock)
  const listener = await open({ port: 0, host: undefined, unix }, () => {
    throw new Error('nothing accepts here')
  })
  const held = opened! as HeldListener | { readonly why: string }
  return 'why' in held ? held : { fd: held.fd, at: held.at, close: () => listener.stop() }
}
