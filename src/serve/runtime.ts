/**
 * What a runtime gives to `serve()`: its sockets, its own server, and what an application gets
 * beside its Request.
 */
import type { Duplex } from 'node:stream'
import type { AdminListener } from '../admin/options.ts'
import type { RequestHead } from '../http1/head.ts'
import type { IncomingBody } from '../http1/incoming-body.ts'
import type { ServerConnection } from '../http1/server-connection.ts'
import type { Loaded } from '../kernel/libc.ts'
import type { Descriptors } from '../lifecycle/descriptor-budget.ts'
import type { LongLived } from '../lifecycle/long-lived.ts'
import type { InheritedAddress } from '../net/inherited.ts'
import type { Listen } from '../net/transport.ts'
import type { Observer } from '../observe/observer.ts'
import type { Enforcement } from '../policy/enforcement.ts'
import type { Resolved } from '../policy/resolve.ts'
import type { App, Running, ServeOptions } from './contract.ts'

/**
 * One start of a server: what was asked for, and what has been decided about it. Made once; no
 * engine resolves again.
 */
export interface Start<Options extends ServeOptions = ServeOptions> {
  readonly app: App
  readonly options: Options
  readonly resolved: Resolved
  /** The runtime, as messages name it. */
  readonly runtime: string
  /** Why this engine serves. */
  readonly why: string
  /** Is to watch the engine's connections. */
  readonly observer: Observer
  readonly companions: Companions
  /** What its drain ends in its own way. */
  readonly longLived: LongLived
  /** See `ConnectionsOptions`. */
  readonly keepsReserve?: boolean
  /** The application is ours, and asks no `draining()`. */
  readonly isInternal?: boolean
}

/** What listens beside a server, and ends with it. */
export interface Companions {
  admin: AdminListener | null
  /** Ends what goes to the program's OpenTelemetry SDK. */
  stopExport?: (() => void) | undefined
}

/** What a runtime's own server does wrong whatever the policy says. */
export interface Deviation {
  readonly what: string
  readonly source: string
  /** It loses requests: reason enough for the other engine. */
  readonly losesRequests: boolean
}

/** A runtime's own server, and what of the policy it holds. */
export interface NativeEngine {
  /** `node:http`, `Bun.serve`, `Deno.serve`. */
  readonly name: string
  readonly enforcement: Enforcement
  readonly deviations: readonly Deviation[]
}

export interface NativeServer<Options extends ServeOptions = ServeOptions> extends NativeEngine {
  /** Resolves when it listens. */
  serve(start: Start<Options>): Promise<Running>
  /**
   * Why it cannot accept on a socket that the process has inherited, found out each time; null: it
   * can. Default: it can.
   */
  inheritingProblem?(): Promise<string | null>
}

/** The runtime's own server holds no limit here: `why`, and what would help. */
export interface NoNative {
  readonly why: string
}

/** What the socket engine runs on. */
export interface Sockets {
  readonly listen: Listen
  /** Who holds each limit on these sockets. */
  enforcement(): Enforcement
  /** Of the process; null: they can't be told. */
  descriptors(): Descriptors | null
  /**
   * Called for each newcomer while no descriptor is left for any, where the runtime can't be kept
   * from accepting, and drops all connections that wait once it can't accept.
   */
  readonly holdAccept?: () => void
}

/** Files whose ranges the runtime's own server answers by itself. */
export interface Files {
  /** Whether its bytes are in a file. */
  holds(blob: Blob): boolean
  /** The file that is a native Response's body; null: the body is not a file, or nobody knows. */
  behind(response: Response): Promise<Blob> | null
}

/** What an application on the socket engine gets beside its Request. */
export interface Bindings {
  /** `c.env`, like from Hono's own adapter of the runtime. */
  env(connection: ServerConnection, head: RequestHead, body: Uint8Array | IncomingBody | null): unknown
  /**
   * Answers by itself, without the application and without a Request, and returns true; or returns
   * false. A body of bytes is a view, valid only during the call.
   */
  takes?(connection: ServerConnection, head: RequestHead, body: Uint8Array | IncomingBody | null): boolean
  /** For a request that asks for a WebSocket; without it there are none. */
  offerUpgrade?(connection: ServerConnection, head: RequestHead, request: Request): UpgradeOffer | Promise<UpgradeOffer>
  readonly files?: Files
  /**
   * The application takes bodies from its `env` alone: bytes are shown to that as a view, valid
   * only during the call.
   */
  readonly bodyInEnv?: boolean
}

/** A WebSocket that an application may take. */
export interface UpgradeOffer {
  /** `c.env` of the request. */
  readonly env: unknown
  /**
   * After the application has answered: what takes the connection's stream, or null if the request
   * was not upgraded. `returned` is what the handler returned, whose fields may go with the 101;
   * through `longLived` a drain closes it.
   */
  upgraded(): ((stream: Duplex, returned: unknown, longLived: LongLived) => void) | null
  /**
   * There will be no upgrade: what was made for it goes, and none is granted any more. May be
   * called twice.
   */
  drop(): void
}

export interface HeldDescriptor {
  readonly fd: number
  /** May be called twice. */
  close(): void
}

/** A listening socket that this process holds for others. */
export interface HeldListener extends HeldDescriptor {
  readonly at: InheritedAddress
}

export interface ServeRuntime {
  readonly name: string
  /** Options that only this runtime's `serve()` has. */
  readonly ownOptions: readonly string[]
  readonly sockets: Sockets
  bindings(options: ServeOptions): Bindings | Promise<Bindings>
  /** The runtime's own server for these options, or why there is none. */
  native(options: ServeOptions): NativeServer | NoNative | Promise<NativeServer | NoNative>
  /**
   * A listening socket on which this process accepts nothing, for its children. `isOneOfSeveral`:
   * of sockets on one port, among which the kernel shares out new connections. Rejects with the
   * system's error, or says why there is none.
   */
  openListener(at: InheritedAddress, isOneOfSeveral?: boolean): Promise<HeldListener | { readonly why: string }>
  /**
   * Where the runtime spoils a socket that it hands to a child: a duplicate that every child has,
   * by the same number. Default: it is handed over like standard input.
   */
  inheritable?(fd: number): HeldDescriptor
  /** Closes what a child has inherited so and does not accept on. */
  forget?(fds: readonly number[]): void
  /** The C library by the runtime's FFI, or why there is none. */
  loadLibc(): Loaded | Promise<Loaded>
  /**
   * The kernel's `TCPAbortOnData`, for where there is no C library and no permission to ask for;
   * null: unknown.
   */
  abortsOnData?(): number | null
}
