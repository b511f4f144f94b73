import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { requestHead, responseHead } from '../../http1/writer.ts'
import type { FieldChanges, GatewayConfig, Route } from '../config/config.ts'
import {
  type Asked,
  connectionOptions,
  interimFields,
  isLastHop,
  LoopError,
  requestFields,
  responseFields,
  trailerFields,
} from './fields.ts'

const none: FieldChanges = { set: [], remove: [] }
const route = (changes: Partial<Route> = {}) =>
  ({ underscores: false, request: none, response: none, ...changes }) as Route
const config = (changes: Partial<GatewayConfig> = {}) =>
  ({ pseudonym: 'hangup', hsts: null, ...changes }) as GatewayConfig
const asked = (raw: readonly string[], changes: Partial<Asked> = {}): Asked => ({
  method: 'GET',
  host: 'example.com',
  secure: false,
  version: '1.1',
  raw,
  address: '192.0.2.1',
  ...changes,
})

const pairs = (fields: readonly string[]) =>
  fields.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${fields[i + 1]}`] : []))
const ours = /^(?:Via|Forwarded|X-Forwarded-(?:For|Host|Proto|Port)): /
/** What is left of the client's own. */
const kept = (raw: readonly string[], routeOptions: Partial<Route> = {}, changes: Partial<Asked> = {}) =>
  pairs(requestFields(asked(raw, changes), route(routeOptions), config(), false)).filter((line) => !ours.test(line))
const said = (name: string, raw: readonly string[], changes: Partial<Asked> = {}, trusted = false) =>
  pairs(requestFields(asked(raw, changes), route(), config(), trusted))
    .filter((line) => line.startsWith(`${name}: `))
    .map((line) => line.slice(name.length + 2))
const answered = (raw: readonly string[], routeOptions: Partial<Route> = {}, changes: Partial<GatewayConfig> = {}) =>
  pairs(responseFields(raw, { secure: true }, route(routeOptions), config(changes)))

const hopByHop = ['Keep-Alive', 'timeout=5', 'Proxy-Connection', 'x', 'Transfer-Encoding', 'chunked', 'Upgrade', 'h2c']

test('fields of the connection end here, in both directions and in any case', () => {
  const raw = ['Connection', 'keep-alive', ...hopByHop, 'ETag', '"a"']
  const upper = raw.map((text, i) => (i % 2 === 0 ? text.toUpperCase() : text))
  assert.deepEqual(kept([...raw, 'HTTP2-Settings', 'x', 'Expect', '100-continue']), ['ETag: "a"'])
  assert.deepEqual(kept(upper), ['ETAG: "a"'])
  assert.deepEqual(answered(raw), ['ETag: "a"', 'Via: 1.1 hangup'])
  assert.deepEqual(answered(upper), ['ETAG: "a"', 'Via: 1.1 hangup'])
})

test('what Connection names is dropped, wherever it stands and in whichever of several lines', () => {
  const raw = ['X-Hop', '1', 'Connection', 'close, x-hop', 'B', '2', 'connection', ' X-Other ', 'X-Other', '3']
  assert.deepEqual(kept(raw), ['B: 2'])
  assert.deepEqual(answered(raw), ['B: 2', 'Via: 1.1 hangup'])
  assert.deepEqual(pairs(interimFields(['Link', '</a>', ...hopByHop, ...raw])), ['Link: </a>', 'B: 2'])
})

test('Connection can name neither framing nor routing away', () => {
  const raw = ['Connection', 'host, content-length, content-type, via, forwarded, x-forwarded-for, x-real-ip']
  const fields = requestFields(
    asked([...raw, 'Host', 'a', 'Content-Length', '3', 'Content-Type', 'b/c']),
    route(),
    config(),
    false,
  )
  const head = requestHead('POST', '/', 'example.com', fields, 3, '')
  for (const line of [
    'Host: example.com',
    'Content-Length: 3',
    'Content-Type: b/c',
    'Via: 1.1 hangup',
    'X-Forwarded-For: 192.0.2.1',
  ]) {
    assert.equal(head.split('\r\n').filter((other) => other === line).length, 1, line)
  }
  const answer = ['Connection', 'content-length, content-encoding', 'Content-Length', '3', 'Content-Encoding', 'gzip']
  assert.deepEqual(answered(answer), ['Content-Length: 3', 'Content-Encoding: gzip', 'Via: 1.1 hangup'])
})

test('a trusted hop’s forwarding fields can’t be named away either', () => {
  const raw = ['Connection', 'x-forwarded-proto, x-real-ip', 'X-Forwarded-Proto', 'https', 'X-Real-IP', '203.0.113.9']
  assert.deepEqual(said('X-Forwarded-Proto', raw, {}, true), ['https'])
  assert.deepEqual(said('X-Real-IP', raw, {}, true), ['203.0.113.9'])
})

test('a length said in an answer stays, for HEAD and 304', () => {
  assert.deepEqual(answered(['Content-Length', '5']), ['Content-Length: 5', 'Via: 1.1 hangup'])
})

test('credentials for a proxy, HTTP_PROXY and the upstream’s challenge as a proxy are not passed on', () => {
  assert.deepEqual(kept(['Proxy-Authorization', 'Basic x', 'Proxy', 'http://evil', 'Authorization', 'Basic y']), [
    'Authorization: Basic y',
  ])
  assert.deepEqual(answered(['Proxy-Authenticate', 'Basic', 'WWW-Authenticate', 'Basic']), [
    'WWW-Authenticate: Basic',
    'Via: 1.1 hangup',
  ])
})

test('names with _ pass only where the route says so, and never as one of ours', () => {
  const raw = ['X_Token', 'a', 'X_Forwarded_For', '1.2.3.4', 'Transfer_Encoding', 'chunked', 'x_real_ip', '1.2.3.4']
  assert.deepEqual(kept(raw), [])
  assert.deepEqual(kept(raw, { underscores: true }), ['X_Token: a'])
  assert.deepEqual(
    pairs(requestFields(asked(raw), route({ underscores: true }), config(), true)).filter((line) =>
      /_/.test(line.split(':')[0]!),
    ),
    ['X_Token: a'],
  )
})

test('a client’s own word about itself is replaced', () => {
  const raw = [
    'X-Forwarded-For',
    '6.6.6.6',
    'Forwarded',
    'for=6.6.6.6',
    'X-Forwarded-Host',
    'evil',
    'x-forwarded-proto',
    'https',
  ]
  const all = [...raw, 'X-Real-IP', '6.6.6.6', 'X-Forwarded-Prefix', '/evil', 'X-Forwarded', 'for=6.6.6.6']
  assert.deepEqual(pairs(requestFields(asked(all), route(), config(), false)), [
    'Via: 1.1 hangup',
    'Forwarded: for=192.0.2.1;host=example.com;proto=http;by=_hangup',
    'X-Forwarded-For: 192.0.2.1',
    'X-Forwarded-Host: example.com',
    'X-Forwarded-Proto: http',
    'X-Forwarded-Port: 80',
  ])
})

test('a trusted hop’s word is kept and extended', () => {
  const raw = [
    'X-Forwarded-For',
    '203.0.113.9, 198.51.100.2',
    'Forwarded',
    'for=203.0.113.9;proto=https, for="198.51.100.2:80"',
    'X-Forwarded-Host',
    'shop.example',
    'X-Forwarded-Proto',
    'https',
    'X-Forwarded-Prefix',
    '/shop',
  ]
  assert.deepEqual(said('X-Forwarded-For', raw, {}, true), ['203.0.113.9, 198.51.100.2, 192.0.2.1'])
  assert.deepEqual(said('Forwarded', raw, {}, true), [
    'for=203.0.113.9;proto=https, for="198.51.100.2:80", for=192.0.2.1;host=example.com;proto=http;by=_hangup',
  ])
  assert.deepEqual(said('X-Forwarded-Host', raw, {}, true), ['shop.example'])
  assert.deepEqual(said('X-Forwarded-Proto', raw, {}, true), ['https'])
  assert.deepEqual(said('X-Forwarded-Prefix', raw, {}, true), ['/shop'])
})

test('of two forms that contradict each other the one that a client could have sent is rebuilt', () => {
  const own = 'for=192.0.2.1;host=example.com;proto=http;by=_hangup'
  assert.deepEqual(said('Forwarded', ['Forwarded', 'for=6.6.6.6', 'X-Forwarded-For', '203.0.113.9'], {}, true), [
    `for=203.0.113.9, ${own}`,
  ])
  assert.deepEqual(said('X-Forwarded-For', ['Forwarded', 'for="[2001:db8::9]:1";proto=https'], {}, true), [
    '2001:db8::9, 192.0.2.1',
  ])
  assert.deepEqual(said('Forwarded', ['X-Forwarded-For', '2001:db8::9'], {}, true), [`for="[2001:db8::9]", ${own}`])
})

test('a Forwarded that is cut off inside a quote can’t swallow what is put behind it', () => {
  assert.deepEqual(said('Forwarded', ['Forwarded', 'for="6.6.6.6'], {}, true), [
    'for=unknown, for=192.0.2.1;host=example.com;proto=http;by=_hangup',
  ])
  assert.deepEqual(said('Forwarded', ['X-Forwarded-For', 'a:b"]:c, x y'], {}, true), [
    'for=unknown, for=unknown, for=192.0.2.1;host=example.com;proto=http;by=_hangup',
  ])
})

test('IPv6, mapped IPv4, a port, TLS and a peer without an address are said as RFC 7239 wants', () => {
  const forwarded = (changes: Partial<Asked>) => said('Forwarded', [], changes)[0]
  assert.equal(
    forwarded({ address: '2001:db8::1', host: 'a.example:8443', secure: true }),
    'for="[2001:db8::1]";host="a.example:8443";proto=https;by=_hangup',
  )
  assert.equal(forwarded({ address: '::ffff:192.0.2.9', host: '' }), 'for=192.0.2.9;proto=http;by=_hangup')
  assert.equal(forwarded({ address: 'fe80::1%eth0', host: '' }), 'for="[fe80::1]";proto=http;by=_hangup')
  assert.equal(forwarded({ address: '', host: '' }), 'for=unknown;proto=http;by=_hangup')
  assert.match(forwarded({}) ?? '', /proto=http;/)
  assert.match(forwarded({ secure: true }) ?? '', /proto=https;/)
  assert.deepEqual(said('X-Forwarded-For', [], { address: '' }), [])
  assert.deepEqual(said('X-Forwarded-Port', [], { host: 'a:8443', secure: true }), ['8443'])
  assert.deepEqual(said('X-Forwarded-Port', [], { host: '[::1]', secure: true }), ['443'])
})

test('Via is extended with the version that came in', () => {
  assert.deepEqual(said('Via', ['Via', '1.0 a', 'via', '2 b'], { version: '2' }), ['1.0 a, 2 b, 2 hangup'])
  assert.deepEqual(pairs(responseFields(['Via', '1.1 inner'], { secure: false }, route(), config(), 0)), [
    'Via: 1.1 inner, 1.0 hangup',
  ])
})

test('cookies that HTTP/2 split are one again', () => {
  assert.deepEqual(kept(['cookie', 'a=1', 'x-b', '2', 'cookie', 'c=3']), ['cookie: a=1; c=3', 'x-b: 2'])
})

test('each Set-Cookie stays on its own', () => {
  assert.deepEqual(answered(['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']), [
    'Set-Cookie: a=1',
    'Set-Cookie: b=2',
    'Via: 1.1 hangup',
  ])
})

test('a client that takes trailers is spoken for, and Connection says so', () => {
  for (const value of ['trailers', 'gzip, trailers', 'Trailers , deflate;q=0.5']) {
    const fields = requestFields(asked(['TE', value]), route(), config(), false)
    assert.deepEqual(fields.slice(-2), ['TE', 'trailers'])
    assert.equal(connectionOptions(fields, null), 'Connection: TE\r\n')
    assert.equal(connectionOptions(fields, 'websocket'), 'Connection: TE, Upgrade\r\nUpgrade: websocket\r\n')
  }
  const without = requestFields(asked(['TE', 'gzip, xtrailers']), route(), config(), false)
  assert.ok(!without.includes('TE'))
  assert.equal(connectionOptions(without, null), '')
  assert.equal(connectionOptions(without, 'websocket'), 'Connection: Upgrade\r\nUpgrade: websocket\r\n')
})

test('Max-Forwards counts down for OPTIONS and TRACE, and ends at 0', () => {
  const raw = ['Max-Forwards', '3']
  assert.deepEqual(kept(raw, {}, { method: 'OPTIONS' }), ['Max-Forwards: 2'])
  assert.deepEqual(kept(raw), ['Max-Forwards: 3'])
  assert.deepEqual(kept(['Max-Forwards', 'many'], {}, { method: 'TRACE' }), ['Max-Forwards: many'])
  assert.equal(isLastHop({ method: 'TRACE', raw: ['max-forwards', '0'] }), true)
  assert.equal(isLastHop({ method: 'TRACE', raw: ['max-forwards', '1'] }), false)
  assert.equal(isLastHop({ method: 'GET', raw: ['max-forwards', '0'] }), false)
  assert.equal(isLastHop({ method: 'OPTIONS', raw: [] }), false)
})

test('a route sets and removes fields, ours too', () => {
  const request = { set: ['X-Env', 'prod', 'X-Forwarded-Proto', 'https'], remove: ['via', 'cookie'] }
  const fields = pairs(
    requestFields(asked(['Cookie', 'a=1', 'x-env', 'dev', 'B', '2']), route({ request }), config(), false),
  )
  assert.deepEqual(fields, [
    'B: 2',
    'Forwarded: for=192.0.2.1;host=example.com;proto=http;by=_hangup',
    'X-Forwarded-For: 192.0.2.1',
    'X-Forwarded-Host: example.com',
    'X-Forwarded-Port: 80',
    'X-Env: prod',
    'X-Forwarded-Proto: https',
  ])
  const response = { set: ['Server', 'x'], remove: ['x-powered-by'] }
  assert.deepEqual(answered(['SERVER', 'y', 'X-Powered-By', 'z'], { response }), ['Via: 1.1 hangup', 'Server: x'])
})

test('HSTS is the gateway’s over TLS and nobody’s business without', () => {
  const raw = ['Strict-Transport-Security', 'max-age=1']
  const hsts = 'max-age=31536000'
  assert.deepEqual(answered(raw, {}, { hsts }), ['Via: 1.1 hangup', `Strict-Transport-Security: ${hsts}`])
  assert.deepEqual(answered(raw), ['Strict-Transport-Security: max-age=1', 'Via: 1.1 hangup'])
  assert.deepEqual(pairs(responseFields([], { secure: false }, route(), config({ hsts }))), ['Via: 1.1 hangup'])
})

test('trailers that frame, route, authenticate or name the client are not passed on', () => {
  const bad = ['Content-Length', '1', 'HOST', 'a', 'Authorization', 'b', 'x-forwarded-port', '1', 'Proxy', 'c']
  const masked = [
    'Transfer_Encoding',
    'chunked',
    'X_Forwarded_For',
    '1',
    'Via',
    '1.1 a',
    'X-Real-IP',
    '1.2.3.4',
    'Set_Cookie',
    'a=1',
  ]
  assert.deepEqual(trailerFields([...bad, 'Digest', 'd', ...masked, 'grpc-status', '0']), [
    'Digest',
    'd',
    'grpc-status',
    '0',
  ])
})

test('a trailer that could be read as the line of a request is not passed on', () => {
  assert.deepEqual(trailerFields(['GET', '/admin HTTP/1.1', 'Server', 'HTTP/1.1']), ['Server', 'HTTP/1.1'])
  assert.deepEqual(trailerFields(['X-A', '1', 'POST', '/\tHTTP/1.0', 'X-B', '2']), ['X-A', '1', 'X-B', '2'])
})

const name = fc.oneof(
  fc.constantFrom(
    'Connection',
    'Keep-Alive',
    'TE',
    'Upgrade',
    'Host',
    'Content-Length',
    'Cookie',
    'X-Forwarded-For',
    'Via',
    'X-A',
  ),
  fc.stringMatching(/^[a-zA-Z-]{1,20}$/),
)
const value = fc.oneof(
  fc.constantFrom('close', 'x-a', 'host, x-a', 'keep-alive'),
  fc.stringMatching(/^[!-~]([ -~]{0,10}[!-~])?$/),
)
const fieldsOf = fc.array(fc.tuple(name, value), { maxLength: 12 }).map((list) => list.flat())

test('whatever comes in, what goes out can be written, says nothing about the connection, and keeps the order of the rest', () => {
  fc.assert(
    fc.property(fieldsOf, fc.boolean(), (raw, trusted) => {
      const request = requestFields(asked(raw), route(), config(), trusted)
      const response = responseFields(raw, { secure: false }, route(), config())
      const head = requestHead('GET', '/', 'example.com', request, 'none', connectionOptions(request, null))
      assert.equal(head.match(/^host:/gim)?.length, 1)
      assert.ok(!/^(?:content-length|transfer-encoding|keep-alive|upgrade|proxy-connection):/im.test(head), head)
      assert.ok(!/^connection: (?!TE\r\n)/im.test(head), head)
      responseHead(200, '', response, 0, '', '')
      const names = raw.filter((_, i) => i % 2 === 0)
      for (const fields of [request, response]) {
        const through = fields.filter(
          (text, i) => i % 2 === 0 && names.includes(text) && !/^(?:via|te|x-f)/i.test(text),
        )
        let at = -1
        for (const one of through) {
          at = names.indexOf(one, at + 1)
          assert.ok(at >= 0, `${one} is out of order`)
        }
      }
    }),
  )
})

test('a request that came through a gateway of this name twice comes from this gateway itself', () => {
  const through = (...via: string[]) =>
    requestFields(asked(via.flatMap((value) => ['Via', value])), route(), config(), false)
  for (const via of [['1.1 hangup'], ['1.1 hangup, 1.1 other, 2 hangupx'], ['1.0 x (hangup, hangups)']]) through(...via)
  for (const via of [
    ['1.1 hangup, 1.1 hangup'],
    ['1.1 hangup', '2 HANGUP (edge)'],
    ['1.1\thangup,1.1 other,HTTP/1.1  hangup'],
  ]) {
    assert.throws(() => through(...via), LoopError, via.join())
  }
})
