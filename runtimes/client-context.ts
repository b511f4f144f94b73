/** What connections to an upstream show and trust. */
import { createSecureContext, type SecureContext } from 'node:tls'
import type { ConnectTls } from '../src/http1/transport.ts'

/** Reading certificates costs more than a handshake does. */
const contexts = new WeakMap<ConnectTls, SecureContext>()

export function clientContext(tls: ConnectTls): SecureContext {
  const known = contexts.get(tls)
  if (known !== undefined) return known
  const { ca, cert, key } = tls
  const context = createSecureContext({ ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) })
  contexts.set(tls, context)
  return context
}
