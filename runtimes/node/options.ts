/** What `serve()` takes on Node. */
import type { ServeOptions } from '../../src/serve/contract.ts'

export interface NodeServeOptions extends ServeOptions {
  /** As in @hono/node-server: `{ server: new WebSocketServer({ noServer: true }) }` of the package `ws`. */
  readonly websocket?: { readonly server: object }
}
