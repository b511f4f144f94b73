/**
 * Reads HTTP/1.1 answers out of bytes as they come (RFC 9112 section 6.3), keeping what a verdict
 * needs and no bodies.
 */

export interface ReceivedResponse {
  readonly status: number
  readonly headers: Headers
  /** By its version and its Connection field the connection ends with it (RFC 9112 9.3). */
  readonly isLast: boolean
  /** Bytes of the body so far. */
  bodyBytes: number
  /** The beginning of the body. */
  text: string
  /** When its first and its last byte came. */
  readonly beganMs: number
  endedMs: number | null
}

const keptBytes = 256
const largestHeadBytes = 64 * 1024
const headEnd = Buffer.from('\r\n\r\n')
const lineEnd = Buffer.from('\r\n')

type Framing =
  | { readonly kind: 'length'; left: number }
  | { readonly kind: 'chunked'; part: 'size' | 'data' | 'trailer'; left: number }
  | { readonly kind: 'until close' }

export class ResponseReader {
  /** Whole answers, in order; interim ones (1xx) apart. */
  readonly answers: ReceivedResponse[] = []
  readonly interim: number[] = []
  /** Which answers, by their place, are to HEAD: they have a length and no body. */
  readonly toHead = new Set<number>()
  /** The answer that has begun and not ended. */
  partial: ReceivedResponse | null = null
  /** Not HTTP, or not any more: what is wrong. */
  malformed: string | null = null
  /** After a 101 or on HTTP/2, the bytes themselves (the first 64 KiB). */
  raw: Buffer | null = null
  #framing: Framing | null = null
  #rest: Buffer = Buffer.alloc(0)
  #beganMs = 0

  /** True if bytes have come that are not a whole response yet. */
  get begun(): boolean {
    return this.partial !== null || this.#rest.length > 0
  }

  push(chunk: Buffer, nowMs: number): void {
    if (this.malformed !== null) return
    if (this.raw !== null) {
      if (this.raw.length < largestHeadBytes) this.raw = Buffer.concat([this.raw, chunk])
      return
    }
    if (this.partial === null && this.#rest.length === 0) this.#beganMs = nowMs
    let input = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    this.#rest = Buffer.alloc(0)
    while (input.length > 0 && this.malformed === null) {
      const left = this.partial === null ? this.#head(input, nowMs) : this.#body(input, nowMs)
      if (left === null) {
        this.#rest = Buffer.from(input)
        return
      }
      input = left
      if (this.raw !== null) {
        this.raw = Buffer.from(input)
        return
      }
      if (this.partial === null) this.#beganMs = nowMs
    }
  }

  /** The stream has ended in order: an answer that is framed by the close is whole now. */
  end(nowMs: number): void {
    if (this.partial && this.#framing?.kind === 'until close') this.#finish(nowMs)
  }

  /** Returns what is left, or null if more must come first. */
  #head(input: Buffer, nowMs: number): Buffer | null {
    const end = input.indexOf(headEnd)
    if (end < 0) {
      const start = input.subarray(0, 5).toString('latin1')
      if (!'HTTP/'.startsWith(start)) this.malformed = `not an HTTP/1.1 response: ${JSON.stringify(start)}`
      else if (input.length > largestHeadBytes) this.malformed = 'the response head has no end'
      return null
    }
    const [statusLine = '', ...lines] = input.subarray(0, end).toString('latin1').split('\r\n')
    const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(statusLine)?.[1])
    const headers = new Headers()
    try {
      for (const line of lines)
        headers.append(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim())
    } catch (error) {
      this.malformed = `a malformed header: ${String(error)}`
    }
    if (Number.isNaN(status)) this.malformed = `a malformed status line: ${JSON.stringify(statusLine)}`
    if (this.malformed !== null) return null
    const left = input.subarray(end + headEnd.length)
    if (status < 200 && status !== 101) {
      this.interim.push(status)
      return left
    }
    const isLast = endsConnection(statusLine, headers)
    this.partial = { status, headers, isLast, bodyBytes: 0, text: '', beganMs: this.#beganMs, endedMs: null }
    const toHead = this.toHead.has(this.answers.length)
    this.#framing = toHead ? { kind: 'length', left: 0 } : framing(status, headers)
    if (status === 101) this.raw = Buffer.alloc(0)
    if (this.#framing.kind === 'length' && this.#framing.left === 0) this.#finish(nowMs)
    return left
  }

  #body(input: Buffer, nowMs: number): Buffer | null {
    const framing = this.#framing as Framing
    if (framing.kind === 'until close') {
      this.#take(input)
      return input.subarray(input.length)
    }
    if (framing.kind === 'length' || framing.part === 'data') {
      const data = input.subarray(0, framing.left)
      this.#take(
        framing.kind === 'length' ? data : data.subarray(0, Math.max(0, Math.min(data.length, framing.left - 2))),
      )
      framing.left -= data.length
      if (framing.left === 0) {
        if (framing.kind === 'length') this.#finish(nowMs)
        else framing.part = 'size'
      }
      return input.subarray(data.length)
    }
    const end = input.indexOf(lineEnd)
    if (end < 0) return null
    const line = input.subarray(0, end).toString('latin1')
    const left = input.subarray(end + lineEnd.length)
    if (framing.part === 'trailer') {
      if (line === '') this.#finish(nowMs)
      return left
    }
    const size = /^([0-9a-f]+)\s*(?:;|$)/i.exec(line)?.[1]
    if (size === undefined) {
      this.malformed = `a malformed chunk size: ${JSON.stringify(line.slice(0, 32))}`
      return null
    }
    const bytes = Number.parseInt(size, 16)
    if (bytes === 0) framing.part = 'trailer'
    else {
      framing.part = 'data'
      framing.left = bytes + lineEnd.length
    }
    return left
  }

  #take(data: Buffer): void {
    const answer = this.partial as ReceivedResponse
    if (answer.text.length < keptBytes)
      answer.text += data.subarray(0, keptBytes - answer.text.length).toString('latin1')
    answer.bodyBytes += data.length
  }

  #finish(nowMs: number): void {
    const answer = this.partial as ReceivedResponse
    answer.endedMs = nowMs
    this.answers.push(answer)
    this.partial = null
    this.#framing = null
  }
}

function endsConnection(statusLine: string, headers: Headers): boolean {
  const says = (option: string) => new RegExp(`(^|,)\\s*${option}\\s*(,|$)`, 'i').test(headers.get('connection') ?? '')
  return says('close') || (statusLine.startsWith('HTTP/1.0') && !says('keep-alive'))
}

function framing(status: number, headers: Headers): Framing {
  if (status === 101 || status === 204 || status === 304) return { kind: 'length', left: 0 }
  if (/(^|,)\s*chunked\s*$/i.test(headers.get('transfer-encoding') ?? ''))
    return { kind: 'chunked', part: 'size', left: 0 }
  const length = headers.get('content-length')
  return length === null ? { kind: 'until close' } : { kind: 'length', left: Number(length) }
}
