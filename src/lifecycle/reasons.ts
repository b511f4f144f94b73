/**
 * Why we close a connection, as data: the option that says so, what the peer is told, what an
 * engine does about it, and whether it is worth a line in the log. No engine looks at a reason's
 * name.
 */
import type { OptionName } from '../policy/policy.ts'

/**
 * What an engine does; all but the last are verbs of `Member`.
 * `refuse-body`: the application's read fails and the client gets `status`; without a response in
 * time the connection is ended. `say`: `status` in the application's place, then a lingering close.
 * `linger`: our side is ended; what still comes is read away, so that no RST overtakes the
 * response.
 * `end`: an orderly end of both sides at once. `reset`: RST, because the peer takes nothing.
 * `drop`: it was ended before, and its time to go is over. `report`: it has been answered already;
 * this is only counted and logged.
 */
export type Act = 'refuse-body' | 'say' | 'linger' | 'end' | 'reset' | 'drop' | 'report'

export interface Reason {
  readonly option: OptionName
  /** Status sent if no byte of a response is out yet; null: just close. */
  readonly status: 400 | 408 | 413 | 431 | 503 | null
  readonly act: Act
  /** For the log; null: an everyday event that would only fill it. */
  readonly message: string | null
}

export const reasons = {
  handshake: {
    option: 'handshakeTimeoutMs',
    status: null,
    act: 'end',
    message: 'closed a connection whose TLS handshake was not finished in time',
  },
  silent: { option: 'headTimeoutMs', status: null, act: 'end', message: null },
  head: {
    option: 'headTimeoutMs',
    status: 408,
    act: 'say',
    message: 'answered 408: a request head was not finished in time',
  },
  headTooLarge: {
    option: 'maxHeadBytes',
    status: 431,
    act: 'say',
    message: 'answered 431: a request head was too large',
  },
  headFields: {
    option: 'maxHeadFields',
    status: 431,
    act: 'say',
    message: 'answered 431: a request head had too many fields',
  },
  body: {
    option: 'bodyTimeoutMs',
    status: 408,
    act: 'refuse-body',
    message: 'answered 408: a request body fell silent',
  },
  bodyRate: {
    option: 'minBodyBytesPerSec',
    status: 408,
    act: 'refuse-body',
    message: 'answered 408: a request body came too slowly',
  },
  upload: {
    option: 'uploadTimeoutMs',
    status: 408,
    act: 'refuse-body',
    message: 'answered 408: a request body took too long',
  },
  bodyTooLarge: {
    option: 'maxBodyBytes',
    status: 413,
    act: 'refuse-body',
    message: 'answered 413: a request body was too large',
  },
  handler: { option: 'handlerTimeoutMs', status: 503, act: 'report', message: 'answered 503: a handler took too long' },
  write: {
    option: 'writeTimeoutMs',
    status: null,
    act: 'reset',
    message: 'reset a connection whose client took nothing of its answer',
  },
  writeRate: {
    option: 'minResponseBytesPerSec',
    status: null,
    act: 'reset',
    message: 'reset a connection whose client took its answer too slowly',
  },
  streamIdle: {
    option: 'streamIdleTimeoutMs',
    status: null,
    act: 'end',
    message: 'ended an answer in which the application fell silent',
  },
  discard: { option: 'discardTimeoutMs', status: null, act: 'linger', message: null },
  /** The client did not end its side of a connection that we had ended. */
  lingered: { option: 'discardTimeoutMs', status: null, act: 'drop', message: null },
  idle: { option: 'idleTimeoutMs', status: null, act: 'end', message: null },
  age: { option: 'maxConnectionAgeMs', status: null, act: 'end', message: null },
  pressure: {
    option: 'maxConnections',
    status: null,
    act: 'end',
    message: 'closed a waiting connection to make room',
  },
  descriptors: {
    option: 'reservedDescriptors',
    status: null,
    act: 'end',
    // Said of all of them together: see `shortageLog`.
    message: null,
  },
  full: { option: 'maxConnections', status: 503, act: 'report', message: 'answered 503: all connections are busy' },
  drained: { option: 'drainSpreadMs', status: null, act: 'end', message: null },
  cut: { option: 'drainTimeoutMs', status: null, act: 'reset', message: null },
} as const satisfies Readonly<Record<string, Reason>>

export type ReasonName = keyof typeof reasons

/** Those that end in this act. */
export type ReasonWith<A extends Act> = {
  [Name in ReasonName]: (typeof reasons)[Name]['act'] extends A ? Name : never
}[ReasonName]
