/** What `serve()` takes on Node. */
import type { ServeOptions } from '../../src/serve/contract.ts'

export interface NodeServeOptions extends ServeOptions {
  /**
   * As in @hono/node-server: `{ server: new WebSocketServer({ noServer: true }) }` of the package
   * `ws`. It stays the application's, who may give it to several servers: `close()` does not close
   * it.
   */
  readonly websocket?: { readonly server: object }
}
