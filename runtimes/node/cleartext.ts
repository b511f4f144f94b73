/** A client that speaks plain HTTP to a port of TLS is told so, as nginx tells it. */
import type { Socket } from 'node:net'

const text = 'The plain HTTP request was sent to an HTTPS port\n'
const answer = [
  'HTTP/1.1 400 Bad Request',
  'Content-Type: text/plain',
  `Content-Length: ${text.length}`,
  'Connection: close',
  '',
  text,
].join('\r\n')

/** What OpenSSL says to a first record that is HTTP, or something else that is not TLS. */
const notTls = new Set(['ERR_SSL_HTTP_REQUEST', 'ERR_SSL_HTTPS_PROXY_REQUEST', 'ERR_SSL_WRONG_VERSION_NUMBER'])

/** To be called with what the handshake failed with, before the connection is closed. */
export function answerCleartext({ code = '' }: NodeJS.ErrnoException, tcp: Socket): void {
  // A client that has seen a record of ours speaks TLS, whatever it said then.
  if (notTls.has(code) && tcp.writable && tcp.bytesWritten === 0) tcp.write(answer)
}
