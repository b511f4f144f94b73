/** The gateway's app on a runtime's servers: our engine, which shows the client's side whole, or the runtime's own for HTTP/2. */
import { lookup } from 'node:dns/promises'
import type { Connect } from '../../net/transport.ts'
import type { App, Fetch, Running, ServeOptions } from '../../serve/contract.ts'
import { type EngineFlavour, serveOnEngine } from '../../serve/socket-engine.ts'
import type { GatewayRuntime } from '../start.ts'
import { EngineFront, type NativeFront } from './downstream.ts'

/** What differs between the runtimes. */
export interface GatewayFlavour
  extends Pick<EngineFlavour, 'runtime' | 'enforcement' | 'descriptors' | 'listen' | 'holdAccept'> {
  readonly http2: boolean
  readonly connect: Connect
  /** Through the runtime's own server; `env` is what that gives. */
  serveNative(app: App, options: ServeOptions): Promise<Running>
  /** By what that server gives as `env`. */
  frontOf(request: Request, env: any): NativeFront
}

const why = 'a gateway needs to see what its clients sent'

export function gatewayOn(flavour: GatewayFlavour): GatewayRuntime {
  const { runtime, http2, enforcement, descriptors, listen, connect, serveNative, frontOf } = flavour
  return {
    runtime,
    http2,
    connect,
    resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
    serve(app, options, { clients, upstreamConnections }) {
      if (options.engine === 'native') {
        const { fetch } = app as { readonly fetch: Fetch }
        return serveNative(async (request, env) => {
          const front = frontOf(request, env)
          return front.finish(await fetch(request, front))
        }, options)
      }
      return serveOnEngine(app, options, {
        runtime,
        enforcement,
        descriptors,
        why,
        listen,
        ...(flavour.holdAccept && { holdAccept: flavour.holdAccept }),
        also: [],
        bodyInEnv: true,
        env: (connection, head, body) => new EngineFront(connection, head, body),
        clients,
        descriptorsBeside: upstreamConnections,
      })
    },
  }
}
