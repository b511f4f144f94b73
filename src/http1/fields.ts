/**
 * The field section of a head or of trailers, in one pass over its bytes. There is no search for
 * the empty line first:
 * `Buffer.indexOf` costs Deno 3 µs for a head of 700 bytes, as much as the pass. Errors are those
 * of the first wrong byte, so that how a message was cut into pieces never changes the verdict.
 */
import {
  BACKSLASH,
  COLON,
  COMMA,
  CR,
  EQUALS,
  HTAB,
  LF,
  latin1,
  lowerCase,
  QUOTE,
  SEMICOLON,
  SP,
  token,
  value,
} from './bytes.ts'
import type { Limits } from './events.ts'
import type { ReasonId } from './reasons.ts'
import { isForbiddenInTrailers } from './trailers.ts'

/** All bytes so far are right, and there must be more. */
export const INCOMPLETE = -1
/** `refused()` says why. */
export const REFUSED = -2

let why: ReasonId = 'control-byte'

export function refuse(reason: ReasonId): number {
  why = reason
  return REFUSED
}

export function refused(): ReasonId {
  return why
}

/** What has been read of the fields that decide about the connection. Valid until the next pass. */
export const seen = {
  hosts: 0,
  hostFrom: 0,
  hostTo: 0,
  /** Content-Length, -1: none. */
  length: -1,
  /**
   * Transfer-Encoding: how many lines, how often `chunked`, whether anything else, whether all is
   * well formed and ends in `chunked`.
   */
  codings: 0,
  chunked: 0,
  otherCoding: false,
  endsInChunked: false,
  close: false,
  keepAlive: false,
  nominatesUpgrade: false,
  upgrade: null as string | null,
  expectContinue: false,
}

function clear(): void {
  seen.hosts = 0
  seen.length = -1
  seen.codings = 0
  seen.chunked = 0
  seen.otherCoding = false
  seen.endsInChunked = false
  seen.close = false
  seen.keepAlive = false
  seen.nominatesUpgrade = false
  seen.upgrade = null
  seen.expectContinue = false
}

/**
 * Reads one field's value, without the white space around it. Returns a reason to refuse, or null.
 */
type Reader = (bytes: Uint8Array, from: number, to: number) => ReasonId | null

const readers: Readonly<Record<string, Reader>> = {
  host(_bytes, from, to) {
    seen.hosts++
    seen.hostFrom = from
    seen.hostTo = to
    return seen.hosts > 1 ? 'repeated-host' : null
  },

  'content-length'(bytes, from, to) {
    if (seen.length >= 0) return 'repeated-content-length'
    let length = 0
    for (let at = from; at < to; at++) {
      const digit = bytes[at]! - 0x30
      if (digit < 0 || digit > 9) {
        return latin1(bytes, from, to).includes(',') ? 'repeated-content-length' : 'bad-content-length'
      }
      length = length * 10 + digit
      if (length > Number.MAX_SAFE_INTEGER) return 'bad-content-length'
    }
    if (from === to) return 'bad-content-length'
    seen.length = length
    return null
  },

  // RFC 9110 5.6.1 would have us skip empty list elements; servers disagree about `,chunked`, so it
  // counts as malformed.
  'transfer-encoding'(bytes, from, to) {
    seen.codings++
    for (let at = from; at <= to; at++) {
      const start = skipBlanks(bytes, at, to)
      at = commaFrom(bytes, start, to)
      const stop = dropBlanks(bytes, start, at)
      const nameEnd = skipToken(bytes, start, stop)
      seen.endsInChunked = isWord(bytes, start, nameEnd, words.chunked)
      if (nameEnd === start || !areParameters(bytes, nameEnd, stop)) return 'bad-coding'
      if (!seen.endsInChunked) seen.otherCoding = true
      // It takes no parameters.
      else if (nameEnd < stop) return 'bad-coding'
      else seen.chunked++
    }
    return seen.chunked > 1 ? 'bad-coding' : null
  },

  connection(bytes, from, to) {
    for (let at = from; at < to; at++) {
      const start = skipBlanks(bytes, at, to)
      at = commaFrom(bytes, start, to)
      const stop = dropBlanks(bytes, start, at)
      if (isWord(bytes, start, stop, words.close)) seen.close = true
      else if (isWord(bytes, start, stop, words.keepAlive)) seen.keepAlive = true
      else if (isWord(bytes, start, stop, words.upgrade)) seen.nominatesUpgrade = true
    }
    return null
  },

  upgrade(bytes, from, to) {
    const protocols = latin1(bytes, from, to)
    seen.upgrade = seen.upgrade === null ? protocols : `${seen.upgrade}, ${protocols}`
    return null
  },

  // An expectation that we don't know is ignored: 417 is a MAY (RFC 9110 10.1.1).
  expect(bytes, from, to) {
    if (isWord(bytes, from, to, words.expectContinue)) seen.expectContinue = true
    return null
  },
}

