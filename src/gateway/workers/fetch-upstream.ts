/**
 * An upstream that is reached by the platform's `fetch`: the platform pools connections, resolves
 * names and speaks TLS.
 */
import { ResponseHead, split } from '../../http1/head.ts'
import type { BodySource } from '../../http1/web/payload.ts'
import type { Clock } from '../../lifecycle/clock.ts'
import { headersOf } from '../downstream/downstream.ts'
import { type FailureName, UpstreamError } from '../errors.ts'
import { type Ask, isEventStream, type Sender, type Upstream, type Want } from '../upstream/upstream.ts'

export interface FixedLength {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<Uint8Array>
}

export interface FetchDeps {
  /** Its timers may last as long as the request that starts them. */
  readonly clock: Clock
  fetch(url: string, init: object): Promise<Response & { readonly webSocket?: object | null }>
  /** Takes exactly this many bytes, and gives its message that length. */
  fixedLength(bytes: number): FixedLength
}

/**
 * Cloudflare's responses for an origin that it never reached. 520, 522 and 524 may come after the
 * request went out, and pass as they are
 * (developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors).
 */
const neverReached: Readonly<Record<number, FailureName>> = { 521: 'connect', 523: 'connect', 525: 'tls', 526: 'tls' }

export class FetchUpstream implements Upstream {
  readonly #origin: string
  readonly #deps: FetchDeps

  /** `origin`: `https://app.example:8443`. */
  constructor(origin: string, deps: FetchDeps) {
    this.#origin = origin
    this.#deps = deps
  }

  acquire(want: Want): void {
    want.onConnection(new FetchSender(this.#origin, this.#deps))
  }
}

class FetchSender implements Sender {
  readonly used = false
  readonly copiesBytes = 0
  readonly #origin: string
  readonly #deps: FetchDeps
  readonly #controller = new AbortController()
  #ask: Ask | null = null
  #cancelTimer = (): void => {}
  /** What of the request still has to go out. */
  #source: BodySource | null = null
  /** The head of the response has come. */
  #begun = false
  #onRoom: (() => void) | null = null

  constructor(origin: string, deps: FetchDeps) {
    this.#origin = origin
    this.#deps = deps
  }

  send(ask: Ask): void {
    const { method, target, fields, upgrade } = ask
    if (target.charCodeAt(0) !== 0x2f) throw new TypeError(`${JSON.stringify(target)} can’t be fetched`)
    const headers = headersOf(typeof fields === 'string' ? split(fields) : fields)
    if (upgrade !== null) headers.set('Upgrade', upgrade)
    const url = `${this.#origin}${target}`
    this.#ask = ask
    const body = this.#bodyOf(ask)
    if (this.#source === null) this.#expect('first-byte-timeout', ask.firstByteTimeoutMs)
    void this.#run(ask, url, {
      method,
      headers,
      body,
      redirect: 'manual',
      // Content codings are passed on, not undone.
      encodeResponseBody: 'manual',
      signal: this.#controller.signal,
      // The standard asks for it beside a stream.
      ...(body instanceof ReadableStream && { duplex: 'half' }),
    })
  }

  resume(): void {
    const onRoom = this.#onRoom
    this.#onRoom = null
    onRoom?.()
  }

  abort(): void {
    this.#end()
    this.#controller.abort(new UpstreamError('client-gone'))
    this.resume()
  }

  close(): void {}

  async #run(ask: Ask, url: string, init: object): Promise<void> {
    let response: Awaited<ReturnType<FetchDeps['fetch']>>
    try {
      response = await this.#deps.fetch(url, init)
    } catch (cause) {
      // A refused connection and one that ended look the same (workerd: "Network connection
      // lost.").
      this.#fail(ask, 'ended', cause)
      return
    }
    if (this.#ask !== ask) return
    this.#begun = true
    const { asker } = ask
    const unreached = response.headers.get('server') === 'cloudflare' ? neverReached[response.status] : undefined
    const head = headOf(response)
    if (unreached !== undefined || head === null) {
      this.#fail(ask, unreached ?? 'bad-answer')
      return
    }
    const { webSocket, body } = response
    if (webSocket) {
      this.#end()
      if (ask.upgrade === null) asker.onFailure(new UpstreamError('bad-answer'))
      else asker.onWebSocket(head, webSocket)
    } else if (body === null) {
      this.#end()
      asker.onWhole(head, null)
    } else {
      asker.onHead(head)
      await this.#read(ask, body.getReader(), isEventStream(head) ? 0 : ask.readTimeoutMs)
    }
  }

  async #read(ask: Ask, reader: ReadableStreamDefaultReader<Uint8Array>, timeoutMs: number): Promise<void> {
    while (this.#ask === ask) {
      this.#expect('read-timeout', timeoutMs)
      let piece: Uint8Array | undefined
      try {
        piece = (await reader.read()).value
      } catch (cause) {
        this.#fail(ask, 'cut-short', cause)
        return
      }
      if (this.#ask !== ask) return
      if (piece === undefined) {
        this.#end()
        ask.asker.onEnd([])
      } else if (!ask.asker.onData(piece)) {
        // The upstream is not to blame for a client that does not read.
        this.#cancelTimer()
        await new Promise<void>((resolve) => {
          this.#onRoom = resolve
        })
      }
    }
  }

  // The request's body.

  #bodyOf(ask: Ask): Uint8Array | ReadableStream<Uint8Array> | null {
    const { body, framing } = ask
    if (body === null || body instanceof Uint8Array) return body
    const { readable, writable } =
      typeof framing === 'number' ? this.#deps.fixedLength(framing) : new TransformStream<Uint8Array, Uint8Array>()
    this.#source = body
    void this.#pump(ask, body, writable.getWriter())
    return readable
  }

