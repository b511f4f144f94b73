/**
 * What a gateway changes in the fields that it passes on: one pass over a head, everything else in its order and case. Framing and
 * `Host` are the writer's own; what stands here about the connection ends here (RFC 9110 7.6.1).
 */
import { HTAB, SP } from '../../http1/bytes.ts'
import { isForbiddenInTrailers } from '../../http1/trailers.ts'
import type { FieldChanges, GatewayConfig, Route } from '../config/config.ts'
import type { Downstream } from '../downstream/downstream.ts'
import { plainAddress } from '../downstream/trust.ts'
import { byPair, chainsOf, forPair, forwardedPair } from './forwarded.ts'

export type Asked = Pick<Downstream, 'method' | 'host' | 'secure' | 'version' | 'raw' | 'address'>

/** `drop`: never passed on. All others are looked at. */
type Kind = 'drop' | 'connection' | 'te' | 'via' | 'cookie' | 'max-forwards' | 'forwarding' | 'chain' | 'hsts' | 'date'

interface Known {
  readonly name: string
  readonly last: number
  readonly kind: Kind
}
/** By length, then by the last letter: nearly every other name is told apart by that. */
type Table = readonly (readonly Known[] | undefined)[]

/** Of the connection alone (RFC 9110 7.6.1), or between a client and the proxy that it was configured with (RFC 9110 11.7). */
const hopByHop: Readonly<Record<string, Kind>> = {
  connection: 'connection',
  'keep-alive': 'drop',
  'proxy-connection': 'drop',
  'transfer-encoding': 'drop',
  upgrade: 'drop',
  via: 'via',
}

const requestTable = tableOf({
  ...hopByHop,
  // The writer's own.
  host: 'drop',
  'content-length': 'drop',
  // The engine has answered 100 by itself, and the body is here (RFC 9110 10.1.1).
  expect: 'drop',
  te: 'te',
  // Credentials for a proxy: an origin server has no use for them. Go's ReverseProxy drops them as well.
  'proxy-authorization': 'drop',
  // RFC 7540 3.2.1; only an upgrade to h2c carries it, and that takes its fields from elsewhere.
  'http2-settings': 'drop',
  // No field at all, but HTTP_PROXY to CGI (CVE-2016-5385).
  proxy: 'drop',
  cookie: 'cookie',
  'max-forwards': 'max-forwards',
  forwarded: 'chain',
  'x-forwarded-for': 'chain',
  'x-real-ip': 'forwarding',
})

const ofAnswers: Readonly<Record<string, Kind>> = {
  ...hopByHop,
  te: 'drop',
  'proxy-authenticate': 'drop',
  'proxy-authentication-info': 'drop',
}
const responseTable = tableOf({ ...ofAnswers, 'strict-transport-security': 'hsts' })
/** For lines: of these two the writer wants to know. */
const ofAnswerLines: Readonly<Record<string, Kind>> = { ...ofAnswers, 'content-length': 'drop', date: 'date' }
const answerTable = tableOf(ofAnswerLines)
const answerTableWithHsts = tableOf({ ...ofAnswerLines, 'strict-transport-security': 'drop' })

/**
 * Not dropped for being named by `Connection`: without them the content would be framed, routed or read differently further on, and a
 * sender must not name what all recipients need (RFC 9110 7.6.1). So `Connection: host, content-length` changes nothing.
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

/** The fields of a request that goes on to an upstream. `trusted`: whether the peer's word about its client is believed. */
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
        // With `_` it is none that a proxy has set.
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
 * How often a request may have come by a gateway of our name: once, for the one at the edge in front of the one at home, which nobody
 * gave names of their own. One that is sent to itself would use two descriptors a pass, until there are none.
 */
const maxOwnPasses = 1

/** The request comes from this gateway itself. */
export class LoopError extends Error {
  override readonly name = 'LoopError'
}

/** How often `Via` names this gateway (RFC 9110 7.6.3): `1.1 hangup (comment), 2 other`. */
function passes(via: string, pseudonym: string): number {
  const own = pseudonym.toLowerCase()
  return via
    .toLowerCase()
    .split(',')
    .filter((hop) => hop.trim().split(/[ \t]/).includes(own)).length
}

/** The fields of an answer for the client; `minor` is the version that the upstream spoke. */
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

// The same in lines, where nothing has to be changed and only some are left out: nearly always, and at a third of the cost.

