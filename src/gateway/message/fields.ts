/**
 * What the gateway changes in the fields that it passes on: one pass over a head; all other fields
 * keep their order and case. The writer sets framing and `Host`; what a message says about its
 * connection ends here (RFC 9110 7.6.1).
 */
import { isForbiddenInTrailers } from '../../http1/trailers.ts'
import type { Coded } from '../../policy/codes.ts'
import type { FieldChanges, GatewayConfig, Route } from '../config/config.ts'
import type { Downstream } from '../downstream/downstream.ts'
import { pushForwarded } from './client-fields.ts'
import { isXForwarded, kindOf, requestTable, responseTable } from './field-kinds.ts'

export type Asked = Pick<Downstream, 'method' | 'host' | 'secure' | 'version' | 'raw' | 'address'>

/**
 * Not dropped for being named by `Connection`: without them the content would be framed, routed or
 * read differently further on, and a sender must not name what all recipients need (RFC 9110
 * 7.6.1). So `Connection: host, content-length` changes nothing.
 */
const endToEnd = new Set([
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'content-range',
  'cache-control',
  'x-real-ip',
])

/**
 * The fields of a request that goes on to an upstream. `trusted`: whether the peer's word about its
 * client is believed.
 */
export function requestFields(asked: Asked, route: Route, config: GatewayConfig, trusted: boolean): string[] {
  const { raw } = asked
  const { underscores } = route
  const out: string[] = []
  let nominated: Set<string> | null = null
  let via = ''
  let cookieAt = -1
  let trailers = false
  let chained = false
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    // CGI can't tell it from `-` (nginx's `underscores_in_headers`).
    if (!underscores && name.indexOf('_') >= 0) continue
    const value = raw[i + 1]!
    const kind = kindOf(requestTable, name) ?? (isXForwarded(name) ? 'forwarding' : null)
    switch (kind) {
      case null:
        out.push(name, value)
        break
      case 'connection':
        nominated = nominatedBy(value, nominated)
        break
      case 'te':
        if (wantsTrailers(value)) trailers = true
        break
      case 'via':
        via += `${value}, `
        break
      case 'cookie':
        // HTTP/2 allows several, everything else one (RFC 9113 8.2.3).
        if (cookieAt < 0) cookieAt = out.push(name, value) - 1
        else out[cookieAt] += `; ${value}`
        break
      case 'max-forwards':
        out.push(name, countsHops(asked.method) && isCount(value) ? String(Math.max(Number(value) - 1, 0)) : value)
        break
      case 'chain':
        chained = true
        break
      case 'forwarding':
        // No proxy writes such a name with `_`.
        if (trusted && name.indexOf('_') < 0) out.push(name, value)
        break
    }
  }
  if (nominated !== null) dropNominated(out, nominated)
  if (via !== '' && passes(via, config.pseudonym) > maxOwnPasses) throw new LoopError()
  out.push('Via', `${via}${asked.version} ${config.pseudonym}`)
  pushForwarded(out, asked, config.pseudonym, trusted, chained)
  change(out, route.request)
  // Last, where `connectionOptions` looks for it.
  if (trailers) out.push('TE', 'trailers')
  return out
}

/**
 * How often a request may have passed a gateway of our name: once, for two gateways in a row that
 * have the default name. A gateway that is its own upstream would use two descriptors a pass, until
 * none is left.
 */
const maxOwnPasses = 1

/** The request comes from this gateway itself. */
export class LoopError extends Error implements Coded<'GATEWAY_LOOP'> {
  override readonly name = 'LoopError'
  readonly code = 'GATEWAY_LOOP'
}

/** How often `Via` names this gateway (RFC 9110 7.6.3): `1.1 hangup (comment), 2 other`. */
function passes(via: string, pseudonym: string): number {
  const own = pseudonym.toLowerCase()
  return via
    .toLowerCase()
    .split(',')
    .filter((hop) => hop.trim().split(/[ \t]/).includes(own)).length
}

/** The fields of a response for the client; `minor` is the version that the upstream spoke. */
export function responseFields(
  raw: readonly string[],
  asked: Pick<Asked, 'secure'>,
  route: Route,
  config: GatewayConfig,
  minor: 0 | 1 = 1,
): string[] {
  const hsts = asked.secure ? config.hsts : null
  const out: string[] = []
  let nominated: Set<string> | null = null
  let via = ''
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    const value = raw[i + 1]!
    const kind = kindOf(responseTable, name)
    if (kind === null || (kind === 'hsts' && hsts === null)) out.push(name, value)
    else if (kind === 'connection') nominated = nominatedBy(value, nominated)
    else if (kind === 'via') via += `${value}, `
  }
  if (nominated !== null) dropNominated(out, nominated)
  out.push('Via', `${via}1.${minor} ${config.pseudonym}`)
  // One field only, and never over plain HTTP (RFC 6797 6.1, 7.2).
  if (hsts !== null) out.push('Strict-Transport-Security', hsts)
  change(out, route.response)
  return out
}

