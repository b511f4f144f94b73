import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { split } from '../../http1/head.ts'
import { responseHead } from '../../http1/writer.ts'
import type { GatewayConfig, Route } from '../config/config.ts'
import { requestLines, responseLines } from './field-lines.ts'
import { type Asked, requestFields, responseFields } from './fields.ts'

const none = { set: [], remove: [] }
const route = (changes: Partial<Route> = {}) =>
  ({ underscores: false, request: none, response: none, ...changes }) as Route
const config = (changes: Partial<GatewayConfig> = {}) =>
  ({ pseudonym: 'hangup', hsts: null, ...changes }) as GatewayConfig
const asked = (text: string, changes: Partial<Asked> = {}): Asked => ({
  method: 'GET',
  host: 'example.com:81',
  secure: false,
  version: '1.1',
  raw: split(text),
  address: '192.0.2.1',
  ...changes,
})

const joined = (fields: readonly string[]): string =>
  fields.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${fields[i + 1]}\r\n`] : [])).join('')

const browser = [
  'Host: example.com:81',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64)',
  'Accept: */*;q=0.8',
  'X_Token: 1',
  'Connection: keep-alive',
  'Cookie: a=1; b_c=2',
  'X-Forwarded-For: 6.6.6.6',
  'Expect: 100-continue',
  'Empty: ',
  '',
].join('\r\n')
const nginx = [
  'Server: nginx',
  'Date: Tue, 24 Nov 2026 12:29:00 GMT',
  'Content-Length: 13',
  'Connection: keep-alive',
  'Keep-Alive: timeout=5',
  'Set-Cookie: a=1',
  'Set-Cookie: b=2',
  'X-Forwarded-Custom: kept',
  '',
].join('\r\n')

test('a usual request goes on in lines', () => {
  assert.equal(
    requestLines(browser, asked(browser), route(), config(), false),
    [
      'User-Agent: Mozilla/5.0 (X11; Linux x86_64)',
      'Accept: */*;q=0.8',
      'Cookie: a=1; b_c=2',
      'Empty: ',
      'Via: 1.1 hangup',
      'Forwarded: for=192.0.2.1;host="example.com:81";proto=http;by=_hangup',
      'X-Forwarded-For: 192.0.2.1',
      'X-Forwarded-Host: example.com:81',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Port: 81',
      '',
    ].join('\r\n'),
  )
})

test('a usual answer goes on in lines', () => {
  const lines = ['Server: nginx', 'Date: Tue, 24 Nov 2026 12:29:00 GMT', 'Set-Cookie: a=1', 'Set-Cookie: b=2']
  const kept = [...lines, 'X-Forwarded-Custom: kept', 'Via: 1.0 hangup', ''].join('\r\n')
  assert.equal(responseLines(nginx, { secure: false }, route(), config(), 0), kept)
  assert.equal(
    responseLines(
      `${nginx}strict-transport-security: x\r\n`,
      { secure: true },
      route(),
      config({ hsts: 'max-age=9' }),
      0,
    ),
    `${kept}Strict-Transport-Security: max-age=9\r\n`,
  )
})

test('what has to be changed is left to the fields', () => {
  for (const line of [
    'Via: 1.1 a',
    'Max-Forwards: 3',
    'Connection: close, x-a',
    'A:b',
    'A:  b',
    'A: b ',
    'TE: trailers',
    'Cookie: c',
  ]) {
    assert.equal(requestLines(`${browser}${line}\r\n`, asked(browser), route(), config(), false), null, line)
  }
  const changed = { set: ['A', 'b'], remove: [] }
  assert.equal(requestLines(browser, asked(browser), route({ request: changed }), config(), false), null)
  assert.equal(requestLines(browser, asked(browser), route(), config(), true), null)
  assert.equal(responseLines(nginx, { secure: false }, route({ response: changed }), config(), 1), null)
  assert.equal(responseLines('Server: a\r\n', { secure: false }, route(), config(), 1), null)
})

const name = fc.oneof(
  fc.constantFrom(
    ...'Connection Keep-Alive TE Upgrade Host Content-Length Cookie X-Forwarded-For X-Forwarded Forwarded X-Real-IP Via'.split(
      ' ',
    ),
    ...'Date Expect Proxy Max-Forwards Strict-Transport-Security Transfer-Encoding X_Forwarded_For Proxy_Authorization A'.split(
      ' ',
    ),
  ),
  fc.stringMatching(/^[a-zA-Z_-]{1,20}$/),
)
const value = fc.oneof(
  fc.constantFrom('', 'close', 'keep-alive', 'x-a', 'Keep-Alive', 'a_b'),
  fc.stringMatching(/^[!-~]([ -~]{0,10}[!-~])?$/),
)
const blank = fc.constantFrom(' ', ' ', ' ', ' ', ' ', ' ', '', '  ', '\t')
const texts = fc
  .array(fc.tuple(name, fc.boolean(), blank, value, fc.constantFrom('', '', '', '', '', '', ' ')), { maxLength: 8 })
  .map((list) =>
    list
      .map(
        ([name, upper, before, value, after]) => `${upper ? name.toUpperCase() : name}:${before}${value}${after}\r\n`,
      )
      .join(''),
  )

test('lines say what the fields say, of whatever comes in', () => {
  let inLines = 0
  fc.assert(
    fc.property(texts, fc.boolean(), fc.boolean(), (text, underscores, secure) => {
      const ask = asked(text, { secure })
      const request = requestLines(text, ask, route({ underscores }), config(), false)
      if (request !== null) {
        inLines += 1
        assert.equal(request, joined(requestFields(ask, route({ underscores }), config(), false)))
      }
      const hsts = config({ hsts: 'max-age=9' })
      const response = responseLines(text, ask, route(), hsts, 1)
      if (response === null) return
      inLines += 1
      const fields = responseFields(split(text), ask, route(), hsts, 1)
      assert.equal(responseHead(200, '', response, 7, '', ''), responseHead(200, 'OK', fields, 7, '', ''))
    }),
    { numRuns: 2_000 },
  )
  assert.ok(inLines > 500, `${inLines}`)
})

test('fields that come again go on as before, and as their message and their route want them', () => {
  const text = 'X_Token: 1\r\nDate: Tue, 24 Nov 2026 12:29:00 GMT\r\nTe: gzip\r\n'
  const ways = [
    () => requestLines(text, asked(text), route(), config(), false),
    () => requestLines(text, asked(text), route({ underscores: true }), config(), false),
    () => responseLines(text, asked(text), route(), config(), 1),
    () => responseLines(text, asked(text, { secure: true }), route(), config({ hsts: 'max-age=1' }), 1),
    // Without a date.
    () => responseLines(text.replace('Date', 'Day'), asked(text), route(), config(), 1),
    () => responseLines(text, asked(text), route(), config(), 1),
  ]
  const first = ways.map((way) => way())
  for (const [at, way] of ways.entries()) assert.deepEqual([way(), way()], [first[at], first[at]], `${at}`)
  const [, , dated, , dateless, again] = first
  assert.equal(dated, 'X_Token: 1\r\nDate: Tue, 24 Nov 2026 12:29:00 GMT\r\nVia: 1.1 hangup\r\n')
  assert.equal(dateless, null)
  assert.equal(again, dated)
})
