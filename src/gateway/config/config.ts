/** What a gateway runs by, resolved and checked: made from a configuration file or from flags (`schema.ts`), read by everything else here. */
import type { ConnectTls } from '../../net/transport.ts'
import type { UpstreamOptions } from './options.ts'

export interface GatewayConfig {
  /** The first that matches serves; none: 404. */
  readonly routes: readonly Route[]
  readonly groups: Readonly<Record<string, GroupConfig>>
  /** Networks (CIDR) whose `Forwarded` and `X-Forwarded-*` are believed and extended; all others' are replaced. */
  readonly trust: readonly string[]
  /** What `Via` and `Forwarded: by=` call this gateway (RFC 9110 7.6.3). */
  readonly pseudonym: string
  /** Whether an answer of the gateway's own says why in `Hangup-Reason`. */
  readonly reasonHeader: boolean
  /** Requests over plain HTTP are redirected (308) to this port of the same host; null: they are served. */
  readonly redirectToPort: number | null
  /** `Strict-Transport-Security` on every answer over TLS (RFC 6797); null: none. */
  readonly hsts: string | null
  readonly clients: ClientLimits
  readonly spool: SpoolConfig
}

export interface Route {
  /** As the configuration calls it, for messages: `routes[0]`. */
  readonly name: string
  /** Lower case; `*.example.com` matches one label or more before it; null: every host. */
  readonly host: string | null
  /** A prefix that ends at a segment: `/api` matches `/api` and `/api/x`, not `/apis`. */
  readonly path: string
  /** Upper case; null: every method. */
  readonly methods: readonly string[] | null
  /** A group's name. */
  readonly to: string
  /** What stands in the place of `path` before the request goes on: `` strips it; null: the path goes on as it came. */
  readonly replacePath: string | null
  /** `keep`: the client's; `upstream`: the upstream's own address; anything else is sent as it is. */
  readonly hostHeader: string
  readonly request: FieldChanges
  readonly response: FieldChanges
  readonly buffer: 'request' | 'response' | 'both' | 'off'
  /** Protocols of `Upgrade` that are let through, lower case. */
  readonly upgrades: readonly string[]
  /** Field names with `_`, which CGI can't tell from `-`, are passed on. */
  readonly underscores: boolean
  readonly compress: boolean
  /** 0: the connection policy's own limit. */
  readonly maxBodyBytes: number
  /** By status (`502`) or class (`5xx`); HTML text. */
  readonly errorPages: Readonly<Record<string, string>>
  /** The group's options with this route's own over them. */
  readonly options: UpstreamOptions
}

export interface FieldChanges {
  /** name, value, …: takes the place of every field of that name. */
  readonly set: readonly string[]
  /** Lower case. */
  readonly remove: readonly string[]
}

export type BalanceBy =
  | { readonly by: 'round-robin' | 'least-connections' | 'two-choices' }
  /** Consistent hash of the client's address, a request header or a cookie. */
  | { readonly by: 'hash'; readonly of: 'address' | 'header' | 'cookie'; readonly name: string }

export interface GroupConfig {
  readonly name: string
  readonly upstreams: readonly UpstreamConfig[]
  readonly balance: BalanceBy
  /** null: no active checks. */
  readonly check: CheckConfig | null
  readonly options: UpstreamOptions
}

export interface UpstreamConfig {
  /** As it was given: `http://127.0.0.1:8000`. */
  readonly url: string
  /** A name is resolved again and again; each of its addresses is an upstream. */
  readonly host: string
  readonly port: number
  readonly unix: string | null
  readonly tls: ConnectTls | null
  readonly weight: number
  /** Announces the client by PROXY protocol on each connection, which then serves this client alone. */
  readonly proxyProtocol: 'off' | 'v1' | 'v2'
}

export interface CheckConfig {
  readonly path: string
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Checks in a row until it is taken for down, and for up again. */
  readonly unhealthyAfter: number
  readonly healthyAfter: number
}

/** Per client address; 0 is off. */
export interface ClientLimits {
  readonly maxConnections: number
  readonly requestsPerSec: number
  readonly burst: number
}

interface SpoolConfig {
  /** null: the system's folder for temporary files. */
  readonly dir: string | null
  /** Everything in it together; 0: nothing is spooled. */
  readonly maxBytes: number
}
