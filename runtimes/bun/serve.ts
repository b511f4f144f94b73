/** `serve()` over `Bun.serve`, under the kernel ledger. */

import type { Libc } from '../../src/kernel/libc.ts'
import { answerStream } from '../../src/native/answer-stream.ts'
import { serveUnderLedger } from '../../src/native/serve-under-ledger.ts'
import type { Running } from '../../src/serve/contract.ts'
import { lengthIn, withBody, withHeader } from '../../src/serve/responses.ts'
import type { NativeEngine, Start } from '../../src/serve/runtime.ts'
import type { BunServeOptions } from './options.ts'
import { forHead, isPlain, isSound, lastPlain, noteBodies, streamOf, toSend } from './response.ts'
import { type BunServer, isUpgraded, listen, noteUpgrades } from './server.ts'

/** Bun's server, its connections closed by what the kernel shows of them. */
export function serveBun(start: Start<BunServeOptions>, engine: NativeEngine, libc: Libc): Promise<Running> {
  noteBodies()
  return serveUnderLedger<BunServer>(start, {
    engine,
    libc,
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
    isPlain,
    forHead,
    closesUnderBody: true,
    connectionOf: (answer) => answer.headers.get('connection'),
    withHeader,
    async listen(handler, { policy, longLived, failed, closeListeners, beforeUpgrade }) {
      const server = listen(start.options, policy, longLived, { idleTimeout: 0, fetch: handler, error: failed })
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
