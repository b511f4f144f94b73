/**
 * An app under `deno serve`, where the command itself starts the server, of the main module's
 * default export. With `--parallel` each thread evaluates the module anew.
 */
import process from 'node:process'
import { createApp } from '../../src/command/built-in-app.ts'
import { loadApp } from '../../src/command/files.ts'
import { readSettings } from '../../src/command/flags.ts'
import { cannotStart, explain, thisProcess } from '../../src/command/main.ts'
import type { ReportKind } from '../../src/command/report-kind.ts'
import { noteServiceLinks } from '../../src/command/service-links.ts'
import { jsonReport, type Started, textReport } from '../../src/command/start-report.ts'
import { openKernel } from '../../src/kernel/kernel.ts'
import type { Libc } from '../../src/kernel/libc.ts'
import type { Threads } from '../../src/kernel/threads.ts'
import { backgroundClock } from '../../src/lifecycle/clock.ts'
import { LongLived } from '../../src/lifecycle/long-lived.ts'
import { type CommandLogs, openLogs } from '../../src/log/open.ts'
import { Observer } from '../../src/observe/observer.ts'
import { checkEnforcement } from '../../src/policy/check-enforcement.ts'
import type { Enforcement } from '../../src/policy/enforcement.ts'
import type { Policy } from '../../src/policy/policy.ts'
import { ConfigError, type Problem, problem } from '../../src/policy/problems.ts'
import { resolveOptions } from '../../src/policy/resolve.ts'
import { accessFeedOf } from '../../src/serve/access-feed.ts'
import type { App, Running, ServeOptions } from '../../src/serve/contract.ts'
import { stderrLog } from '../../src/serve/log.ts'
import { urlOf } from '../../src/serve/prepare.ts'
import { plainResponse } from '../../src/serve/responses.ts'
import type { Start } from '../../src/serve/runtime.ts'
import { onSignals } from '../../src/serve/signals.ts'
import { loadLibc } from './libc.ts'
import { type DenoServer, enforcement, type Handler, keepAccepting, onErrorOf, serveDeno } from './serve.ts'
import type { ServeInfo } from './serve-info.ts'
import { joinThreads } from './threads.ts'
import { serveUnenforced, unenforced } from './unenforced.ts'

/** What `deno serve` takes as a default export, and what can be said of it. */
export interface DenoServe {
  fetch(request: Request, info: ServeInfo): Response | Promise<Response>
  /** Called in one thread alone. */
  onListen(address: ListenAddress): void
  readonly policy: Policy
  readonly enforcement: Enforcement
  /**
   * When it listens. Of this thread: each counts its own requests, and the first all connections
   * that no other has noted.
   */
  readonly running: Promise<Running>
}

export interface HangupOptions extends ServeOptions {
  /** What is printed when it listens. Default: HANGUP_REPORT, or text. */
  readonly report?: ReportKind
}

interface ListenAddress {
  readonly hostname: string
  readonly port: number
}

interface ByCommand {
  readonly server: DenoServer
  /** Once more, on the same address. */
  start(): DenoServer
}

interface CommandOptions {
  readonly hostname: string
}

declare const Deno: {
  serve(options: CommandOptions, handler?: Handler): DenoServer
}

/**
 * What the command does with the default export. `Deno.serve` is what it calls, in every thread,
 * and the server is what it keeps.
 */
let command: Promise<ByCommand> | null = null
let isServed = false
/** Of the server that the command starts; before it is ours nobody is answered. */
let onError: (error: unknown) => Response = () => plainResponse(500)

function whenServed(): Promise<ByCommand> {
  command ??= new Promise((resolve) => {
    const native = Deno.serve
    Deno.serve = (given, ...rest) => {
      if (!isOfCommand(given)) return native(given, ...rest)
      Deno.serve = native
      isServed = true
      const options = { ...given, automaticCompression: false, onError: (error: unknown) => onError(error) }
      const server = native(options)
      resolve({ server, start: () => native({ ...options, port: server.addr.port, onListen() {} } as CommandOptions) })
      // On a signal it would shut the server down, and end those that wait at once.
      return { ...server, async shutdown() {} }
    }
  })
  return command
}

