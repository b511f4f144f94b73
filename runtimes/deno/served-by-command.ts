/**
 * An app under `deno serve`, where the command itself starts the server, of the main module's
 * default export. With `--parallel` each thread evaluates the module anew.
 */
import process from 'node:process'
import type { Started } from '../../src/command/start-report.ts'
import type { Libc } from '../../src/kernel/libc.ts'
import type { Threads } from '../../src/kernel/threads.ts'
import { backgroundClock } from '../../src/lifecycle/clock.ts'
import { LongLived } from '../../src/lifecycle/long-lived.ts'
import type { CommandLogs } from '../../src/log/open.ts'
import { Observer } from '../../src/observe/observer.ts'
import { checkEnforcement } from '../../src/policy/check-enforcement.ts'
import { ConfigError, type Problem, problem } from '../../src/policy/problems.ts'
import { resolveOptions } from '../../src/policy/resolve.ts'
import { accessFeedOf } from '../../src/serve/access-feed.ts'
import type { App, Running, ServeOptions } from '../../src/serve/contract.ts'
import { stderrLog } from '../../src/serve/log.ts'
import { urlOf } from '../../src/serve/prepare.ts'
import { plainResponse } from '../../src/serve/responses.ts'
import type { Start } from '../../src/serve/runtime.ts'
import { onSignals } from '../../src/serve/signals.ts'
import type { DenoServe, HangupOptions, ListenAddress } from './command-contract.ts'
import { loadLibc } from './libc.ts'
import { type DenoServer, enforcement, type Handler, keepAccepting, onErrorOf, serveDeno } from './serve.ts'
import { joinThreads } from './threads.ts'
import { serveUnenforced, unenforced } from './unenforced.ts'

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
/** Whether the command has started it. */
export let isServed = false
/** Of the server that the command starts; before it is ours nobody is answered. */
let onError: (error: unknown) => Response = () => plainResponse(500)

export function whenServed(): Promise<ByCommand> {
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

export function servedByCommand(
  app: App,
  { report, ...options }: HangupOptions,
  endWith: CommandLogs['endWith'],
): DenoServe {
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
  running.then(started).catch(async (error) => {
    const { explain } = await import('../../src/command/explain.ts')
    const { cannotStart, thisProcess } = await import('../../src/command/host.ts')
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
    // Whoever calls serve() loads this module too, and has neither a report nor a terminal.
    const { thisProcess } = await import('../../src/command/host.ts')
    const { jsonReport, textReport } = await import('../../src/command/start-report.ts')
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
export function refuseForeign(
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
