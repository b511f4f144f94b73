/** What a gateway says of itself while it runs. */
import type { FailureName } from './errors.ts'
import type { HealthState } from './upstream/health.ts'

/** What a pool holds for its upstream. */
export interface PoolStatus {
  /** Connections that wait for a request. */
  readonly idle: number
  readonly busy: number
  /** Requests that wait for a connection. */
  readonly queued: number
}

export interface MemberStatus {
  readonly name: string
  readonly state: HealthState
  readonly inFlight: number
  /** null: the platform has the connections. */
  readonly pool: PoolStatus | null
  readonly weight: number
  /** The part of its weight that it gets now: below 1 while it starts slowly, 0 while it is out. */
  readonly share: number
  readonly failuresInRow: number
  readonly lastFailure: FailureName | null
  /** Until its ejection is over; 0: it is not ejected. */
  readonly ejectedForMs: number
  /** null: not checked yet, or never. */
  readonly checkPassed: boolean | null
}

export interface GatewayStatus {
  readonly groups: Readonly<Record<string, readonly MemberStatus[]>>
  readonly tunnels: number
  readonly spooledBytes: number
}