/** What goes on of a request's lines, and ours behind them; null: `requestFields` has to say it. */
export function requestLines(
  text: string,
  asked: Asked,
  route: Route,
  config: GatewayConfig,
  trusted: boolean,
): string | null {
  const { set, remove } = route.request
  if (trusted || set.length > 0 || remove.length > 0) return null
  const kept = keptLines(text, requestTable, !route.underscores)
  return kept === null ? null : kept + ownLines(asked, config.pseudonym)
}

/** What goes on of an answer's lines, but its length, in the form that `responseHead` takes; null: `responseFields` has to say it. */
export function responseLines(
  text: string,
  asked: Pick<Asked, 'secure'>,
  route: Route,
  config: GatewayConfig,
  minor: 0 | 1,
): string | null {
  const { set, remove } = route.response
  if (set.length > 0 || remove.length > 0) return null
  const hsts = asked.secure ? config.hsts : null
  const kept = keptLines(text, hsts === null ? answerTable : answerTableWithHsts, false)
  if (kept === null || !dated) return null
  const via = `Via: 1.${minor} ${config.pseudonym}\r\n`
  return kept + (hsts === null ? via : `${via}Strict-Transport-Security: ${hsts}\r\n`)
}

/** Whether a `Date` was among the last lines. */
let dated = false

/** Runs of lines that go on as they came are taken in one piece. */
function keptLines(text: string, table: Table, dropUnderscores: boolean): string | null {
  dated = false
  const isRequest = table === requestTable
  let cookie = false
  let underscore = dropUnderscores ? text.indexOf('_') : -1
  let out = ''
  let from = 0
  for (let at = 0; at < text.length; ) {
    const colon = text.indexOf(':', at)
    const end = text.indexOf('\n', colon) + 1
    if (underscore >= 0 && underscore < at) underscore = text.indexOf('_', at)
    let drop = underscore >= 0 && underscore < colon
    if (!drop) {
      switch (kindOf(table, text, at, colon)) {
        case null:
          drop = isRequest && isXForwarded(text, at, colon)
          break
        case 'drop':
        case 'chain':
        case 'forwarding':
          drop = true
          break
        case 'connection':
          if (nominatedBy(text.slice(colon + 1, end).trim(), null) !== null) return null
          drop = true
          break
        case 'date':
          dated = true
          break
        case 'cookie':
          if (cookie) return null
          cookie = true
          break
        default:
          return null
      }
    }
    if (drop) {
      if (from < at) out += text.slice(from, at)
      from = end
    } else if (!isPlainlySpaced(text, colon, end)) return null
    at = end
  }
  return from === 0 ? text : out + text.slice(from)
}

/** `Name: value`: one space before the value and none behind it. */
function isPlainlySpaced(text: string, colon: number, end: number): boolean {
  if (text.charCodeAt(colon + 1) !== SP) return false
  // Of an empty value the one space is all there is.
  return end - colon === 4 || (!isBlank(text.charCodeAt(colon + 2)) && !isBlank(text.charCodeAt(end - 3)))
}

const isBlank = (code: number): boolean => code === SP || code === HTAB

/** The fields of an interim answer: nothing is added to them. */
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

/** What makes of a field a line that begins a request: gevent.pywsgi before 23.9 reads trailers as that (CVE-2023-41419). */
const requestLineEnd = /\sHTTP\/\d/i

/** Trailers, in either direction, without those that a recipient might merge into the head to its harm (RFC 9110 6.5.1). */
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

/** The `Connection` lines of a request with these fields: what they say about the connection has to be named there (RFC 9110 10.1.4, 7.8). */
export function connectionOptions(fields: readonly string[] | string, upgrade: string | null): string {
  // What `requestLines` gives has none.
  const te = typeof fields !== 'string' && fields.at(-2) === 'TE'
  if (upgrade !== null) return `Connection: ${te ? 'TE, ' : ''}Upgrade\r\nUpgrade: ${upgrade}\r\n`
  return te ? 'Connection: TE\r\n' : ''
}

