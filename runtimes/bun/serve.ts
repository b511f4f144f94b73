/** `serve()` over `Bun.serve`, under the kernel ledger. */
import type { NativeEngine } from '../../src/engines.ts'
import type { Address } from '../../src/kernel/layout.ts'
import type { Libc } from '../../src/kernel/libc.ts'
import { failed, serveUnderLedger, withHeader } from '../../src/kernel/serving.ts'
import type { App, Running } from '../../src/server.ts'
import { deviations, enforcement } from './enforcement.ts'
import { followed } from './followed.ts'
import { noteBodies, streamOf } from './response.ts'
import { type BunServeOptions, type BunServer, listen } from './server.ts'

export const native: NativeEngine = { name: 'Bun.serve', enforcement, deviations }

/** `why`: why this engine serves. */
export function serveBun(app: App, options: BunServeOptions, libc: Libc, why: string): Promise<Running> {
  noteBodies()
  /** Bun forgets the client of a request that it has upgraded. */
  const upgraded = new WeakMap<Request, Address | null>()

  return serveUnderLedger<BunServer>(app, options, {
    runtime: 'bun',
    engine: native.name,
    why,
    enforcement,
    libc,
    also: ['websocket'],
    peerOf: (request, server) => upgraded.get(request) ?? addressOf(server, request),
    isUpgrade: (_, request) => upgraded.has(request),
    follow(answer, request, _, done) {
      const stream = streamOf(answer)
      if (stream === null || request.method === 'HEAD') return null
      const { status, statusText, headers } = answer
      return new Response(followed(stream, done), { status, statusText, headers })
    },
    withHint: (answer, keepAlive) =>
      answer.headers.has('connection') ? answer : withHeader(answer, 'keep-alive', keepAlive),
    withClose: (answer) => withHeader(answer, 'connection', 'close'),
    async listen(handler, { policy, closeListeners }) {
      const server = listen(options, policy, { idleTimeout: 0, fetch: handler, error: failed })
      const upgrade = server.upgrade
      server.upgrade = (request, how) => {
        const client = addressOf(server, request)
        const done = upgrade.call(server, request, how)
        if (done) upgraded.set(request, client)
        return done
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

function addressOf(server: BunServer, request: Request): Address | null {
  const client = server.requestIP(request)
  return client && { host: client.address, port: client.port }
}
