/**
 * Who holds a limit, engine by engine, and how exactly: the form of a row of the enforcement table,
 * and what several rows say.
 */
import type { OptionName } from './policy.ts'

/**
 * `us`: this project; `platform`: the host that runs the program (Cloudflare), on its own terms.
 */
type Enforcer = 'us' | 'runtime' | 'platform' | 'nobody'

export interface Enforced {
  readonly by: Enforcer
  /**
   * How much later than 10 % or 250 ms (whichever is more) after the limit the peer may see the
   * end, because the clock moves in steps. 0: exact.
   */
  readonly stepMs: number
  /** The largest value that can be held; a larger one counts as enforced by nobody. */
  readonly max?: number
  /** The only value that there is; any other counts as enforced by nobody. */
  readonly fixed?: number
  /** Options whose clock this one shares: the connection is ended at the longest of them. */
  readonly sharesClockWith?: readonly OptionName[]
  /** How, in a few words; for `nobody`: why not, and what would. */
  readonly how: string
  /** How a route changes it for one request (`limits()`), in a few words; missing: it can't. */
  readonly byRoute?: string
}

/** A limit's row: an engine that is missing does not compile. */
export interface HeldBy {
  /** `--engine hangup`: the same on Node, Bun and Deno. */
  readonly socketEngine: Enforced
  readonly nodeHttp: Enforced
  /** `Deno.serve` under the kernel ledger. */
  readonly denoServe: Enforced
  /** `Bun.serve` under the kernel ledger. */
  readonly bunServe: Enforced
  /** `Bun.serve` under its own clock, where there is no ledger; measured on Bun 1.4.5. */
  readonly bunIdleTimer: Enforced
  readonly workers: Enforced
}

/** On which engines a route may change a limit, and how. */
export type ByRoute = Readonly<Partial<Record<keyof HeldBy, string>>>

const alone = 'for its request alone'
const together =
  'for its request; requests in flight on one connection (HTTP/2, pipelining) share the clock, and the laxest of their values holds'

/** A limit of one request. */
export const perRequest = {
  socketEngine: alone,
  nodeHttp: alone,
  denoServe: alone,
  bunServe: alone,
  bunIdleTimer: alone,
} as const satisfies ByRoute

/** A limit that is timed on the connection of the request. */
export const perConnection = {
  socketEngine: alone,
  nodeHttp: together,
  denoServe: together,
  bunServe: together,
} as const satisfies ByRoute

type More = Omit<Partial<Enforced>, 'by' | 'how'>

const heldAs =
  (by: Enforcer) =>
  (how: string, more: More = {}): Enforced => ({ by, stepMs: 0, how, ...more })

export const us = heldAs('us')
export const runtime = heldAs('runtime')
export const platform = heldAs('platform')
export const nobody = heldAs('nobody')

/** After `peerProbeMs` of quiet, in the kernel's whole seconds. libuv and Bun have no others. */
export const probes = { everyMs: 1_000, probes: 10 } as const
export const probingMs = probes.everyMs * probes.probes
export const probed = us('TCP keepalive; probes are up to 10 s after the quiet time', { stepMs: probingMs + 1_000 })

/**
 * Bun's clock of a connection moves in steps. `longestMs`: the longest limit that it does not cut
 * short.
 */
export const bunClock = { stepMs: 4_000, longestMs: 252_000 } as const
/** A limit is set a whole step longer than it is, so that the clock is never early. */
export const bunSteps = { stepMs: 2 * bunClock.stepMs } as const

/**
 * Until its first request Bun ends a connection by a clock of its own, 8 to 12 s after accept;
 * nothing sets that.
 */
export const bunFirstRequest = { stepMs: 12_000, max: 8_000 } as const
export const untilFirstRequest = (enforced: Enforced): Enforced => ({
  ...enforced,
  max: bunFirstRequest.max,
  how: `${enforced.how}; until the first request Bun’s own clock ends a connection 8–12 s after accept, whatever is set`,
})

/**
 * Cloudflare's published limits between client and edge:
 * developers.cloudflare.com/fundamentals/reference/connection-limits and …/workers/platform/limits.
 */
export const edge = {
  unpublished: 'the edge’s own limit, not published',
  noRate: 'the edge publishes no minimum rate',
  itsConnections: 'connections are the edge’s; a Worker sees requests only',
  noDrain:
    'nothing to drain: the platform moves requests to a new version and lets those in flight finish on the old one',
} as const
