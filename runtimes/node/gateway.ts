/** `hangup gateway` on Node. */
import { gatewayOn } from '../../src/gateway/downstream/serve.ts'
import type { GatewayRuntime } from '../../src/gateway/start.ts'
import { procDescriptors } from '../descriptors.ts'
import { engineEnforcement } from '../engine-enforcement.ts'
import { connect } from './connect.ts'
import { NodeFront } from './gateway-downstream.ts'
import { holdAccept } from './hold.ts'
import { serve } from './index.ts'
import { listen } from './transport.ts'

export const gateway: GatewayRuntime = gatewayOn({
  runtime: 'node',
  http2: true,
  enforcement: engineEnforcement,
  descriptors: procDescriptors,
  listen,
  holdAccept,
  connect,
  serveNative: serve,
  frontOf: (request, bindings) => new NodeFront(request, bindings),
})
