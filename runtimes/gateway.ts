/**
 * `hangup/gateway`: the reverse proxy as a library, on the runtime that runs this program.
 * Importing it starts nothing.
 */
import type { GatewayFile, GatewayOptions, GatewayServer } from '../src/gateway/contract.ts'
import { gatewayOn } from '../src/gateway/downstream/serve.ts'
import { startOn } from '../src/gateway/index.ts'
import { loadRuntime } from './registry.ts'

export type { GatewayFile, GatewayOptions, GatewayServer, GatewayStatus } from '../src/gateway/contract.ts'
export { problemsOf } from '../src/gateway/problems-of.ts'

/**
 * Starts a gateway: `config` is what a configuration file says, or the path to one (`.ts`, `.js`,
 * `.json`). Resolves when every listener listens. Rejects with a `ConfigError` that names
 * everything that is wrong, and with the cause named if an address is not available; nothing
 * listens then. Variables (`HANGUP_…`) are not read.
 */
export async function gateway(config: GatewayFile | string, options: GatewayOptions = {}): Promise<GatewayServer> {
  return startOn(gatewayOn(await loadRuntime()), config, options)
}
