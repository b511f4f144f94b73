/** `serve()` over `Deno.serve`, under the kernel ledger. */

import type { NativeEngine } from '../../src/engines.ts'
import { CertificateStore } from '../../src/gateway/certificates.ts'
import type { Libc } from '../../src/kernel/libc.ts'
import { type ListenKit, type NativeListener, type NativeServer, serveUnderLedger } from '../../src/kernel/serving.ts'
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

export interface DenoServer {
  readonly addr: { readonly port: number }
  /** Rejects when accepting has failed; the connections there are go on. */
  readonly finished: Promise<void>
  shutdown(): Promise<void>
}

export type Handler = (request: Request, info: ServeInfo) => Response | Promise<Response>
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
  return serveDenoWith(app, options, { libc, why, listen: (handler, kit) => listen(options, handler, kit) })
}

/** The same where the server is started by somebody else. */
export function serveDenoWith(
  app: App,
  options: ServeOptions,
  own: Pick<NativeServer<ServeInfo>, 'libc' | 'why' | 'listen' | 'threads'>,
): Promise<Running> {
  return serveUnderLedger<ServeInfo>(app, options, {
    ...own,
    runtime: 'deno',
    engine: 'Deno.serve',
    enforcement,
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
    failsAtLimit: true,
  })
}

/** Until those that are there have been answered and are gone; nobody is accepted meanwhile. Then the silent are turned away. */
const longestPauseMs = 50

async function listen(options: ServeOptions, handler: Handler, kit: ListenKit): Promise<NativeListener> {
  const { host, tls } = options
  let { port = 3000 } = options
  let hostname = host ?? '::'
  const [certificate] = tls === undefined ? [] : new CertificateStore(certificatesOf(tls)).certificates

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
  return keepAccepting(first(), kit, { start, secure: tls !== undefined })
}

interface Accepting {
  /** Once more, on the same address. */
  start(): DenoServer
  readonly secure: boolean
  /** The listener has been shut by somebody else. */
  isOver?(): boolean
}

export function keepAccepting(
  first: DenoServer,
  kit: ListenKit,
  { start, secure, isOver = () => false }: Accepting,
): NativeListener {
  let stopped = false
  const servers: DenoServer[] = []

  function watch(server: DenoServer): void {
    servers.push(server)
    server.finished.catch((error) => {
      if (!stopped && !isOver()) again(error)
    })
  }

  /** Deno has given up accepting, for want of descriptors as a rule. Who is there is still served. */
  function again(error: unknown): void {
    const outOfDescriptors = /os error 2[34]\b/.test((error as Error).message)
    if (outOfDescriptors) kit.makeRoom()
    else
      kit.log.write({ level: 'error', code: 'ACCEPT_FAILED', message: `accepting failed: ${(error as Error).message}` })
    const failedAt = performance.now()
    let turnedAway = false
    const retry = (): void => {
      if (stopped || isOver()) return
      if (outOfDescriptors && !kit.hasRoom()) {
        const pausedMs = performance.now() - failedAt
        if (pausedMs > longestPauseMs && !turnedAway) {
          turnedAway = true
          kit.turnAway()
        }
        if (pausedMs < 2 * longestPauseMs) {
          setTimeout(retry, 1)
          return
        }
      }
      try {
        watch(start())
      } catch {
        setTimeout(retry, longestPauseMs)
      }
    }
    retry()
  }

  noteUpgrades(kit)
  watch(first)
  return {
    port: first.addr.port,
    stopAccepting() {
      stopped = true
      kit.shutListeners()
    },
    sayGoodbye() {
      if (secure) for (const server of servers) server.shutdown().catch(() => {})
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
