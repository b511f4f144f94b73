/**
 * Who may ask the admin listener: a page of somebody else's in the operator's browser may not (DNS
 * rebinding, cross-origin requests), and from another machine only who knows the token.
 */
import { timingSafeEqual } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'

export interface GuardOptions {
  /**
   * Null: whoever reaches it may ask. Only for loopback, and Unix sockets, whose files have
   * permissions.
   */
  readonly token: string | null
  /** Names beside addresses and `localhost` that it may be asked by. */
  readonly hosts?: readonly string[]
}

const encoder = new TextEncoder()

function isSame(given: string, expected: string): boolean {
  const [a, b] = [encoder.encode(given), encoder.encode(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** A name that an attacker's DNS can point here is none of these: an address can't be rebound. */
function isOwnHost(host: string, hosts: readonly string[]): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase()
  return name === 'localhost' || /^\[[\da-f:.]+\]$/.test(name) || /^\d+(\.\d+){3}$/.test(name) || hosts.includes(name)
}

/** `Authorization: Bearer …`, or the password of Basic, which browsers ask for. */
function tokenIn(authorization: string | undefined): string | null {
  const [scheme = '', value = ''] = authorization?.split(' ') ?? []
  if (/^bearer$/i.test(scheme)) return value
  if (!/^basic$/i.test(scheme)) return null
  try {
    return atob(value).replace(/^[^:]*:/, '')
  } catch {
    return null
  }
}

const isCrossSite = (site: string | undefined): boolean =>
  site !== undefined && site !== 'same-origin' && site !== 'none'

/** Refuses with 403 or 401, and says why. */
export function guard({ token, hosts = [] }: GuardOptions): MiddlewareHandler {
  return async function guard(c, next) {
    const host = c.req.header('host') ?? ''
    if (!isOwnHost(host, hosts)) return c.text('the admin listener is asked by its address or localhost\n', 403)
    const origin = c.req.header('origin')
    if (isCrossSite(c.req.header('sec-fetch-site')) || (origin !== undefined && new URL(c.req.url).origin !== origin)) {
      return c.text('the admin listener does not answer other origins\n', 403)
    }
    if (token !== null && !isSame(tokenIn(c.req.header('authorization')) ?? '', token)) {
      return c.text('the admin token is needed: Authorization: Bearer …\n', 401, {
        'WWW-Authenticate': 'Basic realm="hangup admin", charset="UTF-8"',
      })
    }
    await next()
  }
}
