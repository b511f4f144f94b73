/**
 * What a client is told that speaks plain HTTP to a port of TLS, as nginx tells it: nothing else
 * would say what is wrong.
 */

const body = 'The plain HTTP request was sent to an HTTPS port\n'

export const plainHttpAnswer = [
  'HTTP/1.1 400 Bad Request',
  'Content-Type: text/plain',
  `Content-Length: ${body.length}`,
  'Connection: close',
  '',
  body,
].join('\r\n')

/**
 * Whether the first bytes of a connection begin a method: a TLS record begins with its type, 22.
 */
export function isPlainHttp(bytes: Uint8Array): boolean {
  const first = bytes[0] ?? 0
  return first >= 0x41 && first <= 0x5a
}
