/** The one shape that every runtime's `serve()` has. */

import type { AdminListener, AdminOptions } from '../admin/options.ts'
import type { DrainResult, Phase } from '../lifecycle/drain.ts'
import type { WebSocketEnd } from '../lifecycle/long-lived.ts'
import type { State } from '../lifecycle/states.ts'
import type { CertificatePem, ListenTls, ProxyProtocolFrom } from '../net/transport.ts'
import type { AccessEntry } from '../observe/access.ts'
import type { Observer } from '../observe/observer.ts'
import type { Enforcement } from '../policy/enforcement.ts'
import type { Policy, PolicyInput } from '../policy/policy.ts'
import type { PresetName } from '../policy/presets.ts'
import type { LogLine } from './log.ts'

/**
 * What can be served: a Hono app, anything with a `fetch`, or a `fetch` function itself. `env` is
 * what Hono's own adapter of the runtime gives, `ctx` what Workers give.
 */
export type Fetch = (request: Request, env?: any, ctx?: any) => Response | Promise<Response>
export type App = Fetch | { readonly fetch: Fetch }

export type EngineChoice = 'auto' | 'native' | 'hangup'

export interface ServeOptions extends PolicyInput {
  /** TCP port; 0 takes a free one. Default 3000. */
  readonly port?: number
  /** Address to listen on. Default: all interfaces, as the runtimes do. */
  readonly host?: string
  /** A path: listen on a Unix socket instead of a TCP port. The hangup engine only. */
  readonly unix?: string
  /**
   * The number of a listening socket that this process has inherited, TCP or Unix, in the place of
   * `port`, `host` and `unix`: from systemd (3 as a rule; the command line reads `LISTEN_FDS`) or
   * from another process. It is the server's from then on. Linux; with `Bun.serve` and `Deno.serve`
   * through their FFI.
   */
  readonly fd?: number
  /**
   * PEM text. With it the server speaks TLS only, 1.2 and 1.3. Of several certificates each client
   * is shown its own (SNI).
   */
  readonly tls?: CertificatePem | ListenTls
  /**
   * Peers that announce their clients by PROXY protocol, v1 or v2: they must, before anything else.
   * Any other peer is closed at once, or with `others: 'direct'` served as a client of its own. The
   * hangup engine only.
   */
  readonly proxyProtocol?: Pick<ProxyProtocolFrom, 'trust'> & Partial<Pick<ProxyProtocolFrom, 'others'>>
  /**
   * Named sets of values for what stands in front of the server; the longest of each option wins.
   */
  readonly preset?: PresetName | readonly PresetName[]
  /**
   * What speaks HTTP: `native`, the runtime's own server; `hangup`, the engine of this project on
   * the runtime's sockets; `auto` (default): native where it holds all that the policy asks for and
   * loses no request, else hangup.
   */
  readonly engine?: EngineChoice
  /**
   * `replace`: while the hangup engine serves, or the native one on Node, `Response` and `Headers`
   * (under the hangup engine on Node and Bun also `Request` and `fetch`) are classes that make no
   * native object before somebody looks: a third more requests a second, and half as many again
   * where middlewares set fields. `keep` (default): they are left alone, but where `node:http`
   * serves, for which @hono/node-server puts its own `Request` and `Response` in their place, and on
   * Bun, where the constructor of `Response` notes what kind of body it is given. The command line
   * replaces them.
   */
  readonly globals?: 'replace' | 'keep'
  /** `false`: SIGTERM and SIGINT are left to the program, which calls `drain()`. Default true. */
  readonly signals?: boolean
  /**
   * Listens for its operator: health, connections and why they ended, and the page that shows them.
   * `true`: on 127.0.0.1:9180; text: a port, an address and a port, or `unix:` and a path. Needs
   * `hono`. Default: nothing listens.
   */
  readonly admin?: boolean | string | number | AdminOptions
  /**
   * A path that is answered before the application, for balancers: 200 while the server is ready,
   * 503 from the first moment of a drain. GET and HEAD. Default: none.
   */
  readonly healthPath?: string
  /** Where events go; default: one line each on standard error. */
  readonly log?: (line: LogLine) => void
  /**
   * Told of each response that is out, and of each connection's end with its cause; what it throws
   * is logged. Default: nobody, which costs nothing.
   */
  readonly accessLog?: (entry: AccessEntry) => void
  /**
   * Told of each thing that the application does wrong: what its handler throws or rejects with, a
   * result that is no usable `Response` (the client gets 500, and no word of the error), a body
   * stream that fails or does not keep to its `Content-Length` (the client's connection ends, so
   * that the response never looks whole). Default: one line in the log with method and path. A
   * framework that answers its own errors (Hono's `app.onError`) never comes here.
   */
  readonly onError?: (error: unknown, request: Request) => void | Promise<void>
  /**
   * Called once, when the server listens and before `serve()` resolves, which waits for it. What it
   * throws or rejects with closes the server again, and is what `serve()` rejects with.
   */
  readonly onListen?: (server: Running) => void | Promise<void>
}

