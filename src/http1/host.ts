/** `uri-host [ ":" port ]` (RFC 9110 7.2, RFC 3986 3.2.2). */

/**
 * reg-name or IPv4, an IPv6 literal, a port. IPvFuture has never been assigned and no URL class
 * takes it.
 */
const form = /^(?:(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+|\[[0-9A-Fa-f:.]+\])(?::\d*)?$/

/**
 * Whether a host is one that RFC 3986 and the URL class both take: an app that reads `request.url`
 * must never be the first to find out (`1.2.3.999`, port 99999 and bad punycode fit the grammar
 * alone).
 */
export function isHost(host: string): boolean {
  return form.test(host) && URL.canParse(`http://${host}/`)
}
