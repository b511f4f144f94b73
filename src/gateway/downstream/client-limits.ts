/** How much one client address may have: connections at once, requests a second. */
import type { ClientLimits } from '../config/config.ts'
import { addressOf } from './trust.ts'

/**
 * Addresses whose rate is remembered, 5 MB at most. Whoever could send a full burst again is forgotten first; if that makes no room,
 * whoever has been here longest is, and starts afresh: against a flood from this many addresses at once a limit per address is no help.
 */
const maxRemembered = 65_536

export class ClientLimiter {
  readonly #now: () => number
  #maxConnections = 0
  #everyMs = 0
  #toleranceMs = 0
  readonly #connections = new Map<string, number>()
  /**
   * Per client, when its bucket is full again, in ms: the whole state of a token bucket in one number (GCRA, ITU-T I.371: the theoretical
   * arrival time). A time that has passed says nothing, so the entry can go.
   */
  readonly #fullAt = new Map<string, number>()
  #sweepAt = 0

  /** `now` in ms, never going back. */
  constructor(limits: ClientLimits, now: () => number) {
    this.#now = now
    this.update(limits)
  }

  /** Connections that are open stay, and are counted on. */
  update({ maxConnections, requestsPerSec, burst }: ClientLimits): void {
    this.#maxConnections = maxConnections
    this.#everyMs = requestsPerSec === 0 ? 0 : 1_000 / requestsPerSec
    this.#toleranceMs = this.#everyMs * (Math.max(burst, 1) - 1)
    if (requestsPerSec === 0) this.#fullAt.clear()
  }

  /** No rate is set: there is no need to ask, nor to find out who the client is. */
  get off(): boolean {
    return this.#everyMs === 0
  }

  /** There is a limit for what a client has open at once. */
  get limitsConnections(): boolean {
    return this.#maxConnections !== 0
  }

  /**
   * A connection has come; false: it is one too many, to be answered 503 (RFC 9110 15.6.4; 429 is about requests in a time) and closed.
   * It is counted either way until `disconnected`, so that who connects again and again gains nothing.
   */
  connected(address: string): boolean {
    const key = clientKey(address)
    const count = (this.#connections.get(key) ?? 0) + 1
    this.#connections.set(key, count)
    return this.#maxConnections === 0 || count <= this.#maxConnections
  }

  /** Whether it has no more now than it may. Not to be asked about peers that are trusted: all their clients share them. */
  admits(address: string): boolean {
    return this.#maxConnections === 0 || (this.#connections.get(clientKey(address)) ?? 0) <= this.#maxConnections
  }

  disconnected(address: string): void {
    const key = clientKey(address)
    const count = (this.#connections.get(key) ?? 0) - 1
    if (count > 0) this.#connections.set(key, count)
    else this.#connections.delete(key)
  }

  /** 0: it may pass. Else the whole seconds until one may, for `Retry-After` of a 429 (RFC 6585 4); it costs the client nothing more. */
  request(address: string): number {
    if (this.#everyMs === 0) return 0
    const now = this.#now()
    const key = clientKey(address)
    const known = this.#fullAt.get(key)
    const fullAt = known === undefined || known < now ? now : known
    const aheadMs = fullAt - now - this.#toleranceMs
    // A microsecond of tolerance: the sum of many intervals is not exact.
    if (aheadMs > 1e-3) return Math.max(Math.ceil(aheadMs / 1_000), 1)
    if (known === undefined && this.#fullAt.size >= maxRemembered) this.#makeRoom(now)
    this.#fullAt.set(key, fullAt + this.#everyMs)
    return 0
  }

  /** Addresses that are remembered now. */
  get size(): number {
    return this.#fullAt.size
  }

  #makeRoom(now: number): void {
    // Looking at all of them once a second at most; a flood must not make each request cost that.
    if (now >= this.#sweepAt) {
      this.#sweepAt = now + 1_000
      for (const [key, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(key)
    }
    if (this.#fullAt.size < maxRemembered) return
    for (const [key] of this.#fullAt) {
      this.#fullAt.delete(key)
      return
    }
  }
}

/** What counts as one client: an IPv4 address, or a /64 of IPv6, which one subscriber has at least (RFC 6177). */
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
