/** The error of what can't be served with, apart from what reads certificates: that loads TLS. */
import type { Coded } from '../policy/codes.ts'

/** A certificate and key that can't be served with. */
export class CertificateError extends Error implements Coded {
  override readonly name = 'CertificateError'
  readonly code = 'CERTIFICATE_INVALID'
}