/** What a server listens on. */
export interface ServerAddress {
  /** Where to aim a client on this machine: all interfaces are written as `localhost`. */
  readonly url: string
  readonly family: 'IPv4' | 'IPv6' | 'unix'
  /**
   * As the system says it: `::` for all interfaces, IPv4's too; `0.0.0.0` for those of IPv4. Empty
   * on a Unix socket.
   */
  readonly host: string
  /** The port that was taken where 0 was asked for. 0 on a Unix socket. */
  readonly port: number
  /** Of the Unix socket; null: it listens on TCP. */
  readonly path: string | null
}

export interface ConnectionsSummary {
  /** Open now; null where the runtime does not show its connections. */
  readonly open: number | null
  /** Requests being answered now. */
  readonly busy: number
  /** Open now, by state (only the states that the runtime shows). */
  readonly states: Readonly<Partial<Record<State, number>>>
  /** Requests handed to the application since the start. */
  readonly requests: number
  /**
   * Open connections that are under limits of a route now (`limits()`); null where the runtime does
   * not show its connections.
   */
  readonly changedLimits: number | null
  /** Connections that we closed since the start, by the option that said so. */
  readonly hungUp: Readonly<Record<string, number>>
  /**
   * WebSockets that have ended since the start, by the code of their close (RFC 6455 7.4): 1006,
   * without a close frame; 1005, with one that has no code. Missing: none has.
   */
  readonly webSocketCloses?: Readonly<Record<string, number>>
  /**
   * The same WebSockets by what ended them: the `client` or the `application` closed it, the `drain`
   * did (1001), its client was `idle` for `webSocketIdleTimeoutMs`, or it was `lost`: reset, vanished
   * or cut, without a close frame. Missing: none has ended.
   */
  readonly webSocketEnds?: Readonly<Partial<Record<WebSocketEnd, number>>>
  /**
   * Requests that came in the instant in which we closed their idle connection: handed to the
   * application, their answer lost. Null where that is not counted: only under the kernel ledger
   * does somebody else than the reader end a connection.
   */
  readonly closeRaces: number | null
  /**
   * Connections that were reset since the start because their client sent when nobody was left to
   * read, requests that crossed our FIN among them: never handed to the application. The kernel's
   * `TCPAbortOnData`, which counts all processes of the network namespace. Null where it is not
   * read, as `closeRaces`, or can't be.
   */
  readonly abortsOnData: number | null
}

/**
 * A server that listens. `await using server = await serve(app)` closes it at the end of the block.
 */
export interface Running extends AsyncDisposable {
  /** That of `address`. */
  readonly url: string
  readonly address: ServerAddress
  /** What speaks HTTP: `node:http`, `Bun.serve`, `hangup`. */
  readonly engine: string
  /** Why that one: asked for, or what `auto` found. */
  readonly engineWhy: string
  readonly policy: Policy
  readonly enforcement: Enforcement
  /** Where the drain is; anything but `serving` means: not ready. */
  readonly phase: Phase
  connections(): ConnectionsSummary
  /** Connections one by one, those that have ended and why, and requests by method and status. */
  readonly observer: Observer
  /**
   * Where the admin listener listens; null: there is none. `close()` ends it while the server goes
   * on.
   */
  readonly admin: (ServerAddress & Pick<AdminListener, 'close'>) | null
  /**
   * For TLS handshakes from now on; open connections go on. Throws a `CertificateError`, and
   * changes nothing, if one can't be served with. Undefined without TLS, and where the runtime's
   * own server has to be started anew for it (Bun).
   */
  readonly setCertificates?: (certificates: readonly CertificatePem[]) => void
  /**
   * Announce (`drainDelayMs`), close the listener and the idle connections, wait for requests in
   * flight, and at `drainTimeoutMs` from the first call cut what is left. Resolves when no
   * connection is open; later calls join the first. `{ announce: false }` skips the first phase.
   */
  drain(how?: { readonly announce?: boolean }): Promise<DrainResult>
  /** Cuts everything at once. A drain that was under way resolves with what was cut. */
  kill(): Promise<DrainResult>
  /**
   * For tests and for programs that end by themselves: stops listening and closes idle connections
   * at once, without `drainDelayMs`, `drainSpreadMs` and `minIdleMs`; requests in flight are
   * finished, up to `drainTimeoutMs` from the first call. `{ fast: true }` cuts them, too. Resolves
   * when no connection is open and the port is free; later calls join the first, and so does a
   * drain. Behind a load balancer `drain()` is what loses no request.
   */
  close(how?: { readonly fast?: boolean }): Promise<DrainResult>
  /**
   * Resolves when it has ended and no connection is open any more, whoever ended it; never before.
   */
  readonly closed: Promise<DrainResult>
  /** `close()`. */
  [Symbol.asyncDispose](): Promise<void>
}
