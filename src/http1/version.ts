/** HTTP-version, the same in both kinds of start line (RFC 9112 2.3). */
import { SP } from './bytes.ts'
import { INCOMPLETE, lineProblem, refuse } from './fields.ts'

const versionStart = new TextEncoder().encode('HTTP/')

/**
 * The minor version that was read last, where `readVersion` returned an offset; a later one is
 * treated as the highest we know (RFC 9110 2.5).
 */
export let minor: 0 | 1 = 1

/** The offset behind the version at `at`. */
export function readVersion(bytes: Uint8Array, at: number, end: number): number {
  for (let i = 0; i < versionStart.length; i++, at++) {
    if (at >= end) return INCOMPLETE
    if (bytes[at] === versionStart[i]) continue
    return refuse(lineProblem(bytes[at]!, bytes[at] === SP ? 'bad-request-line' : 'bad-version'))
  }
  if (at >= end) return INCOMPLETE
  const major = bytes[at]! - 0x30
  if (major < 0 || major > 9) return refuse(lineProblem(bytes[at]!, 'bad-version'))
  if (++at === end) return INCOMPLETE
  if (bytes[at] !== 0x2e) return refuse(lineProblem(bytes[at]!, 'bad-version'))
  if (++at === end) return INCOMPLETE
  const digit = bytes[at]! - 0x30
  if (digit < 0 || digit > 9) return refuse(lineProblem(bytes[at]!, 'bad-version'))
  if (major !== 1) return refuse('version-not-supported')
  minor = digit === 0 ? 0 : 1
  return at + 1
}
