/**
 * A gateway's configuration from the `HANGUP_` variables of a Worker, which has no files and no
 * command line.
 */

import type { Env } from '../../command/env.ts'
import { readEnvironment, resolveEntries } from '../../command/settings.ts'
import { ConfigError, problem } from '../../policy/problems.ts'
import { variablePrefix } from '../../policy/spelling.ts'
import { type GatewaySettings, gatewayEntries } from '../config/flags.ts'
import { type GatewayPlan, resolveGateway } from '../config/resolve.ts'
import { type GatewayFile, readFileShape } from '../config/schema.ts'
import type { Files } from '../config/source.ts'
import { refuseOnWorkers, workersDefaults } from './config.ts'

const files: Files = {
  read: () => Promise.reject(new Error('there are no files here')),
  certificates: () => [],
  folder: async () => null,
}

/**
 * `module`: the configuration of a module that is bundled with the Worker; variables win over it.
 * Throws a `ConfigError` with everything that is wrong.
 */
export async function gatewayFromBindings(
  env: Env,
  module: GatewayFile | null = null,
): Promise<{ plan: GatewayPlan; settings: GatewaySettings }> {
  // A Worker's PORT is not for the gateway.
  const ours = Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith(variablePrefix)))
  const { written, problems } = readEnvironment(ours, 'gateway')
  const { settings, nameOf } = resolveEntries(gatewayEntries, [written], problems)
  if (settings.config !== undefined) {
    const why = 'there are no files here'
    problems.push(problem(nameOf('config'), settings.config, why, 'HANGUP_TO, or a module given to gateway()'))
  } else if (settings['to'] === undefined && module === null) {
    problems.push(problem(nameOf('to'), nameOf('to'), 'where should requests go?', 'URLs with spaces between them'))
  }
  const read = readFileShape({ ...workersDefaults, ...module })
  problems.push(...read.problems)
  if (problems.length > 0 || read.file === null) throw new ConfigError(problems)
  const locate = (path: string) => path
  const plan = await resolveGateway({
    path: null,
    locate,
    file: read.file,
    settings,
    nameOf,
    layers: [written],
    files,
    place: { refuse: refuseOnWorkers, tls: true },
  })
  return { plan, settings }
}
