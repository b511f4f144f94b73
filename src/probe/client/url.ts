/**
 * What a target's URL says. Pure: whether the address may be tested is `destination.ts`'s to find
 * out.
 */

export interface ParsedUrl {
  /** Without the brackets of an IPv6 literal. */
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly path: string
}

/** If the text is not a target: a sentence that says what is wrong. */
export function parseTarget(text: string): ParsedUrl | string {
  if (/^(\/|\.|unix:|http\+unix:)/i.test(text)) return `${text} is a Unix socket, and only --healthz can ask one`
  // `127.0.0.1:3000` parses as a URL of no known scheme, and `localhost:3000` as one of the scheme
  // localhost.
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return `${text} has no scheme; did you mean http://${text}?`
  const url = URL.parse(text)
  if (!url) return `${text} is not a URL`
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `${url.protocol} is neither http: nor https:`
  if (url.username || url.password) return 'credentials in it are not sent'
  if (url.hash) return 'a fragment is never sent'
  const tls = url.protocol === 'https:'
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (tls ? 443 : 80) : Number(url.port),
    tls,
    path: `${url.pathname}${url.search}`,
  }
}

/** Why a path can't be asked for, or null. `amounts`: the placeholders that it may have. */
export function badPath(path: string, amounts: readonly string[] = []): string | null {
  if (!path.startsWith('/')) return `${path} does not begin with /`
  // RFC 3986 3.3 and 3.4, with the placeholders' braces: what would break the request line is
  // refused.
  const odd = /[^\x21-\x7e]|[#"<>\\^`|]/.exec(path)?.[0]
  if (odd !== undefined) return `${path} has ${JSON.stringify(odd)} in it, which must be percent-encoded`
  for (const [, name = ''] of path.matchAll(/\{([^}]*)\}/g)) {
    if (!amounts.includes(name)) return `{${name}} in ${path} means nothing here`
  }
  return null
}
