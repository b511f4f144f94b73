/**
 * The field section of a head or of trailers, in one pass over its bytes. There is no search for the empty line first:
 * `Buffer.indexOf` costs Deno 3 µs for a head of 700 bytes, as much as the pass. Errors are those of the first wrong byte, so that how
 * a message was cut into pieces never changes the verdict.
 */
import { COLON, CR, HTAB, LF, latin1, SP, token, value } from './bytes.ts'
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

/** What a pass has read of the fields that decide about the connection. Valid until the next pass. */
export const seen = {
  hosts: 0,
  hostFrom: 0,
  hostTo: 0,
  /** Content-Length, -1: none. */
  length: -1,
  /** Transfer-Encoding: how many lines, how often `chunked`, whether anything else, whether all is well formed and ends in `chunked`. */
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

/** Reads one field's value, without the white space around it. Returns a reason to refuse, or null. */
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

  // RFC 9110 5.6.1 would have us skip empty list elements; servers disagree about `,chunked`, so it counts as malformed.
  'transfer-encoding'(bytes, from, to) {
    seen.codings++
    for (const element of latin1(bytes, from, to).split(',')) {
      const coding = trimBlanks(element)
      if (!codingForm.test(coding)) return 'bad-coding'
      seen.endsInChunked = coding.toLowerCase() === 'chunked'
      if (seen.endsInChunked) seen.chunked++
      else seen.otherCoding = true
    }
    return seen.chunked > 1 ? 'bad-coding' : null
  },

  connection(bytes, from, to) {
    const options = latin1(bytes, from, to).toLowerCase()
    if (options === 'keep-alive') seen.keepAlive = true
    else if (options === 'close') seen.close = true
    else {
      for (const option of options.split(',')) {
        const name = trimBlanks(option)
        if (name === 'close') seen.close = true
        else if (name === 'keep-alive') seen.keepAlive = true
        else if (name === 'upgrade') seen.nominatesUpgrade = true
      }
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
    if (latin1(bytes, from, to).toLowerCase() === '100-continue') seen.expectContinue = true
    return null
  },
}

/** transfer-coding (RFC 9112 7); `chunked` takes no parameters. */
const codingForm =
  /^(?!chunked[ \t]*;)[!#$%&'*+.^_`|~\w-]+(?:[ \t]*;[ \t]*[!#$%&'*+.^_`|~\w-]+[ \t]*=[ \t]*(?:[!#$%&'*+.^_`|~\w-]+|"[^"\\]*"))*$/i

function trimBlanks(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '')
}

interface Known {
  readonly bytes: Uint8Array
  readonly read: Reader
}

/** The names above have six different lengths, so the length alone picks the one to compare with. */
const knownByLength: (Known | undefined)[] = Array.from({ length: 32 })
for (const [name, read] of Object.entries(readers)) {
  if (knownByLength[name.length]) throw new Error(`${name} needs a better key than its length`)
  knownByLength[name.length] = { bytes: new TextEncoder().encode(name), read }
}

function isNamed(known: Known, bytes: Uint8Array, from: number): boolean {
  const name = known.bytes
  // 0x20 makes ASCII letters lower-case and leaves `-` alone.
  for (let i = 0; i < name.length; i++) if ((bytes[from + i]! | 0x20) !== name[i]) return false
  return true
}

/**
 * Reads fields from `at` up to and with the empty line. Returns the offset behind it, `INCOMPLETE` or `REFUSED`.
 * In trailers `seen` stays as it is.
 */
export function readFields(bytes: Uint8Array, at: number, end: number, limits: Limits, trailers: boolean): number {
  if (!trailers) clear()
  const maxFieldBytes = limits.maxFieldBytes
  for (let left = limits.maxFields; ; left--) {
    if (at >= end) return INCOMPLETE
    if (bytes[at] === CR) return afterCr(bytes, at, end)
    if (left === 0) return refuse('too-many-fields')

    const start = at
    const stop = end - start > maxFieldBytes ? start + maxFieldBytes : end
    while (at < stop && token[bytes[at]!] === 1) at++
    if (at === end) return INCOMPLETE
    if (at === stop) return refuse(lineProblem(bytes[at]!, 'field-too-long'))
    if (bytes[at] !== COLON || at === start) return refuse(nameProblem(bytes[at]!, at === start))
    const nameEnd = at

    at++
    while (at < stop && value[bytes[at]!] === 1) at++
    if (at === end) return INCOMPLETE
    if (bytes[at] !== CR) return refuse(lineProblem(bytes[at]!, 'field-too-long'))
    const lineEnd = at
    at = afterCr(bytes, at, end)
    if (at < 0) return at

    if (trailers) {
      if (isForbiddenInTrailers(latin1(bytes, start, nameEnd))) return refuse('forbidden-trailer')
      continue
    }
    const known = knownByLength[nameEnd - start]
    if (known !== undefined && isNamed(known, bytes, start)) {
      let from = nameEnd + 1
      let to = lineEnd
      while (from < to && (bytes[from] === SP || bytes[from] === HTAB)) from++
      while (to > from && (bytes[to - 1] === SP || bytes[to - 1] === HTAB)) to--
      const problem = known.read(bytes, from, to)
      if (problem !== null) return refuse(problem)
    }
  }
}

/** The offset behind CRLF at `at`. */
export function afterCr(bytes: Uint8Array, at: number, end: number): number {
  if (at + 1 >= end) return INCOMPLETE
  return bytes[at + 1] === LF ? at + 2 : refuse('bare-cr')
}

/** What a byte that may not stand in a line is called; `otherwise` if there is nothing wrong with the byte itself. */
export function lineProblem(byte: number, otherwise: ReasonId): ReasonId {
  if (byte === LF) return 'bare-lf'
  if (byte === CR) return otherwise
  return value[byte] === 1 ? otherwise : 'control-byte'
}

function nameProblem(byte: number, first: boolean): ReasonId {
  if (byte === SP || byte === HTAB) return first ? 'obs-fold' : 'space-before-colon'
  return lineProblem(byte, 'bad-field-name')
}
