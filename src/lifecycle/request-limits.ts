/**
 * The limits of requests whose routes changed some of them. A route's limits are bound once and
 * kept for as long as somebody has them, so that a request looks them up.
 */
import { optionSpecs, type Policy } from '../policy/policy.ts'
import { type RequestChanges, type RequestLimit, requestLimits } from '../policy/request-limits.ts'
import { bindLimits, type Limits } from './limits.ts'

type Kept<Key extends object> = WeakMap<Limits, WeakMap<Key, Limits>>

const changed: Kept<RequestChanges> = new WeakMap()
const joined: Kept<Limits> = new WeakMap()

function keep<Key extends object>(kept: Kept<Key>, limits: Limits, key: Key, make: () => Policy): Limits {
  let known = kept.get(limits)
  if (known === undefined) {
    known = new WeakMap()
    kept.set(limits, known)
  }
  let found = known.get(key)
  if (found === undefined) {
    found = bindLimits(make())
    known.set(key, found)
  }
  return found
}

/** `limits`, with these in the place of its own. */
export const changedBy = (limits: Limits, changes: RequestChanges): Limits =>
  keep(changed, limits, changes, () => ({ ...limits.policy, ...changes }))

/** What a route changed of `own`; null: nothing. */
export function changesIn({ policy }: Limits, own: Limits): RequestChanges | null {
  if (policy === own.policy) return null
  const names = requestLimits.filter((name) => policy[name] !== own.policy[name])
  return names.length === 0 ? null : Object.fromEntries(names.map((name) => [name, policy[name]]))
}

/** The laxest of each: no request has less than its own. */
export const laxest = (a: Limits, b: Limits): Limits =>
  a === b
    ? a
    : keep(joined, a, b, () => {
        const names = requestLimits.map((name) => [name, laxer(name, a.policy[name], b.policy[name])])
        return { ...a.policy, ...Object.fromEntries(names) }
      })

function laxer(name: RequestLimit, a: number, b: number): number {
  if (a === 0 || b === 0) return 0
  return optionSpecs[name].kind === 'rate' ? Math.min(a, b) : Math.max(a, b)
}

/** The requests in flight on one connection whose routes changed limits. */
export class ChangedLimits {
  readonly #byRequest = new Map<object, Limits>()

  get size(): number {
    return this.#byRequest.size
  }

  set(request: object, limits: Limits): void {
    this.#byRequest.set(request, limits)
  }

  /** It has been answered. */
  delete(request: object): void {
    this.#byRequest.delete(request)
  }

  /** What holds for all `inFlight` requests of the connection together; `own`: the server's. */
  together(own: Limits, inFlight: number): Limits {
    let all: Limits | null = inFlight > this.#byRequest.size ? own : null
    for (const limits of this.#byRequest.values()) all = all === null ? limits : laxest(all, limits)
    return all ?? own
  }
}
