/**
 * Which connection of somebody else's server may be ended, by what the kernel shows alone. Pure.
 * The rule: never between a request and its response.
 */
import type { Snapshot } from '../kernel/layout.ts'
import { TCP_CLOSE_WAIT } from '../kernel/layout.ts'

export type Kind =
  /**
   * The last data went out, and nothing waits on either side: between two requests, or silent since
   * accept.
   */
  | 'idle'
  /** Data came last: a request is with the application, or half a head is there. */
  | 'unanswered'
  /** Bytes wait for the application, or for the client. */
  | 'busy'
  /** The client has gone and the application has not closed its side: a leak of its own. */
  | 'close-wait'

export interface Seen {
  readonly state: number
  readonly info: Snapshot
  readonly receiveQueue: number
  readonly sendQueue: number
}

export interface Verdict {
  readonly kind: Kind
  /** How long nothing has come or gone, in ms. */
  readonly quietMs: number
}

export function judge({ state, info, receiveQueue, sendQueue }: Seen): Verdict {
  const quietMs = Math.min(info.sentAgoMs, info.receivedAgoMs)
  if (state === TCP_CLOSE_WAIT) return { kind: 'close-wait', quietMs }
  if (receiveQueue > 0 || sendQueue > 0 || info.unsent > 0) return { kind: 'busy', quietMs }
  return { kind: isAnswered(info) ? 'idle' : 'unanswered', quietMs }
}

/**
 * Whether data went out last, or never came. The kernel counts in ticks: where both have the same
 * age it is a response in the tick of its request, unless more segments came than went.
 */
function isAnswered({ sentAgoMs, receivedAgoMs, received, segmentsIn, segmentsOut }: Snapshot): boolean {
  if (received === 0 || sentAgoMs < receivedAgoMs) return true
  return sentAgoMs === receivedAgoMs && segmentsOut > 0 && segmentsOut >= segmentsIn
}

export interface Limits {
  readonly idleMs: number
  /** Null: half a head looks like a request that is being answered, and is left alone. */
  readonly headMs: number | null
}

/** Whether it may be ended now. */
export function isDue({ kind, quietMs }: Verdict, { idleMs, headMs }: Limits): boolean {
  if (kind === 'idle') return quietMs >= idleMs
  return kind === 'unanswered' && headMs !== null && quietMs >= headMs
}
