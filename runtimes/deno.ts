/**
 * `serve()` on Deno: the hangup engine, because `Deno.serve` closes nothing and does not tell its connections. Runs
 * directly too: `deno run -A runtimes/deno.ts`.
 */
import { main } from '../src/command.ts'
import { chooseEngine } from '../src/engines.ts'
import { serveOnEngine } from '../src/http1/engine.ts'
import { resolveOptions } from '../src/resolve.ts'
import type { App, Running, ServeOptions } from '../src/server.ts'
import { envOf, webSocketBindings } from './deno/upgrade.ts'
import { engineEnforcement } from './engine-enforcement.ts'
import { listen } from './node/transport.ts'

const runtime = 'deno'

/**
 * Serves a `fetch` handler under a connection policy. Resolves when it listens; rejects with a `PolicyError` if the
 * policy cannot be, a `SettingsError` if the engine cannot, and with the cause named if the address can't be had. With
 * `tls` it speaks HTTP/1.1.
 */
export async function serve(app: App, options: ServeOptions = {}): Promise<Running> {
  const { why } = chooseEngine(options, resolveOptions(options), null)
  return serveOnEngine(app, options, {
    runtime,
    enforcement: engineEnforcement,
    why,
    listen,
    also: [],
    env: envOf,
    webSocketBindings,
  })
}

if (import.meta.main) await main({ runtime, serve })
