import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccessEntry } from '../observe/access.ts'
import { accessWriter } from './access-forms.ts'

const at = Date.UTC(2026, 10, 29, 21, 4, 5, 123)

const request = (more: object = {}, fields: Record<string, string> = {}): AccessEntry => ({
  kind: 'request',
  at,
  connection: 7,
  peer: '10.0.3.7:53122',
  method: 'GET',
  target: '/a?token=secret',
  protocol: 'HTTP/1.1',
  status: 200,
  bytes: 312,
  ms: 1.26,
  header: (name) => fields[name] ?? null,
  ...more,
})

const end: AccessEntry = {
  kind: 'end',
  id: 7,
  peer: '[::1]:53122',
  by: 'server',
  phase: 'handling',
  why: 'write',
  openedAt: at - 5_000,
  endedAt: at,
  requests: 2,
  received: 80,
  sent: 624,
  unanswered: 'POST /slow',
}

test('JSON has a line for each response, and one for each end with its cause', () => {
  const { head, line } = accessWriter('json', false)
  assert.equal(head, '')
  assert.deepEqual(JSON.parse(line(request())!), {
    time: '2026-11-29T21:04:05.123Z',
    kind: 'request',
    connection: 7,
    peer: '10.0.3.7:53122',
    method: 'GET',
    target: '/a',
    protocol: 'HTTP/1.1',
    status: 200,
    bytes: 312,
    ms: 1.3,
  })
  assert.deepEqual(JSON.parse(line(end)!), {
    time: '2026-11-29T21:04:05.123Z',
    kind: 'end',
    connection: 7,
    peer: '[::1]:53122',
    by: 'server',
    phase: 'handling',
    why: 'write',
    unanswered: 'POST /slow',
    requests: 2,
    received: 80,
    sent: 624,
    ms: 5_000,
  })
})

test('a query is shown to whoever asks for it, and headers by combined alone', () => {
  const secrets = request({}, { referer: 'https://a/?secret', 'user-agent': 'secret' })
  for (const form of ['json', 'combined', 'w3c'] as const) {
    assert.doesNotMatch(accessWriter(form, false).line(secrets)!, /token/)
    assert.match(accessWriter(form, true).line(secrets)!, /\/a\?token=secret/)
  }
  for (const form of ['json', 'w3c'] as const) assert.doesNotMatch(accessWriter(form, false).line(secrets)!, /secret/)
})

test('combined is what Apache and nginx write', () => {
  const { line } = accessWriter('combined', false)
  assert.equal(
    line(request({}, { 'user-agent': 'curl/8' })),
    '10.0.3.7 - - [29/Nov/2026:21:04:05 +0000] "GET /a HTTP/1.1" 200 312 "-" "curl/8"',
  )
  assert.equal(
    line(request({ protocol: null, bytes: null, peer: 'unix' })),
    'unix - - [29/Nov/2026:21:04:05 +0000] "GET /a" 200 - "-" "-"',
  )
  assert.equal(line(end), '::1 - - [29/Nov/2026:21:04:05 +0000] "POST /slow" 444 - "-" "-"')
  assert.equal(line({ ...end, unanswered: null }), null)
})

test('no client ends a line or its quotes, and a target has an end', () => {
  const evil = request(
    { target: `/"\\\n\u009b é${'x'.repeat(5_000)}` },
    { 'user-agent': '" 200 1 "-" "x\r\n1.2.3.4 - - ' },
  )
  const combined = accessWriter('combined', false).line(evil)!
  assert.match(combined, /"GET \/\\"\\\\\\x0a\\xc2\\x9b \\xc3\\xa9x+\\xe2\\x80\\xa6 HTTP\/1\.1" 200 312 "-" "\\" 200/)
  for (const form of ['json', 'combined', 'w3c'] as const) {
    const line = accessWriter(form, false).line(evil)!
    assert.doesNotMatch(line, /[\n\r]/, form)
    assert.ok(line.length < 2_500, form)
  }
})

test('W3C names its fields first, and every line has them all', () => {
  const { head, line } = accessWriter('w3c', false)
  const fields = /^#Version: 1\.0\n#Software: hangup\n#Fields: (.*)$/.exec(head)![1]!.split(' ')
  const read = (entry: AccessEntry) => {
    const values = line(entry)!.split(' ')
    assert.equal(values.length, fields.length)
    return Object.fromEntries(fields.map((field, at) => [field, values[at]]).filter(([, value]) => value !== '-'))
  }
  const when = { date: '2026-11-29', time: '21:04:05.123' }
  assert.deepEqual(read(request({ target: '/a b' })), {
    ...when,
    'c-ip': '10.0.3.7',
    'c-port': '53122',
    'cs-method': 'GET',
    'cs-uri': '/a+b',
    'cs-version': 'HTTP/1.1',
    'sc-status': '200',
    'sc-bytes': '312',
    'time-taken': '0.0013',
    'x-connection': '7',
  })
  assert.deepEqual(read(end), {
    ...when,
    'c-ip': '::1',
    'c-port': '53122',
    'cs-method': 'POST',
    'cs-uri': '/slow',
    'time-taken': '5.000',
    'x-connection': '7',
    'x-end-by': 'server',
    'x-end-phase': 'handling',
    'x-end-why': 'write',
  })
})
