import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gatewayFromBindings } from './bindings.ts'

test('a Worker’s variables are a configuration', async () => {
  const {
    plan: { config, resolved },
  } = await gatewayFromBindings({
    HANGUP_TO: 'https://a.example https://b.example;weight=2',
    HANGUP_UPSTREAM_FIRST_BYTE_TIMEOUT: '9s',
    HANGUP_HANDLER_TIMEOUT: '7s',
    PORT: 'the application’s',
    DB: {},
  })
  assert.deepEqual(
    config.groups['default']?.upstreams.map(({ host, weight }) => [host, weight]),
    [
      ['a.example', 1],
      ['b.example', 2],
    ],
  )
  assert.equal(config.routes[0]?.options.upstreamFirstByteTimeoutMs, 9_000)
  assert.equal(resolved.policy.handlerTimeoutMs, 7_000)
})

test('a Worker has no files, and has to know where to', async () => {
  await assert.rejects(gatewayFromBindings({}), /--to: where should requests go\?/)
  await assert.rejects(
    gatewayFromBindings({ HANGUP_CONFIG: 'a.json' }),
    /HANGUP_CONFIG a\.json: there are no files here/,
  )
  const tls = { HANGUP_TO: 'https://a', HANGUP_TLS_CERT: 'a.pem', HANGUP_TLS_KEY: 'a.key' }
  await assert.rejects(gatewayFromBindings(tls), /HANGUP_TLS_CERT a\.pem: it cannot be read/)
})
