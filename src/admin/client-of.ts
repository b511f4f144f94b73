/** The client that a command's settings describe. */
import { readFileSync } from 'node:fs'
import type { Env } from '../command/env.ts'
import { type Problem, problem } from '../policy/problems.ts'
import { variableOf } from '../policy/spelling.ts'
import { AdminClient } from './client.ts'
import { adminPlan, type Place } from './options.ts'

interface Given {
  readonly admin?: Place
  readonly adminTokenFile?: string
}

export function adminClientOf(
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
