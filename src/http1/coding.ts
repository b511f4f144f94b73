/**
 * The verdict on a Transfer-Encoding, the same for both roles: no request of ours asks for another
 * coding by TE.
 */
import { seen } from './fields.ts'
import type { ReasonId } from './reasons.ts'

export function codingProblem(minor: 0 | 1): ReasonId | null {
  if (minor === 0) return 'coding-in-http-1.0'
  if (seen.length >= 0) return 'length-and-coding'
  if (!seen.endsInChunked) return 'bad-coding'
  return seen.otherCoding ? 'unknown-coding' : null
}
