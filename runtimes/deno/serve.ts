/** `serve()` over `Deno.serve`, under the kernel ledger. */

import type { Address } from '../../src/kernel/layout.ts'
import type { Libc } from '../../src/kernel/libc.ts'
import { answerStream } from '../../src/native/answer-stream.ts'
import {
  ClientGoneError,
  type Following,
  type LedgerServer,
  type ListenKit,
  type NativeListener,
  type Upgrading,
} from '../../src/native/ledger-server.ts'
import { type BareServer, inheritingProblem, said } from '../../src/native/prove-inheriting.ts'
import { serveUnderLedger } from '../../src/native/serve-under-ledger.ts'
import { enforcementOf } from '../../src/policy/enforcement.ts'
import { UnusableResponseError } from '../../src/serve/application.ts'
import type { Running, ServeOptions } from '../../src/serve/contract.ts'
import { certificatesOf } from '../../src/serve/prepare.ts'
import { lengthIn, plainResponse, withBody } from '../../src/serve/responses.ts'
import type { NativeEngine, NativeServer, Start } from '../../src/serve/runtime.ts'
import type { Certificate } from '../../src/tls/certificates.ts'
import { closedInDrain } from './closed-in-drain.ts'
import { fieldOfRequest } from './request.ts'
import {
  connectionOf,
  fieldOf,
  forHead,
  isPlain,
  isSound,
  isStream,
  toSend,
  wholeBytesOf,
  withHeader,
} from './response.ts'
import type { ServeInfo } from './serve-info.ts'
import { endTimerWith, idleTimeoutFor } from './web-socket-timer.ts'

export interface DenoServer {
  readonly addr: { readonly hostname: string; readonly port: number }
  /** Rejects when accepting has failed; the connections there are go on. */
  readonly finished: Promise<void>
  shutdown(): Promise<void>
}

export type Handler = (request: Request, info: ServeInfo) => Response | Promise<Response>
interface Upgrade {
  readonly response: Response
  readonly socket: WebSocket
}

declare const Deno: {
  serve(options: object, handler: Handler): DenoServer
  upgradeWebSocket(request: Request, options?: object): Upgrade
}

export const enforcement = enforcementOf('denoServe')

const engine: NativeEngine = { name: 'Deno.serve', enforcement, deviations: [] }

export const denoUnderLedger = (libc: Libc): NativeServer => ({
  ...engine,
  serve: (start) => serveDeno(start, { libc, listen: (handler, kit) => listen(start.options, handler, kit) }),
  inheritingProblem: () => inheritingProblem(libc, bareServer),
})

/** Null: the client is gone. */
export function addressOf(info: ServeInfo): { readonly host: string; readonly port: number } | null {
  try {
    const { hostname, port } = info.remoteAddr
    return { host: hostname, port }
  } catch {
    return null
  }
}

/** `listen`: starts Deno's server, or takes the one that somebody else starts. */
export function serveDeno(
  start: Start,
  own: Pick<LedgerServer<ServeInfo>, 'libc' | 'listen' | 'threads'>,
): Promise<Running> {
  return serveUnderLedger<ServeInfo>(start, {
    ...own,
    engine,
    peerOf: (_, info) => addressOf(info),
    fieldOf: fieldOfRequest,
    upgradeOf,
    isLong: (answer, http2) => isStream(answer) || (http2 && (wholeBytesOf(answer) ?? 0) > inOneGo),
    follow,
    isSound,
    isPlain,
    toSend,
    forHead,
    connectionOf,
    withHeader,
    looksAtHeads: true,
    failsAtLimit: true,
  })
}

/** Of HTTP/2: what is larger may wait for a client that opens its window no further. */
const inOneGo = 16_384

export function follow(
  answer: Response,
  info: ServeInfo,
  { http2, report, done, held, last, cut }: Following,
): Response {
  info.completed.then(done, done)
  const bytes = isStream(answer) ? null : wholeBytesOf(answer)
  const stream = answer.body as ReadableStream<Uint8Array>
  // Of what is there whole Deno says at once that it has been sent. As a stream it is done when the client's window had room.
  if (bytes !== null) {
    return withHeader(
      withBody(answer, answerStream(stream, { length: null, report, held })),
      'content-length',
      String(bytes),
    )
  }
  const length = lengthIn(fieldOf(answer, 'content-length'))
  const kept = http2 ? { held } : { last, cut }
  return withBody(answer, answerStream(stream, { length, report, ...kept }))
}

/**
 * Until those that are there have been answered and are gone; nobody is accepted meanwhile. Then
 * the silent are turned away.
 */
const longestPauseMs = 50

/** Where a server listens that is about to be given another socket. */
const anywhere = { host: '127.0.0.1', port: 0 } as const

const addressOfServer = ({ addr: { hostname, port } }: DenoServer): Address => ({ host: hostname, port })

/** Nobody's policy holds on it. */
function bareServer(): BareServer {
  const end = new AbortController()
  const options = { port: anywhere.port, hostname: anywhere.host, signal: end.signal, onListen() {} }
  const server = Deno.serve(options, () => new Response(said))
  return { at: addressOfServer(server), stop: () => abortQuietly(end) }
}

