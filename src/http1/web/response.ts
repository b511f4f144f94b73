/**
 * The `Response` that stands in the global's place while we serve: what the engine writes, without
 * a native object, and a whole Response for who looks.
 */
import type { Duplex } from 'node:stream'
import type { LongLived } from '../../lifecycle/long-lived.ts'
import { slabOfText } from '../slabs.ts'
import { type Fields, fieldsFrom, fieldsOf, hasField, headersOver, type WebHeaders } from './headers.ts'
import { borrow, NativeResponse, replaceable } from './native.ts'
import { responsesAre } from './ours.ts'
import {
  arrayBuffer,
  type BodySource,
  bytes,
  type Content,
  extract,
  json,
  nativeBody,
  Payload,
  sizeOf,
  text,
  textType,
} from './payload.ts'
import { sourceOf } from './source.ts'

/** Fetch 2.2.3, and 205, whose answer has no content either. */
const isNullBody = (status: number): boolean =>
  status === 204 || status === 205 || status === 304 || status === 101 || status === 103
const reasonPhrase = /^[\t\x20-\x7e\x80-\xff]*$/

const noFields: Fields = []
const textFields: Fields = ['Content-Type', textType]

/** What the engine is to write. */
export interface OutgoingResponse {
  readonly status: number
  readonly statusText: string
  /** name, value, …, in the application's case and order; each Set-Cookie on its own. */
  readonly fields: Fields
  /**
   * The same as `responseHead` takes it in text; where it is there, `fields` is only for who wants
   * to look at them.
   */
  readonly lines?: string
  /** Bytes may be written without a copy: they are nobody's but the answer's, or `lent`. */
  readonly body: string | Uint8Array | Streamed | null
  /**
   * The bytes of `body` are the application's: what is not written before it has its next turn has
   * to be copied.
   */
  readonly lent?: boolean
  /**
   * For `new Response(null, other)`, which is how Hono answers HEAD: the body that was left out.
   */
  readonly left: Left | null
  /** With 101: who takes the connection's stream once the head is out. */
  readonly takeOver?: TakeOver
  /**
   * How many bytes in front of `body`, in its buffer, may be written over: the head finds place
   * there.
   */
  readonly room?: number
  /**
   * The kernel has all of `body`, whose memory may be used again. Not called where nobody knows.
   */
  readonly sent?: () => void
}

/** What speaks another protocol from here on, and lets a drain end it through `longLived`. */
export type TakeOver = (stream: Duplex, longLived: LongLived) => void

export interface Streamed extends BodySource {
  /** Of a Blob; otherwise null. */
  readonly length: number | null
  /** What the bytes are in, where that is known. */
  readonly blob?: Blob
  /** It is known to give more than its Content-Length. */
  readonly isTooLong?: boolean
}

export const isStreamed = (body: OutgoingResponse['body']): body is Streamed =>
  body !== null && typeof body !== 'string' && !(body instanceof Uint8Array)

export interface Left {
  /** What Content-Length would have said, if that is known. */
  readonly length: number | null
  /** Lets its source go. */
  drop(): void
}

let isOurs: (value: unknown) => value is WebResponse
let isSound: (value: unknown) => boolean
let give: (response: WebResponse) => OutgoingResponse
let make: (given: OutgoingResponse) => WebResponse
let leftIn: (response: WebResponse) => Left | null
let toNativeResponse: (response: WebResponse) => Response

export class WebResponse {
  #status = 200
  #statusText = ''
  /** Until somebody asks for `headers`, which has them from then on. */
  #fields: Fields = noFields
  #headers: WebHeaders | null = null
  #payload: Payload | null = null
  #left: Left | null = null
  #takeOver: TakeOver | undefined
  /** What it was made of by `responseOf`, as long as nobody else can have it. */
  #given: OutgoingResponse | null = null

