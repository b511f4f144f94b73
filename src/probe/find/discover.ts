/**
 * What is found out of a server that has promised nothing: each question is a case that is watched
 * instead of judged. What is found is then the policy that the other cases stand on. Data and
 * arithmetic only.
 */
import type { Enforcement } from '../../policy/enforcement.ts'
import { type OptionName, optionNames, type Policy } from '../../policy/policy.ts'
import { format } from '../../policy/units.ts'
import type { CaseRun } from '../run.ts'

export interface Question {
  /** The case that asks it. */
  readonly case: string
  readonly name: string
  /** The limits that the answer gives, if it is one. */
  readonly gives: readonly OptionName[]
  /**
   * What was not seen while the connection was watched; for how long that was is said behind it.
   */
  readonly leak: string
  /** The attack that lives on it. */
  readonly attack?: string
  /** What that costs. */
  readonly cost: string
}

const holds = 'each such client holds a descriptor for that long or longer'

/** The worst first. */
export const questions: readonly Question[] = [
  {
    case: 'idle-after-response',
    name: 'idle',
    gives: ['idleTimeoutMs'],
    leak: 'a connection that was idle after its response was not closed',
    cost: 'each client that goes silent holds a descriptor for that long or longer',
  },
  {
    case: 'silent-connect',
    name: 'silent connect',
    gives: [],
    leak: 'a client that connected and sent nothing was not disconnected',
    cost: `${holds}, without a single request in the log`,
  },
  {
    case: 'silent-after-handshake',
    name: 'silent after TLS',
    gives: [],
    leak: 'a client that was silent after its TLS handshake was not disconnected',
    cost: `${holds}, without a single request in the log`,
  },
  {
    case: 'silent-in-handshake',
    name: 'TLS handshake',
    gives: ['handshakeTimeoutMs'],
    leak: 'a TLS handshake that stopped was not cut off',
    cost: `${holds}, and no HTTP limit has begun`,
  },
  {
    case: 'partial-head',
    name: 'head',
    gives: ['headTimeoutMs'],
    leak: 'half a request head was not cut off',
    cost: holds,
  },
  {
    case: 'head-trickle',
    name: 'head, trickled',
    gives: [],
    leak: 'a head that arrived a line at a time was not cut off',
    attack: 'Slowloris, CVE-2007-6750',
    cost: 'a few bytes a second from one machine hold every descriptor',
  },
  {
    case: 'body-stall',
    name: 'body',
    gives: ['bodyTimeoutMs'],
    leak: 'an upload that stopped was not cut off',
    cost: `${holds}, and the handler that reads it`,
  },
  {
    case: 'body-trickle',
    name: 'body, trickled',
    gives: ['minBodyBytesPerSec', 'minRateGraceMs'],
    leak: 'an upload of a few bytes a second was not cut off',
    attack: 'R-U-Dead-Yet',
    cost: `${holds}, and the handler that reads it`,
  },
  {
    case: 'reader-stalls',
    name: 'write',
    gives: ['writeTimeoutMs'],
    leak: 'a client that stopped reading its response was not cut off',
    cost: `${holds}, and megabytes of buffers`,
  },
]

/** Nobody knows what would have happened later, so nothing is said of it. */
export function problemOf({ leak, attack }: Question, watchedMs: number): string {
  return `${leak} within ${format('duration', watchedMs)}${attack === undefined ? '' : ` (${attack})`}`
}

/**
 * A rate is not seen, only when what is below it was cut off: any that the trickle is surely below.
 */
const givenAs: Partial<Record<OptionName, number>> = { minBodyBytesPerSec: 100 }

export interface Finding {
  readonly question: Question
  /** found: it ends; leak: it did not while it was watched; unknown: it could not be watched. */
  readonly kind: 'found' | 'leak' | 'unknown'
  /** The quickest and the slowest of several looks. */
  readonly fromMs: number | null
  readonly toMs: number | null
  /** How it ended. */
  readonly end: string | null
  /** Why it is unknown; what a leak looked like at last. */
  readonly reason: string | null
  /** How long a leak was watched. */
  readonly watchedMs: number | null
}

/**
 * From several looks at one question: a single one that saw no end says that there is no limit to
 * rely on.
 */
export function findingOf(question: Question, looks: readonly CaseRun[], limitMs: number): Finding {
  const leak = looks.find(isLeak)
  if (leak) {
    const reason = `still open after ${format('duration', limitMs)}`
    return { question, kind: 'leak', fromMs: null, toMs: null, end: leak.observed, reason, watchedMs: limitMs }
  }
  const ends = looks.filter(({ verdict }) => verdict === 'pass' || verdict === 'deviation')
  const times = ends.flatMap(({ observedMs }) => (observedMs === null ? [] : [observedMs]))
  if (times.length === 0) {
    const reason = looks.find((look) => look.reason !== null)?.reason ?? 'not measured'
    return { question, kind: 'unknown', fromMs: null, toMs: null, end: null, reason, watchedMs: null }
  }
  return {
    question,
    kind: 'found',
    fromMs: Math.min(...times),
    toMs: Math.max(...times),
    end: [...new Set(ends.map(({ observed }) => observed ?? ''))].join(' or '),
    reason: null,
    watchedMs: null,
  }
}

/** Still open; or, where the kernel was asked, a state in which somebody holds the socket. */
function isLeak({ verdict, observed }: CaseRun): boolean {
  return verdict === 'fail' && /(^|\s)open$|^[A-Z]+(_[A-Z0-9]+)?$/.test(observed ?? '')
}

export interface Known {
  /** 0: not found, not asked, or nothing that can be found from outside. */
  readonly policy: Policy
  /** The spread between several looks is the clock's step. */
  readonly enforcement: Enforcement
  readonly measured?: true
}

/** What is known of the limits by now. `hintMs`: what `Keep-Alive: timeout` said. */
export function knownFrom(findings: readonly Finding[], hintMs = 0): Known {
  const policy: Record<string, number> = Object.fromEntries(optionNames.map((name) => [name, 0]))
  const stepMs: Partial<Record<OptionName, number>> = {}
  policy['keepAliveHintMs'] = hintMs
  for (const { question, kind, fromMs, toMs } of findings) {
    if (kind !== 'found' || fromMs === null || toMs === null) continue
    for (const name of question.gives) {
      policy[name] = givenAs[name] ?? Math.max(1, Math.round(fromMs))
      stepMs[name] = Math.ceil(toMs - fromMs)
    }
  }
  const enforcement = Object.fromEntries(
    optionNames.map((name) => [name, { by: 'runtime', stepMs: stepMs[name] ?? 0, how: 'measured' }]),
  )
  return { policy: policy as Policy, enforcement: enforcement as unknown as Enforcement, measured: true }
}

/** Why nothing stands on a limit that is not known, or null. */
export function unknownLimit(
  name: OptionName,
  known: Policy,
  findings: readonly Finding[],
  nameOf: (option: string) => string,
): string | null {
  if (known[name] > 0) return null
  const finding = findings.find(({ question }) => question.gives.includes(name))
  if (finding?.kind === 'leak')
    return `no limit was seen that could be judged: ${finding.question.name} is ${finding.reason}`
  const expect = `with ${nameOf(name)} it is judged`
  return finding
    ? `its limit is not known (${finding.question.name}: ${finding.reason}); ${expect}`
    : `its limit cannot be measured from outside; ${expect}`
}
