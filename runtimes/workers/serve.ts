/**
 * Cloudflare Workers: a Worker sees requests, never a connection, so what the policy says of
 * connections is held by the platform on its own terms, or by nobody. What can be held round a
 * handler is held here.
 */

import type { Env } from '../../src/command/env.ts'
import { policyLayer, readEnvironment, resolveSettings, type SettingName } from '../../src/command/settings.ts'
import { jsonReport, type Started, textReport } from '../../src/command/start-report.ts'
import { systemClock } from '../../src/lifecycle/clock.ts'
import { type Enforcement, enforcementOf } from '../../src/policy/enforcement.ts'
import type { Policy } from '../../src/policy/policy.ts'
import type { PresetName } from '../../src/policy/presets.ts'
import { ConfigError, problem } from '../../src/policy/problems.ts'
import { type GivenOptions, givenAs, resolveOptions } from '../../src/policy/resolve.ts'
import { variableOf, variablePrefix } from '../../src/policy/spelling.ts'
import { applicationOf } from '../../src/serve/application.ts'
import type { App, ServeOptions } from '../../src/serve/contract.ts'
import { prepare } from '../../src/serve/prepare.ts'
import { holdRoutes } from '../../src/serve/route-limits.ts'

/** What a Worker module exports as its default. */
export interface Worker {
  /**
   * `env` and `ctx` reach the app as the platform made them, so that Hono's own Workers helpers
   * work.
   */
  fetch(request: Request, env?: unknown, ctx?: unknown): Promise<Response>
  readonly policy: Policy
  readonly enforcement: Enforcement
}

/** There is nothing to listen on: address, TLS and signals are the platform's. */
export type WorkerOptions = Omit<
  ServeOptions,
  | 'port'
  | 'host'
  | 'unix'
  | 'fd'
  | 'tls'
  | 'proxyProtocol'
  | 'signals'
  | 'admin'
  | 'healthPath'
  | 'accessLog'
  | 'onListen'
>

/**
 * The app under the policy of the options alone. Throws if a set limit is not one that is held
 * here.
 */
export function workerOf(app: App, options: WorkerOptions = {}, resolved = resolveOptions(options)): Worker {
  const { policy, log } = prepare({ options, resolved, runtime: 'Workers' }, enforcement)
  holdRoutes({ runtime: 'Workers', enforcement, write: (line) => log.write(line) })
  const { ask, responseOf, responseToError } = applicationOf(app, {
    policy,
    clock: systemClock,
    onError: options.onError,
    log,
    onRefused: (reason) => log.note(reason),
  })
  return {
    policy,
    enforcement,
    async fetch(request, env, ctx) {
      try {
        return responseOf(await ask(request, env, null, ctx), request)
      } catch (error) {
        return responseToError(error, request)
      }
    },
  }
}

const workersLogs = 'Workers Logs have a line for each request; a Worker sees no connection'

/** Where each of these is decided instead, for those that no variable can decide here. */
const decidedBy: Partial<Record<SettingName, string>> = {
  app: 'a Worker is bundled before it runs: let `main` in wrangler.toml name a module with `export default serve(app)`',
  watch: '`wrangler dev` starts it anew after each change',
  workers: 'the platform runs a Worker in as many places as it needs',
  port: 'use `wrangler dev --port`',
  host: 'use `wrangler dev --ip`',
  tlsCert: 'use `wrangler dev --local-protocol https --https-cert-path`',
  tlsKey: 'use `wrangler dev --local-protocol https --https-key-path`',
  admin: 'a Worker has one listener, the platform’s; Workers Observability has its requests',
  healthPath: 'a Worker does not drain; let the app answer that path',
  log: 'a Worker logs to the console; Workers Logs keep it',
  accessLog: workersLogs,
  accessLogFile: workersLogs,
  accessLogQuery: workersLogs,
}

/**
 * The app under the policy of the options, and of the `HANGUP_*` variables in `env` over them.
 * Throws a `ConfigError` with all that is wrong.
 */
export function serveWith(
  env: Env,
  app: App,
  options: WorkerOptions = {},
  print: (text: string) => void = console.log,
): Worker {
  // Only ours: a PORT among a Worker's variables is the application's.
  const ours = Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith(variablePrefix)))
  const { written, problems } = readEnvironment(ours)
  const { settings } = resolveSettings([written], problems)
  for (const [setting, instead] of Object.entries(decidedBy)) {
    const value = written.values[setting]
    if (value !== undefined) problems.push(problem(variableOf(setting), value, `not on Workers: ${instead}`, ''))
  }
  if (problems.length > 0) throw new ConfigError(problems)

  const given: GivenOptions = {
    ...options,
    ...(settings.preset && { preset: settings.preset as PresetName[] }),
    [givenAs]: {
      layers: [policyLayer(written)],
      nameOf: variableOf,
      ...(settings.preset && { presetNamedAs: variableOf('preset') }),
    },
  }
  const resolved = resolveOptions(given)
  const worker = workerOf(app, given, resolved)
  const started: Started = {
    url: 'on the platform’s own address',
    runtime: 'Workers',
    engine: 'workerd',
    engineWhy: 'the platform’s own',
    resolved,
    enforcement,
  }
  if (settings.report === 'text') print(textReport(started))
  if (settings.report === 'json') print(jsonReport(started))
  return worker
}

export const enforcement = enforcementOf('workers')
