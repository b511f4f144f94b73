/** `hangup gateway`: reads the configuration, starts, reports, reloads, and ends on a signal. */
import process from 'node:process'
import { type AdminOptions, adminPlan } from '../admin/options.ts'
import type { Place } from '../cluster/lead.ts'
import type { WorkerStart } from '../cluster/messages.ts'
import { workerOf } from '../cluster/worker.ts'
import { explain } from '../command/explain.ts'
import { loadAdmin } from '../command/files.ts'
import type { Host } from '../command/host.ts'
import { listenFds } from '../command/listen-fds.ts'
import { runCommand } from '../command/main.ts'
import { noteServiceLinks } from '../command/service-links.ts'
import { tellServiceManager, watchdogMs } from '../command/service-manager.ts'
import { refuseBeside, type Socket } from '../command/sockets.ts'
import { jsonReport, textReport } from '../command/start-report.ts'
import { backgroundClock } from '../lifecycle/clock.ts'
import { openLogs } from '../log/open.ts'
import { ConfigError, problem } from '../policy/problems.ts'
import type { Log } from '../serve/log.ts'
import type { ServeRuntime } from '../serve/runtime.ts'
import { onSignals } from '../serve/signals.ts'
import type { GatewaySettings } from './config/flags.ts'
import { type Loaded, loadGateway } from './config/load.ts'
import { gatewayJson, gatewayReport } from './config/report.ts'
import type { GatewayPlan } from './config/resolve.ts'
import { type ListenerPlan, refuseUnspoken } from './downstream/listeners.ts'
import { keepReloading } from './reload.ts'
import type { GatewayRuntime, RunningGateway, Start } from './start.ts'

/** A runtime, with `gateway` as its `runtimes/*.ts` exports it. */
export interface GatewayEntry {
  readonly runtime: string
  /** How the command is started, for `--help`. */
  readonly program: string
  load(): Promise<{ readonly gateway: GatewayRuntime }>
  /** Default: listens and forwards. */
  readonly start?: Start
  /**
   * Starts the same command once more, as a process of its own; with what of the runtime several of
   * them need.
   */
  readonly again?: { readonly command: readonly [string, ...string[]]; readonly sides: ServeRuntime }
}

/** Resolves when the gateway listens, has been refused, or has printed what was asked for. */
export function gatewayCommand(entry: GatewayEntry, host: Host): Promise<void> {
  const { program, runtime } = entry
  return runCommand({ command: 'gateway', program, runtime }, host.argv, host, () => run(entry, host))
}

async function run(entry: GatewayEntry, host: Host): Promise<void> {
  const { load, start } = entry
  const loaded = () => loadGateway(host.argv, host.env, process.cwd())
  const { settings, nameOf, plan } = await loaded()
  const worker = workerOf()
  if (worker !== null) entry.again?.sides.forget?.(worker.others)
  const admin = worker === null ? await loadAdmin(settings, nameOf) : undefined
  const { gateway } = await load()
  refuseUnspoken(plan.listeners, plan.config.clients, gateway)
  const { report = 'text' } = settings
  if (settings.check) {
    if (report === 'text') host.out(gatewayReport(plan, host.columns, true))
    if (report === 'json') host.out(`${JSON.stringify(gatewayJson(plan))}\n`)
    return host.exit(0)
  }
  const leads = settings.workers !== undefined && worker === null
  const { log, accessLog, endWith } = openLogs(leads ? eventsOnly(settings) : settings, nameOf)
  if (worker === null) noteServiceLinks(host.env, log)
  const sockets = worker?.sockets ?? socketsOf(plan, listenFds(host.env, log), settings, nameOf)
  if (leads) return leading(entry, host, { settings, nameOf, plan, admin, sockets, log, exit: endWith(host.exit) })
  const running = await (start ?? (await import('./start.ts')).startGateway)(plan, gateway, {
    log,
    ...(accessLog && { accessLog }),
    admin: admin === undefined ? null : adminPlan(admin),
    clock: backgroundClock,
    random: Math.random,
    worker,
    sockets,
  })
  await gateway.holdMemory?.(backgroundClock)
  const stopReloading = await keepReloading(plan, {
    load: async () => (await loaded()).plan,
    apply: (next) => running.reload(next),
    log,
    clock: backgroundClock,
    explain,
  })
  const ending = untilDrained(running, stopReloading)
  const { urls, engine, engineWhy, enforcement, notes } = running
  if (worker !== null) {
    const server = running.administered()
    const attended = { ...ending, connections: () => server.connections() }
    return worker.attend(attended, {
      start: { urls, engine, engineWhy, enforcement, notes },
      server,
      exit: endWith(host.exit),
    })
  }
  onSignals(tellServiceManager(ending, { env: host.env, clock: backgroundClock, log }), {
    exit: endWith(host.exit),
    log,
    inFlight: () => running.inFlight(),
  })
  tellStarted(entry, host, { plan, report }, { urls, engine, engineWhy, enforcement, notes, admin: running.admin?.url })
}

