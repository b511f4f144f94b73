/** `hangup gateway` on Deno. */
import { NativeFront } from '../../src/gateway/front.ts'
import { gatewayOn } from '../../src/gateway/serve.ts'
import type { GatewayRuntime } from '../../src/gateway/start.ts'
import { serve } from '../deno.ts'
import { engineEnforcement } from '../engine-enforcement.ts'
import { connect } from '../node/connect.ts'
import { listen } from '../node/transport.ts'

export const gateway: GatewayRuntime = gatewayOn({
  runtime: 'deno',
  http2: false,
  enforcement: engineEnforcement,
  listen,
  connect,
  // There is none, and `serve` says so.
  serveNative: serve,
  frontOf: (request) => new NativeFront(request, { address: '', port: 0 }, '1.1'),
})
