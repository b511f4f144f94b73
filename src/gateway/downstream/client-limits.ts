/** Limits of one client address: connections at once, requests a second. */

import { addressOf } from '../../net/networks.ts'
import type { ClientLimits } from '../config/config.ts'

/**
 * Addresses whose rate is remembered, 5 MB at most. An address that could send a full burst again
 * is forgotten first, then the oldest one, which starts afresh: a limit per address does not help
 * against a flood from this many addresses at once.
 */
const maxRemembered = 65_536

/**
 * The time in ms at which it is full again: the whole state of a token bucket in one number (GCRA,
 * ITU-T I.371: the theoretical arrival time).
 */
interface Bucket {
  fullAt: number
}

export class ClientLimiter {
  readonly #now: () => number
  #maxConnections = 0
  #everyMs = 0
  #toleranceMs = 0
  readonly #connections = new Map<string, number>()
  /** Per client. One whose time has passed can go. */
  readonly #buckets = new Map<string, Bucket>()
  #sweepAt = 0

  /** `now`: monotonic ms. */
  constructor(limits: ClientLimits, now: () => number) {
    this.#now = now
    this.update(limits)
  }

  /** Open connections stay, and still count. */
  update({ maxConnections, requestsPerSec, burst }: ClientLimits): void {
    this.#maxConnections = maxConnections
    this.#everyMs = requestsPerSec === 0 ? 0 : 1_000 / requestsPerSec
    this.#toleranceMs = this.#everyMs * (Math.max(burst, 1) - 1)
    if (requestsPerSec === 0) this.#buckets.clear()
  }

  /** No rate is set, so nobody needs to know who the client is. */
  get off(): boolean {
    return this.#everyMs === 0
  }

  /** Whether open connections are limited. */
  get limitsConnections(): boolean {
    return this.#maxConnections !== 0
  }

  /**
   * Counts a new connection; false: it is one too many, to be answered 503 (RFC 9110 15.6.4; 429 is
   * about requests in a time) and closed. It counts either way until `disconnected`, so that a
   * client gains nothing by connecting again and again.
   */
  connected(address: string): boolean {
    const key = clientKey(address)
    const count = (this.#connections.get(key) ?? 0) + 1
    this.#connections.set(key, count)
    return this.#maxConnections === 0 || count <= this.#maxConnections
  }

  /**
   * Whether its open connections are within the limit. Not for trusted peers: all their clients
   * share them.
   */
  admits(address: string): boolean {
    return this.#maxConnections === 0 || (this.#connections.get(clientKey(address)) ?? 0) <= this.#maxConnections
  }

  disconnected(address: string): void {
    const key = clientKey(address)
    const count = (this.#connections.get(key) ?? 0) - 1
    if (count > 0) this.#connections.set(key, count)
    else this.#connections.delete(key)
  }

  /**
   * 0: the request may pass. Else the whole seconds until one may, for the `Retry-After` of a 429
   * (RFC 6585 4). A refusal is free.
   */
  request(address: string): number {
    if (this.#everyMs === 0) return 0
    const now = this.#now()
    const key = clientKey(address)
    const known = this.#buckets.get(key)
    const fullAt = known === undefined || known.fullAt < now ? now : known.fullAt
    const aheadMs = fullAt - now - this.#toleranceMs
    // A microsecond of tolerance, because the sum of many intervals is not exact.
    if (aheadMs > 1e-3) return Math.max(Math.ceil(aheadMs / 1_000), 1)
    if (known !== undefined) {
      known.fullAt = fullAt + this.#everyMs
      return 0
    }
    if (this.#buckets.size >= maxRemembered) this.#makeRoom(now)
    this.#buckets.set(key, { fullAt: fullAt + this.#everyMs })
    return 0
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#buckets.size
  }

  #makeRoom(now: number): void {
    // Looks at all of them once a second at most, so that a flood does not make each request
    // expensive.
    if (now >= this.#sweepAt) {
      this.#sweepAt = now + 1_000
      for (const [key, { fullAt }] of this.#buckets) if (fullAt <= now) this.#buckets.delete(key)
    }
    if (this.#buckets.size < maxRemembered) return
    for (const [key] of this.#buckets) {
      this.#buckets.delete(key)
      return
    }
  }
}

/** One client is an IPv4 address or a /64 of IPv6, the least that one subscriber has (RFC 6177). */
export function clientKey(address: string): string {
  if (address.indexOf(':') < 0) return address
  const bytes = addressOf(address)
  if (bytes === null) return address
  if (isMapped(bytes)) return bytes.subarray(12).join('.')
  let key = ''
  for (let at = 0; at < 8; at++) key += String.fromCharCode(bytes[at]!)
  return key
}

function isMapped(bytes: Uint8Array): boolean {
  for (let at = 0; at < 10; at++) if (bytes[at] !== 0) return false
  return bytes[10] === 0xff && bytes[11] === 0xff
}