  constructor(body: BodyInit | AsyncIterable<unknown> | null = null, init?: ResponseInit | Response | WebResponse) {
    let type: string | null = null
    if (typeof body === 'string') {
      this.#payload = new Payload(body)
      type = textType
    } else if (body !== null) {
      const extracted = extract(body)
      this.#payload = extracted.payload
      type = extracted.type
    }
    if (init === undefined || init === null) {
      if (type === textType) this.#fields = textFields
      else if (type !== null) this.#fields = ['Content-Type', type]
      return
    }
    if (typeof init !== 'object' && typeof init !== 'function') throw new TypeError('init must be an object')

    this.#status = statusFrom(init.status)
    if (init.statusText !== undefined) this.#statusText = statusTextFrom(init.statusText)
    if (this.#payload !== null && isNullBody(this.#status)) {
      throw new TypeError(`a response with status ${this.#status} has no body`)
    }
    const fields: string[] | null =
      #status in init
        ? init.#read().slice()
        : init.headers === undefined || init.headers === null
          ? null
          : fieldsFrom(init.headers)
    if (type !== null) {
      if (fields === null) this.#fields = ['Content-Type', type]
      else {
        if (!hasField(fields, 'content-type')) fields.push('Content-Type', type)
        this.#fields = fields
      }
    } else if (fields !== null) this.#fields = fields
    if (body === null) this.#left = leftOf(init)
  }

  static json(data: unknown, init?: ResponseInit): Response {
    const body = JSON.stringify(data)
    if (body === undefined) throw new TypeError('the value is not JSON')
    const response = new WebResponse(body, init)
    // The type that text brings is not this one's.
    if (init?.headers === undefined || !hasField(fieldsFrom(init.headers), 'content-type')) {
      response.headers.set('Content-Type', 'application/json')
    }
    return response as unknown as Response
  }

  // The runtimes differ about relative URLs, and neither is on a hot path.

  static redirect(url: string | URL, status?: number): Response {
    return NativeResponse.redirect(url, status)
  }

  static error(): Response {
    return NativeResponse.error()
  }

