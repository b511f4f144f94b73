/**
 * `serve()` on Cloudflare Workers, for a Worker's main module: `export default serve(app)`. What
 * serves the built-in app is `workers-entry.ts`.
 */
import { env } from 'cloudflare:workers'
import type { App } from '../src/serve/contract.ts'
import { serveWith, type Worker, type WorkerOptions } from './workers/serve.ts'

export type * from '../src/public-types.ts'
export { limits, withLimits } from '../src/serve/limits.ts'
export { draining } from '../src/streams/draining.ts'
export { type Beat, type HeartbeatOptions, heartbeat, withHeartbeat } from '../src/streams/heartbeat.ts'
export type { Worker, WorkerOptions }

/**
 * The app under the policy of the `HANGUP_*` variables (wrangler.toml, `[vars]`) and of the
 * options, in this order. Throws while the module is evaluated, so that a bad value stops the start
 * instead of the first request.
 */
export const serve = (app: App, options?: WorkerOptions): Worker => serveWith(env, app, options)
