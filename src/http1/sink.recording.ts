/**
 * For tests: a sink that writes down what it is told, in a form that does not depend on how the
 * bytes were cut.
 */
import { latin1 } from './bytes.ts'
import { type Limits, limitsOf } from './events.ts'
import type { RequestHead, ResponseHead } from './head.ts'
import { RequestParser, ResponseParser } from './parser.ts'
import type { ReasonId } from './reasons.ts'

export interface Message<Head> {
  readonly head: Head
  body: string
  trailers: readonly string[]
  whole: boolean
}

export class Recording<Head extends RequestHead | ResponseHead> {
  readonly messages: Message<Head>[] = []
  readonly informational: Head[] = []
  refused: ReasonId | null = null
  /** Runs after each whole message. */
  afterMessage: () => void = () => {}
  /** What `onData` returns. */
  afterData: () => boolean = () => true

  onFull(head: Head, body: Uint8Array | null): void {
    this.onHead(head)
    if (body !== null) this.#last().body = latin1(body, 0, body.length)
    this.onEnd([])
  }

  onHead(head: Head): void {
    if (this.refused !== null) throw new Error('told of a message after a refusal')
    this.messages.push({ head, body: '', trailers: [], whole: false })
  }

  onInformational(head: Head): void {
    this.informational.push(head)
  }

  onData(piece: Uint8Array): boolean {
    if (this.refused !== null || this.#last().whole) throw new Error('told of content after the end')
    if (piece.length === 0) throw new Error('told of an empty piece')
    this.#last().body += latin1(piece, 0, piece.length)
    return this.afterData()
  }

  onEnd(trailers: readonly string[]): void {
    const message = this.#last()
    if (this.refused !== null || message.whole) throw new Error('told of an end after the end')
    message.trailers = trailers
    message.whole = true
    this.afterMessage()
  }

  onReject(reason: ReasonId): void {
    if (this.refused !== null) throw new Error('refused twice')
    this.refused = reason
  }

  #last(): Message<Head> {
    const message = this.messages.at(-1)
    if (message === undefined) throw new Error('told of content before a head')
    return message
  }
}

export const limits: Limits = limitsOf({ maxHeadBytes: 16 * 1024, maxHeadFields: 100, maxBodyBytes: 0 })

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0))
}

/**
 * What a server is told of these pieces, each request being answered at once, and of the FIN after
 * them.
 */
export function serve(pieces: readonly Uint8Array[], fin = true, within: Limits = limits): Recording<RequestHead> {
  const recording = new Recording<RequestHead>()
  const parser = new RequestParser(recording, within)
  recording.afterMessage = () => parser.next()
  for (const piece of pieces) parser.feed(piece)
  if (fin) parser.end()
  return recording
}

/** What a client is told that has sent one request of this method. */
export function ask(
  method: string,
  pieces: readonly Uint8Array[],
  fin = true,
  within: Limits = limits,
): Recording<ResponseHead> {
  const recording = new Recording<ResponseHead>()
  const parser = new ResponseParser(recording, within)
  parser.next(method)
  for (const piece of pieces) parser.feed(piece)
  if (fin) parser.end()
  return recording
}
