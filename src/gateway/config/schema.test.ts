import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type GatewayFile, readFileShape } from './schema.ts'

const wrong = (file: unknown) => readFileShape(file).problems.map(({ message }) => message)

describe('a configuration file', () => {
  test('is read with amounts as numbers in the unit of the name, or as text', () => {
    const given = {
      listen: { port: 8443, tls: [{ cert: 'a.pem', key: 'a.key' }], http2: true },
      idleTimeoutMs: '7s',
      upstreamReadTimeoutMs: 5_000,
      groups: {
        api: {
          to: ['http://a:1;weight=2', { url: 'https://b', ca: 'ca.pem' }],
          balance: 'hash:cookie:sid',
          check: { path: '/up' },
        },
        old: 'unix:/run/old.sock',
      },
      routes: [
        {
          host: 'A.Example',
          path: '/api',
          methods: ['get'],
          to: 'api',
          request: { set: { 'X-A': 'b' }, remove: 'Cookie' },
        },
        { to: 'old', upstreamFirstByteTimeoutMs: '5m', upgrades: [] },
      ],
    } satisfies GatewayFile
    const { file, problems } = readFileShape(given)
    assert.deepEqual(problems, [])
    assert.equal(file?.idleTimeoutMs, 7_000)
    assert.equal(file?.upstreamReadTimeoutMs, 5_000)
    assert.deepEqual(file?.routes?.[0]?.request, { set: ['X-A', 'b'], remove: ['cookie'] })
    assert.deepEqual(file?.routes?.[0]?.methods, ['GET'])
    assert.equal(file?.routes?.[0]?.host, 'a.example')
    assert.equal(file?.routes?.[1]?.upstreamFirstByteTimeoutMs, 300_000)
  })

  test('says all that is wrong with it, each by its path', () => {
    assert.deepEqual(
      wrong({
        lisen: 1,
        listen: { port: '80', prot: 1, b: 2 },
        idleTimeoutMs: '5',
        routes: [{ path: 'api' }, { to: 'x', buffer: 'al' }, 3],
        groups: { 'my api': { to: 'htp://x' } },
      }).map((message) => message.replace(/;.*/, '')),
      [
        'listen.port 80: it is a string',
        'listen.prot 1: unknown key',
        'listen.b 2: unknown key',
        'groups["my api"].to htp://x: the gateway does not speak htp to upstreams',
        'routes[0].path: api is not a path',
        'routes[0].to: it is missing',
        'routes[1].buffer al: unknown value',
        'routes[2] 3: it is a number, not an object',
        'idleTimeoutMs: "5" has no unit',
        'lisen 1: unknown key',
      ],
    )
    assert.match(wrong({ lisen: 1 })[0]!, /did you mean listen\?/)
  })

  test('says where a limit belongs that stands in the wrong place', () => {
    const inRoute = (more: object) => wrong({ routes: [{ to: 'x', ...more }] }).join()
    assert.match(inRoute({ upstreamMaxQueued: 1 }), /routes\[0\]\.upstreamMaxQueued 1: it belongs to a group/)
    assert.match(inRoute({ spoolMaxBytes: '1gb' }), /it holds for the whole gateway/)
    assert.match(inRoute({ idleTimeoutMs: '1s' }), /it is part of the connection policy/)
    assert.equal(inRoute({ maxBodyBytes: '1mb', upstreamReadTimeoutMs: '5m' }), '')
  })

  test('does not let a route set what frames a message or belongs to one connection', () => {
    for (const name of ['Content-Length', 'transfer-encoding', 'Connection', 'Host', 'Upgrade']) {
      assert.equal(wrong({ routes: [{ to: 'x', request: { set: { [name]: '1' } } }] }).length, 1, name)
      assert.equal(wrong({ routes: [{ to: 'x', response: { remove: [name] } }] }).length, 1, name)
    }
    assert.match(wrong({ routes: [{ to: 'x', request: { set: { A: 'b\r\nC: d' } } }] })[0]!, /is not a field value/)
  })

  test('is an object', () => {
    for (const given of [null, 3, 'x', []]) assert.match(wrong(given)[0]!, /^the file: it is .*, not an object$/)
  })
})
