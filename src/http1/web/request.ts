/**
 * The `Request` that the engine gives to the application: nothing is made before somebody asks for
 * it.
 */
import { changesOf, type Fields, headersOver, WebHeaders } from './headers.ts'
import { borrow, NativeRequest } from './native.ts'
import { requestsAre } from './ours.ts'
import { arrayBuffer, type BodySource, bytes, json, nativeBody, Payload, text } from './payload.ts'

/** What a request line and its fields tell; the parser's `RequestHead` is one. */
export interface HeadLike {
  readonly method: string
  readonly raw: Fields
}

/**
 * Constants of a request that came over a connection (mode, credentials, …): as this runtime
 * answers them.
 */
const sample = new NativeRequest('http://localhost/')

/** One per request and its clones. */
class Abortion {
  #controller: AbortController | null = null
  #reason: unknown
  #aborted = false

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#aborted) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  abort(reason: unknown): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#reason = reason
    this.#controller?.abort(reason)
  }
}

export class WebRequest {
  readonly #head: HeadLike
  readonly #url: string
  #payload: Payload | null
  #headers: WebHeaders | null = null
  #abortion: Abortion | null = null
  #twin: Request | null = null
  #twinChanges = 0

  /**
   * `url` by `urlOf`. Bytes are lent to the request until `keepBody`. A body of GET or HEAD is kept
   * from the application, as a Request with one cannot exist (Fetch 5.4); the engine reads it away.
   */
  constructor(head: HeadLike, url: string, body: Uint8Array | BodySource | null) {
    this.#head = head
    this.#url = url
    if (body === null || head.method === 'GET' || head.method === 'HEAD') this.#payload = null
    else this.#payload = body instanceof Uint8Array ? Payload.lent(body, 'socket') : new Payload(body)
  }

  static is(value: unknown): value is WebRequest {
    return typeof value === 'object' && value !== null && #head in value
  }

  /** Fires the signal, now or when it is first looked at. */
  static abort(request: WebRequest, reason: unknown): void {
    request.#abortion ??= new Abortion()
    request.#abortion.abort(reason)
  }

  /** The bytes of its body are about to be used again: it makes a copy, unless they were read. */
  static keepBody(request: WebRequest): void {
    request.#payload?.keep()
  }

  /** Its body was read, or is being read. */
  static isSpent(request: WebRequest): boolean {
    return request.#payload !== null && !request.#payload.usable
  }

  /** For what reads the slots of a native request. Both have one body: the stream of ours. */
  static toNative(request: WebRequest): Request {
    const payload = request.#payload
    const init: RequestInit & { duplex: 'half' } = {
      method: request.method,
      headers: [...request.headers],
      signal: request.signal,
      duplex: 'half',
    }
    // TRACE is a request line that no client can make (Fetch 2.2.1).
    const isTrace = request.method === 'TRACE'
    if (isTrace) init.method = 'GET'
    else if (payload !== null) init.body = payload.usable ? payload.stream : new Uint8Array()
    const native = new NativeRequest(request.#url, init)
    if (isTrace) Object.defineProperty(native, 'method', { value: 'TRACE' })
    else if (payload !== null && !payload.usable) native.arrayBuffer()
    return native
  }

  /**
   * A native constructor looks at several slots in one go; the twin lives no longer than that, or
   * until the headers change.
   */
  static twin(request: WebRequest): Request {
    const changes = request.#headers === null ? 0 : changesOf(request.#headers)
    if (request.#twin !== null && request.#twinChanges === changes) return request.#twin
    if (request.#twin === null) {
      queueMicrotask(() => {
        request.#twin = null
      })
    }
    request.#twin = WebRequest.toNative(request)
    request.#twinChanges = changes
    return request.#twin
  }

  /** For who copies a request by its own class (`new request.constructor(request)`). */
  static constructorIs(made: typeof NativeRequest): void {
    Object.defineProperty(WebRequest.prototype, 'constructor', { value: made, configurable: true })
  }

  get method(): string {
    return this.#head.method
  }

  get url(): string {
    return this.#url
  }

  get headers(): Headers {
    this.#headers ??= headersOver(this.#head)
    return this.#headers as unknown as Headers
  }

  get signal(): AbortSignal {
    this.#abortion ??= new Abortion()
    return this.#abortion.signal
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#payload === null ? null : this.#payload.stream
  }

  get bodyUsed(): boolean {
    return this.#payload?.used ?? false
  }

  clone(): WebRequest {
    const payload = this.#payload?.clone() ?? null
    const copy = new WebRequest(this.#head, this.#url, null)
    copy.#payload = payload
    if (this.#headers !== null) copy.#headers = new WebHeaders(this.#headers)
    this.#abortion ??= new Abortion()
    copy.#abortion = this.#abortion
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

for (const [key, { get }] of Object.entries(Object.getOwnPropertyDescriptors(NativeRequest.prototype))) {
  if (get === undefined || Object.hasOwn(WebRequest.prototype, key)) continue
  Object.defineProperty(WebRequest.prototype, key, {
    get(this: WebRequest) {
      return Reflect.get(sample, key)
    },
    configurable: true,
  })
}
borrow(WebRequest, sample, WebRequest.twin)
WebRequest.constructorIs(NativeRequest)
requestsAre({ is: WebRequest.is, toNative: (request) => WebRequest.toNative(request as unknown as WebRequest) })