/** Whether a request has come as far as it may: it is answered here (RFC 9110 7.6.2). */
export function isLastHop({ method, raw }: Pick<Asked, 'method' | 'raw'>): boolean {
  if (!countsHops(method)) return false
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

// What is said of the client.

/** What the last request had: a gateway mostly has one name. */
let last = { host: '', secure: false, pseudonym: '', pairs: '', port: '' }

/** All that does not depend on the client. */
function remember({ host, secure }: Asked, pseudonym: string): void {
  if (host === last.host && secure === last.secure && pseudonym === last.pseudonym && last.pairs !== '') return
  const name = host === '' ? '' : `;${forwardedPair('host', host)}`
  const port = /:(\d+)$/.exec(host)?.[1] ?? (secure ? '443' : '80')
  const pairs = `${name};proto=${secure ? 'https' : 'http'};${byPair(pseudonym)}`
  last = { host, secure, pseudonym, pairs, port }
}

/** What `requestFields` ends with for a peer that is not trusted, as lines. */
function ownLines(asked: Asked, pseudonym: string): string {
  remember(asked, pseudonym)
  const { host, secure } = asked
  const address = plainAddress(asked.address)
  const chain = address === '' ? '' : `X-Forwarded-For: ${address}\r\n`
  const name = host === '' ? '' : `X-Forwarded-Host: ${host}\r\n`
  return `Via: ${asked.version} ${pseudonym}\r\nForwarded: ${forPair(address)}${last.pairs}\r\n${chain}${name}X-Forwarded-Proto: ${
    secure ? 'https' : 'http'
  }\r\nX-Forwarded-Port: ${last.port}\r\n`
}

function pushForwarded(out: string[], asked: Asked, pseudonym: string, trusted: boolean, chained: boolean): void {
  remember(asked, pseudonym)
  const { host, secure } = asked
  const address = plainAddress(asked.address)
  const own = `${forPair(address)}${last.pairs}`
  if (trusted && chained) extend(out, asked, address, own)
  else {
    out.push('Forwarded', own)
    if (address !== '') out.push('X-Forwarded-For', address)
  }
  // What a trusted hop says of them it has from nearer the client.
  if (host !== '' && !(trusted && says(out, 'x-forwarded-host'))) out.push('X-Forwarded-Host', host)
  if (!(trusted && says(out, 'x-forwarded-proto'))) out.push('X-Forwarded-Proto', secure ? 'https' : 'http')
  if (!(trusted && says(out, 'x-forwarded-port'))) out.push('X-Forwarded-Port', last.port)
}

/**
 * Puts the peer behind the hops before it, in both forms. Where they contradict each other, `X-Forwarded-For` is believed and
 * `Forwarded` made from it (RFC 7239 7.4): most proxies write the one and let a client's own of the other pass.
 */
function extend(out: string[], asked: Asked, address: string, own: string): void {
  const { xff, forwarded, forwardedText } = chainsOf(asked.raw)
  const hops = xff ?? forwarded ?? []
  const agree = forwarded !== null && (xff === null || xff.join() === forwarded.join())
  const before = agree && forwardedText !== null ? forwardedText : hops.map(forPair).join(', ')
  out.push('Forwarded', before === '' ? own : `${before}, ${own}`)
  const chain = address === '' ? hops : [...hops, address]
  if (chain.length > 0) out.push('X-Forwarded-For', chain.join(', '))
}

function says(fields: readonly string[], lower: string): boolean {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!
    if (name.length === lower.length && isNamed(name, 0, lower)) return true
  }
  return false
}

/** Any of the family, `X-Forwarded-Prefix` and `X-Forwarded-Ssl` too. */
function isXForwarded(text: string, from = 0, to = text.length): boolean {
  return to - from >= 11 && (text.charCodeAt(from) | 0x20) === 0x78 && isNamed(text, from, 'x-forwarded')
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

// Names.

/** Options of `Connection` that name no field, or one that is dropped anyway, add nothing to the list. */
function nominatedBy(value: string, nominated: Set<string> | null): Set<string> | null {
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

function kindOf(table: Table, text: string, from = 0, to = text.length): Kind | null {
  const group = table[to - from]
  if (group === undefined) return null
  const lastLetter = text.charCodeAt(to - 1) | 0x20
  for (let i = 0; i < group.length; i++) {
    const known = group[i]!
    if (known.last === lastLetter && isNamed(text, from, known.name)) return known.kind
  }
  return null
}

/** In any case, and with `_` for `-`: where such names pass, CGI makes the same variable of both. The lengths are equal. */
function isNamed(text: string, from: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    const want = lower.charCodeAt(i)
    const code = text.charCodeAt(from + i)
    if (code === want || (code | 0x20) === want) continue
    if (want !== 0x2d || code !== 0x5f) return false
  }
  return true
}

function tableOf(kinds: Readonly<Record<string, Kind>>): Table {
  const table: Known[][] = Array.from({ length: 32 })
  for (const [name, kind] of Object.entries(kinds)) {
    const known = { name, last: name.charCodeAt(name.length - 1), kind }
    table[name.length] = [...(table[name.length] ?? []), known]
  }
  return table
}
