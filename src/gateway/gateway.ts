/**
 * A gateway: a Hono app that answers from upstreams, and the sweep that keeps its deadlines. It
 * does not listen itself; a runtime's server does, with the connection policy.
 */
import type { ClientAdmission } from '../http1/server-connection.ts'
import type { Clock } from '../lifecycle/clock.ts'
import { readingFirst } from '../lifecycle/reading-clock.ts'
import type { Connect } from '../net/transport.ts'
import { type Reading, readAll } from '../observe/reading.ts'
import { type LogLine, ThrottledLog } from '../serve/log.ts'
import { askForLimits, type Compiled, compile, type GatewayApp, gatewayApp, loopLine } from './app.ts'
import type { GatewayConfig, GroupConfig } from './config/config.ts'
import { ClientLimiter } from './downstream/client-limits.ts'
import type { Tunnel } from './downstream/tunnel.ts'
import type { ExchangeContext } from './exchange.ts'
import type { Spool } from './message/spool.ts'
import { gatewayMetrics, type Meters } from './metrics.ts'
import type { GatewayStatus } from './status.ts'
import type { Tracing } from './tracing.ts'
import { authorityOf } from './upstream/authority.ts'
import { checkUpstream } from './upstream/check.ts'
import { Group } from './upstream/group.ts'
import { Pool } from './upstream/pool.ts'
import { minRetriesPerSec, RetryBudget } from './upstream/retry-budget.ts'

/** What a gateway needs of the world. */
export interface GatewayDeps {
  readonly clock: Clock
  /** [0, 1) */
  random(): number
  readonly connect: Connect
  /** null: what does not fit in memory waits at its sender. */
  readonly spool: Spool | null
  /** A name's addresses. */
  resolve(host: string): Promise<readonly string[]>
  log(line: LogLine): void
  /** Default: the program has no OpenTelemetry SDK. */
  readonly tracing?: Tracing | null
  /** Whether balancers should send more. */
  ready(): boolean
}

export interface Gateway extends GatewayApp {
  readonly clients: ClientAdmission
  /** Resolves when each upstream's name has been looked up, with success or without. */
  ready(): Promise<void>
  /** Requests in flight end as they began; connections stay. */
  reload(config: GatewayConfig): void
  /** Closes idle upstream connections and cuts tunnels. */
  close(): void
  status(): GatewayStatus
  /** For metrics: what it did and holds, as numbers. */
  readings(): Reading[]
}

/** Between two looks at the deadlines of upstreams, which are so much late at most. */
const sweepMs = 50

const surplusLines = {
  head: {
    code: 'UPSTREAM_HEAD_BODY',
    message: 'sends a body with its responses to HEAD: the gateway does not use a connection again after one',
  },
  answer: {
    code: 'UPSTREAM_SURPLUS',
    message: 'has sent more than its response: from now on the gateway lets each connection rest after a response',
  },
} as const

export function createGateway(first: GatewayConfig, deps: GatewayDeps): Gateway {
  const { connect, spool, log, resolve, random, tracing = null } = deps
  const clock = readingFirst(deps.clock)
  const { now } = clock
  const groups = new Map<string, Group<Pool>>()
  const pools = new Set<Pool>()
  const tunnels = new Set<Tunnel>()
  const ended: ExchangeContext['ended'] = new Map()
  const meters: Meters = { heldBytes: 0, areRead: false }
  const limiter = new ClientLimiter(first.clients, now)
  askForLimits(first)
  let current = compile(first, contextsOf(first))

  let cancelSweep = clock.after(sweepMs, sweep)
  function sweep(): void {
    const at = now()
    for (const pool of pools) {
      pool.tick(at)
      if (pool.finished) pools.delete(pool)
    }
    for (const tunnel of tunnels) tunnel.tick(at)
    for (const [exchange, endedAt] of ended) exchange.tick(at, endedAt)
    cancelSweep = clock.after(sweepMs, sweep)
  }

  function contextsOf(config: GatewayConfig): Compiled['contexts'] {
    for (const [name, group] of groups) {
      if (config.groups[name] !== undefined) continue
      group.close()
      groups.delete(name)
    }
    const contexts = new Map<string, ExchangeContext>()
    for (const [name, groupConfig] of Object.entries(config.groups)) {
      const group = groups.get(name)
      if (group === undefined) groups.set(name, newGroup(groupConfig))
      else group.update(groupConfig)
      const budget = new RetryBudget(groupConfig.options.upstreamRetryBudgetPercent, minRetriesPerSec, now)
      contexts.set(name, { config, group: groups.get(name)!, budget, spool, meters, tracing, now, tunnels, ended })
    }
    return contexts
  }

  function newGroup(config: GroupConfig): Group<Pool> {
    return new Group<Pool>(config, {
      clock,
      random,
      makePool({ url }, address, options) {
        const pool = new Pool(address, connect, options, now, (behind) => {
          const line = surplusLines[behind]
          log({ level: 'warn', code: line.code, message: `upstream ${url} ${line.message}`, count: 1 })
        })
        pools.add(pool)
        return pool
      },
      changePool(pool, options) {
        pool.options = options
      },
      poolStatus: ({ idle, busy, queued }) => ({ idle, busy, queued }),
      closePool: (pool) => pool.close(),
      resolve,
      check: ({ address, upstream }, check) => checkUpstream(address, authorityOf(upstream), check, connect, clock),
      log,
    })
  }

  const throttled = new ThrottledLog(log, now)
  const onLoop = () => throttled.write(loopLine)

  return {
    ...gatewayApp(() => current, limiter, onLoop, deps.ready),
    clients: {
      // Trusted peers count, too: a reload may change whom to trust.
      connected: (address) => limiter.connected(address) || current.trusts(address),
      admits: (address) => current.trusts(address) || limiter.admits(address),
      disconnected: (address) => limiter.disconnected(address),
    },
    ready: async () => {
      await Promise.all([...groups.values()].map((group) => group.ready()))
    },
    reload(config) {
      askForLimits(config)
      current = compile(config, contextsOf(config))
      limiter.update(config.clients)
    },
    close() {
      cancelSweep()
      for (const group of groups.values()) group.close()
      for (const tunnel of tunnels) tunnel.cut()
    },
    status: () => ({
      groups: Object.fromEntries([...groups].map(([name, group]) => [name, group.status()])),
      tunnels: tunnels.size,
      spooledBytes: spool?.usedBytes ?? 0,
    }),
    readings() {
      meters.areRead = true
      return readAll(gatewayMetrics, { groups, tunnels: tunnels.size, heldBytes: meters.heldBytes, spool })
    },
  }
}