// Values are read byte by byte, each byte once: a regular expression with two repeats that may take
// the same bytes costs a client's 13,000 blanks squared.

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

const words = {
  chunked: encode('chunked'),
  close: encode('close'),
  keepAlive: encode('keep-alive'),
  upgrade: encode('upgrade'),
  expectContinue: encode('100-continue'),
}

/**
 * `word` in lower case; its letters, digits and hyphens differ from all other bytes in more than
 * the bit that makes letters small.
 */
function isWord(bytes: Uint8Array, from: number, to: number, word: Uint8Array): boolean {
  if (to - from !== word.length) return false
  for (let i = 0; i < word.length; i++) if (lowerCase(bytes[from + i]!) !== word[i]) return false
  return true
}

function skipBlanks(bytes: Uint8Array, at: number, to: number): number {
  while (at < to && (bytes[at] === SP || bytes[at] === HTAB)) at++
  return at
}

/** The end of what stands before the blanks that end at `to`. */
function dropBlanks(bytes: Uint8Array, from: number, to: number): number {
  while (to > from && (bytes[to - 1] === SP || bytes[to - 1] === HTAB)) to--
  return to
}

function skipToken(bytes: Uint8Array, at: number, to: number): number {
  while (at < to && token[bytes[at]!] === 1) at++
  return at
}

function commaFrom(bytes: Uint8Array, at: number, to: number): number {
  while (at < to && bytes[at] !== COMMA) at++
  return at
}

/** `*( OWS ";" OWS token BWS "=" BWS ( token / quoted-string ) )` (RFC 9112 7), without escapes. */
function areParameters(bytes: Uint8Array, at: number, to: number): boolean {
  while (at < to) {
    at = skipBlanks(bytes, at, to)
    if (at === to || bytes[at] !== SEMICOLON) return false
    const name = skipBlanks(bytes, at + 1, to)
    at = skipToken(bytes, name, to)
    if (at === name) return false
    at = skipBlanks(bytes, at, to)
    if (at === to || bytes[at] !== EQUALS) return false
    const content = skipBlanks(bytes, at + 1, to)
    at = bytes[content] === QUOTE && content < to ? behindQuote(bytes, content + 1, to) : skipToken(bytes, content, to)
    if (at <= content) return false
  }
  return true
}

/** -1: it is not closed. */
function behindQuote(bytes: Uint8Array, at: number, to: number): number {
  for (; at < to && bytes[at] !== BACKSLASH; at++) if (bytes[at] === QUOTE) return at + 1
  return -1
}

interface Known {
  readonly bytes: Uint8Array
  readonly read: Reader
}

/**
 * The names above have six different lengths, so the length alone picks the one to compare with.
 */
const knownByLength: (Known | undefined)[] = Array.from({ length: 32 })
for (const [name, read] of Object.entries(readers)) {
  if (knownByLength[name.length]) throw new Error(`${name} needs a better key than its length`)
  knownByLength[name.length] = { bytes: encode(name), read }
}

function isNamed(known: Known, bytes: Uint8Array, from: number): boolean {
  const name = known.bytes
  // 0x20 makes ASCII letters lower-case and leaves `-` alone.
  for (let i = 0; i < name.length; i++) if ((bytes[from + i]! | 0x20) !== name[i]) return false
  return true
}

/**
 * A head of which only some lines came: what is whole of it is not read again. Offsets are those of
 * the buffer in which it lay.
 */
