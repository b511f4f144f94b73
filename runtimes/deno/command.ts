/** An app under `deno serve`, for the main module of whoever writes one. */
import type { App } from '../../src/serve/contract.ts'
import type { DenoServe, HangupOptions } from './command-contract.ts'
import { servedByCommand } from './served-by-command.ts'

export type { DenoServe, HangupOptions }

/**
 * For a main module's `export default hangup(app, policy)` under `deno serve`. Throws a
 * `ConfigError` if the policy is not possible, a limit that was set cannot be held, or an option is
 * given that only the command takes.
 */
export function hangup(app: App, options: HangupOptions = {}): DenoServe {
  return servedByCommand(app, options, (exit) => exit)
}
