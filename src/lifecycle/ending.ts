/** How long a connection may stay after we have begun to end it: all such times, in one place. */
import type { Policy } from '../policy/policy.ts'

/** An application that has not answered a refused body after this long loses the connection. */
export const refusedResponseMs = 1_000

/** Lingering close ends after this long when `discardTimeoutMs` is off. */
const longestMs = 5_000

/**
 * For a client that owes nothing to see our FIN: a pipelined request on its way must not reset the
 * response.
 */
export const nothingOwedMs = 250

/** For GOAWAY to arrive, and the client to end its half. */
export const goAwayMs = 500

/**
 * For an application that hears of the drain to say its own last word, before its streams and
 * WebSockets are told of their end.
 */
export const ownWordMs = 50

/**
 * For a client to answer the close of its WebSocket. After that nobody waits for it: it has been
 * told.
 */
export const closeAnswerMs = 2_000

type Discard = Pick<Policy, 'discardTimeoutMs'>

/**
 * For a client that may still be sending a body that nobody reads, or that has to end its side
 * first.
 */
export const lingerMs = ({ discardTimeoutMs }: Discard): number => discardTimeoutMs || longestMs

/**
 * What is left of that after a body was discarded for a while. One ended by its size still has time
 * to read.
 */
export const lingerAfterDiscardMs = ({ discardTimeoutMs }: Discard, discardedForMs: number): number =>
  Math.max(nothingOwedMs, discardTimeoutMs - discardedForMs)
