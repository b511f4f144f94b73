/** Request heads (RFC 9112 3). */
import { CR, latin1, SP, target as targetBytes, token } from './bytes.ts'
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
  seen,
} from './fields.ts'
import { type Framing, RequestHead } from './head.ts'
import { isHost } from './host.ts'
import type { ReasonId } from './reasons.ts'
import { readVersion, minor as versionMinor } from './version.ts'

/** UNSUBSCRIBE and VERSION-CONTROL, the longest registered ones, have 11 and 15. */
const maxMethodBytes = 32

/**
 * What the last request line said, valid after `readRequestLine` returned an offset; lengths from
 * its first byte.
 */
const line = { methodLength: 0, targetEnd: 0, length: 0, minor: 1 as 0 | 1 }

export type RequestMark = Mark<typeof line>

/** Of all connections: many name one host. */
let latestHost = ''

/**
 * The head that starts at `start`, a mark if it is not whole (null before its first line is), or
 * `REFUSED`. `mark` is the one that the call before gave. `lastHost` is one that is known to be
 * valid: a connection mostly names one host.
 */
export function readRequest(
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: Limits,
  lastHost: string,
  mark: RequestMark | null,
): RequestHead | RequestMark | null | typeof REFUSED {
  let after: number
  if (mark === null) {
    const fieldsAt = readRequestLine(bytes, start, end, limits.maxTargetBytes)
    if (fieldsAt < 0) return fieldsAt === INCOMPLETE ? null : REFUSED
    line.length = fieldsAt - start
    line.minor = versionMinor
    after = readFields(bytes, fieldsAt, end, limits, false)
  } else {
    Object.assign(line, mark.startLine)
    after = readOn(mark, start - mark.start, bytes, end, limits, false)
  }
  if (after < 0) return after === INCOMPLETE ? markOf(start, line) : REFUSED

  const { minor } = line
  const text = latin1(bytes, start, after)
  const method = methodOf(text, line.methodLength)
  const target = text.slice(line.methodLength + 1, line.targetEnd)
  const framing = requestFraming(minor)
  if (framing === null) return REFUSED
  if (limits.maxBodyBytes > 0 && seen.length > limits.maxBodyBytes && limits.mayTake?.(seen.length) !== true) {
    return no('body-too-large')
  }

  let host = ''
  if (seen.hosts > 0) {
    const { hostFrom, hostTo } = seen
    // The same text as before, not only an equal one: comparing it later is comparing a pointer.
    if (hostTo - hostFrom === lastHost.length && text.startsWith(lastHost, hostFrom - start)) host = lastHost
    else {
      host = text.slice(hostFrom - start, hostTo - start)
      // An empty Host is what a client sends whose URI has no authority (RFC 9112 3.2).
      if (host === latestHost) host = latestHost
      else if (host !== '' && !isHost(host)) return no('bad-host')
      else latestHost = host
    }
  } else if (minor === 1) return no('missing-host')

  let path = target
  if (target.charCodeAt(0) !== 0x2f) {
    const absolute = /^https?:\/\/([^/?]+)(.*)$/i.exec(target)
    if (absolute !== null) {
      // The authority of the target wins over Host (RFC 9112 3.2.2). User information is an error
      // (RFC 9110 4.2.4).
      host = absolute[1]!
      if (!isHost(host)) return no('bad-target')
      const rest = absolute[2]!
      if (rest.startsWith('/')) path = rest
      else path = rest === '' && method === 'OPTIONS' ? '*' : `/${rest}`
    } else if (target !== '*' || method !== 'OPTIONS') return no('bad-target')
  }

  return new RequestHead(
    method,
    target,
    path,
    host,
    minor === 1 && seen.expectContinue,
    after - start,
    text.slice(line.length, after - start - 2),
    minor,
    framing,
    framing === 'length' ? seen.length : framing === 'none' ? 0 : -1,
    minor === 1 ? !seen.close : seen.keepAlive && !seen.close,
    minor === 1 && seen.nominatesUpgrade ? seen.upgrade : null,
  )
}

function no(reason: ReasonId): typeof REFUSED {
  refuse(reason)
  return REFUSED
}

/** The constant for a common one: comparing it later is comparing a pointer. */
function methodOf(text: string, length: number): string {
  switch (text.charCodeAt(0) + length) {
    case 0x47 + 3:
      if (text.startsWith('GET')) return 'GET'
      break
    case 0x50 + 4:
      if (text.startsWith('POST')) return 'POST'
      break
    case 0x48 + 4:
      if (text.startsWith('HEAD')) return 'HEAD'
      break
  }
  return text.slice(0, length)
}

/** RFC 9112 6.3 for requests; null: refused. */
function requestFraming(minor: 0 | 1): Framing | null {
  if (seen.codings > 0) {
    const problem = codingProblem(minor)
    if (problem === null) return 'chunked'
    refuse(problem)
    return null
  }
  return seen.length >= 0 ? 'length' : 'none'
}

function readRequestLine(bytes: Uint8Array, start: number, end: number, maxTargetBytes: number): number {
  let at = start
  while (at < end && token[bytes[at]!] === 1) at++
  if (at - start > maxMethodBytes) return refuse('method-too-long')
  if (at === end) return INCOMPLETE
  if (bytes[at] !== SP || at === start) return refuse(lineProblem(bytes[at]!, 'bad-method'))
  if (at - start === 7 && latin1(bytes, start, at) === 'CONNECT') return refuse('connect-refused')
  line.methodLength = at - start

  const targetStart = ++at
  const stop = end - at > maxTargetBytes ? at + maxTargetBytes : end
  while (at < stop && targetBytes[bytes[at]!] === 1) at++
  if (at === end) return INCOMPLETE
  if (bytes[at] !== SP) return refuse(targetProblem(bytes[at]!))
  if (at === targetStart) return refuse('bad-request-line')
  line.targetEnd = at - start

  at = readVersion(bytes, at + 1, end)
  if (at < 0) return at
  if (at === end) return INCOMPLETE
  if (bytes[at] !== CR) return refuse(lineProblem(bytes[at]!, 'bad-request-line'))
  return afterCr(bytes, at, end)
}

function targetProblem(byte: number): ReasonId {
  if (targetBytes[byte] === 1) return 'target-too-long'
  // No version at all: HTTP/0.9.
  if (byte === CR) return 'bad-request-line'
  return lineProblem(byte, 'bad-target')
}
