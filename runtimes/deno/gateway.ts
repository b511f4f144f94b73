/** `hangup gateway` on Deno. */
import { NativeFront } from '../../src/gateway/downstream/downstream.ts'
import { gatewayOn } from '../../src/gateway/downstream/serve.ts'
import type { GatewayRuntime } from '../../src/gateway/start.ts'
import { connect } from '../node/connect.ts'
import { descriptors } from './descriptors.ts'
import { serve } from './index.ts'
import type { ServeInfo } from './serve.ts'
import { enforcement, listen } from './transport.ts'

export const gateway: GatewayRuntime = gatewayOn({
  runtime: 'deno',
  http2: false,
  enforcement: enforcement(),
  descriptors,
  listen,
  connect,
  serveNative: serve,
  frontOf(request, { remoteAddr: { hostname, port } }: ServeInfo) {
    const version = request.headers.has('host') ? '1.1' : '2'
    return new NativeFront(request, { address: hostname, port }, version)
  },
})
