/** Who holds each limit on this runtime, and how exactly: the data behind the start-up report, the docs table and the suite's time windows. */
import type { OptionName } from './policy.ts'

/** `platform`: the host that runs the program (Cloudflare), on its own terms. */
export type Enforcer = 'hangup' | 'runtime' | 'platform' | 'nobody'

export interface Enforced {
  readonly by: Enforcer
  /**
   * How much later than 10 % or 250 ms (whichever is more) after the limit the peer may see the end, because the clock
   * moves in steps. 0: exact.
   */
  readonly stepMs: number
  /** The largest value that can be held; a larger one counts as enforced by nobody. */
  readonly max?: number
  /** Options whose clock this one shares: the connection is ended at the longest of them. */
  readonly sharesClockWith?: readonly OptionName[]
  /** How, in a few words; for `nobody`: why not, and what would. */
  readonly how: string
}

export type Enforcement = Readonly<Record<OptionName, Enforced>>
