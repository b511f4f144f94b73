/** An empty project outside the checkout, and programs in it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { environment } from '../lib/runtimes.ts'
import type { Registry } from './registry.ts'

const files = fileURLToPath(new URL('project', import.meta.url))

export interface Project {
  readonly folder: string
  /**
   * Standard output; rejects with all that was said if the status is not `status`, by default 0.
   */
  run(command: readonly string[], status?: number, withinMs?: number): Promise<string>
  /** Resolves with the address that a server says in the report of its start. */
  start(command: readonly string[]): Promise<string>
  /** Ends what was started and is gone with all that is in it. */
  remove(): void
}

/** Installers ask the registry, if one is given, and keep what they get to the project. */
export function emptyProject(registry?: Registry): Project {
  const folder = mkdtempSync(join(tmpdir(), 'hangup-project-'))
  cpSync(files, folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }))
  const caches = Object.fromEntries(
    ['npm_config_cache', 'BUN_INSTALL_CACHE_DIR', 'DENO_DIR'].map((name) => [name, join(folder, '.cache', name)]),
  )
  const env = {
    ...withoutNpm(environment),
    ...(registry && { ...caches, NPM_CONFIG_REGISTRY: registry.url, npm_config_registry: registry.url }),
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
  }
  const children = new Set<ChildProcess>()

  return {
    folder,
    run: ([program = '', ...args], status = 0, withinMs = 120_000) =>
      new Promise((resolve, reject) => {
        execFile(program, args, { cwd: folder, env, timeout: withinMs }, (error, stdout, stderr) => {
          const ended = error === null ? 0 : error.code
          if (ended === status) resolve(stdout)
          else reject(new Error(`${program} ${args.join(' ')} ended with ${ended ?? error}:\n${stdout}${stderr}`))
        })
      }),
    async start([program = '', ...args]) {
      const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
      children.add(child)
      for await (const line of createInterface(child.stdout)) {
        if (line.startsWith('{')) return JSON.parse(line).url
      }
      throw new Error(`${program} ${args.join(' ')} ended before it listened`)
    },
    remove() {
      for (const child of children) child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The variables of the npm that runs the tests are not those of the project's. */
const withoutNpm = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !/^(npm_|HANGUP_|PORT$)/i.test(name)))