/**
 * `registerDeclarativeServer` of Deno's ext/http/00_serve.ts says which threads share a listener;
 * nobody else can.
 */
function isOfCommand(given: CommandOptions): boolean {
  return Object.getOwnPropertySymbols(given).some(({ description }) => description === 'kLoadBalanced')
}

/**
 * For a main module's `export default hangup(app, policy)` under `deno serve`. Throws a
 * `ConfigError` if the policy is not possible, a limit that was set cannot be held, or an option is
 * given that only the command takes.
 */
export function hangup(app: App, options: HangupOptions = {}): DenoServe {
  return servedByCommand(app, options, (exit) => exit)
}

function servedByCommand(app: App, { report, ...options }: HangupOptions, endWith: CommandLogs['endWith']): DenoServe {
  refuseForeign(options)
  const resolved = resolveOptions(options)
  const { libc, threads, why } = ledgerParts()
  const held = libc === null ? unenforced(why) : enforcement
  checkEnforcement(resolved, held, 'deno serve')
  const served = whenServed()
  let handler: Handler | null = null
  let address: ListenAddress | null = null
  const start: Start = {
    app,
    options: { ...options, signals: false },
    resolved,
    runtime: 'deno serve',
    why,
    observer: new Observer(backgroundClock),
    companions: { admin: null },
    longLived: new LongLived(resolved.policy, Math.random),
  }
  start.observer.access = accessFeedOf(options)
  const running =
    libc === null
      ? serveUnenforced(start, (given) => {
          handler = given
          return served.then(({ server }) => server)
        })
      : serveDeno(start, {
          libc,
          threads: threads ?? undefined,
          listen: async (given, kit) => {
            handler = given
            onError = onErrorOf(kit)
            const { server, start } = await served
            return keepAccepting(server, kit, { start, secure: false, isOver: () => threads?.isOver ?? false })
          },
        })
  running.then(started).catch((error) => {
    thisProcess.err(`hangup: ${explain(error)}\n`)
    process.exit(cannotStart)
  })
  return {
    fetch: (request, info) => handler!(request, info),
    onListen(given) {
      address = given
    },
    policy: resolved.policy,
    enforcement: held,
    running,
  }

  async function started(running: Running): Promise<void> {
    if (options.signals !== false)
      onSignals(running, {
        exit: endWith(exit),
        log: options.log ?? stderrLog,
        inFlight: () => running.connections().busy,
      })
    await options.onListen?.(running)
    if (address === null) return
    const { engine, engineWhy } = running
    const url = urlOf({ secure: false, host: address.hostname, port: address.port })
    const said: Started = { url, runtime: 'deno serve', engine, engineWhy, resolved, enforcement: held }
    const kind = report ?? process.env['HANGUP_REPORT'] ?? 'text'
    if (kind === 'text') thisProcess.out(textReport(said, thisProcess.columns))
    if (kind === 'json') thisProcess.out(`${jsonReport(said)}\n`)
  }

  /**
   * The command does not end while a thread is left, and its own end says 0 whatever was cut. A
   * second signal waits for nobody.
   */
  function exit(status: number): void {
    const all = threads === null || status > 1 ? status : threads.end(status)
    if (all !== null) process.exit(all)
  }
}

type LedgerParts =
  | { readonly libc: Libc; readonly threads: Threads; readonly why: string }
  | { readonly libc: null; readonly threads: null; readonly why: string }

function ledgerParts(): LedgerParts {
  const loaded = loadLibc()
  if (loaded.libc === null) return { ...loaded, threads: null }
  try {
    return { libc: loaded.libc, threads: joinThreads(), why: 'deno serve' }
  } catch (error) {
    return { libc: null, threads: null, why: (error as Error).message }
  }
}

