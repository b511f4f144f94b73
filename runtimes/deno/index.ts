/**
 * `serve()` on Deno, as a library: nothing starts until it is called. `Deno.serve` under the kernel
 * ledger where that can be (Linux, `--allow-ffi`), else the hangup engine, because `Deno.serve`
 * alone closes nothing.
 */
import type { App, Running, ServeOptions } from '../../src/serve/contract.ts'
import { serveOn } from '../../src/serve/start.ts'
import { onlyOn } from '../only-on.ts'
import { serving } from './serving.ts'

export { toNative } from '../../src/http1/web/ours.ts'
export type * from '../../src/public-types.ts'
export { limits, withLimits } from '../../src/serve/limits.ts'
export { draining } from '../../src/streams/draining.ts'
export { type Beat, type HeartbeatOptions, heartbeat, withHeartbeat } from '../../src/streams/heartbeat.ts'
export { type DenoServe, type HangupOptions, hangup } from './command.ts'

/**
 * Serves a `fetch` handler under a connection policy. Resolves when it listens; rejects with a
 * `ConfigError` if the policy or the engine cannot be, and with the cause named if the address
 * can't be had. With `tls` the hangup engine speaks HTTP/1.1, `Deno.serve` HTTP/2 as well.
 */
export async function serve(app: App, options: ServeOptions = {}): Promise<Running> {
  onlyOn('deno')
  return serveOn(serving, app, options)
}
