/** `serve()` on Node, as a library: nothing starts until it is called. */
import type { App, Running } from '../../src/serve/contract.ts'
import { serveOn } from '../../src/serve/start.ts'
import { onlyOn } from '../only-on.ts'
import type { NodeServeOptions } from './options.ts'
import { serving } from './serving.ts'

export { toNative } from '../../src/http1/web/ours.ts'
export type * from '../../src/public-types.ts'
export { limits, withLimits } from '../../src/serve/limits.ts'
export { draining } from '../../src/streams/draining.ts'
export { type Beat, type HeartbeatOptions, heartbeat, withHeartbeat } from '../../src/streams/heartbeat.ts'
export type { NodeServeOptions }

/**
 * Serves a `fetch` handler under a connection policy. Resolves when it listens; rejects with a
 * `ConfigError` if the policy or the engine cannot be, and with the cause named if the address
 * can't be had. With `tls` the native engine speaks HTTP/1.1 and HTTP/2 (ALPN), the hangup engine
 * HTTP/1.1.
 */
export async function serve(app: App, options: NodeServeOptions = {}): Promise<Running> {
  onlyOn('node')
  return serveOn(serving, app, options)
}
