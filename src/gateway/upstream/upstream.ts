/** What an exchange needs of an upstream, whoever speaks to it: a pool of our own connections, or the platform's `fetch`. */

import type { ResponseHead } from '../../http1/head.ts'
import type { BodySource } from '../../http1/web/payload.ts'
import type { BodyFraming } from '../../http1/writer.ts'
import type { TransportDuplex } from '../../net/duplex.ts'
import type { UpstreamError } from '../errors.ts'

export interface Upstream {
  acquire(want: Want): void
}

/** Who wants to send a request. Told once, in the same turn if nothing has to be waited for. */
export interface Want {
  onConnection(sender: Sender): void
  onRefused(error: UpstreamError): void
  /** Nobody wants it any more. */
  readonly gone: boolean
  /** The request could not be sent twice: only a new connection will do, or one that has just been used. */
  readonly careful: boolean
  /** This upstream has just ended a connection that had answered before: only a new one will do. */
  readonly fresh: boolean
  /** Whose turn it is in a queue. */
  readonly client: string
  /** Sent before anything else on a connection that serves this request alone. */
  readonly preamble: Uint8Array | null
}

/** Sends one request and tells its answer. */
export interface Sender {
  /** Whether it has answered before: the upstream may be closing it at this very moment. */
  readonly used: boolean
  /** Throws, with nothing sent, where the request can't be written. */
  send(ask: Ask): void
  /** After `onData` returned false. */
  resume(): void
  /** Nobody waits for the answer any more: the upstream learns it at once. */
  abort(): void
  /** It was not needed. */
  close(): void
}

/** Quiet by nature: no time between its bytes is too long. */
export const isEventStream = (head: ResponseHead): boolean =>
  /^text\/event-stream\b/i.test(head.get('content-type') ?? '')

export interface Ask {
  readonly asker: Asker
  readonly method: string
  readonly target: string
  readonly host: string
  /** As `requestFields` made them, or as lines by `requestLines`. */
  readonly fields: readonly string[] | string
  readonly body: Uint8Array | BodySource | null
  /** Of bytes: how many in front of them, in their buffer, may be written over. */
  readonly room?: number
  readonly framing: BodyFraming
  /** Protocols of an upgrade, one of which 101 is an answer to. */
  readonly upgrade: string | null
  readonly firstByteTimeoutMs: number
  readonly readTimeoutMs: number
}

/** Who is told of the answer. After `onWhole`, `onEnd`, `onUpgrade`, `onWebSocket` or `onFailure` nothing more is told. */
export interface Asker {
  /** A body of bytes has gone out whole. */
  onSent?(): void
  /** 1xx; the answer itself still comes. */
  onInterim(head: ResponseHead): void
  /** An answer in one piece; `body` is a view that is valid only during the call, or null if empty. */
  onWhole(head: ResponseHead, body: Uint8Array | null): void
  /** An answer whose body follows: `onData` as often as needed, then `onEnd`. */
  onHead(head: ResponseHead): void
  /** A view that is valid only during the call; `false` pauses until `resume()`. */
  onData(piece: Uint8Array): boolean
  onEnd(trailers: readonly string[]): void
  onUpgrade(head: ResponseHead, stream: TransportDuplex): void
  /** Where the platform has upgraded by itself: what it joins to the client when it is given it with the answer. */
  onWebSocket(head: ResponseHead, webSocket: object): void
  onFailure(error: UpstreamError): void
}
