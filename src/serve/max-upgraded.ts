/**
 * `maxUpgraded` around a handler: above it a request for a WebSocket is answered without asking.
 */
import type { Fetch } from './contract.ts'
import { comeAgain } from './responses.ts'
import { settlesOnce } from './settles-once.ts'

export interface MaxUpgradedOptions {
  /** 0: off, and the handler is returned as it is. */
  readonly maxUpgraded: number
  /** Those that are open. */
  readonly webSockets: () => number
  readonly onFull: () => void
}

export function withMaxUpgraded(handler: Fetch, { maxUpgraded, webSockets, onFull }: MaxUpgradedOptions): Fetch {
  if (maxUpgraded === 0) return handler
  let beingDecided = 0
  return (request, ...rest) => {
    if (!asksForWebSocket(request)) return handler(request, ...rest)
    if (webSockets() + beingDecided >= maxUpgraded) {
      onFull()
      return comeAgain()
    }
    const decided = () => {
      beingDecided -= 1
    }
    beingDecided += 1
    try {
      const returned = settlesOnce(handler(request, ...rest))
      if (returned instanceof Promise) return returned.finally(decided)
      decided()
      return returned
    } catch (error) {
      decided()
      throw error
    }
  }
}

const asksForWebSocket = ({ method, headers }: Request): boolean =>
  method === 'GET' && /\bwebsocket\b/i.test(headers.get('upgrade') ?? '')
