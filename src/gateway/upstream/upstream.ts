/**
 * An upstream, as an exchange needs it: a pool of our own connections, or the platform's `fetch`.
 */

import type { ResponseHead } from '../../http1/head.ts'
import type { BodySource } from '../../http1/web/payload.ts'
import type { BodyFraming } from '../../http1/writer.ts'
import type { TransportDuplex } from '../../net/duplex.ts'
import type { UpstreamError } from '../errors.ts'

export interface Upstream {
  acquire(want: Want): void
}

/** A request that wants a connection. Called back once, in the same turn if one is free. */
export interface Want {
  onConnection(sender: Sender): void
  onRefused(error: UpstreamError): void
  /** It is not wanted any more. */
  readonly gone: boolean
  /** The request can't be sent twice: it needs a connection that is new or was just used. */
  readonly careful: boolean
  /** This upstream has just closed a used connection: the request needs a new one. */
  readonly fresh: boolean
  /** The client, whose turn it is in a queue. */
  readonly client: string
  /** Sent before anything else on a connection that serves this request alone. */
  readonly preamble: Uint8Array | null
}

/** Sends one request and reports its response. */
export interface Sender {
  /** See `Transport`: what of a request's body may be a view. */
  readonly copiesBytes: number
  /** Whether it has answered before: the upstream may be closing it at this very moment. */
  readonly used: boolean
  /** Throws, with nothing sent, if the request can't be written. */
  send(ask: Ask): void
  /** After `onData` returned false. */
  resume(): void
  /** No one waits for the response any more: the upstream learns it at once. */
  abort(): void
  /** It was not needed. */
  close(): void
}

/** An event stream may be quiet for any time. */
export const isEventStream = (head: ResponseHead): boolean =>
  /^text\/event-stream\b/i.test(head.get('content-type') ?? '')

export interface Ask {
  readonly asker: Asker
  readonly method: string
  readonly target: string
  readonly host: string
  /** From `requestFields`, or lines from `requestLines`. */
  readonly fields: readonly string[] | string
  readonly body: Uint8Array | BodySource | null
  /** Of a body of bytes: how many bytes before it, in its buffer, may be overwritten. */
  readonly room?: number
  readonly framing: BodyFraming
  /** Protocols of an upgrade; 101 accepts one of them. */
  readonly upgrade: string | null
  readonly firstByteTimeoutMs: number
  readonly readTimeoutMs: number
}

/** Hears the response. `onWhole`, `onEnd`, `onUpgrade`, `onWebSocket` and `onFailure` are last. */
export interface Asker {
  /** A body of bytes has gone out whole. */
  onSent?(): void
  /** 1xx; the response itself still comes. */
  onInterim(head: ResponseHead): void
  /**
   * A response in one piece; `body` is a view that is valid only during the call, or null if empty.
   */
  onWhole(head: ResponseHead, body: Uint8Array | null): void
  /** A response whose body follows: `onData` as often as needed, then `onEnd`. */
  onHead(head: ResponseHead): void
  /** A view that is valid only during the call; `false` pauses until `resume()`. */
  onData(piece: Uint8Array): boolean
  onEnd(trailers: readonly string[]): void
  onUpgrade(head: ResponseHead, stream: TransportDuplex): void
  /**
   * The platform has upgraded by itself; given back with the response, it joins this to the client.
   */
  onWebSocket(head: ResponseHead, webSocket: object): void
  onFailure(error: UpstreamError): void
}