const eventsOnly = ({ log }: GatewaySettings): Pick<GatewaySettings, 'log'> => ({ ...(log && { log }) })

function tellStarted(
  { runtime }: GatewayEntry,
  host: Host,
  { plan, report }: { readonly plan: GatewayPlan; readonly report: string },
  { urls, notes, admin, ...start }: WorkerStart & { readonly admin: string | undefined; readonly workers?: number },
): void {
  const started = { ...start, url: urls.join(' '), admin, runtime, resolved: plan.resolved }
  const said = { ...plan, notes: [...plan.notes, ...notes] }
  if (report === 'text') host.out(`${textReport(started, host.columns)}\n${gatewayReport(said, host.columns, false)}`)
  if (report === 'json')
    host.out(`${JSON.stringify({ ...gatewayJson(said), ...JSON.parse(jsonReport(started)), urls })}\n`)
}

interface Leading extends Pick<Loaded, 'settings' | 'nameOf' | 'plan'> {
  readonly admin: AdminOptions | undefined
  readonly sockets: readonly Socket[]
  readonly log: Log
  exit(status: number): void
}

/** The parent of several processes, each of which is this command once more. */
async function leading(entry: GatewayEntry, host: Host, parts: Leading): Promise<void> {
  const { settings, nameOf, plan, admin, sockets, log, exit } = parts
  const workers = settings.workers!
  if (entry.again === undefined) {
    const why = 'only the command starts itself again'
    throw new ConfigError([problem(nameOf('workers'), workers, why, 'hangup gateway --workers')])
  }
  const { report = 'text' } = settings
  const { lead } = await import('../cluster/lead.ts')
  await lead({
    runtime: entry.again.sides,
    workers,
    name: nameOf('workers'),
    places: sockets.length > 0 ? sockets : plan.listeners.map(placeOf),
    command: entry.again.command,
    policy: plan.resolved.policy,
    admin: admin === undefined ? null : adminPlan(admin),
    log,
    isGateway: true,
    exit,
    watchdogMs: watchdogMs(host.env),
    supervised: (ending) => tellServiceManager(ending, { env: host.env, clock: backgroundClock, log }),
    started: (start) => tellStarted(entry, host, { plan, report }, start),
  })
}

const placeOf = ({ port, host, unix }: ListenerPlan): Place => ({
  port,
  ...(host !== undefined && { host }),
  ...(unix !== undefined && { unix }),
})

/** One for each listener, or none. Throws a `ConfigError`. */
function socketsOf(
  { listeners }: GatewayPlan,
  sockets: readonly Socket[],
  settings: GatewaySettings,
  nameOf: (setting: string) => string,
): readonly Socket[] {
  if (sockets.length === 0) return sockets
  refuseBeside(settings, nameOf)
  if (sockets.length === listeners.length) return sockets
  const names = listeners.map(({ name }) => name).join(', ')
  const why = `there are ${listeners.length} listeners (${names}), and each takes one socket, in this order`
  throw new ConfigError([problem('LISTEN_FDS', sockets.length, why, String(listeners.length))])
}

/** A gateway that ends takes no new configuration. */
function untilDrained(
  running: RunningGateway,
  stopReloading: () => void,
): Pick<RunningGateway, 'drain' | 'kill' | 'closed'> {
  return {
    closed: running.closed.finally(stopReloading),
    drain(how) {
      stopReloading()
      return running.drain(how)
    },
    kill() {
      stopReloading()
      return running.kill()
    },
  }
}
