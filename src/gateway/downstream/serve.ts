/**
 * The gateway's app on a runtime's servers: our engine, which shows the client's side whole, or the
 * runtime's own for HTTP/2.
 */
import { lookup } from 'node:dns/promises'
import type { Clock } from '../../lifecycle/clock.ts'
import { LongLived } from '../../lifecycle/long-lived.ts'
import type { Connect } from '../../net/transport.ts'
import { Observer } from '../../observe/observer.ts'
import type { Runtime } from '../../runtime.ts'
import { accessFeedOf } from '../../serve/access-feed.ts'
import { limitsApplication } from '../../serve/application.ts'
import type { Fetch } from '../../serve/contract.ts'
import { withInherited } from '../../serve/inherited.ts'
import type { Bindings } from '../../serve/runtime.ts'
import { serveOnSockets } from '../../serve/socket-engine.ts'
import { planStart } from '../../serve/start.ts'
import { watchLost } from '../../serve/watch-lost.ts'
import type { GatewayRuntime, ServeKit } from '../start.ts'
import { EngineBindings, EngineDownstream, type NativeDownstream } from './downstream.ts'

/** What a runtime gives to the gateway beside what it gives to `serve()`. */
export interface GatewaySide {
  readonly connect: Connect
  /** Whether its own server speaks HTTP/2 and holds the policy on it. */
  readonly http2: boolean
  /** The client's side of a request to its own server, whose application got this `env`. */
  downstream(request: Request, env: any): NativeDownstream
  /** Keeps the memory of a process that is nothing but a gateway from growing without need. */
  holdMemory?(clock: Clock): Promise<void>
}

const why = 'a gateway needs to see what its clients sent'

export function gatewayOn(runtime: Runtime): GatewayRuntime {
  const { name, http2, connect, holdMemory } = runtime
  return {
    runtime: name,
    http2,
    connect,
    ...(holdMemory && { holdMemory }),
    resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
    observer: (clock, worker) => new Observer(clock, runtime.sockets.descriptors, null, worker),
    async listenForAdmin(server, plan, log) {
      const { listenForAdmin } = await import('../../admin/listener.ts')
      return listenForAdmin(server, plan, runtime, log)
    },
    async serve(app, given, { resolved, clients, direct, upstreamConnections, observer, keepsReserve, world }) {
      if (keepsReserve) await watchLost(observer, runtime)
      if (given.engine === 'native') {
        const { fetch } = app as { readonly fetch: Fetch }
        const native = await planStart(runtime, given, resolved, { observer })
        return native.serve(async (request, env) => {
          const downstream = runtime.downstream(request, env)
          return downstream.finish(await fetch(request, downstream), native.longLived)
        })
      }
      const options = withInherited(given)
      observer.access = accessFeedOf(options)
      return serveOnSockets(
        {
          app,
          options,
          resolved,
          runtime: name,
          why,
          observer,
          companions: { admin: null },
          longLived: new LongLived(resolved.policy, Math.random),
          keepsReserve,
          isInternal: true,
        },
        runtime.sockets,
        {
          env: (connection, head, body) => new EngineBindings(connection, head, body),
          bodyInEnv: true,
          ...(!limitsApplication(resolved.policy) && { takes: asked(direct) }),
        },
        { clients, descriptorsBeside: upstreamConnections, gathers: true },
        world,
      )
    },
  }
}

/** Puts a request to the gateway without the app, where that is not needed. */
const asked =
  (direct: ServeKit['direct']): NonNullable<Bindings['takes']> =>
  (connection, head, body) => {
    const ask = direct()
    ask?.(new EngineDownstream(connection, head, body), answered)
    return ask !== null
  }

/** The response is with its connection already. */
const answered = () => {}
