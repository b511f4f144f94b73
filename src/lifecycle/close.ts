/**
 * What follows from a reason to close a connection: which verb of its engine, and what if the
 * engine can't.
 */

import type { Policy } from '../policy/policy.ts'
import type { Connection } from './connection.ts'
import { lingerAfterDiscardMs, refusedResponseMs } from './ending.ts'
import { type ReasonName, reasons } from './reasons.ts'

/**
 * What an engine can do to a connection, in its own way. Each tells the `Connection` that it is
 * ended. Those that return a boolean may decline: then the connection is ended instead.
 */
interface Verbs {
  /** Fails the application's read of the body, so that the client gets the reason's status. */
  refuseBody(reason: ReasonName, now: number): boolean
  /** Answers in the application's place, ends our side, and reads away what comes. */
  say(status: number, now: number): boolean
  /** Ends our side after what was written, and reads away what comes for so long at most. */
  linger(forMs: number, now: number): void
  /** Ends both sides at once, in an orderly way. */
  end(now: number): void
  /** RST. */
  reset(now: number): void
  /** Frees the descriptor of a connection that was ended and is still there. */
  drop(now: number): void
}

export interface Closable extends Verbs {
  readonly connection: Connection
}

/** Called again for as long as the reason stands: a refused body has some time to be answered. */
export function close(member: Closable, reason: ReasonName, now: number, policy: Policy): void {
  const { connection } = member
  const { act, status } = reasons[reason]
  switch (act) {
    case 'report':
      return
    case 'refuse-body': {
      const { refusedAt } = connection
      if (refusedAt === null ? member.refuseBody(reason, now) : now - refusedAt < refusedResponseMs) return
      break
    }
    case 'say':
      if (status !== null && member.say(status, now)) return
      break
    case 'linger':
      member.linger(lingerAfterDiscardMs(policy, now - connection.since), now)
      return
    case 'reset':
      member.reset(now)
      return
    case 'drop':
      member.drop(now)
      return
  }
  member.end(now)
}
