/** A Worker on workerd, as `wrangler dev` runs it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Lifetime, launch, type Program } from './program.ts'
import { type Port, portOf } from './server.ts'

export interface WorkerOptions {
  /** Its main module, instead of the one in wrangler.toml. */
  readonly script?: string | undefined
  /** A section of wrangler.toml. */
  readonly env?: string
  readonly variables: Readonly<Record<string, string>>
}

export interface Worker extends Program, Port {
  readonly url: string
}

/** wrangler, from the root. */
export const wrangler = ['node', 'test/node_modules/wrangler/bin/wrangler.js', 'dev'] as const
/** Quiet, and with no port that it shares with another. */
export const wranglerFlags = ['--inspector-port', '0', '--show-interactive-dev-session=false'] as const

/** What wrangler says next says why. */
const whyMs = 500

/** Rejects with what wrangler said if the Worker does not start. */
export async function startWorker(t: Lifetime, { script, env, variables }: WorkerOptions): Promise<Worker> {
  // Its database has one user at a time.
  const state = mkdtempSync(join(tmpdir(), 'hangup-worker-'))
  const program = launch(null, [
    ...wrangler,
    ...(script === undefined ? [] : [script]),
    ...(env === undefined ? [] : ['--env', env]),
    ...['--ip', '127.0.0.1', '--port', '0', ...wranglerFlags, '--persist-to', state],
    ...Object.entries(variables).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
  ])
  t.after(async () => {
    await program.kill()
    rmSync(state, { recursive: true, force: true })
  })
  const [, url] = await program.until(/Ready on (http:\/\/\S+)|Uncaught|failed to start/)
  if (url === undefined) {
    await sleep(whyMs)
    throw new Error(program.said())
  }
  return { ...program, url, port: portOf(url) }
}