/** What is the command's to be told, by its flags, or can't be at all. */
function refuseForeign(
  { port, host, unix, fd, tls, proxyProtocol, engine, admin, healthPath }: ServeOptions,
  nameOf = (name: string) => name,
): void {
  const foreign: Problem[] = []
  const refuse = (name: string, value: unknown, accepted: string) =>
    foreign.push(problem(nameOf(name), value, 'deno serve listens by itself', accepted))
  if (port !== undefined) refuse('port', port, `deno serve --port ${port}`)
  if (host !== undefined) refuse('host', host, `deno serve --host ${host}`)
  if (unix !== undefined) refuse('unix', unix, 'deno run')
  if (fd !== undefined) refuse('fd', fd, 'deno run')
  if (tls !== undefined) refuse('tls', 'given', 'deno run')
  if (proxyProtocol !== undefined) refuse('proxyProtocol', 'given', 'deno run')
  if (engine === 'hangup') refuse('engine', engine, 'auto or native; deno run has hangup')
  if (admin !== undefined && admin !== false) refuse('admin', 'given', 'deno run; adminRoutes() in the app')
  if (healthPath !== undefined) refuse('healthPath', healthPath, 'deno run; a route of the app')
  if (foreign.length > 0) throw new ConfigError(foreign)
}

/** The server of variables and flags behind the module's name: what `main` is under `deno run`. */
async function ofSettings(): Promise<DenoServe> {
  try {
    const { options, settings, nameOf } = readSettings(thisProcess.argv, thisProcess.env)
    const { log, accessLog, endWith } = openLogs(settings, nameOf)
    noteServiceLinks(thisProcess.env, log)
    // PORT is meant for whoever listens: that is the command.
    const { port, globals: _, ...rest } = options
    const wanted = port === undefined || nameOf('port') === 'PORT' ? rest : { ...rest, port }
    const { tlsCert, tlsKey, watch, workers, admin, healthPath } = settings
    if (watch)
      throw new ConfigError([problem(nameOf('watch'), 'yes', 'deno serve watches by itself', 'deno serve --watch')])
    if (workers !== undefined) {
      const why = 'deno serve has threads of its own'
      throw new ConfigError([problem(nameOf('workers'), workers, why, 'deno serve --parallel, or deno run')])
    }
    const tls = tlsCert && tlsKey && { tls: { cert: tlsCert, key: tlsKey } }
    refuseForeign({ ...wanted, ...tls, ...(admin && { admin }), ...(healthPath && { healthPath }) }, (name) =>
      name === 'tls' ? nameOf('tlsCert') : name === 'proxyProtocol' ? name : nameOf(name as 'port'),
    )
    let running: Running | undefined
    const { app } =
      settings.app === undefined
        ? { app: createApp({ ready: () => running?.phase === 'serving' }) }
        : await loadApp(settings.app, nameOf)
    const served = servedByCommand(
      app,
      { ...wanted, log, ...(accessLog && { accessLog }), report: settings.report ?? 'text' },
      endWith,
    )
    served.running.then((its) => {
      running = its
    })
    return served
  } catch (error) {
    thisProcess.err(`hangup: ${explain(error)}\n`)
    return process.exit(cannotStart)
  }
}

/**
 * The default export of an entry that is its own main under `deno run` too. Undefined there: Deno
 * takes an export with `fetch` for a program that was started by the wrong command. Which one it
 * was only the process's command line says.
 */
export async function commandOr(main: () => Promise<void>): Promise<Pick<DenoServe, 'fetch' | 'onListen'> | undefined> {
  const line = commandLine()
  if (line !== null) return isServe(line) ? ofSettings() : main().then(() => undefined)
  // Without FFI: what calls Deno.serve before the first timer is the command.
  let served: Promise<DenoServe> | null = null
  let address: ListenAddress | null = null
  whenServed().then(() => {
    served = ofSettings()
    if (address !== null) served.then((its) => its.onListen(address!))
  })
  setTimeout(() => {
    if (!isServed) main()
  }, 0)
  return {
    fetch: async (request, info) => (await served!).fetch(request, info),
    onListen(given) {
      address = given
    },
  }
}

function commandLine(): readonly string[] | null {
  const { libc } = loadLibc()
  if (libc === null) return null
  const kernel = openKernel(libc)
  const line = kernel.read('/proc/self/cmdline')
  kernel.close()
  return line === null ? null : line.split('\0')
}

/**
 * `deno [flags] serve …`; the one flag of those whose value stands apart is that of the log's
 * level.
 */
function isServe([, ...args]: readonly string[]): boolean {
  const at = args.findIndex((arg, index) => !arg.startsWith('-') && !/^(-L|--log-level)$/.test(args[index - 1] ?? ''))
  return args[at] === 'serve'
}
