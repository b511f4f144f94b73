/**
 * The client as the hops before the gateway report it: `X-Forwarded-For` and `Forwarded` (RFC
 * 7239).
 */

/**
 * The addresses of the hops, the client's first, without ports, as they were written (also
 * `unknown` and `_hidden`).
 */
export function hopsOf(raw: readonly string[]): string[] {
  const told = chainsOf(raw)
  // Most proxies write X-Forwarded-For only and pass a client's Forwarded on: if both are there,
  // X-Forwarded-For wins.
  return told.xff ?? told.forwarded ?? []
}

export interface Chains {
  /** null: the field is missing. */
  readonly xff: string[] | null
  readonly forwarded: string[] | null
  /**
   * The values of `Forwarded`, joined; null: an element is malformed and might swallow whatever
   * follows it.
   */
  readonly forwardedText: string | null
}

export function chainsOf(raw: readonly string[]): Chains {
  let xff: string[] | null = null
  let forwarded: string[] | null = null
  let text = ''
  let wellFormed = true
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    if (name.length === 15 && name.toLowerCase() === 'x-forwarded-for') {
      xff ??= []
      for (const hop of raw[i + 1]!.split(',')) if (hop.trim() !== '') xff.push(bareNode(hop.trim()))
    } else if (name.length === 9 && name.toLowerCase() === 'forwarded') {
      forwarded ??= []
      wellFormed = readNodes(raw[i + 1]!, forwarded) && wellFormed
      text += text === '' ? raw[i + 1]! : `, ${raw[i + 1]!}`
    }
  }
  return { xff, forwarded, forwardedText: wellFormed ? text : null }
}

/** A token or a quoted string of a pair (RFC 7239 4). */
const pair = /^\s*([!#$%&'*+.^_`|~\w-]+)=([!#$%&'*+.^_`|~\w-]+|"(?:[^"\\]|\\.)*")\s*$/

/** Adds the `for=` of each element, or `unknown`; returns whether all are well formed. */
function readNodes(text: string, nodes: string[]): boolean {
  let wellFormed = true
  for (const element of splitQuoted(text, ',')) {
    if (element.trim() === '') continue
    let node = 'unknown'
    for (const part of splitQuoted(element, ';')) {
      if (part.trim() === '') continue
      const read = pair.exec(part)
      if (read === null) {
        wellFormed = false
        node = 'unknown'
        break
      }
      const value = read[2]!
      if (read[1]!.toLowerCase() === 'for') {
        node = bareNode(value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value)
      }
    }
    nodes.push(node)
  }
  return wellFormed
}

function splitQuoted(text: string, separator: string): string[] {
  const parts: string[] = []
  let quoted = false
  let from = 0
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    if (char === '\\' && quoted) at++
    else if (char === '"') quoted = !quoted
    else if (char === separator && !quoted) {
      parts.push(text.slice(from, at))
      from = at + 1
    }
  }
  parts.push(text.slice(from))
  return parts
}

/** Without the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`, `2001:db8::1`, `_hidden:_x`. */
function bareNode(text: string): string {
  if (text.startsWith('[')) {
    const end = text.indexOf(']')
    return end > 0 && /^(?::[\w.-]+)?$/.test(text.slice(end + 1)) ? text.slice(1, end) : 'unknown'
  }
  const colon = text.indexOf(':')
  return colon < 0 || text.indexOf(':', colon + 1) > 0 ? text : text.slice(0, colon)
}

/**
 * The `for=` of an address (RFC 7239 6): IPv6 in brackets and quotes; `unknown` for a peer without
 * one.
 */
export function forPair(address: string): string {
  if (nodeForm.test(address)) return `for=${address}`
  return v6Form.test(address) ? `for="[${address}]"` : 'for=unknown'
}

/** IPv4, `unknown`, an obfuscated identifier. */
const nodeForm = /^[\w.-]+$/
const v6Form = /^[\da-f:.]+$/i

const tokenForm = /^[!#$%&'*+.^_`|~\w-]+$/

/** Name and value of any pair, in quotes if the value is not a token. */
export function forwardedPair(name: string, value: string): string {
  if (tokenForm.test(value)) return `${name}=${value}`
  return `${name}="${value.replace(/["\\]/g, '\\$&')}"`
}

/**
 * `by=` (RFC 7239 6.3): an identifier that is not an address begins with `_` and has only these
 * characters.
 */
export function byPair(pseudonym: string): string {
  return `by=_${pseudonym.replace(/[^\w.-]/g, '_')}`
}
