/** The gateway as a library: reads a configuration and runs it on a runtime. Importing it starts nothing. */
import process from 'node:process'
import { backgroundClock, type Clock } from '../lifecycle/clock.ts'
import type { DrainResult } from '../lifecycle/drain.ts'
import { ConfigError, type Problem } from '../policy/problems.ts'
import { type Log, stderrLog } from '../serve/log.ts'
import { onSignals } from '../serve/signals.ts'
import { planOf } from './config/load.ts'
import type { GatewayFile } from './config/schema.ts'
import { refuseUnspoken } from './downstream/listeners.ts'
import type { GatewayStatus } from './gateway.ts'
import { takeOver } from './reload.ts'
import { type GatewayRuntime, type RunningGateway, startGateway } from './start.ts'

export type { GatewayFile, GatewayStatus }

export interface GatewayOptions {
  /** The folder that paths in the configuration are relative to. Default: that of the file, else the working directory. */
  readonly folder?: string
  /** Where lines about upstreams, reloads and clients go. Default: standard error. */
  readonly log?: Log
  /** Whether SIGTERM and SIGINT drain. Default: true. */
  readonly signals?: boolean
  /** Default: the system's. Its timers are no reason to stay alive. */
  readonly clock?: Clock
  /** [0, 1). Default: `Math.random`. */
  readonly random?: () => number
}

/** A gateway that listens. */
export interface GatewayServer
  extends Pick<RunningGateway, 'urls' | 'engine' | 'engineWhy' | 'enforcement'>,
    AsyncDisposable {
  /** What is not a mistake in the configuration and still worth a line. */
  readonly notes: readonly string[]
  status(): GatewayStatus
  /**
   * Takes another configuration while everything goes on: requests in flight end as they began, connections stay. Resolves to
   * a line for each part that needs a restart. Rejects with a `ConfigError`, and changes nothing, if it is invalid.
   */
  reload(config: GatewayFile | string): Promise<readonly string[]>
  /**
   * Stops listening, waits for requests in flight, and cuts what is left after `drainTimeoutMs`; resolves when no connection
   * is open. `{ announce: false }`: without `drainDelayMs`.
   */
  drain(how?: { readonly announce?: boolean }): Promise<DrainResult>
  /** Cuts everything at once. */
  kill(): Promise<DrainResult>
}

/**
 * Starts a gateway on this runtime: `config` is what a configuration file says, or the path to one. Resolves when every
 * listener listens. Rejects with a `ConfigError` that names everything that is wrong, and with the cause named if an address
 * is not available; nothing listens then. Variables (`HANGUP_…`) are not read.
 */
export async function startOn(
  runtime: GatewayRuntime,
  config: GatewayFile | string,
  options: GatewayOptions = {},
): Promise<GatewayServer> {
  const {
    folder = process.cwd(),
    log = stderrLog,
    signals = true,
    clock = backgroundClock,
    random = Math.random,
  } = options
  const first = await planOf(config, folder)
  refuseUnspoken(first.listeners, first.config.clients, runtime)
  const running = await startGateway(first, runtime, { log, clock, random })
  const letGoOfSignals = signals ? onSignals(running, { log }) : () => {}
  const ended = (end: Promise<DrainResult>) => end.finally(letGoOfSignals)
  return {
    urls: running.urls,
    engine: running.engine,
    engineWhy: running.engineWhy,
    enforcement: running.enforcement,
    notes: [...first.notes, ...running.notes],
    status: () => running.status(),
    async reload(next) {
      const plan = await planOf(next, folder)
      return takeOver(first, plan, (taken) => running.reload(taken))
    },
    drain: (how) => ended(running.drain(how)),
    kill: () => ended(running.kill()),
    [Symbol.asyncDispose]: async () => void (await ended(running.drain({ announce: false }))),
  }
}

/**
 * What is wrong with a configuration, each problem by its path; empty: a gateway could start with it. Reads the files that it
 * names (certificates, error pages) and opens no port.
 */
export async function problemsOf(config: GatewayFile | string, folder = process.cwd()): Promise<readonly Problem[]> {
  try {
    await planOf(config, folder)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}
