/**
 * A limit as a rule that every observer of a connection executes: when the connection is due, and
 * why it is closed. Pure: a rule reads clocks and bytes, and touches no socket.
 */
import type { State } from '../lifecycle/states.ts'
import type { ReasonName } from './limits/list.ts'
import type { MinRate } from './min-rate.ts'
import type { OptionName, Policy } from './policy.ts'

/** What an observer sees of a connection's bytes at one instant. */
export interface Sample {
  /** Bytes that the peer has sent so far. */
  readonly received: number
  /** When the latest of them came, where that is known. */
  readonly receivedAt?: number
  /** Bytes of ours that left the process so far. */
  readonly taken: number
  /** When the last of them left, where that is known; else it is taken for now. */
  readonly takenAt?: number
  /**
   * `false`: what has left the process is all of earlier responses. Undefined: the observer can't
   * tell.
   */
  readonly begun?: boolean
  /** Bytes of ours that still wait for the peer. */
  readonly unsent: number
  /**
   * Whether the application is waiting for bytes of the body: a peer is not blamed for what nobody
   * reads.
   */
  readonly wanted: boolean
}

/** The clocks of one connection, as rules read them. */
export interface Clocks {
  /** When the present state was entered. */
  readonly since: number
  /** When it has lived long enough; Infinity: never. */
  readonly agesAt: number
  /** Bytes received when the state was entered. */
  readonly receivedBefore: number
  /** Whether the body of the latest request is still coming. */
  readonly receivesBody: boolean
  /** Bytes taken at the look before this one; nothing had to be taken before `takenFrom`. */
  readonly takenBefore: number
  readonly takenFrom: number
  /** When the last byte of a response was taken. */
  readonly takenAt: number
  /**
   * Of an upgraded connection: when the client was last heard of, or what came was not read for
   * want of room.
   */
  readonly heardAt: number
  /** How long it lingers at most, once our side is ended. */
  readonly lingerMs: number
  bodyRate: MinRate | null
  writeRate: MinRate | null
}

/** A rule under one policy. */
export interface Limit {
  /** What it enforces, first of all. */
  readonly option: OptionName
  /** It can't run out in less time than this. */
  readonly shortestMs: number
  /** It is judged by bytes: only a look can tell when it is due. */
  readonly needsLook: boolean
  /** When it runs out if nothing more happens, as far as the last look knows; Infinity: never. */
  dueAt(clocks: Clocks): number
  breach(clocks: Clocks, sample: Sample, now: number): ReasonName | null
}

export interface Rule {
  /** What it enforces. */
  readonly options: readonly OptionName[]
  /** Why it closes a connection, if it does. */
  readonly reasons: readonly ReasonName[]
  /** Null: switched off by its options. */
  bind(policy: Policy): Omit<Limit, 'option'> | null
}

export const never = Number.POSITIVE_INFINITY

/** The rules of one limit, by the state that it limits. */
export type Rules = Readonly<Partial<Record<State, Rule>>>

/** A total since the state was entered. */
export const ranOut = (option: OptionName, reason: ReasonName): Rule => ({
  options: [option],
  reasons: [reason],
  bind({ [option]: limitMs }) {
    if (limitMs === 0) return null
    return {
      shortestMs: limitMs,
      needsLook: false,
      dueAt: ({ since }) => since + limitMs,
      breach: ({ since }, _, now) => (now - since >= limitMs ? reason : null),
    }
  },
})
