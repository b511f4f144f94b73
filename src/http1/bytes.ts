/**
 * Bytes as RFC 9110 5.6 classes them, one 256-entry table per class, and latin1, in which a char is
 * a byte.
 */
import { Buffer } from 'node:buffer'

export const HTAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SP = 0x20
export const QUOTE = 0x22
export const COMMA = 0x2c
export const COLON = 0x3a
export const SEMICOLON = 0x3b
export const EQUALS = 0x3d
export const BACKSLASH = 0x5c

/**
 * Filled range by range, each of two bytes, first and last: a test of every byte is a millisecond
 * of a start.
 */
function table(...ranges: readonly (readonly [from: number, to: number])[]): Uint8Array {
  const members = new Uint8Array(256)
  for (const [from, to] of ranges) members.fill(1, from, to + 1)
  return members
}

/** Letters, digits, and these. */
function alnumAnd(others: string): Uint8Array {
  const members = table([0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a])
  for (let at = 0; at < others.length; at++) members[others.charCodeAt(at)] = 1
  return members
}

/** tchar (RFC 9110 5.6.2). */
export const token = alnumAnd("!#$%&'*+-.^_`|~")
/** field-vchar, SP and HTAB (RFC 9110 5.5): all but control bytes; obs-text is allowed. */
export const value = table([HTAB, HTAB], [SP, 0x7e], [0x80, 0xff])
/**
 * Visible ASCII without `#`: no target has a fragment (RFC 9112 3.2). Browsers send more of ASCII
 * than RFC 3986 allows (`|`, `^`, `"` in queries); bytes over 0x7f would be read differently by the
 * next hop.
 */
export const target = table([SP + 1, 0x22], [0x24, 0x7e])
/** What the URL parser leaves alone in a path and in a query. */
export const plainInUrl = alnumAnd('_-~!$&()*+,;=:@/?.%')

/** 0–15 for a hexadecimal digit, else 255. */
export const hex = new Uint8Array(256).fill(255)
for (let digit = 0; digit < 16; digit++) {
  const character = digit.toString(16)
  hex[character.charCodeAt(0)] = digit
  hex[character.toUpperCase().charCodeAt(0)] = digit
}

/** Of a byte or a character code: of ASCII's letters alone. */
export const lowerCase = (code: number): number => (code >= 0x41 && code <= 0x5a ? code | 0x20 : code)

/**
 * JavaScriptCore has arrays of up to so many bytes in its own heap, and the first view of one moves
 * it out: six times the cost of a copy of some bytes. Elsewhere a view is cheaper.
 */
const copiedUpTo = 'Bun' in globalThis ? 1000 : 0

/** A part that is valid for as long as `bytes` is: a view, or a copy where that costs less. */
export const partOf = (bytes: Uint8Array, from: number, to: number): Uint8Array =>
  bytes.length > copiedUpTo ? bytes.subarray(from, to) : bytes.slice(from, to)

/** A copy, of the plain class whatever `bytes` is; `slice` of Node's Buffer is a view. */
export function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes.length)
  copy.set(bytes)
  return copy
}

// `TextDecoder('latin1')` is windows-1252 by the Encoding Standard. These exist on Buffers of Node,
// Bun and Deno alike, take any Uint8Array, and cost half of `Buffer.from(…).toString('latin1')`.
interface Latin1 {
  latin1Slice(this: Uint8Array, start: number, end: number): string
}
const { latin1Slice } = Buffer.prototype as unknown as Latin1

export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return latin1Slice.call(bytes, start, end)
}
