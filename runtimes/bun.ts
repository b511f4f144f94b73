/** `serve()` on Bun. Runs directly too: `bun runtimes/bun.ts --port 3000`. */
import { main } from '../src/command.ts'
import { chooseEngine, type NativeEngine } from '../src/engines.ts'
import { serveOnEngine } from '../src/http1/engine.ts'
import { resolveOptions } from '../src/resolve.ts'
import type { App, Running } from '../src/server.ts'
import { enforcement } from './bun/clocked/enforcement.ts'
import { serveClocked } from './bun/clocked/serve.ts'
import { loadLibc } from './bun/libc.ts'
import { native, serveBun } from './bun/serve.ts'
import type { BunServeOptions } from './bun/server.ts'
import { listen } from './bun/transport.ts'
import { ServerLike, webSocketBindings } from './bun/upgrade.ts'
import { procDescriptors } from './descriptors.ts'
import { engineEnforcement } from './engine-enforcement.ts'

const runtime = 'bun'
const clocked: NativeEngine = { ...native, enforcement }
const also = ['websocket']

/**
 * Serves a `fetch` handler under a connection policy. Resolves when it listens; rejects with a `PolicyError` if the
 * policy cannot be, a `SettingsError` if the engine cannot, and with the cause named if the address can't be had. With
 * `tls` it speaks HTTP/1.1.
 */
export async function serve(app: App, options: BunServeOptions = {}): Promise<Running> {
  const { libc } = await loadLibc()
  const { engine, why } = chooseEngine(options, resolveOptions(options, also), libc === null ? clocked : native)
  if (engine === 'native') return libc === null ? serveClocked(app, options, why) : serveBun(app, options, libc, why)
  return serveOnEngine(app, options, {
    runtime,
    enforcement: engineEnforcement,
    descriptors: procDescriptors,
    why,
    listen,
    also,
    env: (connection) => new ServerLike(connection),
    webSocketBindings: webSocketBindings(options.websocket),
  })
}

if (import.meta.main) await main({ runtime, serve })
