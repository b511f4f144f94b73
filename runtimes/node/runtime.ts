/** Node, as `serve()` and the gateway see it. */

import { enforcementOf } from '../../src/policy/enforcement.ts'
import type { Runtime } from '../../src/runtime.ts'
import { procDescriptors } from '../descriptors.ts'
import { abortsOnData } from './aborts-on-data.ts'
import { NodeDownstream } from './gateway-downstream.ts'
import { holdAccept } from './hold.ts'
import { nodeHttp } from './http.ts'
import { loadLibc } from './libc.ts'
import { openListener } from './open-listener.ts'
import type { NodeServeOptions } from './options.ts'
import { IncomingLike, upgradeOffers, webSocketServerOf } from './upgrade.ts'

let connecting: Promise<typeof import('./connect.ts')> | undefined

export const node = {
  name: 'node',
  ownOptions: ['websocket'] satisfies (keyof NodeServeOptions)[],
  sockets: {
    listen: async (at, accept) => (await import('./transport.ts')).listen(at, accept),
    holdAccept,
    descriptors: procDescriptors,
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
  async connect(...to) {
    connecting ??= import('./connect.ts')
    return (await connecting).connect(...to)
  },
  http2: true,
  async holdMemory(clock) {
    const { holdYoungGeneration } = await import('./young-generation.ts')
    holdYoungGeneration(clock)
  },
  downstream: (request, env) => new NodeDownstream(request, env),
} satisfies Runtime
