/**
 * Heads and chunk framing as latin1 text: one char is one byte, so a small answer goes out in one
 * write with its body. Framing is decided by the caller once and written here; what the application
 * says about it is left out, because two opinions in one head are two messages for somebody.
 */
import { isHost } from './host.ts'
import { phrases } from './status.ts'
import { isForbiddenInTrailers } from './trailers.ts'

/**
 * How the content of a message is delimited: its length, `chunked`, or no field at all (no content,
 * or the end of the connection).
 */
export type BodyFraming = number | 'chunked' | 'none'

/** Name, value, name, value, … */
export type RawFields = readonly string[]

type NameKind = 'plain' | 'date' | 'host' | 'owned'

/** Written from the arguments, never from the fields. */
const owned = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive', 'proxy-connection'])

const tokenForm = /^[!#$%&'*+.^_`|~\w-]+$/
const notInValue = /[^\t\x20-\x7e\x80-\xff]/
const targetForm = /^[\x21\x22\x24-\x7e]+$/

/**
 * A checked name, with the line that it was last written in: most fields of an application never
 * change.
 */
interface KnownName {
  readonly kind: NameKind
  value: string
  line: string
}

/** An application has a few dozen; the bound is for one that makes them up. */
const knownNames = new Map<string, KnownName>()
const maxKnownNames = 1024
const maxKnownValueLength = 256

function knownName(name: string): KnownName {
  const known = knownNames.get(name)
  if (known !== undefined) return known
  if (!tokenForm.test(name)) throw new TypeError(`${JSON.stringify(name)} is not a field name`)
  const lower = name.toLowerCase()
  const kind = owned.has(lower) ? 'owned' : lower === 'date' || lower === 'host' ? lower : 'plain'
  const added = { kind, value: '', line: `${name}: \r\n` } satisfies KnownName
  if (knownNames.size < maxKnownNames) knownNames.set(name, added)
  return added
}

function fieldLine(known: KnownName, name: string, value: string): string {
  if (value === known.value) return known.line
  checkValue(name, value)
  const line = `${name}: ${value}\r\n`
  if (value.length <= maxKnownValueLength) {
    known.value = value
    known.line = line
  }
  return line
}

/**
 * Throws for CR, LF, NUL, other control bytes and what is not latin1: any of them could end the
 * field early.
 */
function checkValue(name: string, value: string): void {
  if (notInValue.test(value))
    throw new TypeError(`the value of ${name} has a byte that no field may have: ${JSON.stringify(value)}`)
}

const statusLines: (string | undefined)[] = []

function statusLine(status: number, phrase: string): string {
  if (phrase === '' || phrase === phrases[status]) {
    const known = statusLines[status]
    if (known !== undefined) return known
  } else if (notInValue.test(phrase)) {
    throw new TypeError(`the status text has a byte that no line may have: ${JSON.stringify(phrase)}`)
  }
  if (!Number.isInteger(status) || status < 100 || status > 999) throw new TypeError(`${status} is not a status`)
  const line = `HTTP/1.1 ${status} ${phrase || (phrases[status] ?? '')}\r\n`
  if (phrase === '' || phrase === phrases[status]) statusLines[status] = line
  return line
}

let dateSecond = Number.NaN
let date = ''

/** `Date` as of a time in ms since 1970, formatted once a second (RFC 9110 6.6.1). */
export function dateLine(nowMs: number): string {
  const second = Math.floor(nowMs / 1000)
  if (second !== dateSecond) {
    dateSecond = second
    date = `Date: ${new Date(second * 1000).toUTCString()}\r\n`
  }
  return date
}

/**
 * What an answer says about the connection. To HTTP/1.0 persistence must be said, to 1.1 only its
 * end (RFC 9112 9.3); `hintSec` > 0 promises `Keep-Alive: timeout=` that many seconds. The text
 * depends on nothing else: make it once.
 */
export function connectionLines(keep: boolean, minor: 0 | 1, hintSec: number): string {
  if (!keep) return 'Connection: close\r\n'
  if (hintSec > 0) return `Connection: keep-alive\r\nKeep-Alive: timeout=${hintSec}\r\n`
  return minor === 0 ? 'Connection: keep-alive\r\n' : ''
}

/**
 * The head of an answer, empty line included. `phrase` '' is the standard one. `connection` comes
 * from `connectionLines`, `date` from
 * `dateLine` ('' for none); a Date among the fields wins. 1xx and 204 never get framing (RFC 9110
 * 8.6, RFC 9112 6.1). Fields in text are lines that have been checked, a Date among them and
 * nothing of what is the writer's own.
 */
export function responseHead(
  status: number,
  phrase: string,
  fields: RawFields | string,
  body: BodyFraming,
  connection: string,
  date: string,
): string {
  const start = statusLine(status, phrase)
  const end = `${status < 200 || status === 204 ? '' : framingLine(body)}${connection}\r\n`
  if (typeof fields === 'string') return start + fields + end
  let head = start
  let dated = false
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!
    const value = fields[i + 1]!
    const known = knownName(name)
    if (known.kind === 'owned') continue
    if (known.kind === 'date') dated = true
    head += fieldLine(known, name, value)
  }
  if (!dated) head += date
  return head + end
}