export interface Mark<StartLine> {
  /** Of the head. */
  readonly start: number
  readonly startLine: StartLine
  /** Of the first line that is not whole. */
  readonly at: number
  /** Fields that may still come. */
  readonly left: number
  readonly seen: typeof seen
}

/** Where the last pass stopped for want of bytes. */
const stopped = { at: 0, left: 0 }

/** To be called when `readFields` has returned `INCOMPLETE`. */
export function markOf<StartLine extends object>(start: number, startLine: StartLine): Mark<StartLine> {
  return { start, startLine: { ...startLine }, at: stopped.at, left: stopped.left, seen: { ...seen } }
}

/**
 * Reads fields from `at` up to and with the empty line. Returns the offset behind it, `INCOMPLETE`
 * or `REFUSED`. In trailers `seen` stays as it is.
 */
export function readFields(bytes: Uint8Array, at: number, end: number, limits: Limits, trailers: boolean): number {
  if (!trailers) clear()
  return readLines(bytes, at, end, limits, trailers, limits.maxFields)
}

/** The same from where a mark was left; `by`: so much further on it lies now. */
export function readOn(
  mark: Mark<object>,
  by: number,
  bytes: Uint8Array,
  end: number,
  limits: Limits,
  trailers: boolean,
): number {
  if (!trailers) {
    Object.assign(seen, mark.seen)
    seen.hostFrom += by
    seen.hostTo += by
  }
  return readLines(bytes, mark.at + by, end, limits, trailers, mark.left)
}

function readLines(
  bytes: Uint8Array,
  at: number,
  end: number,
  limits: Limits,
  trailers: boolean,
  left: number,
): number {
  const maxFieldBytes = limits.maxFieldBytes
  for (; ; left--) {
    const start = at
    if (at >= end) return stop(start, left)
    if (bytes[at] === CR) {
      const after = afterCr(bytes, at, end)
      return after === INCOMPLETE ? stop(start, left) : after
    }
    if (left === 0) return refuse('too-many-fields')

    const most = end - start > maxFieldBytes ? start + maxFieldBytes : end
    while (at < most && token[bytes[at]!] === 1) at++
    if (at === end) return stop(start, left)
    if (at === most) return refuse(lineProblem(bytes[at]!, 'field-too-long'))
    if (bytes[at] !== COLON || at === start) return refuse(nameProblem(bytes[at]!, at === start))
    const nameEnd = at

    at++
    while (at < most && value[bytes[at]!] === 1) at++
    if (at === end) return stop(start, left)
    if (bytes[at] !== CR) return refuse(lineProblem(bytes[at]!, 'field-too-long'))
    const lineEnd = at
    at = afterCr(bytes, at, end)
    if (at < 0) return at === INCOMPLETE ? stop(start, left) : at

    if (trailers) {
      if (isForbiddenInTrailers(latin1(bytes, start, nameEnd))) return refuse('forbidden-trailer')
      continue
    }
    const known = knownByLength[nameEnd - start]
    if (known !== undefined && isNamed(known, bytes, start)) {
      const from = skipBlanks(bytes, nameEnd + 1, lineEnd)
      const problem = known.read(bytes, from, dropBlanks(bytes, from, lineEnd))
      if (problem !== null) return refuse(problem)
    }
  }
}

function stop(at: number, left: number): typeof INCOMPLETE {
  stopped.at = at
  stopped.left = left
  return INCOMPLETE
}

/** The offset behind CRLF at `at`. */
export function afterCr(bytes: Uint8Array, at: number, end: number): number {
  if (at + 1 >= end) return INCOMPLETE
  return bytes[at + 1] === LF ? at + 2 : refuse('bare-cr')
}

/**
 * What a byte that may not stand in a line is called; `otherwise` if there is nothing wrong with
 * the byte itself.
 */
export function lineProblem(byte: number, otherwise: ReasonId): ReasonId {
  if (byte === LF) return 'bare-lf'
  if (byte === CR) return otherwise
  return value[byte] === 1 ? otherwise : 'control-byte'
}

function nameProblem(byte: number, first: boolean): ReasonId {
  if (byte === SP || byte === HTAB) return first ? 'obs-fold' : 'space-before-colon'
  return lineProblem(byte, 'bad-field-name')
}
