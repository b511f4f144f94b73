/**
 * The certificates of a listener: whether they can be served with, whose they are, and which one a
 * client is shown.
 */

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { CertificatePem } from '../net/transport.ts'
import { CertificateError } from './certificate-error.ts'

/**
 * Mozilla's "intermediate" profile (wiki.mozilla.org/Security/Server_Side_TLS 5.7) without DHE:
 * forward secrecy and AEAD only.
 */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/**
 * Renewal is due well before: Let's Encrypt's certificates live 90 days and less, and are renewed
 * at a third of that.
 */
const expiryWarningDays = 14
const dayMs = 86_400_000

export class Certificate {
  /**
   * Of its DNS SANs (RFC 9525 6.3), lower case; `*.example.com` stands for one label in place of
   * the star.
   */
  readonly names: readonly string[]
  readonly validFrom: Date
  readonly expiresAt: Date
  /** What `context` is made of. */
  readonly options: SecureContextOptions & CertificatePem
  /** For `TLSSocket`. */
  readonly context: SecureContext

  /** Throws a `CertificateError` that says what is wrong with the two texts. */
  constructor({ cert, key }: CertificatePem) {
    const chain = readChain(cert)
    const leaf = chain[0]!
    const secret = readKey(key)
    if (!leaf.checkPrivateKey(secret)) {
      const at = chain.findIndex((other) => other.checkPrivateKey(secret))
      throw new CertificateError(
        at < 0
          ? `the key belongs to another certificate than ${subjectOf(leaf)}; give the two of one pair`
          : `the key belongs to certificate ${at + 1} of the chain, ${subjectOf(chain[at]!)}; put that one first, and its issuers behind it`,
      )
    }
    this.names = dnsNames(leaf.subjectAltName)
    this.validFrom = new Date(leaf.validFrom)
    this.expiresAt = new Date(leaf.validTo)
    this.options = { cert, key, ciphers, minVersion: 'TLSv1.2', honorCipherOrder: true }
    try {
      this.context = createSecureContext(this.options)
    } catch (error) {
      throw new CertificateError(`the certificate of ${subjectOf(leaf)} can't be used: ${messageOf(error)}`, {
        cause: error,
      })
    }
  }

  /** For messages. */
  get title(): string {
    return this.names[0] ?? 'without a name'
  }

  /** What its owner should know: it is not valid now, or not for long. */
  warning(now: Date): string | null {
    const date = (at: Date) => at.toISOString().slice(0, 10)
    if (now < this.validFrom) return `the certificate ${this.title} is not valid before ${date(this.validFrom)}`
    const days = (this.expiresAt.getTime() - now.getTime()) / dayMs
    if (days < 0) return `the certificate ${this.title} expired on ${date(this.expiresAt)}`
    if (days >= expiryWarningDays) return null
    return `the certificate ${this.title} expires in ${Math.floor(days)} days, on ${date(this.expiresAt)}`
  }
}

/** What one listener can show. Never empty; replaced as a whole. */
export class CertificateStore {
  readonly certificates: readonly Certificate[]
  readonly #byName = new Map<string, Certificate>()

  /** Throws a `CertificateError` that says which one of several it is about. */
  constructor(pems: readonly CertificatePem[]) {
    if (pems.length === 0) throw new CertificateError('there is no certificate; give one and its key')
    this.certificates = pems.map((pem, at) => {
      try {
        return new Certificate(pem)
      } catch (error) {
        if (pems.length === 1) throw error
        throw new CertificateError(`certificate ${at + 1} of ${pems.length}: ${messageOf(error)}`, { cause: error })
      }
    })
    for (const certificate of this.certificates) {
      for (const name of certificate.names) if (!this.#byName.has(name)) this.#byName.set(name, certificate)
    }
  }

  /** Whether there is anything to choose. */
  get several(): boolean {
    return this.certificates.length > 1
  }

  /**
   * By the name that the client asks for (RFC 6066 3): its own certificate, else a wildcard's, else
   * the first.
   */
  choose(servername: string | null | undefined): Certificate {
    const first = this.certificates[0]!
    if (!servername || !this.several) return first
    const name = servername.toLowerCase().replace(/\.$/, '')
    // A star is one whole label, the leftmost (RFC 9525 6.3).
    const dot = name.indexOf('.')
    return this.#byName.get(name) ?? (dot > 0 ? this.#byName.get(`*${name.slice(dot)}`) : undefined) ?? first
  }

  /**
   * One line for each certificate that its owner should look at, or that no client will ever see.
   */
  warnings(now: Date): string[] {
    return this.certificates.flatMap((certificate, at) => {
      const { names, title } = certificate
      const shown = at === 0 || names.some((name) => this.#byName.get(name) === certificate)
      const warning = certificate.warning(now)
      return [
        ...(warning === null ? [] : [warning]),
        ...(shown ? [] : [`the certificate ${title} is never shown: those before it have all its names`]),
      ]
    })
  }
}

function readChain(text: string): X509Certificate[] {
  const pems =
    text.match(/-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----[\s\S]+?-----END (X509 |TRUSTED )?CERTIFICATE-----/g) ?? []
  if (pems.length === 0) throw new CertificateError('it holds no certificate; give PEM text (RFC 7468)')
  return pems.map((pem, at) => {
    try {
      return new X509Certificate(pem)
    } catch (error) {
      throw new CertificateError(`certificate ${at + 1} of the chain can't be read: ${messageOf(error)}`, {
        cause: error,
      })
    }
  })
}

function readKey(text: string): KeyObject {
  if (/-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    throw new CertificateError('the key is encrypted; give it decrypted (openssl pkey -in key.pem -out plain.pem)')
  }
  try {
    return createPrivateKey(text)
  } catch (error) {
    throw new CertificateError(`the key can't be read: ${messageOf(error)}`, { cause: error })
  }
}

/**
 * As `node:crypto` prints them: `DNS:a.example, IP Address:127.0.0.1`; what would not be a plain
 * name is in quotes (CVE-2021-44532).
 */
function dnsNames(subjectAltName: string | undefined): string[] {
  const entries = subjectAltName?.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? []
  return entries
    .map((entry) => entry.trim())
    .filter((entry) => /^DNS:[^"]+$/.test(entry))
    .map((entry) => entry.slice(4).toLowerCase())
}

const subjectOf = ({ subject, subjectAltName }: X509Certificate): string =>
  dnsNames(subjectAltName)[0] ?? subject?.replaceAll('\n', ', ') ?? 'no subject'

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
