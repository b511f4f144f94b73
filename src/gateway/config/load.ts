/**
 * From the command line to a plan: finds the configuration file, and has it read.
 */

import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Env } from '../../command/env.ts'
import { readPlaces } from '../../command/flags.ts'
import { resolveEntries } from '../../command/settings.ts'
import { ConfigError, problem } from '../../policy/problems.ts'
import { type GatewaySettings, withSecrets } from './flags.ts'
import { filesOn, readConfig } from './read.ts'
import { type GatewayPlan, resolveGateway } from './resolve.ts'
import type { UpstreamText } from './texts.ts'

/** Looked for in the working directory. */
const configNames = ['hangup.config.ts', 'hangup.config.js', 'hangup.config.json'] as const

export interface Loaded {
  readonly settings: GatewaySettings
  /** The setting as the user wrote it. */
  nameOf(setting: string): string
  readonly plan: GatewayPlan
}

/**
 * Throws a `ConfigError` with everything that is wrong, in flags, variables, the file, and what
 * they name.
 */
export async function loadGateway(
  argv: readonly string[],
  env: Env,
  workingDirectory: string,
  today = () => new Date(),
): Promise<Loaded> {
  const { places, problems } = readPlaces(argv, env, 'gateway')
  const { settings, nameOf } = resolveEntries(withSecrets, places, problems)
  if (settings.config !== undefined && settings['to'] !== undefined) {
    const why = `${nameOf('config')} already says where requests go`
    problems.push(
      problem(
        nameOf('to'),
        (settings['to'] as readonly UpstreamText[]).map(({ url }) => url).join(' '),
        why,
        'one of the two',
      ),
    )
  }
  if (problems.length > 0) throw new ConfigError(problems)
  const path =
    settings.config === undefined
      ? settings['to'] === undefined
        ? await findConfig(workingDirectory)
        : null
      : resolve(workingDirectory, settings.config)
  const file = path === null ? {} : await readConfig(path, settings.config === undefined ? path : nameOf('config'))
  const locate = (named: string, inFile: boolean) =>
    resolve(inFile && path !== null ? dirname(path) : workingDirectory, named)
  const plan = await resolveGateway({ path, locate, file, settings, nameOf, layers: places, files: filesOn(today) })
  return { settings, nameOf, plan }
}

async function findConfig(folder: string): Promise<string> {
  const found: string[] = []
  for (const name of configNames) {
    const path = resolve(folder, name)
    if ((await stat(path).catch(() => null))?.isFile()) found.push(path)
  }
  if (found.length === 1) return found[0]!
  const why =
    found.length === 0
      ? `where should requests go? Give an upstream (--to http://127.0.0.1:8000) or a file (--config); none of ${configNames.join(', ')} is here`
      : `more than one configuration file is here: ${configNames.filter((name) => found.includes(resolve(folder, name))).join(', ')}; name one with --config`
  throw new ConfigError([{ option: '--config', given: '', accepted: 'a path to a file', message: why }])
}
