/**
 * The shared main of `hangup serve` and of each runtime's entry: reads the settings, serves,
 * reports, ends on a signal.
 */
import { resolve } from 'node:path'
import { adminPlan } from '../admin/options.ts'
import { type Worker, workerOf } from '../cluster/worker.ts'
import { installGlobals } from '../http1/web/globals.ts'
import { backgroundClock } from '../lifecycle/clock.ts'
import { openLogs } from '../log/open.ts'
import { Observer } from '../observe/observer.ts'
import { exitStatus } from '../policy/exit-status.ts'
import { ConfigError, problem } from '../policy/problems.ts'
import type { Resolved } from '../policy/resolve.ts'
import { flagOf } from '../policy/spelling.ts'
import type { Running, ServeOptions } from '../serve/contract.ts'
import type { Log } from '../serve/log.ts'
import type { ServeRuntime } from '../serve/runtime.ts'
import { onSignals } from '../serve/signals.ts'
import { type PartOf, type Planned, planStart } from '../serve/start.ts'
import { version } from '../version.ts'
import { explain } from './explain.ts'
import { type LoadedApp, loadAdmin, loadApp, loadTls } from './files.ts'
import { asked, type ReadSettings, readSettings } from './flags.ts'
import { help } from './help.ts'
import { cannotStart, type Host, thisProcess } from './host.ts'
import { alsoAt } from './interfaces.ts'
import { listenFds } from './listen-fds.ts'
import { noteServiceLinks } from './service-links.ts'
import { tellServiceManager, watchdogMs } from './service-manager.ts'
import type { CommandName, SettingName, Settings } from './settings.ts'
import { onSocket, type Socket, withSocket } from './sockets.ts'
import { jsonReport, type Started, textReport } from './start-report.ts'
import { watchedBy } from './watch/watched.ts'

/** A runtime as a program. */
export interface Entry {
  readonly runtime: string
  /** Which engine serves, decided before the application is loaded. */
  plan(options: ServeOptions, resolved: Resolved, part?: PartOf): Promise<Planned>
  /** What of the runtime several processes need. */
  readonly sides?: ServeRuntime
  /** How the command is started, for `--help`. */
  readonly program?: string
  /** Starts the same command once more, as a process of its own. */
  readonly again?: readonly [string, ...string[]]
}

export const entryOf = (runtime: ServeRuntime): Entry => ({
  runtime: runtime.name,
  plan: (options, resolved, part) => planStart(runtime, options, resolved, part),
  sides: runtime,
})

/**
 * Whether a runtime's entry is what was started, with the `import.meta` of that entry. In a bundle
 * `import.meta` is the bundle's for every module in it, and an application that has the entry
 * bundled is not to be joined by another server.
 */
export const isProgram = ({ main, url }: { readonly main?: boolean; readonly url: string }, runtime: string): boolean =>
  main === true && new RegExp(`/runtimes/${runtime}\\.[jt]s$`).test(url)

/**
 * How a command is started, and on which runtime where that matters: for `--help` and `--version`.
 */
interface Called {
  readonly command: CommandName
  readonly program: string
  readonly runtime?: string
}

/**
 * What every command does: `--help`, `--version`, and one line of what it throws. `run` resolves
 * with the status to exit with, or with nothing where the command goes on.
 */
export async function runCommand(
  { command, program, runtime }: Called,
  argv: readonly string[],
  host: Host,
  run: () => Promise<number> | Promise<void>,
): Promise<void> {
  try {
    switch (asked(argv)) {
      case 'help':
        host.out(help(command, program, host.columns))
        return host.exit(exitStatus.done)
      case 'version':
        host.out(`hangup ${version}${runtime === undefined ? '' : ` on ${runtime}`}\n`)
        return host.exit(exitStatus.done)
      default: {
        const status = await run()
        if (status !== undefined) host.exit(status)
      }
    }
  } catch (error) {
    host.err(`hangup: ${explain(error)}\n`)
    host.exit(cannotStart)
  }
}

/** Resolves when the server listens, has been refused, or the help is printed. */
export function main(entry: Entry, host: Host = thisProcess): Promise<void> {
  const { runtime, program = `${runtime} runtimes/${runtime}.ts` } = entry
  return runCommand({ command: 'serve', program, runtime }, host.argv, host, () => start(entry, host))
}

