/** Bun, as `serve()` and the gateway see it. */
import './only-on-bun.ts'

import { NativeDownstream } from '../../src/gateway/downstream/downstream.ts'
import { enforcementOf } from '../../src/policy/enforcement.ts'
import type { Runtime } from '../../src/runtime.ts'
import { procDescriptors } from '../descriptors.ts'
import { connect } from './connect.ts'
import { files } from './files.ts'
import { bunWithIdleTimer } from './idle-timer/serve.ts'
import { loadLibc } from './libc.ts'
import type { BunServeOptions } from './options.ts'
import { bunUnderLedger } from './serve.ts'
import { listen } from './transport.ts'
import { ServerLike, upgradeOffers } from './upgrade.ts'

export const bun = {
  name: 'bun',
  ownOptions: ['websocket'] satisfies (keyof BunServeOptions)[],
  sockets: { listen, descriptors: procDescriptors, enforcement: () => enforcementOf('socketEngine') },
  bindings: ({ websocket }: BunServeOptions) => ({
    env: (connection) => new ServerLike(connection),
    offerUpgrade: upgradeOffers(websocket),
    files,
  }),
  async native() {
    const { libc } = await loadLibc()
    return libc === null ? bunWithIdleTimer : bunUnderLedger(libc)
  },
  loadLibc,
  connect,
  http2: false,
  downstream(request, server) {
    const { address = '', port = 0 } = server.requestIP(request) ?? {}
    return new NativeDownstream(request, { address, port }, '1.1')
  },
} satisfies Runtime
