/**
 * A message head as the parser hands it out: what decides the connection's fate is read already,
 * everything else on demand.
 */

/** How the content is delimited. `close`: by the end of the connection (answers only). */
export type Framing = 'none' | 'length' | 'chunked' | 'close'

abstract class Head {
  /**
   * The fields as they came, from the first name to the CRLF of the last line: latin1, one char a
   * byte, already checked.
   */
  readonly text: string
  /** 0 or 1; a later minor version counts as 1 (RFC 9110 2.5). */
  readonly minor: 0 | 1
  readonly framing: Framing
  /** Bytes of content that follow: 0 for `none`, -1 when only the end will tell. */
  readonly bodyLength: number
  /** Whether the peer lets the connection live on after this message (RFC 9112 9.3). */
  readonly keepAlive: boolean
  /**
   * The protocols of `Upgrade`, if `Connection` nominates it and the version is 1.1; otherwise null
   * (RFC 9110 7.8).
   */
  readonly upgrade: string | null
  /** Bytes of the whole head on the wire. */
  readonly size: number
  #raw: readonly string[] | null = null

  constructor(
    size: number,
    text: string,
    minor: 0 | 1,
    framing: Framing,
    bodyLength: number,
    keepAlive: boolean,
    upgrade: string | null,
  ) {
    this.size = size
    this.text = text
    this.minor = minor
    this.framing = framing
    this.bodyLength = bodyLength
    this.keepAlive = keepAlive
    this.upgrade = upgrade
  }

  /**
   * name, value, name, value, …: order, case and repetition as they came, values without the white
   * space around them.
   */
  get raw(): readonly string[] {
    this.#raw ??= split(this.text)
    return this.#raw
  }

  /**
   * The value of a field in any case, repeated ones joined (RFC 9110 5.3; cookies by `; `); null if
   * there is none.
   */
  get(name: string): string | null {
    const lower = name.toLowerCase()
    const { text } = this
    const first = find(text, lower, 0)
    if (first < 0) return null
    let value = valueAt(text, first + lower.length + 1)
    // RFC 9113 8.2.3 joins cookies so; browsers send one field.
    const separator = lower === 'cookie' ? '; ' : ', '
    for (let at = find(text, lower, first + 1); at >= 0; at = find(text, lower, at + 1)) {
      value += separator + valueAt(text, at + lower.length + 1)
    }
    return value
  }

  /** Every value of a field on its own, for `Set-Cookie`. */
  getAll(name: string): string[] {
    const lower = name.toLowerCase()
    const { text } = this
    const values: string[] = []
    for (let at = find(text, lower, 0); at >= 0; at = find(text, lower, at + 1)) {
      values.push(valueAt(text, at + lower.length + 1))
    }
    return values
  }
}

export class RequestHead extends Head {
  readonly method: string
  /** As it came. */
  readonly target: string
  /**
   * In origin form, to be appended to an authority (never resolved against one: `//x` is a path);
   * `*` for `OPTIONS *`.
   */
  readonly path: string
  /**
   * Host and port that the request is for: of an absolute target, else of `Host`. Empty: the
   * server's default (RFC 9112 3.3).
   */
  readonly host: string
  /**
   * Whether to send 100 before reading the body: an HTTP/1.1 client that asked and has sent none of
   * it yet.
   */
  readonly expectContinue: boolean

  constructor(
    method: string,
    target: string,
    path: string,
    host: string,
    expectContinue: boolean,
    size: number,
    text: string,
    minor: 0 | 1,
    framing: Framing,
    bodyLength: number,
    keepAlive: boolean,
    upgrade: string | null,
  ) {
    super(size, text, minor, framing, bodyLength, keepAlive, upgrade)
    this.method = method
    this.target = target
    this.path = path
    this.host = host
    this.expectContinue = expectContinue
  }
}

export class ResponseHead extends Head {
  readonly status: number
  readonly reason: string

  constructor(
    status: number,
    reason: string,
    size: number,
    text: string,
    minor: 0 | 1,
    framing: Framing,
    bodyLength: number,
    keepAlive: boolean,
    upgrade: string | null,
  ) {
    super(size, text, minor, framing, bodyLength, keepAlive, upgrade)
    this.status = status
    this.reason = reason
  }
}

/** Fields that have passed the parser, as name, value, name, value, … */
export function split(text: string): string[] {
  const raw: string[] = []
  let at = 0
  while (at < text.length) {
    const colon = text.indexOf(':', at)
    raw.push(text.slice(at, colon), valueAt(text, colon + 1))
    at = text.indexOf('\n', colon) + 1
  }
  return raw
}

/**
 * Where the next field of this name begins, at `from` or on a later line; -1: nowhere. Only the
 * line ends are searched for, and no string is made for the fields in between: a third of what
 * `raw` costs.
 */
function find(text: string, lower: string, from: number): number {
  let at = from === 0 ? 0 : text.indexOf('\n', from) + 1
  while (at < text.length) {
    if (text.charCodeAt(at + lower.length) === 0x3a && isNamed(text, at, lower)) return at
    at = text.indexOf('\n', at) + 1
    if (at === 0) break
  }
  return -1
}

function isNamed(text: string, at: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    const want = lower.charCodeAt(i)
    const code = text.charCodeAt(at + i)
    if (code !== want && (want < 0x61 || want > 0x7a || (code | 0x20) !== want)) return false
  }
  return true
}

/** What stands from `from` to the end of the line, without the white space around it. */
function valueAt(text: string, from: number): string {
  let to = text.indexOf('\r', from)
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
