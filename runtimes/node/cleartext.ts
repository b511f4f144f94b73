/**
 * A client that speaks plain HTTP to a port of TLS, under a server of Node's own, which reads what
 * comes first.
 */
import type { Socket } from 'node:net'
import { plainHttpAnswer } from '../../src/http1/plain-on-tls.ts'

/** What OpenSSL says to a first record that is HTTP, or something else that is not TLS. */
const notTls = new Set(['ERR_SSL_HTTP_REQUEST', 'ERR_SSL_HTTPS_PROXY_REQUEST', 'ERR_SSL_WRONG_VERSION_NUMBER'])

/** To be called with what the handshake failed with, before the connection is closed. */
export function answerCleartext({ code = '' }: NodeJS.ErrnoException, tcp: Socket): void {
  // A client that has seen a record of ours speaks TLS, whatever it said then.
  if (notTls.has(code) && tcp.writable && tcp.bytesWritten === 0) tcp.write(plainHttpAnswer)
}
