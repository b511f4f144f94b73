/**
 * The application's answer, written to `node:http` or `node:http2`: its fields as they can be sent,
 * its framing by what its body is, never a byte beyond its length, and never a broken body that
 * looks whole.
 */

import { Buffer } from 'node:buffer'
import { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import { fieldOf } from '../../src/http1/raw-fields.ts'
import { slabOfBytes, slabOfText } from '../../src/http1/slabs.ts'
import { NativeResponse } from '../../src/http1/web/native.ts'
import { type BodySource, textType } from '../../src/http1/web/payload.ts'
import { answerOf, isStreamed, isWebResponse } from '../../src/http1/web/response.ts'
import { sourceOf } from '../../src/http1/web/source.ts'
import type { LongLived } from '../../src/lifecycle/long-lived.ts'
import type { Coded } from '../../src/policy/codes.ts'
import { eventStreamBody, isOpenEventStream } from '../../src/streams/event-stream-body.ts'
import { recordOf } from './fields.ts'
import { hasNoBody, madeOf } from './hono-response.ts'
import { writeNow, writesNow } from './write-now.ts'

export type Outgoing = ServerResponse | Http2ServerResponse

export const isHttp2 = (outgoing: Outgoing): outgoing is Http2ServerResponse => 'stream' in outgoing

const sentField = 'x-hono-already-sent'

/**
 * Says that the answer has been written already; `RESPONSE_ALREADY_SENT` of @hono/node-server is
 * another.
 */
export const alreadySent = new NativeResponse(null, { headers: { [sentField]: 'true' } })

/** Whether a handler says that it has answered by itself. */
export const saysSentAlready = (returned: unknown): boolean =>
  returned === alreadySent || (returned instanceof Response && returned.headers.has(sentField))

/** The application's body was not as long as its Content-Length said. */
class BodyLengthError extends Error implements Coded {
  override readonly name = 'BodyLengthError'
  readonly code = 'BODY_LENGTH'
}

/** What is done about a body that is written piece by piece and goes wrong. */
export interface StreamFaults {
  report(error: unknown): void
  /** Nothing has been written: another answer can be. */
  instead(): void
  /** The answer must not look whole. */
  cut(): void
  /** The answer is whole, and the last on its connection. */
  last(): void
  /** An event stream may be ended by it. */
  readonly longLived: LongLived
}

const ignore = (): void => {}

type FieldKind = 'plain' | 'length' | 'type' | 'connection' | 'sent' | 'dropped'

/**
 * Framing and connection are the server's own (RFC 9112 6.1, RFC 9113 8.2.2). A `Trailer` announces
 * what a Response cannot have, and `node:http` throws at one on an answer that has a length.
 */
const special: Readonly<Record<string, FieldKind>> = {
  'content-length': 'length',
  'content-type': 'type',
  connection: 'connection',
  [sentField]: 'sent',
  'transfer-encoding': 'dropped',
  'keep-alive': 'dropped',
  'proxy-connection': 'dropped',
  trailer: 'dropped',
}
const onlyHttp1 = ['upgrade', 'te', 'http2-settings']

const tokenForm = /^[!#$%&'*+.^_`|~\w-]+$/
const notInValue = /[^\t\x20-\x7e\x80-\xff]/
const blank = 0x20
/** As nearly every value is: printable, and nothing else. */
const isAscii = /^[\x20-\x7e]*$/
const notAscii = /[\x80-\xff]/

/** An application has a few dozen names; the bound is for one that makes them up. */
const kinds = new Map<string, FieldKind>()
const maxKinds = 1024

function kindOf(name: string): FieldKind {
  const known = kinds.get(name)
  if (known !== undefined) return known
  if (!tokenForm.test(name)) throw new TypeError(`${JSON.stringify(name)} is not a field name`)
  const kind = special[name.toLowerCase()] ?? 'plain'
  if (kinds.size < maxKinds) kinds.set(name, kind)
  return kind
}

class Head {
  readonly status: number
  /** '': the usual one. */
  readonly phrase: string
  /** name, value, … */
  readonly fields: string[] = []
  readonly content: string | Uint8Array | ReadableStream<Uint8Array> | BodySource | null
  /** Called when the kernel has the bytes of the content. */
  sent: (() => void) | undefined
  /** See `OutgoingResponse`. */
  lent = false
  /** What the application says of its length. */
  saidLength: number | null = null
  closes = false
  sentAlready = false
  /** Some value, or the phrase, is latin1 and not ASCII. */
  latin1 = false
  /** Of the content, as the application says. */
  type = ''

  constructor(status: number, phrase: string, content: Head['content']) {
    this.status = status
    this.phrase = phrase
    this.content = content
    if (phrase === '') return
    if (notInValue.test(phrase)) throw new TypeError(`the status text ${JSON.stringify(phrase)} can’t be sent`)
    this.latin1 = notAscii.test(phrase)
  }

  add(name: string, given: unknown): void {
    let value = typeof given === 'string' ? given : String(given)
    const kind = kindOf(name)
    if (kind === 'dropped') return
    if (kind === 'length') {
      if (/^\d{1,15}$/.test(value)) this.saidLength = Number(value)
      return
    }
    if (kind === 'connection') {
      if (/\bclose\b/i.test(value)) this.closes = true
      return
    }
    if (kind === 'sent') this.sentAlready = true
    // As `Headers` does, which this one may not have gone through.
    if (value.charCodeAt(0) <= blank || value.charCodeAt(value.length - 1) <= blank) value = value.trim()
    if (!isAscii.test(value)) {
      if (notInValue.test(value)) {
        throw new TypeError(`the value of ${name} has a byte that no field may have: ${JSON.stringify(value)}`)
      }
      if (notAscii.test(value)) this.latin1 = true
    }
    if (kind === 'type') this.type = value
    this.fields.push(name, value)
  }

  addAll(headers: HeadersInit): void {
    if (Symbol.iterator in headers) {
      for (const [name, value] of headers as Iterable<[string, string]>) this.add(name, value)
    } else {
      for (const name in headers) if (Object.hasOwn(headers, name)) this.add(name, headers[name])
    }
  }

  /** What the body brings (Fetch, "extract a body"), where the application says nothing. */
  addType(type: string): void {
    if (this.type === '' && type !== '') this.fields.push('Content-Type', type)
  }
}

/** Throws if there is anything that can't be sent. */
function headOf(response: Response): Head {
  const made = madeOf(response)
  if (made !== null) {
    const [status, body, headers] = made
    const text = typeof body === 'string' ? slabOfText(body) : null
    const head = new Head(status, '', body instanceof Blob ? body.stream() : (text?.bytes ?? plain(body)))
    head.sent = text?.release
    if (headers !== undefined && headers !== null) head.addAll(headers)
    if (typeof body === 'string') head.addType(textType)
    else if (body instanceof Blob) {
      head.saidLength = body.size
      head.addType(body.type)
    }
    return head
  }
  if (isWebResponse(response)) return headOfOurs(response)
  const { status, statusText } = response
  const head = new Head(status, statusText, response.body)
  head.addAll(response.headers)
  return head
}

/** What a view says of itself can be replaced; its bytes are as many as this one says. */
const plain = (body: string | Uint8Array | null): string | Uint8Array | null =>
  body instanceof Uint8Array ? new Uint8Array(body.buffer, body.byteOffset, body.byteLength) : body

/** Of the class that stands in the global's place. */
function headOfOurs(response: Response): Head {
  const { status, statusText, fields, body, left, sent, lent = false } = answerOf(response)
  if (status < 200) throw new TypeError(`${status} is not the status of an answer`)
  const head = new Head(status, statusText, body)
  head.sent = sent
  head.lent = lent
  for (let i = 0; i < fields.length; i += 2) head.add(fields[i]!, fields[i + 1])
  if (isStreamed(body)) head.saidLength = body.length ?? head.saidLength
  if (left !== null) {
    head.saidLength ??= left.length
    left.drop()
  }
  return head
}

/**
 * Writes all of it, or begins to where the body is a stream, whose end nobody waits for: `faults`
 * is told of what goes wrong. Returns whether it is still being written. Throws if it can't be;
 * then nothing has been.
 */
export function writeAnswer(response: Response, outgoing: Outgoing, method: string, faults: StreamFaults): boolean {
  if (response === alreadySent) return false
  const head = headOf(response)
  const { status, content } = head
  const stream = content !== null && typeof content === 'object' && !(content instanceof Uint8Array) ? content : null
  if (head.sentAlready || outgoing.headersSent || isGone(outgoing)) {
    if (stream !== null) sourceIn(stream, head).cancel(null)
    return false
  }
  if (stream === null) {
    const body = content as string | Uint8Array | null
    const length = body === null ? null : typeof body === 'string' ? Buffer.byteLength(body) : body.length
    begin(outgoing, head, lengthField(status, method, length, head.saidLength))
    if (body === null || method === 'HEAD') {
      head.sent?.()
      outgoing.end()
    } else if (typeof body !== 'string') endWith(outgoing, head, body)
    // Behind a head in latin1 text would make the whole UTF-8.
    else outgoing.end(head.latin1 ? Buffer.from(body) : body)
  } else if (method === 'HEAD' || hasNoBody(status)) {
    sourceIn(stream, head).cancel(null)
    begin(outgoing, head, head.saidLength)
    outgoing.end()
  } else {
    const source = sourceIn(stream, head)
    const headers = { get: (name: string) => fieldOf(head.fields, name) }
    const isEvents = head.saidLength === null && isOpenEventStream(status, headers)
    const body = isEvents ? eventStreamBody(source, method, faults.longLived) : source
    if (isEvents && !isHttp2(outgoing)) probeAtEnd(outgoing, body)
    void new StreamedAnswer(outgoing, head, body, faults).write()
    return true
  }
  return false
}

/** Ends an answer whose head is made and not written. */
function endWith(outgoing: Outgoing, { lent, sent }: Head, body: Uint8Array): void {
  let rest = isHttp2(outgoing) ? body : restOf(outgoing, body)
  let release = sent
  if (rest === null) {
    release?.()
    outgoing.end()
    return
  }
  if (lent) {
    const slab = slabOfBytes(rest)
    rest = slab.bytes
    release = slab.release
  }
  // HTTP/2 says that it has finished before the socket has written.
  if (release !== undefined && !isHttp2(outgoing)) outgoing.once('finish', release)
  outgoing.end(rest)
}

/** Whether an answer of bytes can do without a copy. */
export const mayWriteNow = (outgoing: Outgoing): boolean => !isHttp2(outgoing) && writesNow(outgoing.req.socket)

/** `node:http` keeps the text of a head until it is written, and whether it has been. */
interface WithHead {
  readonly _header?: string | null
  _headerSent?: boolean
}

/** Of a body behind its head, what the kernel has not taken at once; null: it has all. */
function restOf(outgoing: ServerResponse & WithHead, body: Uint8Array): Uint8Array | null {
  const { socket, _header: head } = outgoing
  if (socket === null || !writesNow(socket) || outgoing.writableLength > 0) return body
  // An application, or what watches it, may have put its own in the place of Node's.
  if (outgoing.end !== ServerResponse.prototype.end || typeof head !== 'string' || outgoing._headerSent) return body
  const taken = writeNow(socket, head, body)
  if (taken === 0) return body
  outgoing._headerSent = true
  if (taken === head.length + body.length) return null
  if (taken < head.length) socket.write(head.slice(taken), 'latin1')
  return body.subarray(Math.max(0, taken - head.length))
}

/**
 * A FormData that is cancelled while it gives makes an unhandled rejection of it (undici closes the
 * stream and then puts a piece into it): it is read to its end instead.
 */
function sourceIn(stream: ReadableStream<Uint8Array> | BodySource, { type }: Head): BodySource {
  const source = sourceOf(stream)
  if (!type.startsWith('multipart/form-data')) return source
  const readAway = async () => {
    while ((await source.read()) !== null);
  }
  return { read: () => source.read(), cancel: () => void readAway().catch(ignore) }
}

function lengthField(status: number, method: string, length: number | null, said: number | null): number | null {
  if (length !== null) return length
  if (status === 204) return null
  // What GET would have said, which only the application knows.
  if (method === 'HEAD' || status === 304) return said
  return 0
}

function begin(outgoing: Outgoing, { status, phrase, fields, closes }: Head, length: number | null): void {
  if (length === null && hasNoBody(status) && !isHttp2(outgoing)) keepOld(outgoing, fields)
  // The last: `node:http` makes bytes of a Content-Disposition that comes behind it, and then refuses them.
  if (length !== null) fields.push('Content-Length', `${length}`)
  if (closes && !isHttp2(outgoing)) outgoing.shouldKeepAlive = false
  writeHead(outgoing, status, fields, phrase)
}

/**
 * To HTTP/1.0 Node says that it keeps a connection only where there is a length, which these
 * statuses do without.
 */
function keepOld({ shouldKeepAlive, useChunkedEncodingByDefault }: ServerResponse, fields: string[]): void {
  if (shouldKeepAlive && !useChunkedEncodingByDefault) fields.push('Connection', 'keep-alive')
}

/** `fields`: name, value, … without any of the connection's. */
function writeHead(outgoing: Outgoing, status: number, fields: readonly string[], phrase = ''): void {
  if (isHttp2(outgoing)) {
    const record = recordOf(fields)
    for (const name of onlyHttp1) delete record[name]
    outgoing.writeHead(status, record)
  } else if (phrase === '') outgoing.writeHead(status, fields as string[])
  else outgoing.writeHead(status, phrase, fields as string[])
}

/** An answer of ours, without the application. */
export function refuse(outgoing: Outgoing, status: number, fields: readonly string[] = []): void {
  writeHead(outgoing, status, [...fields, 'Content-Length', '0'])
  outgoing.end()
}

/** Tells the stream when the client has ended its side. */
function probeAtEnd(outgoing: ServerResponse, body: BodySource): void {
  const { socket } = outgoing.req
  const probe = () => body.probe?.()
  socket.once('end', probe)
  outgoing.once('close', () => socket.off('end', probe))
}

/** On HTTP/1.1 nothing follows: what is left of the request can't be told from the next. */
export function refuseLast(outgoing: Outgoing, status: number): void {
  if (!isHttp2(outgoing)) outgoing.shouldKeepAlive = false
  refuse(outgoing, status)
}

/** All of it has been handed on; a stream that was reset has lost some. */
export const isWhole = (outgoing: Outgoing): boolean =>
  isHttp2(outgoing) ? outgoing.writableEnded && outgoing.stream.rstCode === 0 : outgoing.writableFinished

/** Nobody reads the answer any more. */
export const isGone = (outgoing: Outgoing): boolean =>
  isHttp2(outgoing) ? outgoing.stream.destroyed || outgoing.stream.closed : outgoing.destroyed

const aTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A client that takes all at once must not keep the others waiting. */
const fairBytes = 256 * 1024

class StreamedAnswer {
  /** `node:http2` has the same methods. */
  readonly #outgoing: ServerResponse
  readonly #head: Head
  readonly #source: BodySource
  readonly #faults: StreamFaults
  /** Bytes that may still be written; null: as many as come. */
  #left: number | null
  #sinceTurn = 0
  #gone = false
  #onDrained: (() => void) | null = null
  #onTurn: (() => void) | null = null

  constructor(outgoing: Outgoing, head: Head, source: BodySource, faults: StreamFaults) {
    this.#outgoing = outgoing as ServerResponse
    this.#head = head
    this.#source = source
    this.#faults = faults
    this.#left = head.saidLength
  }

  /** Never rejects. */
  async write(): Promise<void> {
    const turn = setImmediate(this.#turned)
    try {
      const ahead = [this.#source.read()]
      const first = await this.#withinTurn(ahead[0]!)
      if (first === null) return this.#whole(null)
      if (first !== 'later') {
        ahead.push(this.#source.read())
        if ((await this.#withinTurn(ahead[1]!)) === null) return this.#whole(first)
      }
      this.#listen()
      if (this.#gone) return
      // With all that was said the client asks again, before it sees that the connection ends behind what is too much.
      if (this.#left === 0 || (first !== 'later' && this.#left !== null && first.length > this.#left)) {
        this.#head.closes = true
      }
      begin(this.#outgoing, this.#head, this.#left)
      // With the first piece it goes out in one write.
      if (first === 'later') this.#outgoing.flushHeaders()
      for (;;) {
        const piece = await (ahead.shift() ?? this.#source.read())
        if (piece === null) break
        const more = this.#give(piece)
        if (more !== true && !(await more)) return
      }
      if (this.#gone) return
      if (this.#left !== null && this.#left > 0) {
        throw new BodyLengthError(`the body ended ${this.#left} bytes before its Content-Length`)
      }
      // `node:http` writes the last chunk in front of what an application has corked, which is then read as the next answer.
      while (this.#outgoing.writableCorked > 0) this.#outgoing.uncork()
      this.#outgoing.end()
    } catch (error) {
      // What we cancelled ourselves may fail as it likes.
      if (this.#gone || isGone(this.#outgoing)) return
      this.#source.cancel(error)
      this.#faults.report(error)
      if (this.#outgoing.headersSent) this.#faults.cut()
      else this.#faults.instead()
    } finally {
      clearImmediate(turn)
    }
  }

  /**
   * What comes within the turn of the loop that the answer began in need not be waited for. A piece
   * that fails later is not unhandled.
   */
  #withinTurn(piece: Promise<Uint8Array | null>): Promise<Uint8Array | null | 'later'> {
    return new Promise((resolve, reject) => {
      this.#onTurn = () => resolve('later')
      piece.then(resolve, reject)
    })
  }

  readonly #turned = (): void => this.#onTurn?.()

  /** Most answers are whole before anybody has to listen. */
  #listen(): void {
    const outgoing = this.#outgoing
    if (isGone(outgoing)) {
      this.#cancel()
      return
    }
    outgoing.once('close', () => {
      if (!outgoing.writableEnded) this.#cancel()
    })
    outgoing.on('drain', this.#drained)
  }

  #cancel(): void {
    this.#gone = true
    this.#source.cancel(new DOMException('the client is gone', 'AbortError'))
    this.#drained()
  }

  /** All of it is there before the head is out, so its length is known. */
  #whole(body: Uint8Array | null): void {
    if (isGone(this.#outgoing)) return
    const length = body === null ? 0 : body.length
    if (this.#left !== null && this.#left !== length) {
      throw new BodyLengthError(`the body has ${length} bytes, and its Content-Length says ${this.#left}`)
    }
    begin(this.#outgoing, this.#head, length)
    if (body === null) this.#outgoing.end()
    else this.#outgoing.end(body)
  }

  /** Whether more is wanted, once more can be taken. */
  #give(piece: Uint8Array): boolean | Promise<boolean> {
    if (this.#gone) return false
    if (this.#left !== null && piece.length > this.#left) {
      this.#overrun(piece.subarray(0, this.#left))
      return false
    }
    if (piece.length === 0) return true
    if (this.#left !== null) this.#left -= piece.length
    this.#sinceTurn += piece.length
    const taken = this.#outgoing.write(piece)
    if (taken && this.#sinceTurn < fairBytes) return true
    this.#sinceTurn = 0
    return this.#pause(taken)
  }

  async #pause(taken: boolean): Promise<boolean> {
    if (taken) await aTurn()
    else {
      await new Promise<void>((resolve) => {
        this.#onDrained = resolve
      })
    }
    return !this.#gone
  }

  /** What was promised goes out, and nothing after it. */
  #overrun(rest: Uint8Array): void {
    const error = new BodyLengthError(`the body has more bytes than its Content-Length of ${this.#head.saidLength}`)
    this.#source.cancel(error)
    this.#faults.report(error)
    this.#faults.last()
    this.#outgoing.end(rest)
  }

  readonly #drained = (): void => {
    this.#onDrained?.()
    this.#onDrained = null
  }
}
