/** Servers with an admin listener. */
import type { Lifetime } from '../lib/program.ts'
import { hangupOn, onAnyPort, type RuntimeName } from '../lib/runtimes.ts'
import { type Server, startServer } from '../lib/server.ts'

export interface Operated extends Server {
  /** Of the admin listener, as `--admin` takes it. */
  readonly admin: string
}

export async function serve(
  t: Lifetime,
  runtime: RuntimeName,
  flags: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Operated> {
  const admin = flags.includes('--admin') ? [] : ['--admin', '127.0.0.1:0']
  const server = await startServer(t, hangupOn(runtime, 'serve', ...onAnyPort, ...admin, ...flags), { env })
  return { ...server, admin: server.report['admin'] }
}
