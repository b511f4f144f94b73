/**
 * `serve()` on Deno, as a library: nothing starts until it is called. `Deno.serve` under the kernel ledger where that can be
 * (Linux, `--allow-ffi`), else the hangup engine, because `Deno.serve` alone closes nothing.
 */

import type { Loaded } from '../../src/kernel/libc.ts'
import { resolveOptions } from '../../src/policy/resolve.ts'
import { chooseEngine, type NativeEngine, type NoNative } from '../../src/serve/choose-engine.ts'
import type { App, Running, ServeOptions } from '../../src/serve/contract.ts'
import { certificatesOf } from '../../src/serve/prepare.ts'
import { serveOnEngine } from '../../src/serve/socket-engine.ts'
import { onlyOn } from '../only-on.ts'
import { descriptors } from './descriptors.ts'
import { loadLibc } from './libc.ts'
import { native, serveDeno } from './serve.ts'
import { enforcement, listen } from './transport.ts'
import { envOf, webSocketBindings } from './upgrade.ts'

export { type DenoServe, type HangupOptions, hangup } from './command.ts'

const runtime = 'deno'

/**
 * Serves a `fetch` handler under a connection policy. Resolves when it listens; rejects with a `ConfigError` if the
 * policy or the engine is not possible, and with the cause named if the address is not available. With
 * `tls` the hangup engine speaks HTTP/1.1, `Deno.serve` HTTP/2 as well.
 */
export async function serve(app: App, options: ServeOptions = {}): Promise<Running> {
  onlyOn('deno')
  const loaded = loadLibc()
  const { engine, why } = chooseEngine(options, resolveOptions(options), nativeOf(loaded, options))
  if (engine === 'native' && loaded.libc !== null) return serveDeno(app, options, loaded.libc, why)
  return serveOnEngine(app, options, {
    runtime,
    enforcement: enforcement(),
    descriptors,
    why,
    listen,
    also: [],
    env: envOf,
    webSocketBindings,
  })
}

function nativeOf(loaded: Loaded, { tls }: ServeOptions): NativeEngine | NoNative {
  if (loaded.libc === null) return loaded
  return tls !== undefined && certificatesOf(tls).length > 1 ? { why: 'Deno.serve has one certificate' } : native
}
