import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hstsProblem, isHostHeader, isUpgrade, networkProblem, parseBalance, parseUpstream } from './texts.ts'

describe('parseUpstream', () => {
  test('reads http, https and Unix sockets, with their own ports', () => {
    const read = (text: string) => {
      const upstream = parseUpstream(text)
      assert.ok(typeof upstream !== 'string', String(upstream))
      return [upstream.url, upstream.host, upstream.port, upstream.unix, upstream.secure]
    }
    assert.deepEqual(read('http://app'), ['http://app', 'app', 80, null, false])
    assert.deepEqual(read('http://127.0.0.1:8000/'), ['http://127.0.0.1:8000', '127.0.0.1', 8000, null, false])
    assert.deepEqual(read('https://app.example'), ['https://app.example', 'app.example', 443, null, true])
    assert.deepEqual(read('http://[::1]:81'), ['http://[::1]:81', '::1', 81, null, false])
    assert.deepEqual(read('unix:/run/app.sock'), ['unix:/run/app.sock', 'localhost', 0, '/run/app.sock', false])
    assert.deepEqual(read('unix:///run/app.sock'), ['unix:/run/app.sock', 'localhost', 0, '/run/app.sock', false])
  })

  test('reads what follows the URL', () => {
    const upstream = parseUpstream('http://a:1;weight=3;proxy-protocol=v2')
    assert.ok(typeof upstream !== 'string')
    assert.deepEqual([upstream.url, upstream.weight, upstream.proxyProtocol], ['http://a:1', 3, 'v2'])
  })

  for (const [text, why] of [
    ['127.0.0.1:8000', /has no scheme/],
    ['ftp://a', /does not speak ftp to upstreams/],
    ['http://a/b', /goes on after host and port/],
    ['http://a?b', /goes on after host and port/],
    ['http://user:pass@a', /user or password/],
    ['http://a:0', /port 0/],
    ['http://a:99999', /not a URL/],
    ['unix:run/app.sock', /does not have an absolute path/],
    ['unix:/', /does not have an absolute path/],
    ['http://a;weight=0', /not a weight/],
    ['http://a;weight=', /not a weight/],
    ['http://a;wieght=2', /did you mean weight/],
    ['http://a;proxy-protocol=v3', /not a version of the PROXY protocol/],
  ] as const) {
    test(`refuses ${text}`, () => assert.match(String(parseUpstream(text)), why))
  }
})

test('parseBalance reads every way there is, and no other', () => {
  assert.deepEqual(parseBalance('least-connections'), { by: 'least-connections' })
  assert.deepEqual(parseBalance('hash:address'), { by: 'hash', of: 'address', name: '' })
  assert.deepEqual(parseBalance('hash:header:X-User'), { by: 'hash', of: 'header', name: 'x-user' })
  assert.deepEqual(parseBalance('hash:cookie:Sid'), { by: 'hash', of: 'cookie', name: 'Sid' })
  assert.match(String(parseBalance('round-robbin')), /did you mean round-robin/)
  for (const text of [
    '',
    'hash',
    'hash:',
    'hash:header',
    'hash:header:',
    'hash:header:a b',
    'hash:path:x',
    'hash:address:x',
  ]) {
    assert.equal(typeof parseBalance(text), 'string', text)
  }
})

test('networks, hosts, protocols and HSTS are taken in their own forms only', () => {
  for (const network of ['10.0.0.0/8', '192.0.2.7', '::1', '2001:db8::/32', 'unix:'])
    assert.equal(networkProblem(network), null, network)
  for (const network of ['10.0.0.0/33', '10.0.0', 'localhost', '', '10.1.2.3/8'])
    assert.notEqual(networkProblem(network), null, network)
  for (const host of ['keep', 'upstream', 'a.example:81', '[::1]:81']) assert.ok(isHostHeader(host), host)
  for (const host of ['a b', 'a/b', 'a\r\nX: y', 'http://a']) assert.ok(!isHostHeader(host), host)
  assert.ok(isUpgrade('websocket') && isUpgrade('TLS/1.0'))
  assert.ok(!isUpgrade('h2c') && !isUpgrade('a b'))
  assert.equal(hstsProblem('max-age=31536000; includeSubDomains; preload'), null)
  assert.match(String(hstsProblem('includeSubDomains')), /max-age is missing/)
  assert.match(String(hstsProblem('max-age=1; foo')), /foo is not a directive/)
})
