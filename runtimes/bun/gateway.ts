/** `hangup gateway` on Bun. */
import { NativeFront } from '../../src/gateway/downstream/downstream.ts'
import { gatewayOn } from '../../src/gateway/downstream/serve.ts'
import type { GatewayRuntime } from '../../src/gateway/start.ts'
import { procDescriptors } from '../descriptors.ts'
import { engineEnforcement } from '../engine-enforcement.ts'
import { connect } from './connect.ts'
import { serve } from './index.ts'
import { listen } from './transport.ts'

export const gateway: GatewayRuntime = gatewayOn({
  runtime: 'bun',
  http2: false,
  enforcement: engineEnforcement,
  descriptors: procDescriptors,
  listen,
  connect,
  serveNative: serve,
  frontOf(request, server) {
    const { address = '', port = 0 } = server.requestIP(request) ?? {}
    return new NativeFront(request, { address, port }, '1.1')
  },
})
