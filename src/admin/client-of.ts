/** What the commands that ask an admin listener begin with. */
import { readFileSync } from 'node:fs'
import type { Env } from '../command/env.ts'
import { readPlaces } from '../command/flags.ts'
import { type CommandName, resolveEntries } from '../command/settings.ts'
import { ConfigError, type Problem, problem } from '../policy/problems.ts'
import type { Read } from '../policy/setting.ts'
import { variableOf } from '../policy/spelling.ts'
import { AdminClient } from './client.ts'
import type { adminClientEntries } from './client-settings.ts'
import { adminPlan, type Place } from './options.ts'

interface Given {
  readonly admin?: Place
  readonly adminTokenFile?: string
}

/**
 * The settings of a command that asks an admin listener, and its client. Throws a `ConfigError`
 * with all that is wrong.
 */
export function readAdminCommand<E extends typeof adminClientEntries>(
  command: CommandName,
  entries: E,
  argv: readonly string[],
  env: Env,
): { settings: Read<E>; client: AdminClient } {
  const { places, problems } = readPlaces(argv, env, command)
  const { settings, nameOf } = resolveEntries(entries, places, problems)
  const client = adminClientOf(settings, env, nameOf, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  return { settings, client }
}

function adminClientOf(
  { admin = adminPlan(true).at, adminTokenFile }: Given,
  env: Env,
  nameOf: (setting: keyof Given) => string,
  problems: Problem[],
): AdminClient {
  return new AdminClient(admin, tokenOf(adminTokenFile, env, nameOf('adminTokenFile'), problems))
}

function tokenOf(file: string | undefined, env: Env, name: string, problems: Problem[]): string | null {
  if (file === undefined) return String(env[variableOf('adminToken')] ?? '') || null
  try {
    const token = readFileSync(file, 'utf8').trim()
    if (/^[\x21-\x7e]+$/.test(token)) return token
    problems.push(problem(name, file, 'it holds no token', 'a file with one line'))
  } catch (error) {
    problems.push(problem(name, file, `it cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`, ''))
  }
  return null
}
