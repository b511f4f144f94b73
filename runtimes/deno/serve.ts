/** `serve()` over `Deno.serve`, under the kernel ledger. */

import type { NativeEngine } from '../../src/engines.ts'
import { CertificateStore } from '../../src/gateway/certificates.ts'
import type { Libc } from '../../src/kernel/libc.ts'
import { type ListenKit, type NativeListener, serveUnderLedger } from '../../src/kernel/serving.ts'
import type { App, Running, ServeOptions } from '../../src/server.ts'
import { certificatesOf } from '../../src/serving.ts'
import { ledgerEnforcement } from '../ledger-enforcement.ts'
import { connectionOf, isPlain, isStream, withHeader } from './response.ts'

/** What `Deno.serve` hands over with a request. */
export interface ServeInfo {
  readonly remoteAddr: { readonly hostname: string; readonly port: number }
  /** The answer is with the kernel's side of Deno; rejects when the client went. */
  readonly completed: Promise<void>
}

interface DenoServer {
  readonly addr: { readonly port: number }
  /** Rejects when accepting has failed; the connections there are go on. */
  readonly finished: Promise<void>
  shutdown(): Promise<void>
}

type Handler = (request: Request, info: ServeInfo) => Response | Promise<Response>
declare const Deno: {
  serve(options: object, handler: Handler): DenoServer
  upgradeWebSocket(request: Request, options?: object): { response: Response; socket: WebSocket }
}

export const enforcement = ledgerEnforcement({
  by: 'runtime',
  stepMs: 0,
  how: 'Deno’s own, 64 KB and 100 fields: 400; one that is set: by its fields, once the head is whole: 431',
})

export const native: NativeEngine = { name: 'Deno.serve', enforcement, deviations: [] }

/** `why`: why this engine serves. */
export function serveDeno(app: App, options: ServeOptions, libc: Libc, why: string): Promise<Running> {
  return serveUnderLedger<ServeInfo>(app, options, {
    runtime: 'deno',
    engine: 'Deno.serve',
    why,
    enforcement,
    libc,
    also: [],
    peerOf(_, info) {
      try {
        const { hostname, port } = info.remoteAddr
        return { host: hostname, port }
      } catch {
        return null
      }
    },
    isUpgrade: (answer) => (answer as Response).status === 101,
    follow(answer, _, info, done) {
      if (!isStream(answer)) return null
      info.completed.then(done, done)
      return answer
    },
    isPlain,
    connectionOf,
    withHeader,
    looksAtHeads: true,
    listen: (handler, kit) => listen(options, handler, kit),
  })
}

/** Of descriptors that have been hung up on until they are free; nobody is accepted meanwhile. */
const longestPauseMs = 50

async function listen(options: ServeOptions, handler: Handler, kit: ListenKit): Promise<NativeListener> {
  const { host, tls } = options
  let { port = 3000 } = options
  let hostname = host ?? '::'
  const [certificate] = tls === undefined ? [] : new CertificateStore(certificatesOf(tls)).certificates
  let stopped = false

  function start(): DenoServer {
    const made = Deno.serve(
      {
        port,
        hostname,
        ...(certificate && { cert: certificate.options.cert, key: certificate.options.key }),
        // An answer is the same on every runtime; compression is a middleware's.
        automaticCompression: false,
        onListen() {},
      },
      handler,
    )
    port = made.addr.port
    made.finished.catch((error) => {
      if (!stopped) again(error)
    })
    return made
  }

  /** All interfaces are those of IPv6, too, as for Node; Deno's own default leaves them out. */
  function first(): DenoServer {
    if (host !== undefined) return start()
    try {
      return start()
    } catch (error) {
      if ((error as Error).name === 'AddrInUse') throw error
      // Without IPv6.
      hostname = '0.0.0.0'
      return start()
    }
  }

  /** Deno has given up accepting, for want of descriptors as a rule. Who is there is still served. */
  function again(error: unknown): void {
    const outOfDescriptors = /os error 2[34]\b/.test((error as Error).message)
    if (outOfDescriptors) kit.makeRoom()
    else
      kit.log.write({ level: 'error', code: 'ACCEPT_FAILED', message: `accepting failed: ${(error as Error).message}` })
    const failedAt = performance.now()
    const retry = (): void => {
      if (stopped) return
      if (outOfDescriptors && !kit.hasRoom() && performance.now() - failedAt < longestPauseMs) {
        setTimeout(retry, 1)
        return
      }
      try {
        servers.push(start())
      } catch {
        setTimeout(retry, longestPauseMs)
      }
    }
    retry()
  }

  noteUpgrades(kit)
  const servers = [first()]
  return {
    port,
    stopAccepting() {
      stopped = true
      kit.shutListeners()
    },
    sayGoodbye() {
      if (tls !== undefined) for (const server of servers) server.shutdown().catch(() => {})
    },
    stop() {
      stopped = true
      kits.delete(kit)
      for (const server of servers) server.shutdown().catch(() => {})
    },
  }
}

/** Those that are told of a WebSocket before Deno forgets whose request it was: one for each server in this process. */
const kits = new Set<ListenKit>()
let replaced = false

function noteUpgrades(kit: ListenKit): void {
  kits.add(kit)
  if (replaced) return
  replaced = true
  const native = Deno.upgradeWebSocket
  Deno.upgradeWebSocket = (request, options) => {
    for (const each of kits) each.beforeUpgrade(request)
    return native(request, options)
  }
}
