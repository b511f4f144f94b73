/** Whether a response is its connection's last: the one rule for every engine. */
import type { Policy } from '../policy/policy.ts'

export interface Circumstances {
  /** The connection came when all were busy: its first request is answered 503. */
  readonly surplus: boolean
  readonly draining: boolean
  /** No descriptor is left for a newcomer. */
  readonly full: boolean
}

/** What has to be known of a connection. */
export interface Counted {
  /** Requests begun, this one among them. */
  readonly requests: number
  /** When it has lived long enough; Infinity: never. */
  readonly agesAt: number
}

export const isLast = (
  { requests, agesAt }: Counted,
  { maxRequestsPerConnection }: Pick<Policy, 'maxRequestsPerConnection'>,
  now: number,
  { surplus, draining, full }: Circumstances,
): boolean =>
  surplus ||
  draining ||
  full ||
  (maxRequestsPerConnection !== 0 && requests >= maxRequestsPerConnection) ||
  now >= agesAt
