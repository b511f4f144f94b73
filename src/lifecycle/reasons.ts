/** Why we hang up, as data: the option that says so, what the peer is told, how the socket ends, and whether it is worth a line in the log. */
import type { OptionName } from '../policy/policy.ts'

export interface Reason {
  readonly option: OptionName
  /** Status sent if no byte of an answer is out yet; null: just close. */
  readonly status: 400 | 408 | 413 | 431 | 503 | null
  /** `fin`: an orderly end after what was written; `rst`: at once, because the peer takes nothing. */
  readonly end: 'fin' | 'rst'
  /** For the log; null: an everyday event that would only fill it. */
  readonly message: string | null
}

const reason = <Name extends string>(table: Record<Name, Reason>): Readonly<Record<Name, Reason>> => table

export const reasons = reason({
  handshake: {
    option: 'handshakeTimeoutMs',
    status: null,
    end: 'fin',
    message: 'closed a connection whose TLS handshake was not finished in time',
  },
  silent: { option: 'headTimeoutMs', status: null, end: 'fin', message: null },
  head: {
    option: 'headTimeoutMs',
    status: 408,
    end: 'fin',
    message: 'answered 408: a request head was not finished in time',
  },
  headTooLarge: {
    option: 'maxHeadBytes',
    status: 431,
    end: 'fin',
    message: 'answered 431: a request head was too large',
  },
  headFields: {
    option: 'maxHeadFields',
    status: 431,
    end: 'fin',
    message: 'answered 431: a request head had too many fields',
  },
  body: { option: 'bodyTimeoutMs', status: 408, end: 'fin', message: 'answered 408: a request body fell silent' },
  bodyRate: {
    option: 'minBodyBytesPerSec',
    status: 408,
    end: 'fin',
    message: 'answered 408: a request body came too slowly',
  },
  bodyTooLarge: {
    option: 'maxBodyBytes',
    status: 413,
    end: 'fin',
    message: 'answered 413: a request body was too large',
  },
  handler: { option: 'handlerTimeoutMs', status: 503, end: 'fin', message: 'answered 503: a handler took too long' },
  write: {
    option: 'writeTimeoutMs',
    status: null,
    end: 'rst',
    message: 'reset a connection whose client took nothing of its answer',
  },
  writeRate: {
    option: 'minResponseBytesPerSec',
    status: null,
    end: 'rst',
    message: 'reset a connection whose client took its answer too slowly',
  },
  streamIdle: {
    option: 'streamIdleTimeoutMs',
    status: null,
    end: 'fin',
    message: 'ended an answer in which the application fell silent',
  },
  discard: { option: 'discardTimeoutMs', status: null, end: 'fin', message: null },
  idle: { option: 'idleTimeoutMs', status: null, end: 'fin', message: null },
  age: { option: 'maxConnectionAgeMs', status: null, end: 'fin', message: null },
  pressure: {
    option: 'maxConnections',
    status: null,
    end: 'fin',
    message: 'hung up on a waiting connection to make room',
  },
  descriptors: {
    option: 'reservedDescriptors',
    status: null,
    end: 'fin',
    // The book says it of all of them together.
    message: null,
  },
  full: { option: 'maxConnections', status: 503, end: 'fin', message: 'answered 503: all connections are busy' },
  drained: { option: 'drainSpreadMs', status: null, end: 'fin', message: null },
  cut: { option: 'drainTimeoutMs', status: null, end: 'rst', message: null },
})

export type ReasonName = keyof typeof reasons
