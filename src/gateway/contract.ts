/** What a program that has a gateway in it names. */
import type { AdminOptions } from '../admin/options.ts'
import type { DrainResult } from '../lifecycle/drain.ts'
import type { AccessEntry } from '../observe/access.ts'
import type { Enforcement } from '../policy/enforcement.ts'
import type { ServerAddress } from '../serve/contract.ts'
import type { Log } from '../serve/log.ts'
import type { GatewayFile } from './config/schema.ts'
import type { GatewayStatus } from './status.ts'

export type { GatewayFile, GatewayStatus }

export interface GatewayOptions {
  /**
   * The folder that paths in the configuration are relative to. Default: that of the file, else the
   * working directory.
   */
  readonly folder?: string
  /** Where lines about upstreams, reloads and clients go. Default: standard error. */
  readonly log?: Log
  /**
   * Listens for its operator: health, metrics, connections and why they ended, upstreams. `true`:
   * on 127.0.0.1:9180; text: a port, an address and a port, or `unix:` and a path. Default: nothing
   * listens.
   */
  readonly admin?: boolean | string | number | AdminOptions
  /** As `serve()` has it, of all listeners. */
  readonly accessLog?: (entry: AccessEntry) => void
  /** Whether SIGTERM and SIGINT drain. Default: true. */
  readonly signals?: boolean
}

/** A gateway that listens. */
export interface GatewayServer extends AsyncDisposable {
  /** Of each listener. */
  readonly urls: readonly string[]
  /** What speaks HTTP with clients, as `serve()` says it. */
  readonly engine: string
  readonly engineWhy: string
  readonly enforcement: Enforcement
  /** Where the admin listener listens; null: there is none. */
  readonly admin: ServerAddress | null
  /** What is not a mistake in the configuration and still worth a line. */
  readonly notes: readonly string[]
  status(): GatewayStatus
  /**
   * Takes another configuration while everything goes on: requests in flight end as they began,
   * connections stay. Resolves to a line for each part that needs a restart. Rejects with a
   * `ConfigError`, and changes nothing, if it is invalid.
   */
  reload(config: GatewayFile | string): Promise<readonly string[]>
  /**
   * Stops listening, waits for requests in flight, and cuts what is left after `drainTimeoutMs`;
   * resolves when no connection is open. `{ announce: false }`: without `drainDelayMs`.
   */
  drain(how?: { readonly announce?: boolean }): Promise<DrainResult>
  /** Cuts everything at once. */
  kill(): Promise<DrainResult>
}