  // For this module and the engine only: the class is the application's global.
  static {
    isOurs = (value) => typeof value === 'object' && value !== null && #status in value

    isSound = (value) => isOurs(value) && (value.#payload === null || value.#payload.usable)

    toNativeResponse = (response) =>
      new NativeResponse(response.body, {
        status: response.#status,
        statusText: response.#statusText,
        headers: [...response.headers],
      })

    give = (response) => {
      const payload = response.#payload
      if (response.#given !== null && response.#headers === null) {
        payload?.take()
        return response.#given
      }
      const lent = payload?.isLent === true
      const content = payload === null ? null : payload.takeLent()
      const encoded = typeof content === 'string' ? slabOfText(content) : null
      const slab = encoded ?? payload?.slab
      const answer: OutgoingResponse = {
        status: response.#status,
        statusText: response.#statusText,
        fields: response.#read(),
        body: encoded !== null ? encoded.bytes : content === null ? null : streamed(content),
        left: response.#left,
      }
      if (lent) return { ...answer, lent }
      if (slab?.release) return { ...answer, room: slab.room, sent: slab.release }
      return response.#takeOver ? { ...answer, takeOver: response.#takeOver } : answer
    }

    make = (given) => {
      const { status, statusText, body, left, takeOver } = given
      const response = new WebResponse()
      response.#given = given
      response.#status = status
      response.#statusText = statusText
      if (body !== null) response.#payload = new Payload(body)
      response.#left = left
      response.#takeOver = takeOver
      return response
    }

    leftIn = (response) => response.#payload ?? response.#left
  }

  #read(): Fields {
    if (this.#headers !== null) return fieldsOf(this.#headers)
    return this.#given === null ? this.#fields : this.#given.fields
  }

  get status(): number {
    return this.#status
  }

  get statusText(): string {
    return this.#statusText
  }

  get ok(): boolean {
    return this.#status >= 200 && this.#status < 300
  }

  get headers(): Headers {
    this.#headers ??= headersOver({ raw: this.#read() })
    return this.#headers as unknown as Headers
  }

  get type(): ResponseType {
    return 'default'
  }

  get url(): string {
    return ''
  }

  get redirected(): boolean {
    return false
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#payload === null ? null : this.#payload.stream
  }

  get bodyUsed(): boolean {
    return this.#payload?.used ?? false
  }

  clone(): WebResponse {
    if (this.#given !== null) {
      this.#fields = this.#given.fields
      this.#given = null
    }
    const payload = this.#payload?.clone() ?? null
    const copy = new WebResponse()
    copy.#payload = payload
    copy.#status = this.#status
    copy.#statusText = this.#statusText
    copy.#fields = this.#headers === null ? this.#fields : this.#read().slice()
    copy.#left = this.#left
    return copy
  }

  text(): Promise<string> {
    return text(this.#payload)
  }

  json(): Promise<unknown> {
    return json(this.#payload)
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return bytes(this.#payload)
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return arrayBuffer(this.#payload)
  }

  async blob(): Promise<Blob> {
    return (await nativeBody(this.#payload, this.headers.get('content-type'))).blob()
  }

  async formData(): Promise<FormData> {
    return (await nativeBody(this.#payload, this.headers.get('content-type'))).formData()
  }
}

function statusFrom(given: unknown): number {
  if (given === undefined) return 200
  // An unsigned short of Web IDL.
  const status = Number(given) & 0xffff
  // 101 is what Deno, Bun and Workers take for an upgrade.
  if ((status < 200 || status > 599) && status !== 101) {
    throw new RangeError(`status ${given} is not 101 and not in the range of 200 to 599`)
  }
  return status
}

function statusTextFrom(given: unknown): string {
  const text = `${given}`
  if (!reasonPhrase.test(text)) throw new TypeError(`Invalid statusText: ${JSON.stringify(text)}`)
  return text
}

function leftOf(init: ResponseInit | Response | WebResponse): Left | null {
  if (isOurs(init)) return leftIn(init)
  if (!(init instanceof NativeResponse)) return null
  return {
    length: null,
    drop() {
      init.body?.cancel().catch(() => {})
    },
  }
}

function streamed(content: Content): string | Uint8Array | Streamed {
  if (typeof content === 'string' || content instanceof Uint8Array) return content
  return content instanceof Blob ? fileBody(content) : streamedFrom(sourceOf(content), null)
}

/** Is not opened before it is read. */
export function fileBody(blob: Blob): Streamed {
  let source: BodySource | null = null
  const open = (): BodySource => {
    source ??= sourceOf(blob)
    return source
  }
  return {
    length: sizeOf(blob),
    ofApplication: true,
    blob,
    read: async () => open().read(),
    cancel: (reason) => source?.cancel(reason),
  }
}

export function streamedFrom(source: BodySource, length: number | null): Streamed {
  return {
    length,
    ofApplication: source.ofApplication ?? false,
    read: () => source.read(),
    cancel: (reason) => source.cancel(reason),
    probe: () => source.probe?.(),
    get trailers() {
      return source.trailers ?? none
    },
  }
}

const none: readonly string[] = []

/**
 * The other way round: an answer that comes from elsewhere, as a Response. Nothing is checked
 * before it is written.
 */
export function responseOf(given: OutgoingResponse): Response {
  return make(given) as unknown as Response
}

/**
 * Whether a response can be given as it is. Of a native one the fields are looked at first: on Bun
 * they lose what the body brings (its type) when the body is looked at.
 */
export function isSoundResponse(response: unknown): boolean {
  if (isSound(response)) return true
  if (isOurs(response) || !(response instanceof NativeResponse)) return false
  void response.headers
  return response.type !== 'error' && !response.bodyUsed && response.body?.locked !== true
}

/**
 * What the application's answer says, whichever class it is of. Takes the body: reading it
 * afterwards fails, as does a second call. Throws if there is nothing to take.
 */
export function answerOf(response: unknown): OutgoingResponse {
  if (isOurs(response)) return give(response)
  if (!(response instanceof NativeResponse)) throw new TypeError('the application did not return a Response')
  const { status, statusText } = response
  if (status === 0) throw new TypeError('the application returned Response.error()')
  // An interim answer would have the real one taken for the answer to the next request.
  if (status < 200 && status !== 101) throw new TypeError(`${status} is not the status of an answer`)
  if (response.bodyUsed) throw new TypeError('the body of the response has been read already')
  const fields: string[] = []
  for (const [name, value] of response.headers) fields.push(name, value)
  const { body } = response
  return { status, statusText, fields, body: body === null ? null : nativeBodyOf(response, body), left: null }
}

function nativeBodyOf(response: Response, body: ReadableStream<Uint8Array>): string | Uint8Array | Streamed {
  const stream = streamed(body)
  if (!isStreamed(stream)) return stream
  const { cancel } = stream
  return {
    ...stream,
    // Node's fetch goes on filling a form's stream, and to close that meanwhile is an unhandled rejection there.
    cancel: (reason) => isUndiciForm(response) || cancel(reason),
  }
}

const isUndiciForm = ({ headers }: Response): boolean =>
  headers.get('content-type')?.startsWith('multipart/form-data; boundary=----formdata-undici-') === true

borrow(WebResponse, new NativeResponse(), toNativeResponse)
replaceable(WebResponse, NativeResponse)
responsesAre({ is: isOurs, toNative: (response) => toNativeResponse(response as WebResponse) })

export {
  isOurs as isWebResponse,
  /** Whether it is of our class and can be given as it is, without a look at any other. */
  isSound as isSoundWebResponse,
}
