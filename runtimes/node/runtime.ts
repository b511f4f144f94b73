/** Node, as `serve()` and the gateway see it. */

import { enforcementOf } from '../../src/policy/enforcement.ts'
import type { Runtime } from '../../src/runtime.ts'
import { procDescriptors } from '../descriptors.ts'
import { abortsOnData } from './aborts-on-data.ts'
import { connect } from './connect.ts'
import { NodeDownstream } from './gateway-downstream.ts'
import { holdAccept } from './hold.ts'
import { nodeHttp } from './http.ts'
import { loadLibc } from './libc.ts'
import type { NodeServeOptions } from './options.ts'
import { listen } from './transport.ts'
import { IncomingLike, upgradeOffers, webSocketServerOf } from './upgrade.ts'

export const node = {
  name: 'node',
  ownOptions: ['websocket'] satisfies (keyof NodeServeOptions)[],
  sockets: { listen, holdAccept, descriptors: procDescriptors, enforcement: () => enforcementOf('socketEngine') },
  bindings({ websocket }: NodeServeOptions) {
    const wss = webSocketServerOf(websocket)
    return {
      env: (connection, head) => ({ incoming: new IncomingLike(connection, head), outgoing: undefined }),
      ...(wss && { offerUpgrade: upgradeOffers(wss) }),
    }
  },
  native: () => nodeHttp,
  loadLibc,
  abortsOnData,
  connect,
  http2: true,
  downstream: (request, env) => new NodeDownstream(request, env),
} satisfies Runtime
