/** A gateway's configuration where there are no files and no command line: the `HANGUP_` variables of a Worker. */
import { variablePrefix } from '../names.ts'
import { problem, SettingsError } from '../problems.ts'
import { type Env, readEnvironment, resolveEntries } from '../settings.ts'
import { type GatewayPlan, resolveGateway } from './resolve.ts'
import { gatewayEntries } from './settings.ts'
import type { Files } from './source.ts'

const files: Files = {
  read: () => Promise.reject(new Error('there are no files here')),
  certificates: () => [],
  folder: async () => null,
}

/** Throws a `SettingsError` with everything that is wrong. */
export async function gatewayFromBindings(env: Env): Promise<GatewayPlan> {
  // A PORT among a Worker's variables is not ours.
  const ours = Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith(variablePrefix)))
  const { written, problems } = readEnvironment(ours, 'gateway')
  const { settings, nameOf } = resolveEntries(gatewayEntries, [written], problems)
  if (settings.config !== undefined) {
    problems.push(problem(nameOf('config'), settings.config, 'there are no files here', 'HANGUP_TO'))
  } else if (settings.to === undefined) {
    problems.push(problem(nameOf('to'), nameOf('to'), 'where should requests go?', 'URLs with spaces between them'))
  }
  if (problems.length > 0) throw new SettingsError(problems)
  const locate = (path: string) => path
  return resolveGateway({ path: null, locate, file: {}, settings, nameOf, layers: [written], files })
}
