/** The shared main of `hangup serve` and of each runtime's entry: reads the settings, serves, reports, ends on a signal. */
import { resolve } from 'node:path'
import process from 'node:process'
import { installGlobals } from '../http1/web/globals.ts'
import { backgroundClock } from '../lifecycle/clock.ts'
import { openLogs } from '../log/open.ts'
import { type ErrorCode, errorCodes, exitStatus } from '../policy/codes.ts'
import { ConfigError, isConfigError, problem } from '../policy/problems.ts'
import type { Resolved } from '../policy/resolve.ts'
import { flagOf } from '../policy/spelling.ts'
import type { Running, ServeOptions } from '../serve/contract.ts'
import type { ServeRuntime } from '../serve/runtime.ts'
import { onSignals } from '../serve/signals.ts'
import { type Planned, planStart } from '../serve/start.ts'
import { version } from '../version.ts'
import type { Env } from './env.ts'
import { type LoadedApp, loadAdmin, loadApp, loadTls } from './files.ts'
import { asked, readSettings } from './flags.ts'
import { help } from './help.ts'
import { alsoAt, knownInterfaces } from './interfaces.ts'
import { failureDetail } from './module-failure.ts'
import { noteServiceLinks } from './service-links.ts'
import { tellServiceManager } from './service-manager.ts'
import type { CommandName, SettingName, Settings } from './settings.ts'
import { jsonReport, type Started, textReport } from './start-report.ts'
import { watchedBy } from './watch/watched.ts'

/** A runtime as a program. */
export interface Entry {
  readonly runtime: string
  /** Which engine serves, decided before the application is loaded. */
  plan(options: ServeOptions, resolved: Resolved): Promise<Planned>
  /** How the command is started, for `--help`. */
  readonly program?: string
  /** Starts the same command once more, as a process of its own. */
  readonly again?: readonly [string, ...string[]]
}

export const entryOf = (runtime: ServeRuntime): Entry => ({
  runtime: runtime.name,
  plan: (options, resolved) => planStart(runtime, options, resolved),
})

/** What `main` touches of the process. */
export interface Host {
  readonly argv: readonly string[]
  readonly env: Env
  readonly columns: number
  /** Lines of the terminal that `err` writes to; undefined: it is none. */
  readonly rows?: number | undefined
  /** The network interfaces of this machine, as far as they may be asked for. */
  interfaces?(): ReturnType<typeof knownInterfaces>
  out(text: string): void
  err(text: string): void
  exit(status: number): void
}

/** Texts that no pipe or terminal has taken yet. */
let unwritten = 0
let whenWritten = (): void => {}

function write(stream: NodeJS.WriteStream, text: string): void {
  unwritten += 1
  // Not an empty write at the end: Bun says at once that that is done.
  stream.write(text, () => {
    unwritten -= 1
    if (unwritten === 0) whenWritten()
  })
}

export const thisProcess: Host = {
  argv: process.argv.slice(2),
  env: process.env,
  columns: process.stdout.columns ?? 100,
  rows: process.stderr.isTTY && process.env['TERM'] !== 'dumb' ? process.stderr.rows : undefined,
  interfaces: knownInterfaces,
  out: (text) => write(process.stdout, text),
  err: (text) => write(process.stderr, text),
  exit: (status) => process.exit(status),
}

/**
 * The end of a command that prints and is done. A pipe takes 64 kB at once, and what it has not taken when the process
 * exits is lost; a reader that has gone wants no more.
 */
export function exitFlushed(status: number): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(status))
  if (unwritten === 0) process.exit(status)
  else whenWritten = () => process.exit(status)
}

/** 1 is kept for a drain that had to cut. */
export const { cannotStart } = exitStatus

/**
 * Whether a runtime's entry is what was started, with the `import.meta` of that entry. In a bundle `import.meta` is the bundle's
 * for every module in it, and an application that has the entry bundled is not to be joined by another server.
 */
export const isProgram = ({ main, url }: { readonly main?: boolean; readonly url: string }, runtime: string): boolean =>
  main === true && new RegExp(`/runtimes/${runtime}\\.[jt]s$`).test(url)

/** How a command is started, and on which runtime where that matters: for `--help` and `--version`. */
interface Called {
  readonly command: CommandName
  readonly program: string
  readonly runtime?: string
}

/**
 * What every command does: `--help`, `--version`, and one line of what it throws. `run` resolves with
 * the status to exit with, or with nothing where the command goes on.
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

async function start({ runtime, plan, again }: Entry, host: Host): Promise<void> {
  const { options, settings, nameOf, resolved } = readSettings(host.argv, host.env)
  const watched = watchedBy()
  if (settings.watch && watched === null) return watching(settings, nameOf, again, host)
  const { log, accessLog, endWith } = openLogs(settings, nameOf)
  noteServiceLinks(host.env, log)
  const tls = await loadTls(settings, nameOf)
  const port = options.port === 0 ? (watched?.port ?? 0) : options.port
  const admin = await loadAdmin(settings, nameOf)
  const chosen = {
    ...options,
    ...(port !== undefined && { port }),
    ...(tls && { tls }),
    ...(admin && { admin }),
    log,
    ...(accessLog && { accessLog }),
    signals: false,
  }
  const planned = await plan(chosen, resolved)
  // A class that extends Request is made while the app is loaded, and must be able to take a request of ours.
  if (options.globals === 'replace' && planned.engine === 'hangup') installGlobals()
  let running: Running | undefined
  const { app, websocket }: LoadedApp =
    settings.app === undefined
      ? await builtInApp(() => running?.phase === 'serving')
      : await loadApp(settings.app, nameOf)
  await watched?.mayListen()
  const listen = () => planned.serve(app, websocket && { websocket })
  running = await (watched?.listening(listen) ?? listen())
  const server = running
  onSignals(tellServiceManager(server, { env: host.env, clock: backgroundClock, log }), {
    exit: endWith(host.exit),
    log,
    // Whoever watches the files is told of each new start, and that is enough.
    ...(watched === null && { inFlight: () => server.connections().busy }),
  })
  const { url, engine, engineWhy, enforcement } = running
  const also = alsoAt(url, options.host, host.interfaces?.() ?? {})
  const started: Started = { url, also, admin: running.admin?.url, runtime, engine, engineWhy, resolved, enforcement }
  const { report = 'text' } = settings
  if (report === 'text' && !watched?.isLater) host.out(textReport(started, host.columns))
  if (report === 'json') host.out(`${jsonReport(started)}\n`)
}

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

/** What the user or the machine did needs no stack; what a module or the program did does. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, syscall } = error as NodeJS.ErrnoException
  if (isConfigError(error)) {
    const { cause } = error
    const ownFault = cause instanceof Error && (cause as NodeJS.ErrnoException).syscall === undefined
    return ownFault ? `${error.message}\n${failureDetail(cause)}` : error.message
  }
  // An address that can't be had: see listenError.
  if (syscall === 'listen' || isOutside(code)) return error.message
  return error.stack ?? error.message
}

const isOutside = (code = ''): boolean =>
  Object.hasOwn(errorCodes, code) && ['configuration', 'machine'].includes(errorCodes[code as ErrorCode].fault)
