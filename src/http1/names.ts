/** What a field is for, where that decides how it travels. */

/** Not for a trailer section: framing, routing, authentication, request modifiers, response control, content format (RFC 9110 6.5.1). */
const headOnly = new Set([
  'content-length',
  'transfer-encoding',
  'trailer',
  'te',
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'upgrade',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'authorization',
  'proxy-authorization',
  'authentication-info',
  'proxy-authentication-info',
  'www-authenticate',
  'proxy-authenticate',
  'cookie',
  'set-cookie',
  'cache-control',
  'pragma',
  'expect',
  'max-forwards',
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'age',
  'date',
  'expires',
  'location',
  'retry-after',
  'vary',
  'warning',
  'content-encoding',
  'content-type',
  'content-range',
])

/** For one connection only, whether `Connection` nominates them or not (RFC 9110 7.6.1). */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

export function isForbiddenInTrailers(name: string): boolean {
  return headOnly.has(name.toLowerCase())
}

export function isHopByHop(name: string): boolean {
  return hopByHop.has(name) || hopByHop.has(name.toLowerCase())
}
