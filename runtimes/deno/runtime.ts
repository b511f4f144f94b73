/** Deno, as `serve()` and the gateway see it. */
import { NativeDownstream } from '../../src/gateway/downstream/downstream.ts'
import type { Runtime } from '../../src/runtime.ts'
import type { ServeInfo } from './serve-info.ts'
import { serving } from './serving.ts'

let connecting: Promise<typeof import('../node/connect.ts')> | undefined

export const deno = {
  ...serving,
  async connect(...to) {
    connecting ??= import('../node/connect.ts')
    return (await connecting).connect(...to)
  },
  http2: false,
  downstream(request, { remoteAddr: { hostname, port } }: ServeInfo) {
    const version = request.headers.has('host') ? '1.1' : '2'
    return new NativeDownstream(request, { address: hostname, port }, version)
  },
} satisfies Runtime
