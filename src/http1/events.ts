/**
 * What a parser tells, in the order in which it can happen. Calls are synchronous, from within
 * `feed`, `next`, `resume` and `end`.
 */
import type { Policy } from '../policy/policy.ts'
import type { RequestHead, ResponseHead } from './head.ts'
import type { ReasonId } from './reasons.ts'

export interface Sink<Head extends RequestHead | ResponseHead> {
  /**
   * A whole message at once: one that has no body, or whose body of known length came in one piece
   * with the end of its head. `body` is null if empty, otherwise a view that is valid only during
   * the call.
   */
  onFull(head: Head, body: Uint8Array | null): void
  /** A head whose body follows: `onData` as often as needed, then `onEnd`. */
  onHead(head: Head): void
  /**
   * A piece of the body, without its chunk framing; a view that is valid only during the call.
   * `false` pauses: nothing more is told before `resume()`, which must come after this call has
   * returned; what is fed meanwhile is copied.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a sink that never pauses returns nothing
  onData(piece: Uint8Array): boolean | void
  /** The message is whole. `trailers`: name, value, name, value, … */
  onEnd(trailers: readonly string[]): void
  /**
   * The message is refused and the parser is dead: it ignores whatever is fed from here on. Nothing
   * of the message is told any more.
   */
  onReject(reason: ReasonId): void
  /** Asked before chunks beyond `maxBodyBytes` are refused: whether so many bytes are taken. */
  takes?(bytes: number): boolean
}

export interface ResponseSink extends Sink<ResponseHead> {
  /** 1xx other than 101; the answer itself still comes. 101 comes as `onFull`. */
  onInformational(head: ResponseHead): void
}

export interface Limits {
  /**
   * Start line and fields together, the last empty line included; also the limit of a trailer
   * section.
   */
  readonly maxHeadBytes: number
  readonly maxTargetBytes: number
  /** One field line without its CRLF. */
  readonly maxFieldBytes: number
  readonly maxFields: number
  /** Content of a body, chunk framing not counted; 0: no limit. */
  readonly maxBodyBytes: number
  /** Asked before a length beyond that is refused: whether whoever is told of the head decides. */
  readonly mayTake?: (bytes: number) => boolean
}

/**
 * The limits that follow from the policy's. A target may take half of the head (8 KiB of the
 * default 16 KiB: RFC 9112 3 asks for
 * 8000 at least).
 */
export function limitsOf(policy: Pick<Policy, 'maxHeadBytes' | 'maxHeadFields' | 'maxBodyBytes'>): Limits {
  return {
    maxHeadBytes: policy.maxHeadBytes,
    maxTargetBytes: Math.ceil(policy.maxHeadBytes / 2),
    maxFieldBytes: policy.maxHeadBytes,
    maxFields: policy.maxHeadFields,
    maxBodyBytes: policy.maxBodyBytes,
  }
}
