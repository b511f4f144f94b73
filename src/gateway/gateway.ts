/** A gateway: a Hono app that answers from upstreams, and what keeps its deadlines. It listens nowhere itself; a runtime's server does, with the connection policy. */
import { type Context, Hono } from 'hono'
import { compress } from 'hono/compress'
import type { ClientAdmission } from '../http1/server-connection.ts'
import type { Connect } from '../http1/transport.ts'
import { backgroundClock } from '../lifecycle/clock.ts'
import type { LogLine } from '../log.ts'
import { checkUpstream } from './check-upstream.ts'
import { ClientLimiter } from './client-limits.ts'
import type { BalanceBy, GatewayConfig, GroupConfig } from './config.ts'
import { authorityOf, Exchange, type Passing } from './exchange.ts'
import { isLastHop } from './fields.ts'
import type { Front } from './front.ts'
import { Group, type MemberStatus } from './group.ts'
import { lastHopAnswer, ownAnswer, redirectToTls } from './own-answer.ts'
import { Pool } from './pool.ts'
import { RetryBudget } from './retry-budget.ts'
import type { Spool } from './spool.ts'
import { compileRoutes, type Router } from './target.ts'
import { clientOf, networks, type Trust } from './trust.ts'
import type { Tunnel } from './tunnel.ts'

/** What a gateway needs of its runtime. */
export interface GatewayDeps {
  readonly connect: Connect
  /** null: what can't be kept in memory is held back. */
  readonly spool: Spool | null
  /** A name's addresses. */
  resolve(host: string): Promise<readonly string[]>
  log(line: LogLine): void
}

export interface GatewayStatus {
  readonly groups: Readonly<Record<string, readonly MemberStatus[]>>
  readonly tunnels: number
  readonly spooledBytes: number
}

export interface Gateway {
  readonly app: Hono<{ Bindings: Front }>
  readonly clients: ClientAdmission
  /** Resolves once each upstream's name has been looked up, well or badly. */
  ready(): Promise<void>
  /** Requests under way end as they began; connections stay. */
  reload(config: GatewayConfig): void
  /** Idle upstream connections are closed, tunnels cut. */
  close(): void
  status(): GatewayStatus
}

/** Deadlines of upstreams are looked at so often: a twentieth of a second late at most. */
const sweepMs = 50

interface Compiled {
  readonly config: GatewayConfig
  readonly router: Router
  readonly trusts: Trust
  readonly passings: ReadonlyMap<string, Passing>
}

/** A gateway with little to do may still try again: three times a second. */
const minRetriesPerSec = 3

