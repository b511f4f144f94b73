/** The line before a chunk's data: `chunk-size [ chunk-ext ] CRLF` (RFC 9112 7.1). */
import { CR, HTAB, hex, SP, token, value } from './bytes.ts'
import { afterCr, INCOMPLETE, lineProblem, refuse } from './fields.ts'

/** Sixteen digits hold 2^53 - 1 and forgive zeros in front of it. */
const maxSizeDigits = 16
/**
 * What is left for extensions in one line. Nobody sends any; llhttp and Go had to learn to bound
 * them (CVE-2024-22019).
 */
const maxLineBytes = 256

/** The size in the line that was read last. */
export let chunkSize = 0
/** Its bytes between the size and the CRLF. */
export let chunkExtensionBytes = 0

/** Where in an extension a byte stands. */
type Place =
  | 'beforeName'
  | 'name'
  | 'afterName'
  | 'beforeValue'
  | 'value'
  | 'quoted'
  | 'escaped'
  | 'afterQuoted'
  | 'afterValue'

/** The offset behind the line at `at`, `INCOMPLETE` or `REFUSED`. */
export function readChunkLine(bytes: Uint8Array, at: number, end: number): number {
  const start = at
  let size = 0
  while (at < end && hex[bytes[at]!]! < 16) {
    size = size * 16 + hex[bytes[at]!]!
    if (size > Number.MAX_SAFE_INTEGER || ++at - start > maxSizeDigits) return refuse('bad-chunk-size')
  }
  if (at === end) return INCOMPLETE
  if (at === start) return refuse(lineProblem(bytes[at]!, 'bad-chunk-size'))
  const sizeEnd = at
  if (bytes[at] === 0x3b) {
    at = readExtension(bytes, at + 1, end, start + maxLineBytes)
    if (at < 0) return at
  } else if (bytes[at] !== CR) return refuse(lineProblem(bytes[at]!, 'bad-chunk-size'))
  chunkSize = size
  chunkExtensionBytes = at - sizeEnd
  return afterCr(bytes, at, end)
}

/**
 * From behind the first `;` to the CR. White space before that `;` is refused: a sender must not
 * send it (RFC 9112 7.1.1).
 */
function readExtension(bytes: Uint8Array, at: number, end: number, limit: number): number {
  let place: Place = 'beforeName'
  for (; at < end; at++) {
    if (at >= limit) return refuse('chunk-extension-too-long')
    const byte = bytes[at]!
    if (byte === CR && (place === 'name' || place === 'value' || place === 'afterQuoted')) return at
    const next = follow(place, byte)
    if (next === null) return refuse(lineProblem(byte, 'bad-chunk-extension'))
    place = next
  }
  return INCOMPLETE
}

function follow(place: Place, byte: number): Place | null {
  const blank = byte === SP || byte === HTAB
  switch (place) {
    case 'beforeName':
      return blank ? place : token[byte] === 1 ? 'name' : null
    case 'name':
      if (token[byte] === 1) return place
      return blank ? 'afterName' : byte === 0x3d ? 'beforeValue' : byte === 0x3b ? 'beforeName' : null
    case 'afterName':
      return blank ? place : byte === 0x3d ? 'beforeValue' : byte === 0x3b ? 'beforeName' : null
    case 'beforeValue':
      return blank ? place : byte === 0x22 ? 'quoted' : token[byte] === 1 ? 'value' : null
    case 'value':
      if (token[byte] === 1) return place
      return blank ? 'afterValue' : byte === 0x3b ? 'beforeName' : null
    case 'quoted':
      if (byte === 0x22) return 'afterQuoted'
      return byte === 0x5c ? 'escaped' : value[byte] === 1 ? place : null
    case 'escaped':
      return value[byte] === 1 ? 'quoted' : null
    case 'afterQuoted':
    case 'afterValue':
      return blank ? 'afterValue' : byte === 0x3b ? 'beforeName' : null
  }
}
