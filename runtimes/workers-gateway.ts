/**
 * `hangup gateway` on Cloudflare Workers: the platform holds the connections on both sides, here is
 * what can be held between them.
 */

import type { Env } from '../src/command/env.ts'
import { jsonReport, type Started, textReport } from '../src/command/start-report.ts'
import { gatewayJson, gatewayReport } from '../src/gateway/config/report.ts'
import type { GatewayFile } from '../src/gateway/config/schema.ts'
import { workersEnforcement } from '../src/gateway/config/settings/limits.ts'
import { createWorkersGateway } from '../src/gateway/workers/app.ts'
import { gatewayFromBindings } from '../src/gateway/workers/bindings.ts'
import type { FixedLength } from '../src/gateway/workers/fetch-upstream.ts'
import { systemClock } from '../src/lifecycle/clock.ts'
import { stderrLog } from '../src/serve/log.ts'
import { enforcement, type Worker, workerOf } from './workers/serve.ts'

declare const FixedLengthStream: new (bytes: number) => FixedLength

export interface GatewayWorkerOptions {
  /**
   * What a configuration file would say, where `HANGUP_TO` is not enough. The variables are over
   * it.
   */
  readonly config?: GatewayFile
  readonly print?: (text: string) => void
}

/**
 * `export default await gateway(env)`. Rejects with all that is wrong with the variables and the
 * configuration, or can't be held by a Worker: it does not start then.
 */
export async function gateway(env: Env, options: GatewayWorkerOptions = {}): Promise<Worker> {
  const { config = null, print = console.log } = options
  const { plan, settings } = await gatewayFromBindings(env, config)
  const { signals, ...policy } = plan.serve
  const forward = createWorkersGateway(plan.config, {
    fetch: (url, init) => fetch(url, init),
    fixedLength: (bytes) => new FixedLengthStream(bytes),
    clock: systemClock,
    random: Math.random,
    log: stderrLog,
  })
  const worker = workerOf(forward, policy, plan.resolved)
  const started: Started = {
    url: 'on the platform’s own address',
    runtime: 'Workers',
    engine: 'workerd',
    engineWhy: 'the platform’s own',
    resolved: plan.resolved,
    enforcement,
  }
  const held = { runtime: 'Workers', enforcement: workersEnforcement }
  if (settings.report === 'text') print(`${textReport(started)}\n${gatewayReport(plan, 100, false, held)}`)
  if (settings.report === 'json') {
    const json = { ...gatewayJson(plan), ...JSON.parse(jsonReport(started)), upstreamEnforcement: workersEnforcement }
    print(JSON.stringify(json))
  }
  return worker
}