export function createGateway(first: GatewayConfig, deps: GatewayDeps): Gateway {
  const { connect, spool, log, resolve } = deps
  const now = () => performance.now()
  const groups = new Map<string, Group<Pool>>()
  const pools = new Set<Pool>()
  const tunnels = new Set<Tunnel>()
  const ended = new Set<Exchange>()
  const limiter = new ClientLimiter(first.clients, now)
  let current = compile(first)

  const timer = setInterval(() => {
    const at = now()
    for (const pool of pools) {
      pool.tick(at)
      if (pool.finished) pools.delete(pool)
    }
    for (const tunnel of tunnels) tunnel.tick(at)
    for (const exchange of ended) exchange.tick(at)
  }, sweepMs)
  timer.unref()

  function compile(config: GatewayConfig): Compiled {
    for (const [name, group] of groups) {
      if (config.groups[name] !== undefined) continue
      group.close()
      groups.delete(name)
    }
    const passings = new Map<string, Passing>()
    for (const [name, groupConfig] of Object.entries(config.groups)) {
      const group = groups.get(name)
      if (group === undefined) groups.set(name, newGroup(groupConfig))
      else group.update(groupConfig)
      const budget = new RetryBudget(groupConfig.options.upstreamRetryBudgetPercent, minRetriesPerSec, now)
      passings.set(name, { config, group: groups.get(name)!, budget, spool, now, tunnels, ended })
    }
    return { config, router: compileRoutes(config.routes), trusts: networks(config.trust), passings }
  }

  function newGroup(config: GroupConfig): Group<Pool> {
    return new Group<Pool>(config, {
      clock: backgroundClock,
      random: Math.random,
      makePool(_, address, options) {
        const pool = new Pool(address, connect, options, now)
        pools.add(pool)
        return pool
      },
      changePool(pool, options) {
        pool.options = options
      },
      closePool: (pool) => pool.close(),
      resolve,
      check: ({ address, upstream }, check) => checkUpstream(address, authorityOf(upstream), check, connect),
      log,
    })
  }

  function pass(c: Context<{ Bindings: Front }>): Response | Promise<Response> {
    const front = c.env
    const { config, router, trusts, passings } = current
    if (config.redirectToPort !== null && !front.secure) return redirectToTls(front, config, config.redirectToPort)
    const trusted = trusts(front.address)
    if (!limiter.off) {
      const waitSec = limiter.request(clientOf(front.address, front.raw, trusts))
      if (waitSec > 0) return ownAnswer(429, 'too-many-requests', front, config, null, waitSec)
    }
    if (isLastHop(front)) return lastHopAnswer(front)
    const route = router.match(front.method, front.host, front.path)
    if (typeof route === 'string') return ownAnswer(route === 'no-route' ? 404 : 400, route, front, config, null)
    if (route.maxBodyBytes !== 0 && front.bodyLength > route.maxBodyBytes)
      return ownAnswer(413, 'body-too-large', front, config, route)
    const passing = passings.get(route.to)!
    const exchange = new Exchange(
      front,
      route,
      passing,
      trusted,
      keyOf(config.groups[route.to]!.balance, front, trusts),
    )
    if (!route.compress) return exchange.start()
    return compressed(c, async () => {
      c.res = await exchange.start()
    }).then(() => c.res)
  }

  const app = new Hono<{ Bindings: Front }>()
  app.all('*', pass)

  return {
    app,
    clients: {
      connected: (address) => current.trusts(address) || limiter.connected(address),
      disconnected(address) {
        if (!current.trusts(address)) limiter.disconnected(address)
      },
    },
    ready: async () => {
      await Promise.all([...groups.values()].map((group) => group.ready()))
    },
    reload(config) {
      current = compile(config)
      limiter.update(config.clients)
    },
    close() {
      clearInterval(timer)
      for (const group of groups.values()) group.close()
      for (const tunnel of tunnels) tunnel.cut()
    },
    status: () => ({
      groups: Object.fromEntries([...groups].map(([name, group]) => [name, group.status()])),
      tunnels: tunnels.size,
      spooledBytes: spool?.usedBytes ?? 0,
    }),
  }
}

const compressed = compress()

/** What the consistent hash hashes; null where the balance asks for nothing. */
function keyOf(balance: BalanceBy, front: Front, trusts: Trust): (() => string | null) | null {
  if (balance.by !== 'hash') return null
  const { of, name } = balance
  if (of === 'address') return () => clientOf(front.address, front.raw, trusts)
  return () => {
    const value = fieldOf(front.raw, of === 'cookie' ? 'cookie' : name.toLowerCase())
    return of === 'cookie' ? cookieOf(value ?? '', name) : value
  }
}

function fieldOf(raw: readonly string[], lower: string): string | null {
  for (let i = 0; i < raw.length; i += 2) if (raw[i]!.toLowerCase() === lower) return raw[i + 1]!
  return null
}

/** RFC 6265 4.2: pairs with `; ` between them. */
function cookieOf(cookies: string, name: string): string | null {
  const pair = cookies.split(';').find((pair) => pair.trimStart().startsWith(`${name}=`))
  return pair === undefined ? null : pair.trimStart().slice(name.length + 1)
}
