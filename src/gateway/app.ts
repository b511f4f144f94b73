/** The gateway's Hono app: finds the route of a request, and answers what no route is asked for. */
import { type Context, Hono } from 'hono'
import { compress } from 'hono/compress'
import { fieldOf } from '../http1/raw-fields.ts'
import { networks, plainAddress, type Trust } from '../net/networks.ts'
import { askFor, changeLimits } from '../serve/route-limits.ts'
import type { BalanceBy, GatewayConfig } from './config/config.ts'
import type { ClientLimiter } from './downstream/client-limits.ts'
import type { Downstream } from './downstream/downstream.ts'
import { clientOf } from './downstream/trust.ts'
import { Exchange, type ExchangeContext } from './exchange.ts'
import { isLastHop, LoopError } from './message/fields.ts'
import { healthResponse, isHealthCheck, lastHopResponse, ownResponse, redirectToTls } from './message/own-response.ts'
import { compileRoutes, type Router } from './message/target.ts'

/** Answers one request: `settle` is called once, in this turn or later. */
export type Ask = <Made>(downstream: Downstream<Made>, settle: (made: Made) => void) => void

export interface GatewayApp {
  /** Where a Response is wanted: on the runtime's own servers, and for middleware. */
  readonly app: Hono<{ Bindings: Downstream }>
  /**
   * Without one, at two thirds of what the app costs a small request; null where a route needs
   * a Request. A reload may change it.
   */
  direct(): Ask | null
}

/** A configuration, compiled for requests. */
export interface Compiled {
  readonly config: GatewayConfig
  readonly router: Router
  readonly trusts: Trust
  /** By group. */
  readonly contexts: ReadonlyMap<string, ExchangeContext>
  /** A route compresses, which is middleware, or changes limits of its requests. */
  readonly needsRequest: boolean
}

/** Throws a `ConfigError` if a server that runs already can't hold what a route asks for. */
export function askForLimits({ routes }: GatewayConfig): void {
  for (const { limits, name } of routes) if (limits !== null) askFor(limits, (option) => `${name}.limits.${option}`)
}

export const compile = (config: GatewayConfig, contexts: Compiled['contexts']): Compiled => ({
  config,
  router: compileRoutes(config.routes),
  trusts: networks(config.trust),
  contexts,
  needsRequest: config.routes.some(({ compress, limits }) => compress || limits !== null),
})

export const loopLine = {
  level: 'warn',
  code: 'GATEWAY_LOOP',
  message:
    'answered 508: a request came from this gateway itself; is it one of its own upstreams? In a chain of gateways give each its --pseudonym',
} as const

/**
 * `current` is called for each request: a reload changes its result. `onLoop`: a request came from
 * this gateway itself. `ready`: what `healthPath` answers.
 */
export function gatewayApp(
  current: () => Compiled,
  limiter: ClientLimiter,
  onLoop: () => void,
  ready: () => boolean = () => true,
): GatewayApp {
  /** The exchange to start, or a response of the gateway's own. */
  function admit<Made>(downstream: Downstream<Made>, request: Request | null): Exchange<Made> | Made {
    const { config, router, trusts, contexts } = current()
    if (config.healthPath !== null && isHealthCheck(downstream, config.healthPath))
      return healthResponse(downstream, ready())
    if (config.redirectToPort !== null && !downstream.secure)
      return redirectToTls(downstream, config, config.redirectToPort)
    const trusted = trusts(downstream.address)
    if (!limiter.off) {
      const waitSec = limiter.request(clientBehind(downstream, trusted, trusts))
      if (waitSec > 0) return ownResponse('too-many-requests', downstream, config, null, waitSec)
    }
    if (downstream.onEnd !== null && limiter.limitsConnections) {
      const client = clientBehind(downstream, trusted, trusts)
      const admitted = limiter.connected(client)
      downstream.onEnd(() => limiter.disconnected(client))
      if (!admitted) return ownResponse('too-many-at-once', downstream, config, null)
    }
    if (isLastHop(downstream)) return lastHopResponse(downstream)
    const route = router.match(downstream.method, downstream.host, downstream.path)
    if (typeof route === 'string') return ownResponse(route, downstream, config, null)
    if (route.maxBodyBytes !== 0 && downstream.bodyLength > route.maxBodyBytes)
      return ownResponse('body-too-large', downstream, config, route)
    if (route.limits !== null && request !== null) changeLimits(request, route.limits)
    const context = contexts.get(route.to)!
    try {
      const key = keyOf(config.groups[route.to]!.balance, downstream, trusts)
      return new Exchange(downstream, route, context, trusted ? trusts : null, key)
    } catch (error) {
      if (!(error instanceof LoopError)) throw error
      onLoop()
      return ownResponse('loop', downstream, config, route)
    }
  }

  function ask<Made>(downstream: Downstream<Made>, settle: (made: Made) => void): void {
    const admitted = admit(downstream, null)
    if (admitted instanceof Exchange) admitted.start(settle)
    else settle(admitted)
  }

  function respond(c: Context<{ Bindings: Downstream }>): Response | Promise<Response> {
    const admitted = admit(c.env, c.req.raw)
    if (!(admitted instanceof Exchange)) return admitted
    const answer = () => new Promise<Response>((resolve) => admitted.start(resolve))
    if (!admitted.compresses) return answer()
    return compressed(c, async () => {
      c.res = await answer()
    }).then(() => c.res)
  }

  // Hono has one route for all paths, so it need not parse the URL.
  const app: GatewayApp['app'] = new Hono({ getPath: () => '/' })
  app.all('*', respond)
  return { app, direct: () => (current().needsRequest ? null : ask) }
}

const compressed = compress()

type Peer = Pick<Downstream, 'address' | 'raw'>

const clientBehind = (downstream: Peer, trusted: boolean, trusts: Trust): string =>
  trusted ? clientOf(downstream.address, downstream.raw, trusts) : plainAddress(downstream.address)

/** Reads the key of the consistent hash; null for all other balances. */
function keyOf(balance: BalanceBy, downstream: Peer, trusts: Trust): (() => string | null) | null {
  if (balance.by !== 'hash') return null
  const { of, name } = balance
  if (of === 'address') return () => clientOf(downstream.address, downstream.raw, trusts)
  return () => {
    const value = fieldOf(downstream.raw, of === 'cookie' ? 'cookie' : name.toLowerCase())
    return of === 'cookie' ? cookieOf(value ?? '', name) : value
  }
}

/** RFC 6265 4.2: pairs with `; ` between them. */
function cookieOf(cookies: string, name: string): string | null {
  const pair = cookies.split(';').find((pair) => pair.trimStart().startsWith(`${name}=`))
  return pair === undefined ? null : pair.trimStart().slice(name.length + 1)
}
