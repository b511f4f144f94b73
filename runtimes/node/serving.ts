/**
 * Node, as `serve()` sees it: what only one engine needs is loaded with it, above all `node:http`
 * and `node:http2`, which the hangup engine does without.
 */
import fs from 'node:fs'
import { enforcementOf } from '../../src/policy/enforcement.ts'
import type { NativeEngine, NativeServer, ServeRuntime } from '../../src/serve/runtime.ts'
import { filesOf, procDescriptors } from '../descriptors.ts'
import { abortsOnData } from './aborts-on-data.ts'
import { holdAccept } from './hold.ts'
import { loadLibc } from './libc.ts'
import { openListener } from './open-listener.ts'
import type { NodeServeOptions } from './options.ts'
import { IncomingLike, upgradeOffers, webSocketServerOf } from './upgrade.ts'

const engine: NativeEngine = { name: 'node:http', enforcement: enforcementOf('nodeHttp'), deviations: [] }

const nodeHttp: NativeServer<NodeServeOptions> = {
  ...engine,
  serve: async (start) => (await import('./http.ts')).serveNodeHttp(start, engine),
}

export const serving = {
  name: 'node',
  ownOptions: ['websocket'] satisfies (keyof NodeServeOptions)[],
  sockets: {
    listen: async (at, accept) => (await import('./transport.ts')).listen(at, accept),
    holdAccept,
    descriptors: () => procDescriptors(filesOf(fs)),
    enforcement: () => enforcementOf('socketEngine'),
  },
  bindings({ websocket }: NodeServeOptions) {
    const wss = webSocketServerOf(websocket)
    return {
      env: (connection, head) => ({ incoming: new IncomingLike(connection, head), outgoing: undefined }),
      ...(wss && { offerUpgrade: upgradeOffers(wss) }),
    }
  },
  native: () => nodeHttp,
  loadLibc,
  openListener,
  abortsOnData,
} satisfies ServeRuntime
