/**
 * How often the ledger looks at what no event of the kernel tells of: folds over the limits of each
 * state.
 */
import type { Connection } from '../lifecycle/connection.ts'
import { bindLimits, type Limits, shortestMs } from '../lifecycle/limits.ts'
import type { State } from '../lifecycle/states.ts'
import type { Policy } from '../policy/policy.ts'
import { settleMs } from './observe.ts'

/**
 * Time to the next look at what can't be told of: a request whose response begins, a body that
 * falls silent.
 */
export interface LookEvery {
  readonly headMs: number
  readonly requestMs: number
}

/** Of event-loop time at a stretch. */
export const sliceMs = 1
/** Of a sweep: under a load of 64 connections a whole one takes three times as long. */
export const firstSliceMs = 0.1

/** Looked at again after bytes without a request, so soon. */
const againMs = 150
/**
 * What the kernel could not be asked to tell of (`fs.epoll.max_user_watches`) is looked at so often
 * instead.
 */
const unwatchedMs = 500
const longestNoteAfterMs = 2_000
const inRequest: readonly State[] = ['body', 'handling', 'writing', 'streaming', 'discarding']

/** An application that notes only what takes a while notes it when it has taken so long. */
export function noteAfterMs(policy: Policy): number {
  const shortest = shortestMs(bindLimits(policy), 'accepted', 'head', 'idle')
  return Math.min(shortest, policy.minIdleMs || longestNoteAfterMs, longestNoteAfterMs) / 2
}

const schedules = new WeakMap<Limits, LookEvery>()

export function lookEvery(limits: Limits): LookEvery {
  let every = schedules.get(limits)
  if (every === undefined) {
    // A twentieth of a limit is half of what it may be late.
    const part = (ms: number) => Math.min(ms, 10_000) / 20
    every = {
      headMs: Math.max(part(shortestMs(limits, 'head')), againMs),
      requestMs: Math.max(part(shortestMs(limits, ...inRequest)), 50),
    }
    schedules.set(limits, every)
  }
  return every
}

export interface Looked {
  /** The kernel tells of bytes on it. */
  readonly watched: boolean
  /** Its unfinished head was seen at the look before this one as well. */
  readonly headSeen: boolean
  /** The application owes a response. */
  readonly owes: boolean
  /** When all of its response is known to be out, if nothing more goes out by then. */
  readonly settlesAt: number
}

/** When to look at a connection again, after a look. */
export function nextLook(connection: Connection, looked: Looked, every: LookEvery, now: number): number {
  return Math.min(Math.max(connection.dueAt, now + 1), now + againAfterMs(connection.state, looked, every, now))
}

function againAfterMs(
  state: State,
  { watched, headSeen, owes, settlesAt }: Looked,
  every: LookEvery,
  now: number,
): number {
  switch (state) {
    case 'handshake':
    case 'accepted':
    case 'idle':
    case 'upgraded':
      return watched ? Number.POSITIVE_INFINITY : unwatchedMs
    case 'head':
      return headSeen ? every.headMs : againMs
    case 'closing':
      return settleMs
    default:
      return owes ? every.requestMs : Math.max(settlesAt - now, 1)
  }
}
