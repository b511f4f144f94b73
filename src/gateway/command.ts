/** `hangup gateway`: reads the configuration, starts, reports, reloads, and ends on a signal. */
import process from 'node:process'
import { adminPlan } from '../admin/options.ts'
import { loadAdmin } from '../command/files.ts'
import { explain, type Host, runCommand } from '../command/main.ts'
import { noteServiceLinks } from '../command/service-links.ts'
import { tellServiceManager } from '../command/service-manager.ts'
import { jsonReport, textReport } from '../command/start-report.ts'
import { backgroundClock } from '../lifecycle/clock.ts'
import { openLogs } from '../log/open.ts'
import { onSignals } from '../serve/signals.ts'
import { loadGateway } from './config/load.ts'
import { gatewayJson, gatewayReport } from './config/report.ts'
import { refuseUnspoken } from './downstream/listeners.ts'
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
}

/** Resolves when the gateway listens, has been refused, or has printed what was asked for. */
export function gatewayCommand(entry: GatewayEntry, host: Host): Promise<void> {
  const { program, runtime } = entry
  return runCommand({ command: 'gateway', program, runtime }, host.argv, host, () => run(entry, host))
}

async function run({ runtime, load, start }: GatewayEntry, host: Host): Promise<void> {
  const loaded = () => loadGateway(host.argv, host.env, process.cwd())
  const { settings, nameOf, plan } = await loaded()
  const admin = await loadAdmin(settings, nameOf)
  const { gateway } = await load()
  refuseUnspoken(plan.listeners, plan.config.clients, gateway)
  const { report = 'text' } = settings
  if (settings.check) {
    if (report === 'text') host.out(gatewayReport(plan, host.columns, true))
    if (report === 'json') host.out(`${JSON.stringify(gatewayJson(plan))}\n`)
    return host.exit(0)
  }
  const { log, accessLog, endWith } = openLogs(settings, nameOf)
  noteServiceLinks(host.env, log)
  const running = await (start ?? (await import('./start.ts')).startGateway)(plan, gateway, {
    log,
    ...(accessLog && { accessLog }),
    admin: admin === undefined ? null : adminPlan(admin),
    clock: backgroundClock,
    random: Math.random,
  })
  const stopReloading = await keepReloading(plan, {
    load: async () => (await loaded()).plan,
    apply: (next) => running.reload(next),
    log,
    clock: backgroundClock,
    explain,
  })
  const ending = untilDrained(running, stopReloading)
  onSignals(tellServiceManager(ending, { env: host.env, clock: backgroundClock, log }), {
    exit: endWith(host.exit),
    log,
    inFlight: () => running.inFlight(),
  })

  const { urls, engine, engineWhy, enforcement } = running
  const started = {
    url: urls.join(' '),
    admin: running.admin?.url,
    runtime,
    engine,
    engineWhy,
    resolved: plan.resolved,
    enforcement,
  }
  const said = { ...plan, notes: [...plan.notes, ...running.notes] }
  if (report === 'text') host.out(`${textReport(started, host.columns)}\n${gatewayReport(said, host.columns, false)}`)
  if (report === 'json')
    host.out(`${JSON.stringify({ ...gatewayJson(said), ...JSON.parse(jsonReport(started)), urls })}\n`)
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