async function start(entry: Entry, host: Host): Promise<void> {
  const { runtime, plan, again, sides } = entry
  const read = readSettings(host.argv, host.env)
  const { options, settings, nameOf, resolved } = read
  const worker = workerOf()
  const watched = watchedBy()
  if (worker !== null) sides?.forget?.(worker.others)
  if (settings.workers !== undefined && worker === null) return leading(entry, read, host)
  if (settings.watch && watched === null && worker === null) return watching(settings, nameOf, again, host)
  const { log, accessLog, endWith } = openLogs(settings, nameOf)
  if (worker === null) noteServiceLinks(host.env, log)
  const tls = await loadTls(settings, nameOf)
  const port = options.port === 0 ? (watched?.port ?? 0) : options.port
  const admin = worker === null ? await loadAdmin(settings, nameOf) : undefined
  const placed =
    worker === null
      ? onSocket({ ...options, ...(port !== undefined && { port }) }, listenFds(host.env, log), nameOf)
      : withSocket(options, worker.sockets[0]!)
  const chosen = {
    ...placed,
    ...(tls && { tls }),
    ...(admin && { admin }),
    log,
    ...(accessLog && { accessLog }),
    signals: false,
  }
  const planned = await plan(chosen, resolved, worker === null ? {} : partOf(worker, sides!))
  // A class that extends Request is made while the app is loaded, and must be able to take a request of ours.
  if (options.globals === 'replace' && planned.engine === 'hangup') installGlobals()
  let running: Running | undefined
  const isReady = () => worker?.isReady ?? running?.phase === 'serving'
  const { app, websocket }: LoadedApp =
    settings.app === undefined ? await builtInApp(isReady) : await loadApp(settings.app, nameOf)
  await watched?.mayListen()
  const listen = () => planned.serve(app, websocket && { websocket })
  running = await (watched?.listening(listen) ?? listen())
  const server = running
  const { url, engine, engineWhy, enforcement } = running
  if (worker !== null) {
    const start = { urls: [url], notes: [], engine, engineWhy, enforcement }
    return worker.attend(server, { start, server, exit: endWith(host.exit) })
  }
  onSignals(tellServiceManager(server, { env: host.env, clock: backgroundClock, log }), {
    exit: endWith(host.exit),
    log,
    // Whoever watches the files is told of each new start, and that is enough.
    ...(watched === null && { inFlight: () => server.connections().busy }),
  })
  const started: Started = { url, admin: running.admin?.url, runtime, engine, engineWhy, resolved, enforcement }
  if (!watched?.isLater || settings.report === 'json') tellStarted(started, read, host)
}

function tellStarted(started: Started, { options, settings: { report = 'text' } }: ReadSettings, host: Host): void {
  const also = alsoAt(started.url, options.host, host.interfaces?.() ?? {})
  if (report === 'text') host.out(textReport({ ...started, also }, host.columns))
  if (report === 'json') host.out(`${jsonReport(started)}\n`)
}

/** The parent of several processes, each of which is this command once more. */
async function leading({ runtime, plan, again, sides }: Entry, read: ReadSettings, host: Host): Promise<void> {
  const { options, settings, nameOf, resolved } = read
  const workers = settings.workers!
  const refuse = (why: string, accepted: string) =>
    new ConfigError([problem(nameOf('workers'), workers, why, accepted)])
  if (settings.watch) throw refuse(`${nameOf('watch')} starts one process anew`, 'one of the two')
  if (again === undefined || sides === undefined) {
    throw refuse('only the command starts itself again', 'hangup serve --workers')
  }
  const { log, endWith } = openLogs({ ...(settings.log && { log: settings.log }) }, nameOf)
  noteServiceLinks(host.env, log)
  const admin = await loadAdmin(settings, nameOf)
  const tls = await loadTls(settings, nameOf)
  const [socket] = listenFdsFor(options, host, log, nameOf)
  // What can't be is said once, and not by each worker.
  await plan({ ...options, ...(tls && { tls }) }, resolved)
  const { lead } = await import('../cluster/lead.ts')
  await lead({
    runtime: sides,
    workers,
    name: nameOf('workers'),
    places: [socket ?? options],
    command: again,
    policy: resolved.policy,
    admin: admin === undefined ? null : adminPlan(admin, nameOf('admin')),
    log,
    isGateway: false,
    exit: endWith(host.exit),
    watchdogMs: watchdogMs(host.env),
    supervised: (ending) => tellServiceManager(ending, { env: host.env, clock: backgroundClock, log }),
    started({ urls, engine, engineWhy, enforcement, admin, workers }) {
      const url = urls.join(' ')
      tellStarted({ url, admin, workers, runtime, engine, engineWhy, resolved, enforcement }, read, host)
    },
  })
}

function listenFdsFor(
  options: ServeOptions,
  { env }: Host,
  log: Log,
  nameOf: (setting: SettingName) => string,
): readonly Socket[] {
  const sockets = listenFds(env, log)
  onSocket(options, sockets, nameOf)
  return sockets
}

/**
 * Its connections are told apart from those of other workers, and the parent has the admin
 * listener.
 */
const partOf = (worker: Worker, { sockets }: ServeRuntime): PartOf => ({
  observer: new Observer(backgroundClock, sockets.descriptors, null, worker.number),
  isWatched: worker.isWatched,
  isReady: () => worker.isReady,
})

async function watching(
  { app, tlsCert, tlsKey }: Settings,
  nameOf: (setting: SettingName) => string,
  again: Entry['again'],
  host: Host,
): Promise<void> {
  const refuse = (why: string, accepted: string) =>
    new ConfigError([problem(nameOf('watch'), nameOf('watch'), why, accepted)])
  if (app === undefined) throw refuse('it needs an app whose files it can watch', `${flagOf('app')} <file>`)
  if (again === undefined) throw refuse('only the command starts itself again', 'hangup serve --watch')
  const { watchApp } = await import('./watch/watch.ts')
  await watchApp({
    app: resolve(app),
    files: [tlsCert, tlsKey].flatMap((file) => (file === undefined ? [] : [resolve(file)])),
    command: again,
    say: (line) => host.err(`hangup: ${line}\n`),
    exit: host.exit,
  })
}

/** Loaded for it alone: whoever serves an app of their own, or nothing, needs no Hono for it. */
const builtInApp = async (ready: () => boolean): Promise<LoadedApp> => ({
  app: (await import('./built-in-app.ts')).createApp({ ready }),
})
