/**
 * The limits, a module each, in the order of a connection's life (a bundle cannot read a folder).
 */
import type { State } from '../../lifecycle/states.ts'
import type { ByRoute, HeldBy } from '../held-by.ts'
import type { LimitSpec } from '../option.ts'
import type { Reasons } from '../reason.ts'
import type { Rules } from '../rule.ts'
import * as bodyTimeoutMs from './body-timeout.ts'
import * as discardBytes from './discard-bytes.ts'
import * as discardTimeoutMs from './discard-timeout.ts'
import * as drainDelayMs from './drain-delay.ts'
import * as drainSpreadMs from './drain-spread.ts'
import * as drainTimeoutMs from './drain-timeout.ts'
import * as handlerTimeoutMs from './handler-timeout.ts'
import * as handshakeTimeoutMs from './handshake-timeout.ts'
import * as headTimeoutMs from './head-timeout.ts'
import * as idleTimeoutMs from './idle-timeout.ts'
import * as keepAliveHintMs from './keep-alive-hint.ts'
import * as maxBodyBytes from './max-body-bytes.ts'
import * as maxConcurrentStreams from './max-concurrent-streams.ts'
import * as maxConnectionAgeMs from './max-connection-age.ts'
import * as maxConnections from './max-connections.ts'
import * as maxHeadBytes from './max-head-bytes.ts'
import * as maxHeadFields from './max-head-fields.ts'
import * as maxLoopLagMs from './max-loop-lag.ts'
import * as maxRequestsPerConnection from './max-requests-per-connection.ts'
import * as maxUpgraded from './max-upgraded.ts'
import * as minBodyBytesPerSec from './min-body-bytes-per-sec.ts'
import * as minIdleMs from './min-idle.ts'
import * as minRateGraceMs from './min-rate-grace.ts'
import * as minResponseBytesPerSec from './min-response-bytes-per-sec.ts'
import * as peerProbeMs from './peer-probe.ts'
import * as reservedDescriptors from './reserved-descriptors.ts'
import * as streamIdleTimeoutMs from './stream-idle-timeout.ts'
import * as streams from './streams.ts'
import * as uploadTimeoutMs from './upload-timeout.ts'
import * as webSocketIdleTimeoutMs from './web-socket-idle-timeout.ts'
import * as writeTimeoutMs from './write-timeout.ts'

export const limits = {
  handshakeTimeoutMs,
  headTimeoutMs,
  maxHeadBytes,
  maxHeadFields,
  bodyTimeoutMs,
  minBodyBytesPerSec,
  maxBodyBytes,
  handlerTimeoutMs,
  uploadTimeoutMs,
  writeTimeoutMs,
  minResponseBytesPerSec,
  minRateGraceMs,
  streamIdleTimeoutMs,
  discardTimeoutMs,
  discardBytes,
  idleTimeoutMs,
  keepAliveHintMs,
  maxRequestsPerConnection,
  maxConcurrentStreams,
  maxConnectionAgeMs,
  webSocketIdleTimeoutMs,
  peerProbeMs,
  maxConnections,
  maxUpgraded,
  reservedDescriptors,
  maxLoopLagMs,
  minIdleMs,
  drainDelayMs,
  drainSpreadMs,
  streams,
  drainTimeoutMs,
} as const satisfies Readonly<Record<string, LimitModule>>

/** What a module says of its limit. */
export interface LimitModule {
  /** Its value: read, refused, shown and explained from here. */
  readonly spec: LimitSpec
  /** Who holds it on each engine. */
  readonly heldBy: HeldBy
  /** Where a route may change it for one request; missing: it is of the connection, or of all. */
  readonly byRoute?: ByRoute
  /** Why it closes a connection, if it does. */
  readonly reasons?: Reasons
  /** When, if a clock or a count of bytes says so. */
  readonly rules?: Rules
  /** The state in which the parser, or whoever calls the handler, enforces it. */
  readonly heldIn?: State
}

type Modules = typeof limits
type Said = {
  [Option in keyof Modules]: Modules[Option] extends { readonly reasons: infer R } ? R : never
}[keyof Modules]
/** The limits of a request, which a route may change. */
export type RequestLimit = {
  [Option in keyof Modules]: Modules[Option] extends { readonly byRoute: unknown } ? Option : never
}[keyof Modules]

type NamesIn<R> = R extends unknown ? keyof R : never

export type ReasonName = NamesIn<Said>
export type ReasonsOf<Name extends ReasonName> = Extract<Said, Readonly<Record<Name, unknown>>>[Name]
