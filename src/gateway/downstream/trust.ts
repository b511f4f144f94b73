/** The client's address behind trusted hops. */
import { addressOf, plainAddress, type Trust } from '../../net/networks.ts'
import { hopsOf } from '../message/forwarded.ts'

/**
 * The client's address: the peer's, or what the hops say of each other, from the last to the first,
 * as long as the hop that says it is trusted. Text that is not an address ends the walk, because no
 * trusted hop vouches for what stands before it.
 */
export function clientOf(peer: string, raw: readonly string[], trusted: Trust): string {
  let client = plainAddress(peer)
  if (!trusted(peer)) return client
  const hops = hopsOf(raw)
  for (let i = hops.length - 1; i >= 0; i--) {
    const hop = hops[i]!
    if (addressOf(hop) === null) return client
    client = plainAddress(hop)
    if (!trusted(client)) return client
  }
  return client
}
