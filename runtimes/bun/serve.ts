/** `serve()` over `Bun.serve`, under the kernel ledger. */
import type { NativeEngine } from '../../src/engines.ts'
import type { Libc } from '../../src/kernel/libc.ts'
import { serveUnderLedger } from '../../src/kernel/serving.ts'
import { failed, withHeader } from '../../src/native-answer.ts'
import type { App, Running } from '../../src/server.ts'
import { deviations, enforcement } from './enforcement.ts'
import { followed } from './followed.ts'
import { lastPlain, noteBodies, streamOf } from './response.ts'
import { type BunServeOptions, type BunServer, listen } from './server.ts'

export const native: NativeEngine = { name: 'Bun.serve', enforcement, deviations }

/** `why`: why this engine serves. */
export function serveBun(app: App, options: BunServeOptions, libc: Libc, why: string): Promise<Running> {
  noteBodies()
  const upgraded = new WeakSet<Request>()
  let anyUpgraded = false

  return serveUnderLedger<BunServer>(app, options, {
    runtime: 'bun',
    engine: native.name,
    why,
    enforcement,
    libc,
    also: ['websocket'],
    peerOf(request, server) {
      const client = server.requestIP(request)
      return client && { host: client.address, port: client.port }
    },
    isUpgrade: (_, request) => anyUpgraded && upgraded.has(request),
    follow(answer, request, _, done) {
      if (answer === lastPlain) return null
      const stream = streamOf(answer)
      if (stream === null || request.method === 'HEAD') return null
      const { status, statusText, headers } = answer
      return new Response(followed(stream, done), { status, statusText, headers })
    },
    closesUnderBody: true,
    connectionOf: (answer) => answer.headers.get('connection'),
    withHeader,
    async listen(handler, { policy, closeListeners, beforeUpgrade }) {
      const server = listen(options, policy, { idleTimeout: 0, fetch: handler, error: failed })
      const { upgrade } = server
      server.upgrade = (request, how) => {
        // Of a request that is upgraded Bun has forgotten the client.
        beforeUpgrade(request)
        const done = upgrade.call(server, request, how)
        if (!done) return false
        anyUpgraded = true
        upgraded.add(request)
        return true
      }
      return {
        port: server.port,
        // Its stop() would end the idle connections, too.
        stopAccepting: closeListeners,
        stop: () => void server.stop(true),
      }
    },
  })
}
