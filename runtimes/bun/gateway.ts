/** `hangup gateway` on Bun. */
import { gatewayOn } from '../../src/gateway/serve.ts'
import type { GatewayRuntime } from '../../src/gateway/start.ts'
import { serve } from '../bun.ts'
import { engineEnforcement } from '../engine-enforcement.ts'
import { connect } from './connect.ts'
import { listen } from './transport.ts'

export const gateway: GatewayRuntime = gatewayOn({
  runtime: 'bun',
  http2: false,
  enforcement: engineEnforcement,
  listen,
  connect,
  serveNative: serve,
  peerOf(server, request) {
    const { address = '', port = 0 } = server.requestIP(request) ?? {}
    return { address, port, version: '1.1' }
  },
})
