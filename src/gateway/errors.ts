/**
 * Why an upstream did not answer: a table. Whether a request may be tried again follows from its
 * row, never from a message.
 */
import type { Coded } from '../policy/codes.ts'

export interface Failure {
  readonly status: 502 | 503 | 504
  /**
   * `always`: nothing of the request was sent. `idempotent`: it may have been executed. `never`: it
   * would be slow again.
   */
  readonly retry: 'always' | 'idempotent' | 'never'
  /** Whether it counts against the upstream's health. */
  readonly blames: boolean
  readonly text: string
}

export const failures = {
  connect: { status: 502, retry: 'always', blames: true, text: 'the upstream refuses connections' },
  'connect-timeout': { status: 504, retry: 'always', blames: true, text: 'the upstream did not accept in time' },
  tls: { status: 502, retry: 'always', blames: true, text: 'the TLS handshake with the upstream failed' },
  unsent: {
    status: 502,
    retry: 'always',
    blames: false,
    text: 'the upstream ended the connection before the request was sent',
  },
  ended: {
    status: 502,
    retry: 'idempotent',
    blames: true,
    text: 'the upstream ended the connection before it answered',
  },
  'first-byte-timeout': {
    status: 504,
    retry: 'never',
    blames: true,
    text: 'the upstream did not begin its answer in time',
  },
  'read-timeout': { status: 504, retry: 'never', blames: true, text: 'the upstream fell silent inside its answer' },
  'cut-short': { status: 502, retry: 'never', blames: true, text: 'the upstream broke off its answer' },
  'bad-answer': { status: 502, retry: 'never', blames: true, text: 'the upstream’s answer is malformed' },
  'queue-full': { status: 503, retry: 'never', blames: false, text: 'too many requests wait for the upstream' },
  'queue-timeout': { status: 503, retry: 'never', blames: false, text: 'the upstream had no connection free in time' },
  'no-upstream': { status: 503, retry: 'never', blames: false, text: 'no upstream is up' },
  'client-gone': { status: 502, retry: 'never', blames: false, text: 'the client is gone' },
} as const satisfies Record<string, Failure>
export type FailureName = keyof typeof failures

export interface Retriable {
  /**
   * It failed on a connection that had answered before: the upstream may have been closing it
   * already.
   */
  readonly isStale: boolean
  /** Its method (RFC 9110 9.2.2). */
  readonly isIdempotent: boolean
  /** Its body can be sent again from the beginning. */
  readonly isKept: boolean
}

/** Whether the request may be sent once more. */
export function isSafeToRetry(code: FailureName, { isStale, isIdempotent, isKept }: Retriable): boolean {
  const retry = code === 'cut-short' || isStale ? 'idempotent' : failures[code].retry
  return retry === 'always' || (retry === 'idempotent' && isIdempotent && isKept)
}

export class UpstreamError extends Error implements Coded<FailureName> {
  override readonly name = 'UpstreamError'
  readonly code: FailureName
  constructor(code: FailureName, options?: ErrorOptions) {
    super(failures[code].text, options)
    this.code = code
  }
}
