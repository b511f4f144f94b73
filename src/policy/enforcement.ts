/**
 * Who holds each limit on this runtime, and how exactly: the data behind the start-up report, the docs table and the
 * suite's time windows.
 */
import type { Descriptors } from '../lifecycle/descriptor-budget.ts'
import type { OptionName } from './policy.ts'

/** `us`: this project; `platform`: the host that runs the program (Cloudflare), on its own terms. */
type Enforcer = 'us' | 'runtime' | 'platform' | 'nobody'

export interface Enforced {
  readonly by: Enforcer
  /**
   * How much later than 10 % or 250 ms (whichever is more) after the limit the peer may see the end, because the clock
   * moves in steps. 0: exact.
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
}

/** Nobody holds the value, or only another can be held. 0 is off: there is nothing to hold. */
export function isUnheld({ by, max, fixed }: Enforced, value: number): boolean {
  if (value === 0) return false
  return by === 'nobody' || (max !== undefined && value > max) || (fixed !== undefined && value !== fixed)
}

/** After `peerProbeMs` of quiet, in the kernel's whole seconds. libuv and Bun have no others. */
export const probes = { everyMs: 1_000, probes: 10 } as const
export const probingMs = probes.everyMs * probes.probes
export const probed: Enforced = {
  by: 'us',
  stepMs: probingMs + 1_000,
  how: 'TCP keepalive; probes are up to 10 s after the quiet time',
}

export type Enforcement = Readonly<Record<OptionName, Enforced>>

/** Where the process's descriptors can't be told, nobody keeps any. */
export function enforcementWith(descriptors: Descriptors | null, enforcement: Enforcement): Enforcement {
  if (descriptors !== null) return enforcement
  return {
    ...enforcement,
    reservedDescriptors: {
      by: 'nobody',
      stepMs: 0,
      how: 'nothing says how many there are; on Linux /proc does (Deno: with --allow-all), or the C library (--allow-ffi)',
    },
  }
}
