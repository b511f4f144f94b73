import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { makeCertificate } from '../../test/fixtures/tls/make.ts'
import type { CertificatePem } from '../net/transport.ts'
import { Certificate, CertificateStore } from './certificates.ts'

const fixture = (name: string) => readFileSync(new URL(`../../test/fixtures/tls/${name}`, import.meta.url), 'utf8')
const local: CertificatePem = { cert: fixture('cert.pem'), key: fixture('key.pem') }
const first = makeCertificate(['first.example', '*.wild.example'])
const second = makeCertificate(['SECOND.example', 'own.wild.example', 'first.example'])

const refused = (make: () => unknown, message: RegExp) =>
  assert.throws(make, (error: Error & { code?: string }) => {
    assert.equal(error.code, 'CERTIFICATE_INVALID')
    assert.match(error.message, message)
    return true
  })

test('its names are its DNS SANs: addresses can’t be asked for', () => {
  assert.deepEqual(new Certificate(local).names, ['localhost'])
  assert.deepEqual(new Certificate(first).names, ['first.example', '*.wild.example'])
})

test('each name gets its own certificate, and any other the first', () => {
  const store = new CertificateStore([local, first, second])
  const [byDefault, one, two] = store.certificates
  const expected = [
    ['first.example', one],
    ['FIRST.Example', one],
    ['first.example.', one],
    ['second.example', two],
    ['a.wild.example', one],
    ['own.wild.example', two],
    // A star is one label, and a whole one (RFC 9525 6.3).
    ['a.b.wild.example', byDefault],
    ['wild.example', byDefault],
    ['*.wild.example', one],
    ['other.example', byDefault],
    ['', byDefault],
    [null, byDefault],
    [undefined, byDefault],
  ] as const
  for (const [name, certificate] of expected) assert.equal(store.choose(name), certificate, `${name}`)
})

test('a key of another certificate is refused, in a list with its number', () => {
  refused(
    () => new Certificate({ cert: first.cert, key: second.key }),
    /^the key belongs to another .* first\.example; give/,
  )
  refused(
    () => new CertificateStore([first, { cert: second.cert, key: first.key }]),
    /^certificate 2 of 2: the key belongs to another certificate/,
  )
})

test('a chain in the wrong order is refused, and says what comes first', () => {
  refused(
    () => new Certificate({ cert: second.cert + first.cert, key: first.key }),
    /the key belongs to certificate 2 of the chain, first\.example; put that one first/,
  )
})

test('texts that are no certificate and no key are refused', () => {
  refused(() => new CertificateStore([]), /there is no certificate/)
  refused(() => new Certificate({ cert: first.key, key: first.key }), /it holds no certificate/)
  refused(
    () => new Certificate({ cert: first.cert.replace(/\nM.{8}/, '\nAAAAAAAAA'), key: first.key }),
    /1 of the chain can't be read/,
  )
  refused(() => new Certificate({ cert: first.cert, key: 'none' }), /the key can't be read/)
  const encrypted = '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n'
  refused(() => new Certificate({ cert: first.cert, key: encrypted }), /the key is encrypted; give it decrypted/)
})

test('one that ends soon, has ended or has not begun is warned of', () => {
  const certificate = new Certificate(first)
  const { validFrom, expiresAt } = certificate
  const days = (at: Date, count: number) => new Date(at.getTime() + count * 86_400_000)
  assert.equal(certificate.warning(days(expiresAt, -15)), null)
  assert.match(
    certificate.warning(days(expiresAt, -3.5)) ?? '',
    /first\.example expires in 3 days, on \d{4}-\d\d-\d\d$/,
  )
  assert.match(certificate.warning(days(expiresAt, 1)) ?? '', /first\.example expired on/)
  assert.match(certificate.warning(days(validFrom, -1)) ?? '', /first\.example is not valid before/)
})

test('one that no client would see is warned of', () => {
  assert.deepEqual(new CertificateStore([first, second]).warnings(new Date()), [])
  const again = makeCertificate(['first.example'])
  assert.deepEqual(new CertificateStore([first, again]).warnings(new Date()), [
    'the certificate first.example is never shown: those before it have all its names',
  ])
})
