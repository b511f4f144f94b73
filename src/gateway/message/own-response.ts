/**
 * The gateway's own responses. They say what is wrong, never where: no address or name of an
 * upstream leaves the gateway.
 */
import { isHost } from '../../http1/host.ts'
import { phrases } from '../../http1/status.ts'
import type { Code } from '../../policy/codes.ts'
import type { GatewayConfig, Route } from '../config/config.ts'
import type { Downstream } from '../downstream/downstream.ts'
import { type FailureName, failures } from '../errors.ts'

export interface OwnResponse {
  readonly status: number
  readonly fault: Code['fault']
  readonly text: string
}

/** What no upstream is at fault for. docs/errors.md lists them. */
export const ownReasons = {
  'bad-request': { status: 400, fault: 'client', text: 'the request cannot be passed on as it is' },
  'ambiguous-path': { status: 400, fault: 'client', text: 'the path can be read in more than one way' },
  'bad-host': { status: 400, fault: 'client', text: 'the request does not name a host' },
  'no-route': { status: 404, fault: 'client', text: 'nothing is served here' },
  loop: { status: 508, fault: 'configuration', text: 'the request has come through this gateway before' },
  'body-too-large': { status: 413, fault: 'client', text: 'the request is larger than allowed' },
  'spool-full': { status: 413, fault: 'machine', text: 'the gateway has no room for the request now' },
  'too-many-at-once': { status: 503, fault: 'client', text: 'too many requests at once from this address' },
  'too-many-requests': { status: 429, fault: 'client', text: 'too many requests from this address' },
} as const satisfies Readonly<Record<string, OwnResponse>>
export type OwnReason = FailureName | keyof typeof ownReasons

type Asking<Made> = Pick<Downstream<Made>, 'method' | 'raw' | 'secure' | 'respond'>

/** 429 and 503 carry `retryAfterSec` (RFC 9110 10.2.3). */
export function ownResponse<Made>(
  reason: OwnReason,
  downstream: Asking<Made>,
  config: GatewayConfig,
  route: Route | null,
  retryAfterSec = 1,
): Made {
  const { status, text: why } = responseFor(reason)
  const fields = ['Cache-Control', 'no-store']
  if (status === 429 || status === 503) fields.push('Retry-After', String(retryAfterSec))
  if (config.reasonHeader) fields.push('Hangup-Reason', reason)
  if (downstream.secure && config.hsts !== null) fields.push('Strict-Transport-Security', config.hsts)
  const accept = acceptOf(downstream.raw)
  const htmlQuality = qualityOf(accept, 'text', 'html')
  const page =
    route === null ? undefined : (route.errorPages[status] ?? route.errorPages[`${Math.floor(status / 100)}xx`])
  if (page !== undefined && htmlQuality > 0) return answer(downstream, status, fields, htmlType, page)
  // A browser names HTML; a program says `*/*`.
  const html = /\btext\/html\b/i.test(accept) && htmlQuality > 0 && htmlQuality >= qualityOf(accept, 'text', 'plain')
  const text = config.reasonHeader ? why : ''
  return html
    ? answer(downstream, status, fields, htmlType, htmlOf(status, text))
    : answer(downstream, status, fields, textType, `${titleOf(status)}${text && `: ${text}`}\n`)
}

/** To the same address over TLS. 308 keeps method and body (RFC 9110 15.4.9). */
export function redirectToTls<Made>(downstream: Downstream<Made>, config: GatewayConfig, port: number): Made {
  const name = downstream.host.replace(/:\d*$/, '')
  // Location repeats the client's text, so it must be a host and nothing else.
  if (!isHost(name)) return ownResponse('bad-host', downstream, config, null)
  const path = downstream.path.startsWith('/') ? downstream.path : '/'
  const location = `https://${name}${port === 443 ? '' : `:${port}`}${path}`
  return answer(downstream, 308, ['Location', location], textType, `${titleOf(308)}\n`)
}

const allowed = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

/** For `Max-Forwards: 0` (RFC 9110 7.6.2): the methods. TRACE does not get its request back. */
export function lastHopResponse<Made>(downstream: Asking<Made>): Made {
  const fields = ['Allow', allowed]
  if (downstream.method === 'TRACE') return answer(downstream, 405, fields, textType, `${titleOf(405)}\n`)
  return downstream.respond({ status: 200, statusText: '', fields, body: null, left: null })
}

/** Whether a balancer asks whether it should send more. */
export function isHealthCheck({ method, path }: Pick<Downstream, 'method' | 'path'>, healthPath: string): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false
  return path.startsWith(healthPath) && (path.length === healthPath.length || path[healthPath.length] === '?')
}

export function healthResponse<Made>(downstream: Asking<Made>, ready: boolean): Made {
  return answer(downstream, ready ? 200 : 503, ['Cache-Control', 'no-store'], textType, ready ? 'ok\n' : 'draining\n')
}

const textType = 'text/plain;charset=UTF-8'
const htmlType = 'text/html;charset=UTF-8'

function answer<Made>(downstream: Asking<Made>, status: number, fields: string[], type: string, body: string): Made {
  fields.push('Content-Type', type)
  return downstream.respond({ status, statusText: '', fields, body, left: null })
}

function responseFor(reason: OwnReason): Pick<OwnResponse, 'status' | 'text'> {
  return reason in failures ? failures[reason as FailureName] : ownReasons[reason as keyof typeof ownReasons]
}

export const statusOf = (reason: OwnReason): number => responseFor(reason).status

const titleOf = (status: number): string => `${status} ${phrases[status] ?? ''}`

/** The page repeats nothing of the request. */
function htmlOf(status: number, text: string): string {
  const title = titleOf(status)
  const line = text && `<p>${text}</p>`
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>${line}</html>\n`
}

function acceptOf(raw: readonly string[]): string {
  let accept = ''
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.length === 6 && raw[i]!.toLowerCase() === 'accept') accept += `${accept && ','}${raw[i + 1]!}`
  }
  return accept
}

/** The quality of a type in `Accept`: its most specific range decides (RFC 9110 12.5.1). */
function qualityOf(accept: string, type: string, subtype: string): number {
  if (accept.trim() === '') return 1
  let quality = 0
  let specific = 0
  for (const range of accept.toLowerCase().split(',')) {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim())
    const at = name === `${type}/${subtype}` ? 3 : name === `${type}/*` ? 2 : name === '*/*' ? 1 : 0
    if (at <= specific) continue
    specific = at
    const q = parameters.find((parameter) => parameter.startsWith('q='))
    quality = q === undefined ? 1 : Number(q.slice(2)) || 0
  }
  return quality
}