  async #pump(ask: Ask, source: BodySource, writer: WritableStreamDefaultWriter<Uint8Array>): Promise<void> {
    writer.closed.catch(() => {})
    for (;;) {
      let piece: Uint8Array | null
      try {
        piece = await source.read()
      } catch (cause) {
        this.#fail(ask, 'client-gone', cause)
        return
      }
      if (this.#ask !== ask) return
      try {
        if (piece === null) break
        if (piece.length > 0) await writer.write(piece)
      } catch {
        // `fetch` says why; it may have answered.
        return
      }
    }
    this.#source = null
    await writer.close().catch(() => {})
    if (!this.#begun) this.#expect('first-byte-timeout', ask.firstByteTimeoutMs)
  }

  #expect(code: FailureName, withinMs: number): void {
    this.#cancelTimer()
    const ask = this.#ask
    if (withinMs !== 0 && ask !== null)
      this.#cancelTimer = this.#deps.clock.after(withinMs, () => this.#fail(ask, code))
  }

  #fail(ask: Ask, code: FailureName, cause?: unknown): void {
    if (this.#ask !== ask) return
    this.#end()
    const error = new UpstreamError(code, { cause })
    this.#controller.abort(error)
    ask.asker.onFailure(error)
  }

  /** Sends and reports nothing more. */
  #end(): void {
    this.#ask = null
    this.#cancelTimer()
    this.#source?.cancel(new Error('the upstream wants no more of it'))
    this.#source = null
  }
}

/**
 * As the parser would report it; null: framed in two ways, or not a status (RFC 9112 6.3, RFC 9110
 * 15).
 */
function headOf({ status, statusText, headers, body }: Response): ResponseHead | null {
  const length = headers.get('content-length')
  const coding = headers.get('transfer-encoding')
  if (status > 599 || (length !== null && (coding !== null || !/^\d{1,15}$/.test(length)))) return null
  let text = ''
  for (const [name, value] of headers) text += `${name}: ${value}\r\n`
  const framing = body === null ? 'none' : length === null ? 'chunked' : 'length'
  const bytes = { none: 0, chunked: -1, length: Number(length) }[framing]
  return new ResponseHead(status, statusText, text.length, text, 1, framing, bytes, true, headers.get('upgrade'))
}
