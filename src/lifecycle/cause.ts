/** Who ended a connection, in which phase of its life, and why. */
import type { ReasonName } from './reasons.ts'
import type { State } from './states.ts'

/**
 * `operator`: a drain, a kill, or a close by hand. `kernel`: its probes found nobody
 * (`peerProbeMs`).
 */
export type By = 'client' | 'server' | 'kernel' | 'operator'

/** Why, where no limit says so. */
export const otherCauses = {
  fin: 'the client ended it',
  reset: 'the client reset it',
  left: 'the client ended or reset it',
  vanished: 'the client no longer answers',
  last: 'the response said that it was the last',
  malformed: 'the request was malformed',
  surplus: 'the client has too many connections',
  application: 'the application broke off its response',
  fault: 'a fault of ours',
  operator: 'an operator closed it',
} as const

export type Why = ReasonName | keyof typeof otherCauses

export interface Cause {
  readonly by: By
  /** The state that it was in. */
  readonly phase: State
  readonly why: Why
}

/** A cause as it is noted of one connection. */
export interface Blame extends Cause {
  /** Method and path of the request that was in flight; null: none, or not known. */
  readonly route: string | null
}
