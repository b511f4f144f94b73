/** Response heads (RFC 9112 4). */
import { CR, latin1, SP, value } from './bytes.ts'
import { codingProblem } from './coding.ts'
import type { Limits } from './events.ts'
import {
  afterCr,
  INCOMPLETE,
  lineProblem,
  type Mark,
  markOf,
  REFUSED,
  readFields,
  readOn,
  refuse,
  refused,
  seen,
} from './fields.ts'
import { type Framing, ResponseHead } from './head.ts'
import type { ReasonId } from './reasons.ts'
import { readVersion, minor as versionMinor } from './version.ts'

/**
 * What the last status line said, valid after `readStatusLine` returned an offset; lengths from its
 * first byte.
 */
const line = { status: 0, reasonFrom: 0, reasonEnd: 0, length: 0, minor: 1 as 0 | 1 }

export type ResponseMark = Mark<typeof line>

/**
 * The head that starts at `start`, a mark if it is not whole (null before its first line is), or
 * `REFUSED`. `mark` is the one that the call before gave; `method` is the one of the request that
 * it answers.
 */
export function readResponse(
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: Limits,
  method: string,
  mark: ResponseMark | null,
): ResponseHead | ResponseMark | null | typeof REFUSED {
  let after: number
  if (mark === null) {
    const fieldsAt = readStatusLine(bytes, start, end, limits.maxFieldBytes)
    if (fieldsAt < 0) return fieldsAt === INCOMPLETE ? null : REFUSED
    line.length = fieldsAt - start
    line.minor = versionMinor
    after = readFields(bytes, fieldsAt, end, limits, false)
  } else {
    Object.assign(line, mark.startLine)
    after = readOn(mark, start - mark.start, bytes, end, limits, false)
  }
  if (after < 0) return after === INCOMPLETE ? markOf(start, line) : REFUSED

  const { status, minor } = line
  const framing = responseFraming(status, method, minor)
  if (framing === null) return REFUSED
  if (limits.maxBodyBytes > 0 && framing === 'length' && seen.length > limits.maxBodyBytes) {
    refuse('body-too-large')
    return REFUSED
  }
  const text = latin1(bytes, start, after)
  return new ResponseHead(
    status,
    text.slice(line.reasonFrom, line.reasonEnd),
    after - start,
    text.slice(line.length, after - start - 2),
    minor,
    framing,
    framing === 'length' ? seen.length : framing === 'none' ? 0 : -1,
    framing !== 'close' && (minor === 1 ? !seen.close : seen.keepAlive && !seen.close),
    minor === 1 && seen.nominatesUpgrade ? seen.upgrade : null,
  )
}

/** RFC 9112 6.3 for answers; null: refused. */
function responseFraming(status: number, method: string, minor: 0 | 1): Framing | null {
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') return 'none'
  if (method === 'CONNECT' && status < 300) return 'none'
  if (seen.codings > 0) {
    const problem: ReasonId | null = codingProblem(minor)
    if (problem === null) return 'chunked'
    refuse(problem)
    return null
  }
  return seen.length >= 0 ? 'length' : 'close'
}

function readStatusLine(bytes: Uint8Array, start: number, end: number, maxBytes: number): number {
  let at = readVersion(bytes, start, end)
  if (at === INCOMPLETE) return at
  if (at < 0) return refused() === 'version-not-supported' ? at : refuse('bad-status-line')
  if (at >= end) return INCOMPLETE
  if (bytes[at] !== SP) return refuse('bad-status-line')
  let status = 0
  for (let i = 0; i < 3; i++) {
    if (++at >= end) return INCOMPLETE
    const digit = bytes[at]! - 0x30
    if (digit < 0 || digit > 9 || (i === 0 && digit === 0)) return refuse('bad-status-line')
    status = status * 10 + digit
  }
  line.status = status
  if (++at >= end) return INCOMPLETE
  // Many servers leave out the SP before an empty reason, and the reason means nothing (RFC 9112
  // 4).
  line.reasonFrom = (bytes[at] === SP ? at + 1 : at) - start
  if (bytes[at] === SP) {
    const stop = end - start > maxBytes ? start + maxBytes : end
    at++
    while (at < stop && value[bytes[at]!] === 1) at++
    if (at >= end) return INCOMPLETE
  }
  line.reasonEnd = at - start
  if (bytes[at] !== CR) return refuse(lineProblem(bytes[at]!, 'bad-status-line'))
  return afterCr(bytes, at, end)
}
