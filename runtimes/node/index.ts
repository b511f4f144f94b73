/** `serve()` on Node, as a library: nothing starts until it is called. */
import { createSecureServer } from 'node:http2'
import { resolveOptions } from '../../src/policy/resolve.ts'
import { chooseEngine, type NativeEngine } from '../../src/serve/choose-engine.ts'
import type { App, Running } from '../../src/serve/contract.ts'
import { serveOnEngine } from '../../src/serve/socket-engine.ts'
import { procDescriptors } from '../descriptors.ts'
import { engineEnforcement } from '../engine-enforcement.ts'
import { onlyOn } from '../only-on.ts'
import { enforcement } from './enforcement.ts'
import { holdAccept } from './hold.ts'
import { type NodeServeOptions, serveNodeHttp } from './http.ts'
import { listen } from './transport.ts'
import { IncomingLike, webSocketBindings, webSocketServerOf } from './upgrade.ts'

const runtime = 'node'
const native: NativeEngine = { name: 'node:http', enforcement, deviations: [] }
const also = ['websocket']

const choose = (options: NodeServeOptions) => chooseEngine(options, resolveOptions(options, also), native)

export const engineOf = async (options: NodeServeOptions) => choose(options).engine

/**
 * Serves a `fetch` handler under a connection policy. Resolves when it listens; rejects with a `ConfigError` if the
 * policy or the engine is not possible, and with the cause named if the address is not available. With
 * `tls` the native engine speaks HTTP/1.1 and HTTP/2 (ALPN), the hangup engine HTTP/1.1.
 */
export async function serve(app: App, options: NodeServeOptions = {}): Promise<Running> {
  onlyOn('node')
  const { engine, why } = choose(options)
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
  const wss = webSocketServerOf(options.websocket)
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
