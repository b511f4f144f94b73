/**
 * The fields that the gateway knows by name, and what happens to each. Names are compared in place,
 * in any case, without an allocation: the tables are asked for every field of every message.
 */

/** `drop`: never passed on. All others are looked at. */
type Kind = 'drop' | 'connection' | 'te' | 'via' | 'cookie' | 'max-forwards' | 'forwarding' | 'chain' | 'hsts' | 'date'

interface Known {
  readonly name: string
  readonly last: number
  readonly kind: Kind
}
/** By length, then by the last letter, which nearly every other name differs in. */
export type Table = readonly (readonly Known[] | undefined)[]

/**
 * Of the connection alone (RFC 9110 7.6.1), or between a client and the proxy that it was
 * configured with (RFC 9110 11.7).
 */
const hopByHop: Readonly<Record<string, Kind>> = {
  connection: 'connection',
  'keep-alive': 'drop',
  'proxy-connection': 'drop',
  'transfer-encoding': 'drop',
  upgrade: 'drop',
  via: 'via',
}

export const requestTable = tableOf({
  ...hopByHop,
  // The writer sets these.
  host: 'drop',
  'content-length': 'drop',
  // The engine has answered 100 by itself, and the body is here (RFC 9110 10.1.1).
  expect: 'drop',
  te: 'te',
  // Credentials for a proxy: an origin server has no use for them. Go's ReverseProxy drops them as
  // well.
  'proxy-authorization': 'drop',
  // RFC 7540 3.2.1; only an upgrade to h2c carries it, and that takes its fields from elsewhere.
  'http2-settings': 'drop',
  // Not a field of HTTP, but HTTP_PROXY to CGI (CVE-2016-5385).
  proxy: 'drop',
  cookie: 'cookie',
  'max-forwards': 'max-forwards',
  forwarded: 'chain',
  'x-forwarded-for': 'chain',
  'x-real-ip': 'forwarding',
})

const inResponses: Readonly<Record<string, Kind>> = {
  ...hopByHop,
  te: 'drop',
  'proxy-authenticate': 'drop',
  'proxy-authentication-info': 'drop',
}
export const responseTable = tableOf({ ...inResponses, 'strict-transport-security': 'hsts' })
/** For lines: the writer sets the length, and must know whether there is a date. */
const inResponseLines: Readonly<Record<string, Kind>> = { ...inResponses, 'content-length': 'drop', date: 'date' }
export const responseLineTable = tableOf(inResponseLines)
export const responseLineTableWithHsts = tableOf({ ...inResponseLines, 'strict-transport-security': 'drop' })

export function kindOf(table: Table, text: string, from = 0, to = text.length): Kind | null {
  const group = table[to - from]
  if (group === undefined) return null
  const lastLetter = text.charCodeAt(to - 1) | 0x20
  for (let i = 0; i < group.length; i++) {
    const known = group[i]!
    if (known.last === lastLetter && isNamed(text, from, known.name)) return known.kind
  }
  return null
}

/**
 * In any case, and with `_` for `-`: where such names pass, CGI makes the same variable of both.
 * The lengths are equal.
 */
function isNamed(text: string, from: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    const want = lower.charCodeAt(i)
    const code = text.charCodeAt(from + i)
    if (code === want || (code | 0x20) === want) continue
    if (want !== 0x2d || code !== 0x5f) return false
  }
  return true
}

/** Any of the family, `X-Forwarded-Prefix` and `X-Forwarded-Ssl` too. */
export function isXForwarded(text: string, from = 0, to = text.length): boolean {
  return to - from >= 11 && (text.charCodeAt(from) | 0x20) === 0x78 && isNamed(text, from, 'x-forwarded')
}

export function hasField(fields: readonly string[], lower: string): boolean {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!
    if (name.length === lower.length && isNamed(name, 0, lower)) return true
  }
  return false
}

function tableOf(kinds: Readonly<Record<string, Kind>>): Table {
  const table: Known[][] = Array.from({ length: 32 })
  for (const [name, kind] of Object.entries(kinds)) {
    const known = { name, last: name.charCodeAt(name.length - 1), kind }
    table[name.length] = [...(table[name.length] ?? []), known]
  }
  return table
}
