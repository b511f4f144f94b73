/**
 * From the command line to a plan: finds the configuration file, reads it and all that it names.
 */

import { readFile, realpath, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Env } from '../../command/env.ts'
import { readPlaces } from '../../command/flags.ts'
import { failureLine } from '../../command/module-failure.ts'
import { resolveEntries } from '../../command/settings.ts'
import { ConfigError, problem } from '../../policy/problems.ts'
import { CertificateStore } from '../../tls/certificates.ts'
import { Spool } from '../message/spool.ts'
import { type GatewaySettings, withSecrets } from './flags.ts'
import { type GatewayPlan, resolveGateway } from './resolve.ts'
import { type GatewayFile, type ReadFile, readFileShape } from './schema.ts'
import type { Files } from './source.ts'
import type { UpstreamText } from './texts.ts'

/** Looked for in the working directory. */
export const configNames = ['hangup.config.ts', 'hangup.config.js', 'hangup.config.json'] as const

export interface Loaded {
  readonly settings: GatewaySettings
  /** The setting as the user wrote it. */
  nameOf(setting: string): string
  readonly plan: GatewayPlan
}

/** `today`: for warnings of certificates that end soon. */
const filesOn = (today: () => Date): Files => ({
  read: (path) => readFile(path, 'utf8'),
  certificates: (pems) => new CertificateStore(pems).warnings(today()),
  async folder(path) {
    const spool = new Spool({ dir: path, maxBytes: 0 })
    try {
      if (!(await stat(spool.dir)).isDirectory()) return 'it is not a folder'
      await spool.check()
      return null
    } catch (error) {
      const { code, message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException
      return code === 'ENOENT' ? 'the folder does not exist' : `it is not writable (${code ?? message})`
    }
  },
})

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

/** A configuration without flags and variables: what a file says, or the path to one. */
export async function planOf(
  config: GatewayFile | string,
  folder: string,
  today = () => new Date(),
): Promise<GatewayPlan> {
  const path = typeof config === 'string' ? resolve(folder, config) : null
  const { file, problems } =
    path === null ? readFileShape(config) : { file: await readConfig(path, path), problems: [] }
  if (file === null) throw new ConfigError(problems)
  const locate = (named: string) => resolve(path === null ? folder : dirname(path), named)
  const settings = {}
  return resolveGateway({ path, locate, file, settings, nameOf: String, layers: [], files: filesOn(today) })
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

/**
 * A module is loaded once. A query makes it another one, but not on Bun, where it must leave the
 * cache.
 */
let version = 0
const { cache } = createRequire(import.meta.url)

async function importAnew(path: string): Promise<{ default?: unknown }> {
  version += 1
  for (const key of [path, await realpath(path)]) delete cache[key]
  return await import(`${pathToFileURL(path).href}?version=${version}`)
}

export async function readConfig(path: string, name: string): Promise<ReadFile> {
  const refuse = (why: string, cause?: unknown): never => {
    throw new ConfigError([problem(name, path, why, '')], { cause })
  }
  let text = ''
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    refuse(`it cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`, error)
  }
  let given: unknown
  if (path.endsWith('.json')) {
    try {
      given = JSON.parse(text)
    } catch (error) {
      refuse(`it is not valid JSON: ${(error as Error).message}`)
    }
  } else {
    try {
      given = (await importAnew(path)).default
    } catch (error) {
      refuse(`it failed to load (${failureLine(error)})`, error)
    }
    if (given === undefined) refuse('it has no default export')
  }
  const { file, problems } = readFileShape(given)
  if (file === null) throw new ConfigError(problems)
  return file
}
