/** Chooses the upstream of the next request. Nothing here allocates: it runs once a request. */
import type { BalanceBy } from '../config/config.ts'

/** An upstream, as far as the choice depends on it. */
export interface Candidate {
  inFlight: number
  /** Its part of the load, in proportion: its weight, less during a slow start. More than 0. */
  share: number
  /** Of smooth round robin: how far it is behind its turn. */
  behind: number
  /** Of the consistent hash: the hash of its name. */
  readonly seed: number
}

/**
 * `candidates`: at least one. A request without a key (no such header or cookie) goes round-robin.
 */
export function choose<C extends Candidate>(
  by: BalanceBy['by'],
  candidates: readonly C[],
  keyOf: (() => string | null) | null,
  random: () => number,
): C {
  if (candidates.length === 1) return candidates[0]!
  switch (by) {
    case 'round-robin':
      return roundRobin(candidates)
    case 'least-connections':
      return leastConnections(candidates)
    case 'two-choices':
      return twoChoices(candidates, random)
    case 'hash': {
      const key = keyOf === null ? null : keyOf()
      return key === null ? roundRobin(candidates) : rendezvous(candidates, hash(key))
    }
  }
}

/** nginx's smooth weighted round robin (2012): 5, 1, 1 gives a a b a c a a, not a a a a a b c. */
function roundRobin<C extends Candidate>(candidates: readonly C[], load: number | null = null): C {
  let best: C | null = null
  let total = 0
  for (let i = 0; i < candidates.length; i++) {
    const one = candidates[i]!
    if (load !== null && loadOf(one) !== load) continue
    total += one.share
    one.behind += one.share
    if (best === null || one.behind > best.behind) best = one
  }
  best!.behind -= total
  return best!
}

/**
 * The same where all shares are equal, whatever the number of candidates: it looks at none but the
 * next.
 */
export class Rotation {
  #at = -1

  /** `candidates`: at least one. */
  next<C>(candidates: readonly C[]): C {
    this.#at = this.#at + 1 < candidates.length ? this.#at + 1 : 0
    return candidates[this.#at]!
  }

  /** For a request that has had its turn; null: it has tried all. */
  another<C>(candidates: readonly C[], tried: readonly C[]): C | null {
    for (let i = 1; i <= candidates.length; i++) {
      const one = candidates[(this.#at + i) % candidates.length]!
      if (!tried.includes(one)) return one
    }
    return null
  }
}

const loadOf = ({ inFlight, share }: Candidate): number => inFlight / share

/**
 * Round-robin among equals, as in nginx; else an idle group would send everything to its first
 * upstream.
 */
function leastConnections<C extends Candidate>(candidates: readonly C[]): C {
  let best = candidates[0]!
  let least = loadOf(best)
  let equals = 1
  for (let i = 1; i < candidates.length; i++) {
    const one = candidates[i]!
    const load = loadOf(one)
    if (load > least) continue
    equals = load === least ? equals + 1 : 1
    best = one
    least = load
  }
  return equals === 1 ? best : roundRobin(candidates, least)
}

/**
 * The less loaded of two at random, each drawn by its share (Mitzenmacher, The Power of Two Choices
 * in Randomized Load Balancing, 2001): many gateways that choose the least loaded would all choose
 * the same one.
 */
function twoChoices<C extends Candidate>(candidates: readonly C[], random: () => number): C {
  let total = 0
  for (let i = 0; i < candidates.length; i++) total += candidates[i]!.share
  const first = draw(candidates, random() * total, null)
  const second = draw(candidates, random() * (total - first.share), first)
  return loadOf(second) < loadOf(first) ? second : first
}

function draw<C extends Candidate>(candidates: readonly C[], at: number, except: C | null): C {
  let drawn: C | null = null
  let left = at
  for (let i = 0; i < candidates.length; i++) {
    const one = candidates[i]!
    if (one === except) continue
    drawn = one
    left -= one.share
    if (left < 0) break
  }
  return drawn!
}

/**
 * Highest random weight (Thaler and Ravishankar 1998; with weights as in Resch, New Hashing
 * Algorithms for Data Storage, 2015). Keys of a member that leaves are spread over the others by
 * their shares and no other key moves, without a ring to keep; a share that grows takes keys from
 * the others and moves none between them.
 */
function rendezvous<C extends Candidate>(candidates: readonly C[], key: number): C {
  let best = candidates[0]!
  let highest = -1
  for (let i = 0; i < candidates.length; i++) {
    const one = candidates[i]!
    const score = -one.share / Math.log((mix(key ^ one.seed) + 0.5) / 2 ** 32)
    if (score <= highest) continue
    highest = score
    best = one
  }
  return best
}

/** FNV-1a over UTF-16 code units; `mix` spreads texts that differ in their last character only. */
export function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value
}

/** MurmurHash3's finaliser: each bit of the input changes each bit of the output half the time. */
function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
