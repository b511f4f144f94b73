/** `serve()` over `Bun.serve`, under the kernel ledger. */

import type { Libc } from '../../src/kernel/libc.ts'
import { answerStream } from '../../src/native/answer-stream.ts'
import { lengthIn, withBody, withHeader } from '../../src/native/answers.ts'
import { serveUnderLedger } from '../../src/native/serve-under-ledger.ts'
import type { NativeEngine } from '../../src/serve/choose-engine.ts'
import type { App, Running } from '../../src/serve/contract.ts'
import { deviations, enforcement } from './enforcement.ts'
import { forHead, isSound, lastPlain, noteBodies, streamOf, toSend } from './response.ts'
import { type BunServeOptions, type BunServer, isUpgraded, listen, noteUpgrades } from './server.ts'

export const native: NativeEngine = { name: 'Bun.serve', enforcement, deviations }

/** `why`: why this engine serves. */
export function serveBun(app: App, options: BunServeOptions, libc: Libc, why: string): Promise<Running> {
  noteBodies()
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
    upgradeOf: (_, request) => (isUpgraded(request) ? { answer: undefined } : null),
    isLong: (answer) => answer !== lastPlain && streamOf(answer) !== null,
    follow(answer, _, { report, done, last }) {
      const length = lengthIn(answer.headers.get('content-length'))
      return withBody(answer, answerStream(streamOf(answer)!, { length, report, last, done }))
    },
    toSend,
    isSound,
    forHead,
    closesUnderBody: true,
    connectionOf: (answer) => answer.headers.get('connection'),
    withHeader,
    async listen(handler, { policy, failed, closeListeners, beforeUpgrade }) {
      const server = listen(options, policy, { idleTimeout: 0, fetch: handler, error: failed })
      // Of a request that is upgraded Bun has forgotten the client.
      noteUpgrades(server, beforeUpgrade)
      return {
        at: { host: server.address.address, port: server.port },
        // Its stop() would end the idle connections, too.
        stopAccepting: closeListeners,
        stop: () => void server.stop(true),
      }
    },
  })
}
