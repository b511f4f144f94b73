/** `serve()` on Node. Runs directly too: `node runtimes/node.ts --port 3000`. */
import { createSecureServer } from 'node:http2'
import { main } from '../src/command.ts'
import { chooseEngine, type NativeEngine } from '../src/engines.ts'
import { serveOnEngine } from '../src/http1/engine.ts'
import { resolveOptions } from '../src/resolve.ts'
import type { App, Running } from '../src/server.ts'
import { procDescriptors } from './descriptors.ts'
import { engineEnforcement } from './engine-enforcement.ts'
import { enforcement } from './node/enforcement.ts'
import { holdAccept } from './node/hold.ts'
import { type NodeServeOptions, serveNodeHttp } from './node/http.ts'
import { listen } from './node/transport.ts'
import { IncomingLike, type WebSocketServerLike, webSocketBindings } from './node/upgrade.ts'

const runtime = 'node'
const native: NativeEngine = { name: 'node:http', enforcement, deviations: [] }
const also = ['websocket']

/**
 * Serves a `fetch` handler under a connection policy. Resolves when it listens; rejects with a `PolicyError` if the
 * policy cannot be, a `SettingsError` if the engine cannot, and with the cause named if the address can't be had. With
 * `tls` the native engine speaks HTTP/1.1 and HTTP/2 (ALPN), the hangup engine HTTP/1.1.
 */
export async function serve(app: App, options: NodeServeOptions = {}): Promise<Running> {
  const { engine, why } = chooseEngine(options, resolveOptions(options, also), native)
  if (engine === 'native') {
    return serveNodeHttp(app, options, {
      runtime,
      enforcement,
      descriptors: procDescriptors,
      why,
      secure: (tlsOptions, listener) =>
        createSecureServer({ ...tlsOptions, allowHTTP1: true, allowHalfOpen: true } as any, listener) as any,
    })
  }
  const wss = options.websocket?.server as WebSocketServerLike | undefined
  return serveOnEngine(app, options, {
    runtime,
    enforcement: engineEnforcement,
    descriptors: procDescriptors,
    why,
    listen,
    holdAccept,
    also,
    env: (connection, head) => ({ incoming: new IncomingLike(connection, head), outgoing: undefined }),
    ...(wss && { webSocketBindings: webSocketBindings(wss) }),
  })
}

if (import.meta.main) await main({ runtime, serve })
