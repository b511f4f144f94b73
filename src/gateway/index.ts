/**
 * The gateway as a library: reads a configuration and runs it on a runtime. Importing it starts
 * nothing.
 */
import process from 'node:process'
import { adminPlan } from '../admin/options.ts'
import { backgroundClock } from '../lifecycle/clock.ts'
import type { DrainResult } from '../lifecycle/drain.ts'
import { stderrLog } from '../serve/log.ts'
import { onSignals } from '../serve/signals.ts'
import type { World } from '../serve/socket-engine.ts'
import { planOf } from './config/read.ts'
import type { GatewayFile, GatewayOptions, GatewayServer } from './contract.ts'
import { refuseUnspoken } from './downstream/listeners.ts'
import { takeOver } from './reload.ts'
import { type GatewayRuntime, startGateway } from './start.ts'

/**
 * Starts a gateway on this runtime: `config` is what a configuration file says, or the path to one.
 * Resolves when every listener listens. Rejects with a `ConfigError` that names everything that is
 * wrong, and with the cause named if an address is not available; nothing listens then. Variables
 * (`HANGUP_…`) are not read.
 */
export async function startOn(
  runtime: GatewayRuntime,
  config: GatewayFile | string,
  { folder = process.cwd(), log = stderrLog, accessLog, signals = true, admin = false }: GatewayOptions = {},
  world: World = { clock: backgroundClock, random: Math.random },
): Promise<GatewayServer> {
  const first = await planOf(config, folder)
  refuseUnspoken(first.listeners, first.config.clients, runtime)
  const running = await startGateway(first, runtime, {
    log,
    ...(accessLog && { accessLog }),
    admin: admin === false ? null : adminPlan(admin),
    ...world,
  })
  const letGoOfSignals = signals ? onSignals(running, { log, inFlight: () => running.inFlight() }) : () => {}
  const ended = (end: Promise<DrainResult>) => end.finally(letGoOfSignals)
  return {
    urls: running.urls,
    engine: running.engine,
    engineWhy: running.engineWhy,
    enforcement: running.enforcement,
    admin: running.admin,
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
