/** What `serve()` takes on Bun. */
import type { ServeOptions } from '../../src/serve/contract.ts'

export interface BunServeOptions extends ServeOptions {
  /**
   * Bun's handler of WebSockets. Default: that of `hono/bun`, which its `upgradeWebSocket` needs.
   */
  readonly websocket?: object
}