/** The fields of an interim response: nothing is added to them. */
export function interimFields(raw: readonly string[]): string[] {
  const out: string[] = []
  let nominated: Set<string> | null = null
  for (let i = 0; i < raw.length; i += 2) {
    const kind = kindOf(responseTable, raw[i]!)
    if (kind === 'connection') nominated = nominatedBy(raw[i + 1]!, nominated)
    else if (kind !== 'drop') out.push(raw[i]!, raw[i + 1]!)
  }
  if (nominated !== null) dropNominated(out, nominated)
  return out
}

/**
 * The end of a request line: gevent.pywsgi before 23.9 takes a trailer that ends so for one
 * (CVE-2023-41419).
 */
const requestLineEnd = /\sHTTP\/\d/i

/**
 * Trailers, in either direction, without those that a recipient might merge into the head to its
 * harm (RFC 9110 6.5.1).
 */
export function trailerFields(raw: readonly string[]): readonly string[] {
  if (raw.length === 0) return raw
  const out: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    const alike = name.replaceAll('_', '-')
    if (isForbiddenInTrailers(alike) || isXForwarded(name) || requestLineEnd.test(raw[i + 1]!)) continue
    if (kindOf(requestTable, name) === null && kindOf(responseTable, name) === null) out.push(name, raw[i + 1]!)
  }
  return out
}

/**
 * The `Connection` lines of a request with these fields: what they say about the connection has to
 * be named there (RFC 9110 10.1.4, 7.8).
 */
export function connectionOptions(fields: readonly string[] | string, upgrade: string | null): string {
  // What `requestLines` gives has none.
  const te = typeof fields !== 'string' && fields.at(-2) === 'TE'
  if (upgrade !== null) return `Connection: ${te ? 'TE, ' : ''}Upgrade\r\nUpgrade: ${upgrade}\r\n`
  return te ? 'Connection: TE\r\n' : ''
}

/** Whether a request has come as far as it may: it is answered here (RFC 9110 7.6.2). */
export function isLastHop(asked: Pick<Asked, 'method' | 'raw'>): boolean {
  // To look at `raw` makes it.
  if (!countsHops(asked.method)) return false
  const { raw } = asked
  for (let i = 0; i < raw.length; i += 2) {
    if (kindOf(requestTable, raw[i]!) === 'max-forwards') return isCount(raw[i + 1]!) && Number(raw[i + 1]) === 0
  }
  return false
}

const countsHops = (method: string): boolean => method === 'OPTIONS' || method === 'TRACE'
const isCount = (value: string): boolean => /^\d{1,15}$/.test(value)

/** `TE` as a list (RFC 9110 10.1.4): whether `trailers` is in it; codings are between two hops. */
function wantsTrailers(value: string): boolean {
  return value === 'trailers' || /(?:^|,)[ \t]*trailers[ \t]*(?:,|$)/i.test(value)
}

// What a route changes.

const removals = new WeakMap<FieldChanges, ReadonlySet<string>>()

function change(fields: string[], changes: FieldChanges): void {
  const { set, remove } = changes
  if (set.length === 0 && remove.length === 0) return
  let gone = removals.get(changes)
  if (gone === undefined) {
    gone = new Set([...remove, ...set.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())])
    removals.set(changes, gone)
  }
  keepIf(fields, (lower) => !gone.has(lower))
  for (let i = 0; i < set.length; i++) fields.push(set[i]!)
}

/**
 * Options of `Connection` that name no field, or one that is dropped anyway, add nothing to the
 * list.
 */
export function nominatedBy(value: string, nominated: Set<string> | null): Set<string> | null {
  const options = value.toLowerCase()
  if (options === 'keep-alive' || options === 'close' || options === 'upgrade') return nominated
  const names = nominated ?? new Set()
  for (const option of options.split(',')) names.add(option.trim())
  return names
}

function dropNominated(fields: string[], nominated: ReadonlySet<string>): void {
  keepIf(fields, (lower) => !nominated.has(lower) || endToEnd.has(lower) || isXForwarded(lower))
}

function keepIf(fields: string[], keep: (lower: string) => boolean): void {
  let to = 0
  for (let i = 0; i < fields.length; i += 2) {
    if (!keep(fields[i]!.toLowerCase())) continue
    fields[to++] = fields[i]!
    fields[to++] = fields[i + 1]!
  }
  fields.length = to
}
