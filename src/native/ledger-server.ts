/**
 * What a runtime's own server is to the ledger: all that the runtimes differ in, and what they may
 * ask of it.
 */
import type { Address } from '../kernel/layout.ts'
import type { Libc } from '../kernel/libc.ts'
import type { Threads } from '../kernel/threads.ts'
import type { LongLived } from '../lifecycle/long-lived.ts'
import type { Coded } from '../policy/codes.ts'
import type { Policy } from '../policy/policy.ts'
import type { ReasonLog } from '../serve/prepare.ts'
import type { NativeEngine } from '../serve/runtime.ts'
import type { FieldOf } from './request-body.ts'

/** `Call`: what the runtime hands over with a request, and the application gets as `c.env`. */
export interface LedgerServer<Call> {
  readonly engine: NativeEngine
  readonly libc: Libc
  /** Where several threads of this process serve on the same listener. */
  readonly threads?: Threads | undefined
  /** The client's end of the connection that the request came on; null: it is gone. */
  peerOf(request: Request, call: Call): Address | null
  /** A field of a request's head, where its `headers` are dear. Default: those. */
  fieldOf?: FieldOf
  /**
   * What the runtime is to get when the application has taken the connection over for another
   * protocol, whatever it returned; null: it has not. Where `longLived` is not told by the
   * listener, it is told here.
   */
  upgradeOf(returned: unknown, request: Request, how: Upgrading): { readonly answer: unknown } | null
  /**
   * The answer's end is not the handler's: the runtime gets it piece by piece, or its client takes
   * it so.
   */
  isLong(answer: Response, http2: boolean): boolean
  /** Follows such an answer to its end. Returns what is to be answered instead. */
  follow(answer: Response, call: Call, how: Following): Response
  /** A Response that can be answered with, told at one look; `false` promises nothing. */
  isSound(returned: unknown): boolean
  /**
   * Told at one look: sound, there whole, no upgrade, and without a word of its connection. `false`
   * promises nothing.
   */
  isPlain?(returned: unknown): boolean
  /**
   * What the runtime may have: where it spoils an answer that the application gives again, another
   * one; where it believes a length, the right one.
   */
  toSend?(answer: Response, http2: boolean): Response
  /**
   * The answer to HEAD: its head says the length that the answer to GET has, or none, and no byte
   * of a body goes out.
   */
  forHead(answer: Response, http2: boolean): Response
  /** The answer's own `Connection`. */
  connectionOf(answer: Response): string | null
  withHeader(answer: Response, name: string, value: string): Response
  /**
   * An answer that says `Connection: close` ends its connection at once, and under a body that is
   * still coming that is RST, which the client sees instead of the answer. So there the answer does
   * not say so, and the ledger ends the connection.
   */
  readonly closesUnderBody?: boolean
  /**
   * Without a free descriptor the runtime does not wait for one: accepting has failed, and whoever
   * waits for it is reset.
   */
  readonly failsAtLimit?: boolean
  /**
   * The runtime's own limit is not the policy's: a `maxHeadBytes` that was set is held by a look at
   * each request.
   */
  readonly looksAtHeads?: boolean
  listen(
    handler: (request: Request, call: Call) => Response | Promise<Response>,
    kit: ListenKit,
  ): Promise<NativeListener>
}

/**
 * What an upgrade fails with whose client has gone meanwhile: nobody's fault, and nobody is left to
 * be answered.
 */
export class ClientGoneError extends Error implements Coded {
  override readonly name = 'ClientGoneError'
  readonly code = 'CLIENT_GONE'
  constructor() {
    super('the client is gone')
  }
}

export interface Upgrading {
  readonly report: (error: unknown) => void
  /** Ends it in a drain. */
  readonly longLived: LongLived
}

export interface Following {
  readonly http2: boolean
  readonly report: (error: unknown) => void
  /** What is out now is its connection's last answer, though its head did not say so. */
  readonly last: () => void
  /**
   * Resets its connection, once the client has what has been sent. Not over HTTP/2, where others
   * share it.
   */
  readonly cut: () => Promise<void>
  /** All of it is with the runtime, or the client is gone. */
  readonly done: () => void
  /**
   * Whether it is the client that has to move, where the kernel can't tell: HTTP/2 has windows of
   * its own.
   */
  readonly held: (byClient: boolean) => void
}

/** What a listener may ask of the ledger. */
export interface ListenKit {
  readonly log: ReasonLog
  readonly policy: Policy
  /** Ends WebSockets in a drain. */
  readonly longLived: LongLived
  /**
   * What the runtime found fault with by itself, and cannot say of which request. Returns what it
   * is to answer.
   */
  failed(error: unknown): Response
  /**
   * Called once the runtime listens, with where: an inherited socket takes the place of that one,
   * if there is one. Returns where clients find the server. Throws if it can't be done.
   */
  settle(own: Address): Address
  /** An inherited socket is to take the place of the runtime's own, which may listen anywhere. */
  readonly inherits: boolean
  /** Ends the listening sockets and nothing else; they stay the runtime's. */
  shutListeners(): void
  /**
   * The same where the runtime's loop would spin on a listener that is shut: all but their numbers
   * is closed.
   */
  closeListeners(): void
  /**
   * The application is about to take this request's connection over, after which nobody can say
   * whose it was. Returns whether its client is still there, as far as the kernel knows.
   */
  beforeUpgrade(request: Request): boolean
  /**
   * No descriptor is left and the runtime has stopped accepting for it: closes the connections that
   * have waited longest. Their descriptors are free a little later: see `hasRoom`.
   */
  makeRoom(): void
  hasRoom(): boolean
  /** The same for connections that have not said anything yet, however young. */
  turnAway(): void
}

export interface NativeListener {
  /** What it listens on, as the kernel names it. */
  readonly at: Address
  /** Nobody is accepted any more; whoever is there stays, and is still answered. */
  stopAccepting(): void
  /** To clients that only the runtime can say goodbye to (HTTP/2: GOAWAY), `minIdleMs` later. */
  sayGoodbye?(): void
  /** The end of all; called when nobody is left, or to cut whoever is. */
  stop(): void
  /** The latter, where the runtime would wait for handlers that never end. Default: `stop`. */
  cut?(): void
}
