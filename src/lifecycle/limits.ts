/**
 * Which limit holds in which state, as rules that every observer executes: when a connection is
 * due, and why it is closed. The table is all there is; no engine has a limit of its own.
 */
import type { OptionName, Policy } from '../policy/policy.ts'
import { MinRate, type RateLimits } from './min-rate.ts'
import type { ReasonName } from './reasons.ts'
import type { State } from './states.ts'

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

const never = Number.POSITIVE_INFINITY

/** A total since the state was entered. */
const ranOut = (option: OptionName, reason: ReasonName): Rule => ({
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

/** The age of the connection, never sooner than `minIdleMs` after its last response. */
const aged: Rule = {
  options: ['maxConnectionAgeMs', 'minIdleMs'],
  reasons: ['age'],
  bind({ maxConnectionAgeMs, minIdleMs }) {
    if (maxConnectionAgeMs === 0) return null
    const dueAt = ({ agesAt, since }: Clocks) => Math.max(agesAt, since + minIdleMs)
    return {
      shortestMs: minIdleMs || maxConnectionAgeMs,
      needsLook: false,
      dueAt,
      breach: (clocks, _, now) => (now >= dueAt(clocks) ? 'age' : null),
    }
  },
}

const discardedBytes: Rule = {
  options: ['discardBytes'],
  reasons: ['discard'],
  bind({ discardBytes }) {
    if (discardBytes === 0) return null
    return {
      shortestMs: never,
      needsLook: true,
      dueAt: () => never,
      breach: ({ receivedBefore }, { received }) => (received - receivedBefore > discardBytes ? 'discard' : null),
    }
  },
}

const rateOf = (quietMs: number, bytesPerSec: number, graceMs: number): RateLimits | null =>
  quietMs === 0 && bytesPerSec === 0 ? null : { quietMs, bytesPerSec, graceMs }

const shortestOf = ({ quietMs, bytesPerSec, graceMs }: RateLimits): number =>
  Math.min(quietMs || never, bytesPerSec === 0 ? never : graceMs)

/** Quiet time and minimum rate of a request body, while the application waits for it. */
const bodyRate: Rule = {
  options: ['bodyTimeoutMs', 'minBodyBytesPerSec', 'minRateGraceMs'],
  reasons: ['body', 'bodyRate'],
  bind({ bodyTimeoutMs, minBodyBytesPerSec, minRateGraceMs }) {
    const limits = rateOf(bodyTimeoutMs, minBodyBytesPerSec, minRateGraceMs)
    if (limits === null) return null
    return {
      shortestMs: shortestOf(limits),
      needsLook: true,
      dueAt: (clocks) => clocks.bodyRate?.dueAt ?? never,
      breach(clocks, { received, receivedAt = 0, wanted }, now) {
        if (!clocks.receivesBody) return null
        // Whoever looks for the first time may come late, and after bytes that it has not seen
        // come.
        const from = wanted ? Math.min(Math.max(clocks.since, receivedAt), now) : now
        clocks.bodyRate ??= new MinRate(limits, from, received)
        const breach = clocks.bodyRate.look(now, received, wanted)
        return breach && (breach === 'quiet' ? 'body' : 'bodyRate')
      },
    }
  },
}

/**
 * The whole time of a request body: its clock runs since the head, whatever the response does
 * meanwhile.
 */
const upload: Rule = {
  options: ['uploadTimeoutMs'],
  reasons: ['upload'],
  bind({ uploadTimeoutMs }) {
    if (uploadTimeoutMs === 0) return null
    const dueAt = ({ receivesBody, since }: Clocks) => (receivesBody ? since + uploadTimeoutMs : never)
    return {
      shortestMs: uploadTimeoutMs,
      needsLook: false,
      dueAt,
      breach: (clocks, _, now) => (now >= dueAt(clocks) ? 'upload' : null),
    }
  },
}

/**
 * Quiet time and minimum rate of a response, while bytes of it wait for the peer. `judges` false:
 * it only watches, so that a client that stops and goes on is not given a new grace each time.
 */
const writeRate = (judges: boolean): Rule => ({
  options: ['writeTimeoutMs', 'minResponseBytesPerSec', 'minRateGraceMs'],
  reasons: judges ? ['write', 'writeRate'] : [],
  bind({ writeTimeoutMs, minResponseBytesPerSec, minRateGraceMs }) {
    const limits = rateOf(writeTimeoutMs, minResponseBytesPerSec, minRateGraceMs)
    if (limits === null) return null
    return {
      shortestMs: shortestOf(limits),
      needsLook: true,
      dueAt: (clocks) => clocks.writeRate?.dueAt ?? never,
      breach(clocks, { taken, unsent, takenAt }, now) {
        if (unsent === 0 && clocks.writeRate === null) return null
        const at = Math.min(Math.max(takenAt ?? now, clocks.takenFrom), now)
        clocks.writeRate ??= new MinRate(limits, at, clocks.takenBefore)
        const breach = clocks.writeRate.look(now, taken, unsent > 0, at)
        return judges && breach !== null ? (breach === 'quiet' ? 'write' : 'writeRate') : null
      },
    }
  },
})

/** Quiet time of the application in a response that it gives piece by piece. */
const streamQuiet: Rule = {
  options: ['streamIdleTimeoutMs'],
  reasons: ['streamIdle'],
  bind({ streamIdleTimeoutMs }) {
    if (streamIdleTimeoutMs === 0) return null
    return {
      shortestMs: streamIdleTimeoutMs,
      needsLook: true,
      dueAt: ({ takenAt }) => takenAt + streamIdleTimeoutMs,
      breach: ({ takenAt }, _, now) => (now - takenAt >= streamIdleTimeoutMs ? 'streamIdle' : null),
    }
  },
}

const lingered: Rule = {
  options: ['discardTimeoutMs'],
  reasons: ['lingered'],
  bind: () => ({
    shortestMs: never,
    needsLook: false,
    dueAt: ({ since, lingerMs }) => since + lingerMs,
    breach: ({ since, lingerMs }, _, now) => (now - since >= lingerMs ? 'lingered' : null),
  }),
}

/** The rules of each state, in the order in which they are asked. */
export const rules: Readonly<Record<State, readonly Rule[]>> = {
  handshake: [ranOut('handshakeTimeoutMs', 'handshake')],
  accepted: [ranOut('headTimeoutMs', 'silent')],
  head: [ranOut('headTimeoutMs', 'head')],
  body: [bodyRate, upload],
  handling: [],
  writing: [writeRate(true), bodyRate, upload],
  streaming: [writeRate(false), streamQuiet],
  discarding: [discardedBytes, ranOut('discardTimeoutMs', 'discard')],
  idle: [ranOut('idleTimeoutMs', 'idle'), aged],
  upgraded: [],
  closing: [lingered],
}

/**
 * Limits of a state that are enforced where the bytes or the handler are: by the parser, and around
 * the handler.
 */
export const elsewhere: Readonly<Partial<Record<State, readonly OptionName[]>>> = {
  head: ['maxHeadBytes', 'maxHeadFields'],
  body: ['maxBodyBytes'],
  handling: ['handlerTimeoutMs'],
}

/**
 * The rules under one policy, bound once per server: a look at a connection is a loop over a few
 * closures.
 */
export interface Limits {
  readonly policy: Policy
  readonly in: Readonly<Record<State, readonly Limit[]>>
}

export function bindLimits(policy: Policy): Limits {
  const bound = (rule: Rule): Limit[] => {
    const limit = rule.bind(policy)
    return limit === null ? [] : [{ ...limit, option: rule.options[0]! }]
  }
  const states = Object.entries(rules).map(([state, some]) => [state, some.flatMap(bound)])
  return { policy, in: Object.fromEntries(states) as Limits['in'] }
}

/**
 * The least time in which a limit of these states can run out; Infinity: none can. For a
 * schedule of looks.
 */
export function shortestMs(limits: Limits, ...states: readonly State[]): number {
  return Math.min(never, ...states.flatMap((state) => limits.in[state].map((limit) => limit.shortestMs)))
}
