/** A configuration, from a file or as an object, and the files that it names. */
import { readFile, realpath, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { failureLine } from '../../command/module-failure.ts'
import { ConfigError, problem } from '../../policy/problems.ts'
import { CertificateStore } from '../../tls/certificates.ts'
import { Spool } from '../message/spool.ts'
import { type GatewayPlan, resolveGateway } from './resolve.ts'
import { type GatewayFile, type ReadFile, readFileShape } from './schema.ts'
import type { Files } from './source.ts'

/** `today`: for warnings of certificates that end soon. */
export const filesOn = (today: () => Date): Files => ({
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
