/** What connections to an upstream show and trust. */
import { createSecureContext, type SecureContext } from 'node:tls'
import type { ConnectTls } from '../src/net/transport.ts'
import { Certificate } from '../src/tls/certificates.ts'

/** Reading certificates costs more than a handshake does. */
const contexts = new WeakMap<ConnectTls, SecureContext>()

/**
 * Throws if they can't be read, or if nothing says whose certificate it should be: Bun would then
 * take anybody's.
 */
export function clientContext(tls: ConnectTls): SecureContext {
  const known = contexts.get(tls)
  if (known !== undefined) return known
  const { servername, verify, ca, cert, key } = tls
  if (verify && servername === '')
    throw new Error('a certificate can’t be verified without a servername: give one, or verify: false')
  // Deno takes what it can't read for none.
  const own = cert !== undefined && key !== undefined ? new Certificate({ cert, key }).options : null
  const context = createSecureContext({ ...(ca && { ca }), ...(own && { cert: own.cert, key: own.key }) })
  contexts.set(tls, context)
  return context
}
