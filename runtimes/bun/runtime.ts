/** Bun, as `serve()` and the gateway see it. */
import { NativeDownstream } from '../../src/gateway/downstream/downstream.ts'
import type { Runtime } from '../../src/runtime.ts'
import { serving } from './serving.ts'

let connecting: Promise<typeof import('./connect.ts')> | undefined

export const bun = {
  ...serving,
  async connect(...to) {
    connecting ??= import('./connect.ts')
    return (await connecting).connect(...to)
  },
  http2: false,
  downstream(request, server) {
    const { address = '', port = 0 } = server.requestIP(request) ?? {}
    return new NativeDownstream(request, { address, port }, '1.1')
  },
} satisfies Runtime
