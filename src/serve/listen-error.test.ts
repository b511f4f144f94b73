import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CertificateError } from '../tls/certificate-error.ts'
import { listenError } from './prepare.ts'

test('a certificate that cannot be served with is no fault of the port', () => {
  const refused = new CertificateError('it holds no certificate')
  assert.equal(listenError(refused, { port: 443 }), refused)
})

test('a port below 1024 says which right may be missing', () => {
  const denied = Object.assign(new Error('listen EACCES'), { code: 'EACCES' })
  assert.match(listenError(denied, { port: 80 }).message, /^cannot listen on port 80: .*CAP_NET_BIND_SERVICE/)
})
