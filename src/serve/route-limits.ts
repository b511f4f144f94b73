/**
 * What the routes of this program ask of the limits of their requests. It is known when an
 * application has been built, so that a server refuses to start where it can't be held; a request
 * is marked only in a program that has such a route.
 */

import type { Limits } from '../lifecycle/limits.ts'
import type { Enforcement } from '../policy/enforcement.ts'
import { ConfigError, type Problem } from '../policy/problems.ts'
import { type Asked, type RequestChanges, type RequestLimit, routeProblem } from '../policy/request-limits.ts'
import type { LogLine } from './log.ts'

/** What holds limits for requests: a server's engine, on its runtime. */
export interface LimitHolder {
  readonly runtime: string
  readonly enforcement: Enforcement
  /** Writes a line of its log, at most one a second of each code. */
  write?(line: Omit<LogLine, 'count'>): void
}

/** What an engine does for a request whose route changes its limits. */
export interface LimitedRequests {
  /**
   * The request is under these changes until it has been answered; one that has been is left alone.
   * `before`: what an earlier change made of its limits. Returns what holds now. Throws a
   * `BodyRefusedError` where its body is known to be larger.
   */
  limit(request: Request, changes: RequestChanges, before: Limits | null): Limits
}

interface Shared {
  /** Of each option the largest value that a route asked for, off being larger than any. */
  readonly asked: Map<RequestLimit, Asked>
  readonly holders: Set<LimitHolder>
}

/**
 * One of a process: two copies of this package may be in it, as the command's and the
 * application's.
 */
const sharedKey = Symbol.for('hangup.routeLimits')
const requestKey = Symbol.for('hangup.requestLimits')
const everywhere = globalThis as { [sharedKey]?: Shared }
everywhere[sharedKey] ??= { asked: new Map(), holders: new Set() }
export const shared: Shared = everywhere[sharedKey]

interface Changeable {
  change(changes: RequestChanges): void
}
type Marked = Request & { [requestKey]?: Changeable }

/** Whether a route of this program changes limits. */
export const areUsed = (): boolean => shared.asked.size > 0

/** Whether a route may take a body of so many bytes that the server's own limit refuses. */
export function mayTake(bytes: number): boolean {
  const asked = shared.asked.get('maxBodyBytes')
  return asked !== undefined && (asked.value === 0 || bytes <= asked.value)
}

/** The largest body that is taken where the server's own limit is `bytes`; 0: any. */
export function largestBody(bytes: number): number {
  const asked = shared.asked.get('maxBodyBytes')?.value ?? bytes
  return bytes === 0 || asked === 0 ? 0 : Math.max(bytes, asked)
}

/** Whether a route may give a handler a time of its own. */
export const mayTimeHandlers = (): boolean => shared.asked.has('handlerTimeoutMs')

/** Throws a `ConfigError` where this engine can't change what routes of this program ask for. */
export function checkRoutes({ runtime, enforcement }: LimitHolder): void {
  refuse([...shared.asked.values()].map((asked) => routeProblem(asked, enforcement, runtime)))
}

/** The first limit that a route of this program asks for and this engine can't change. */
export const unchangeableIn = (enforcement: Enforcement): RequestLimit | undefined =>
  [...shared.asked.values()].find((asked) => routeProblem(asked, enforcement, '') !== null)?.option

/** From now on routes are checked as they are made. Returns what ends that. */
export function holdRoutes(holder: LimitHolder): () => void {
  shared.holders.add(holder)
  return () => void shared.holders.delete(holder)
}

/** Throws a `ConfigError` if a server that runs already can't change one of them. */
export function askFor(changes: RequestChanges, nameOf: (option: RequestLimit) => string): void {
  const each = (Object.entries(changes) as [RequestLimit, number][]).map(
    ([option, value]): Asked => ({ option, value, writtenAs: nameOf(option) }),
  )
  refuse(
    [...shared.holders].flatMap(({ enforcement, runtime }) =>
      each.map((asked) => routeProblem(asked, enforcement, runtime)),
    ),
  )
  for (const asked of each) {
    const known = shared.asked.get(asked.option)
    const isLarger = known === undefined || (known.value !== 0 && (asked.value === 0 || asked.value > known.value))
    if (isLarger) shared.asked.set(asked.option, asked)
  }
}

function refuse(found: readonly (Problem | null)[]): void {
  const problems = found.filter((problem) => problem !== null)
  if (problems.length > 0) throw new ConfigError(problems)
}

/** One request as routes change it: each from what the one before it left. */
class RequestInHand implements Changeable {
  readonly #request: Request
  readonly #engine: LimitedRequests | null
  readonly #timeHandler: ((ms: number) => void) | null
  #limits: Limits | null = null

  constructor(request: Request, { engine, timeHandler }: InHand) {
    this.#request = request
    this.#engine = engine
    this.#timeHandler = timeHandler
  }

  change(changes: RequestChanges): void {
    const { handlerTimeoutMs } = changes
    if (handlerTimeoutMs !== undefined) this.#timeHandler?.(handlerTimeoutMs)
    if (this.#engine !== null) this.#limits = this.#engine.limit(this.#request, changes, this.#limits)
  }
}

interface InHand {
  /** Null: it holds nothing but the time of the handler. */
  readonly engine: LimitedRequests | null
  /** Null: its time can't be changed. */
  readonly timeHandler: ((ms: number) => void) | null
}

/** From now on a route can change the limits of this request. */
export function takeInHand(request: Request, how: InHand): void {
  ;(request as Marked)[requestKey] = new RequestInHand(request, how)
}

/**
 * For one request, as `limits()` does. A request that no server of ours has, as in a test of the
 * application, has no limits to change; where there is a server its log says so.
 */
export function changeLimits(request: Request, changes: RequestChanges): void {
  const inHand = (request as Marked)[requestKey]
  if (inHand !== undefined) inHand.change(changes)
  else {
    const [holder] = shared.holders
    holder?.write?.({
      level: 'warn',
      code: 'LIMITS_UNREACHED',
      message: `limits of a route were not changed: ${unreached}`,
    })
  }
}

const unreached = 'it was given a copy of the Request; call it before whatever makes that'
