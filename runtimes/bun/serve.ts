/** `serve()` over `Bun.serve`, under the kernel ledger. */

import type { Address } from '../../src/kernel/layout.ts'
import type { Libc } from '../../src/kernel/libc.ts'
import { answerStream } from '../../src/native/answer-stream.ts'
import type { ListenKit } from '../../src/native/ledger-server.ts'
import { inheritingProblem, said } from '../../src/native/prove-inheriting.ts'
import { serveUnderLedger } from '../../src/native/serve-under-ledger.ts'
import type { Running } from '../../src/serve/contract.ts'
import { lengthIn, withBody, withHeader } from '../../src/serve/responses.ts'
import type { NativeEngine, Start } from '../../src/serve/runtime.ts'
import type { BunServeOptions } from './options.ts'
import { forHead, isPlain, isSound, lastPlain, noteBodies, streamOf, toSend } from './response.ts'
import { anywhere, type BunServer, bareServer, isUpgraded, listen, noteUpgrades } from './server.ts'

/** See `NativeServer`. */
export const bunInheritingProblem = (libc: Libc): Promise<string | null> =>
  inheritingProblem(libc, () => {
    const server = bareServer(() => new Response(said))
    return { at: addressOf(server), stop: () => void server.stop(true) }
  })

function settledAt(server: BunServer, settle: ListenKit['settle']): Address {
  try {
    return settle(addressOf(server))
  } catch (error) {
    void server.stop(true)
    throw error
  }
}

const addressOf = (server: BunServer): Address => ({ host: server.address.address, port: server.port })

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
    async listen(handler, { policy, longLived, failed, inherits, settle, closeListeners, beforeUpgrade }) {
      const options = inherits ? { ...start.options, ...anywhere } : start.options
      const server = await listen(options, policy, longLived, { idleTimeout: 0, fetch: handler, error: failed })
      const at = settledAt(server, settle)
      // Of a request that is upgraded Bun has forgotten the client.
      noteUpgrades(server, beforeUpgrade)
      return {
        at,
        // Its stop() would end the idle connections, too.
        stopAccepting: closeListeners,
        stop: () => void server.stop(true),
      }
    },
  })
}
