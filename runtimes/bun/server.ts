/** `Bun.serve`, as far as it is used here, and what every server of it is given alike. */
import type { LongLived } from '../../src/lifecycle/long-lived.ts'
import type { Policy } from '../../src/policy/policy.ts'
import { certificatesOf } from '../../src/serve/prepare.ts'
import { largestBody } from '../../src/serve/route-limits.ts'
import type { Certificate } from '../../src/tls/certificates.ts'
import { limitHeads } from './head-limit.ts'
import { honoWebSocket } from './hono-web-sockets.ts'
import type { BunServeOptions } from './options.ts'
import { endedInDrain } from './web-sockets.ts'

/** The app gets it whole, as `c.env`. */
export interface BunServer {
  readonly port: number
  readonly address: { readonly address: string }
  readonly pendingRequests: number
  readonly pendingWebSockets: number
  requestIP(request: Request): { readonly address: string; readonly port: number } | null
  upgrade(request: Request, options?: object): boolean
  timeout(request: Request, seconds: number): void
  closeIdleConnections(): number
  stop(closeActiveConnections?: boolean): Promise<void>
}
declare const Bun: { serve(options: object): BunServer }

interface Handlers {
  /** Seconds of Bun's own clock; 0: it stands still once a request has come. */
  readonly idleTimeout: number
  readonly fetch: (request: Request, server: BunServer) => Response | Promise<Response>
  readonly error: (error: unknown) => Response
}

export async function listen(
  options: BunServeOptions,
  { maxHeadBytes, maxBodyBytes }: Policy,
  longLived: LongLived,
  handlers: Handlers,
): Promise<BunServer> {
  await limitHeads(maxHeadBytes)
  const { port = 3000, host, tls, websocket = honoWebSocket } = options
  const largest = largestBody(maxBodyBytes)
  return Bun.serve({
    ...handlers,
    port,
    ...(host !== undefined && { hostname: host }),
    ...(tls && { tls: await entriesOf(tls) }),
    // Bun's default lets a second server take the same port, and half the connections with it.
    reusePort: false,
    // Far above ours: Bun's own 413 resets the connection under the answer. It holds for what passes our readers by.
    maxRequestBodySize: largest === 0 ? Number.MAX_SAFE_INTEGER : largest * 2 + 2 ** 24,
    development: false,
    websocket: endedInDrain(websocket, longLived),
  })
}

/** Where a server listens that is about to be given another socket. */
export const anywhere = { host: '127.0.0.1', port: 0 } as const

/** Nobody's policy holds on it. */
export const bareServer = (fetch: () => Response): BunServer =>
  Bun.serve({ port: anywhere.port, hostname: anywhere.host, fetch })

/**
 * Notes whose connection the application takes over: whatever its handler returns then, Bun answers
 * no more.
 */
export function noteUpgrades(server: BunServer, before: (request: Request) => void = () => {}): void {
  const { upgrade } = server
  server.upgrade = (request, how) => {
    before(request)
    const done = upgrade.call(server, request, how)
    if (!done) return false
    anyUpgraded = true
    upgraded.add(request)
    return true
  }
}

const upgraded = new WeakSet<Request>()
let anyUpgraded = false

export const isUpgraded = (request: Request): boolean => anyUpgraded && upgraded.has(request)

/**
 * An entry for each name, and first the one for whoever asks for none of them. Bun takes TLS 1.2
 * and 1.3 by itself.
 */
async function entriesOf(tls: NonNullable<BunServeOptions['tls']>): Promise<object[]> {
  // What reads certificates is loaded with the first of them.
  const { CertificateStore } = await import('../../src/tls/certificates.ts')
  const { certificates } = new CertificateStore(certificatesOf(tls))
  const [first] = certificates
  const entryOf = ({ options: { cert, key } }: Certificate) => ({ cert, key })
  return [
    entryOf(first!),
    ...certificates.flatMap((each) => each.names.map((serverName) => ({ ...entryOf(each), serverName }))),
  ]
}