/** Interim answers: 100, 103. */
export function informationalHead(status: number, fields: RawFields = []): string {
  return responseHead(status, '', fields, 'none', '', '')
}

/** Known to be valid. */
let lastHost = ''
let lastTarget = ''

/**
 * The head of a request, empty line included; `Host` comes first (RFC 9110 7.2) and from `host`
 * alone. Fields in text are lines that have been checked, with nothing of what is the writer's own.
 */
export function requestHead(
  method: string,
  target: string,
  host: string,
  fields: RawFields | string,
  body: BodyFraming,
  connection: string,
): string {
  if (method !== 'GET' && !tokenForm.test(method)) throw new TypeError(`${JSON.stringify(method)} is not a method`)
  if (target !== lastTarget) {
    if (!targetForm.test(target)) throw new TypeError(`${JSON.stringify(target)} is not a request target`)
    lastTarget = target
  }
  if (host !== '' && host !== lastHost) {
    if (!isHost(host)) throw new TypeError(`${JSON.stringify(host)} is not a host`)
    lastHost = host
  }
  let head = `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n`
  if (typeof fields === 'string') return `${head}${fields}${framingLine(body)}${connection}\r\n`
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!
    const value = fields[i + 1]!
    const known = knownName(name)
    if (known.kind === 'owned' || known.kind === 'host') continue
    head += fieldLine(known, name, value)
  }
  return `${head}${framingLine(body)}${connection}\r\n`
}

function framingLine(body: BodyFraming): string {
  if (body === 'none') return ''
  if (body === 'chunked') return 'Transfer-Encoding: chunked\r\n'
  if (!Number.isSafeInteger(body) || body < 0) throw new TypeError(`${body} is not a length`)
  return `Content-Length: ${body}\r\n`
}

/** The line before a chunk's bytes. An empty chunk would end the body. */
export function chunkStart(length: number): string {
  if (!(length > 0)) throw new TypeError(`${length} is not the length of a chunk`)
  return `${length.toString(16)}\r\n`
}

/** A chunk in one piece. */
export function encodeChunk(content: Uint8Array): Uint8Array {
  const start = chunkStart(content.length)
  const chunk = new Uint8Array(start.length + content.length + 2)
  for (let i = 0; i < start.length; i++) chunk[i] = start.charCodeAt(i)
  chunk.set(content, start.length)
  chunk.set([0x0d, 0x0a], start.length + content.length)
  return chunk
}

/**
 * The end of a chunked body. A body that failed must not get it: without it no client takes the
 * answer for whole.
 */
export function lastChunk(trailers: RawFields = []): string {
  let end = '0\r\n'
  for (let i = 0; i < trailers.length; i += 2) {
    const name = trailers[i]!
    const value = trailers[i + 1]!
    knownName(name)
    if (isForbiddenInTrailers(name)) throw new TypeError(`${name} must not be a trailer field (RFC 9110 6.5.1)`)
    checkValue(name, value)
    end += `${name}: ${value}\r\n`
  }
  return `${end}\r\n`
}