/** Loaded where there are certificates: what reads them brings `node:tls` and `node:crypto`. */
async function readCertificates(tls: NonNullable<ServeOptions['tls']>): Promise<readonly Certificate[]> {
  const { CertificateStore } = await import('../../src/tls/certificates.ts')
  return new CertificateStore(certificatesOf(tls)).certificates
}

async function listen(options: ServeOptions, handler: Handler, kit: ListenKit): Promise<NativeListener> {
  const { tls } = options
  const { host, port: wanted = 3000 } = kit.inherits ? anywhere : options
  let port: number = wanted
  let hostname: string = host ?? '::'
  const [certificate] = tls === undefined ? [] : await readCertificates(tls)

  /** Ends all at once: `shutdown()` waits for every handler, and keeps the process until then. */
  const end = new AbortController()

  function start(): DenoServer {
    const made = Deno.serve(
      {
        port,
        hostname,
        signal: end.signal,
        ...(certificate && { cert: certificate.options.cert, key: certificate.options.key }),
        // An answer is the same on every runtime; compression is a middleware's.
        automaticCompression: false,
        onListen() {},
        onError: onErrorOf(kit),
      },
      handler,
    )
    if (kit.inherits) {
      try {
        kit.settle(addressOfServer(made))
      } catch (error) {
        abortQuietly(end)
        throw error
      }
    } else port = made.addr.port
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
  const server = first()
  const at = kit.inherits ? { host: options.host ?? '', port: options.port ?? 0 } : addressOfServer(server)
  return keepAccepting(server, kit, { start, at, secure: tls !== undefined, cut: () => abortQuietly(end) })
}

/**
 * Deno's own listener throws where `shutdown()` has been called before, or accepting has failed,
 * and that would end the process.
 */
function abortQuietly(end: AbortController): void {
  const ignore = (event: Event): void => event.preventDefault()
  globalThis.addEventListener('error', ignore)
  end.abort()
  globalThis.removeEventListener('error', ignore)
}

interface Accepting {
  /** Once more, on the same address. */
  start(): DenoServer
  /** Where clients find it. Default: where the first one listens. */
  readonly at?: Address
  readonly secure: boolean
  /** The listener has been shut by somebody else. */
  isOver?(): boolean
  /** Ends what `start` made, whatever its handlers still wait for. */
  cut?(): void
}

export function keepAccepting(
  first: DenoServer,
  kit: ListenKit,
  { start, at = addressOfServer(first), secure, isOver = () => false, cut }: Accepting,
): NativeListener {
  let stopped = false
  const servers: DenoServer[] = []

  function watch(server: DenoServer): void {
    servers.push(server)
    server.finished.catch((error) => {
      if (!stopped && !isOver()) again(error)
    })
  }

  /**
   * Deno has given up accepting, for want of descriptors as a rule. Who is there is still served.
   */
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

  kits.add(kit)
  noteUpgrades()
  watch(first)
  return {
    at,
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
    ...(cut && {
      cut() {
        stopped = true
        kits.delete(kit)
        cut()
      },
    }),
  }
}

/** The failure of a stream has been told of, and Deno is given no error with it. */
export const onErrorOf =
  ({ failed }: ListenKit) =>
  (error: unknown): Response =>
    error === undefined ? plainResponse(500) : failed(error)

/**
 * Those that are told of a WebSocket before Deno forgets whose request it was: one for each server
 * in this process.
 */
const kits = new Set<ListenKit>()
const upgrades = new WeakMap<Request, Upgrade>()
let replaced = false

export function noteUpgrades(): void {
  if (replaced) return
  replaced = true
  const native = Deno.upgradeWebSocket
  Deno.upgradeWebSocket = (request, options) => {
    // Deno would wait for the end of such an upgrade for ever, with its descriptor.
    for (const each of kits) if (!each.beforeUpgrade(request)) throw new ClientGoneError()
    const upgrade = native(request, { ...options, ...idleTimeoutFor(shortestIdleTimeoutMs()) })
    upgrades.set(request, upgrade)
    endTimerWith(upgrade.socket)
    return upgrade
  }
}

/**
 * Whose request it is nobody says where there are several servers: the shortest has the most pings.
 * 0: off.
 */
function shortestIdleTimeoutMs(): number {
  const limits = [...kits].map(({ policy }) => policy.webSocketIdleTimeoutMs).filter((ms) => ms > 0)
  return limits.length === 0 ? 0 : Math.min(...limits)
}

/** Of RFC 6455 7.4.1: an error of the server's. */
const serverFailed = 1011

/**
 * Deno ends the whole server when anything but a 101 is answered once the connection has been taken
 * over.
 */
export function upgradeOf(
  returned: unknown,
  request: Request,
  { report, longLived }: Upgrading,
): { readonly answer: unknown } | null {
  const upgrade = replaced ? upgrades.get(request) : undefined
  if (upgrade === undefined) return null
  const { response, socket } = upgrade
  closedInDrain(socket, longLived)
  if (returned instanceof Response && returned.status === 101) return { answer: returned }
  report(new UnusableResponseError('the handler upgraded the connection and returned something else than its response'))
  socket.addEventListener('open', () => socket.close(serverFailed))
  return { answer: response }
}
