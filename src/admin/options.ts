/** Where the admin listener listens, and who may ask it. */
import { ConfigError, problem } from '../policy/problems.ts'
import type { ServerAddress } from '../serve/contract.ts'

export interface AdminOptions {
  /** `host:port`, a port on loopback, or `unix:` and a path. Default 127.0.0.1:9180. */
  readonly listen?: string | number
  /**
   * What a client has to show. Required as soon as it listens on more than loopback or a Unix
   * socket.
   */
  readonly token?: string
  /**
   * Names beside addresses and `localhost` that it may be asked by (a page's DNS could name it).
   * Default: none.
   */
  readonly hosts?: readonly string[]
}

/** The listener, once it listens. */
export interface AdminListener {
  readonly address: ServerAddress
  /** Whoever asked has the answer; streams are cut a moment later. */
  close(): Promise<void>
}

export type Place = { readonly host: string; readonly port: number } | { readonly unix: string }

/** Resolved: where to listen, and what to ask for. */
export interface AdminPlan {
  readonly at: Place
  readonly token: string | null
  readonly hosts: readonly string[]
}

const defaultAdmin = { host: '127.0.0.1', port: 9180 } as const
export const defaultPlace = `${defaultAdmin.host}:${defaultAdmin.port}`

export const placeAccepted = 'a port, an address and a port (127.0.0.1:9180, [::1]:9180), or unix: and a path'
const shortestToken = 16

/** `name`: how the option is written by whoever gave it. Throws a `ConfigError`. */
export function adminPlan(given: true | string | number | AdminOptions, name = 'admin'): AdminPlan {
  const {
    listen,
    token,
    hosts = [],
  }: AdminOptions = given === true ? {} : typeof given === 'object' ? given : { listen: given }
  const at = listen === undefined ? defaultAdmin : placeOf(`${listen}`)
  if (at === null) throw new ConfigError([problem(name, listen, 'not a place to listen on', placeAccepted)])
  if (token === undefined && 'host' in at && !isLoopback(at.host)) {
    const why = 'more than this machine can reach it, so it needs a token (--admin-token-file, HANGUP_ADMIN_TOKEN)'
    throw new ConfigError([problem(name, listen, why, 'loopback or a Unix socket without one')])
  }
  if (token !== undefined && token.length < shortestToken) {
    const why = `shorter than ${shortestToken} characters, which can be guessed`
    throw new ConfigError([problem(`${name} token`, `of ${token.length} characters`, why, 'a long random text')])
  }
  return { at, token: token ?? null, hosts: hosts.map((host) => host.toLowerCase()) }
}

/** Null: it is none. */
export function placeOf(text: string): Place | null {
  if (text.startsWith('unix:')) return text.length > 'unix:'.length ? { unix: text.slice('unix:'.length) } : null
  const [, bracketed, plain, digits] = /^(?:(?:\[([\da-f:.]+)\]|([^:[\]\s]*)):)?(\d{1,5})$/i.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || port > 65_535) return null
  const isPort = bracketed === undefined && plain === undefined
  return { host: isPort ? defaultAdmin.host : (bracketed ?? (plain || '::')), port }
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
