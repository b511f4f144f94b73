/**
 * What a gateway runs by, resolved and checked: made from a configuration file or from flags
 * (`schema.ts`).
 */
import type { ConnectTls } from '../../net/transport.ts'
import type { RequestChanges } from '../../policy/request-limits.ts'
import type { gatewayScope, groupScope, routeScope } from './schema.ts'
import type { Resolved } from './setting.ts'
import type { checkSettings } from './settings/checks.ts'
import type { UpstreamOptions } from './settings/limits.ts'

/** With every setting of the file that holds for the whole gateway (`settings/top.ts`). */
export interface GatewayConfig
  extends Omit<Resolved<typeof gatewayScope>, 'listen' | 'clients' | 'redirectToPort' | 'spoolDir'> {
  /** The first that matches serves; none: 404. */
  readonly routes: readonly Route[]
  readonly groups: Readonly<Record<string, GroupConfig>>
  /**
   * Requests over plain HTTP are redirected (308) to this port of the same host; null: they are
   * served.
   */
  readonly redirectToPort: number | null
  readonly clients: ClientLimits
  readonly spool: SpoolConfig
}

/** With every setting of the file that belongs to routes (`settings/top.ts`). */
export interface Route extends Resolved<typeof routeScope> {
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
  /**
   * What stands in the place of `path` before the request goes on: `` strips it; null: the path
   * goes on as it came.
   */
  readonly replacePath: string | null
  readonly request: FieldChanges
  readonly response: FieldChanges
  /** 0: the connection policy's own limit. */
  readonly maxBodyBytes: number
  /** Of the connection policy, what its requests have in its place; null: nothing. */
  readonly limits: RequestChanges | null
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

/** With every setting of the file that belongs to groups (`settings/top.ts`). */
export interface GroupConfig extends Omit<Resolved<typeof groupScope>, 'check'> {
  readonly name: string
  readonly upstreams: readonly UpstreamConfig[]
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
  /**
   * Announces the client by PROXY protocol on each connection, which then serves this client alone.
   */
  readonly proxyProtocol: 'off' | 'v1' | 'v2'
}

export type CheckConfig = Resolved<typeof checkSettings>

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
