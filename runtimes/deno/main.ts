/**
 * An entry that is its own main module on Deno: under `deno serve` the server of variables and
 * flags, under `deno run` the command `serve`.
 */
import process from 'node:process'
import { createApp } from '../../src/command/built-in-app.ts'
import { explain } from '../../src/command/explain.ts'
import { loadApp } from '../../src/command/files.ts'
import { readSettings } from '../../src/command/flags.ts'
import { cannotStart, thisProcess } from '../../src/command/host.ts'
import { noteServiceLinks } from '../../src/command/service-links.ts'
import { openKernel } from '../../src/kernel/kernel.ts'
import { openLogs } from '../../src/log/open.ts'
import { ConfigError, problem } from '../../src/policy/problems.ts'
import type { Running } from '../../src/serve/contract.ts'
import type { DenoServe, ListenAddress } from './command-contract.ts'
import { loadLibc } from './libc.ts'
import { isServed, refuseForeign, servedByCommand, whenServed } from './served-by-command.ts'

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
