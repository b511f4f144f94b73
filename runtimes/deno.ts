/**
 * `serve()` on Deno: `Deno.serve` under the kernel ledger where that can be (Linux, `--allow-ffi`), else the hangup engine,
 * because `Deno.serve` alone closes nothing. Runs directly too:
 * `deno run --allow-net --allow-ffi --allow-env runtimes/deno.ts`.
 */
import { main } from '../src/command.ts'
import { chooseEngine } from '../src/engines.ts'
import { serveOnEngine } from '../src/http1/engine.ts'
import { resolveOptions } from '../src/resolve.ts'
import type { App, Running, ServeOptions } from '../src/server.ts'
import { loadLibc } from './deno/libc.ts'
import { native, serveDeno } from './deno/serve.ts'
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
  const loaded = loadLibc()
  const { engine, why } = chooseEngine(options, resolveOptions(options), loaded.libc === null ? loaded : native)
  if (engine === 'native' && loaded.libc !== null) return serveDeno(app, options, loaded.libc, why)
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
