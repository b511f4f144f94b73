import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OutgoingResponse } from '../../http1/web/response.ts'
import type { GatewayConfig, Route } from '../config/config.ts'
import type { Downstream } from '../downstream/downstream.ts'
import { failures } from '../errors.ts'
import { lastHopResponse, type OwnReason, ownResponse, redirectToTls } from './own-response.ts'

const config = (changes: Partial<GatewayConfig> = {}) =>
  ({ reasonHeader: true, hsts: null, ...changes }) as GatewayConfig
const downstream = (changes: Partial<Downstream> & { accept?: string } = {}): Downstream =>
  ({
    method: 'GET',
    path: '/x?y',
    host: 'example.com:8080',
    secure: false,
    raw: changes.accept === undefined ? [] : ['Host', 'a', 'accept', changes.accept],
    respond({ status, fields, body }: OutgoingResponse): Response {
      const headers = new Headers()
      for (let i = 0; i < fields.length; i += 2) headers.append(fields[i]!, fields[i + 1]!)
      return new Response(body as string | null, { status, headers })
    },
    ...changes,
  }) as Downstream
const withPages = (errorPages: Record<string, string>) => ({ errorPages }) as unknown as Route

const typeFor = (accept: string, route: Route | null = null) =>
  ownResponse('connect', downstream({ accept }), config(), route).headers.get('content-type')
const html = 'text/html;charset=UTF-8'
const plain = 'text/plain;charset=UTF-8'

test('an answer says what happened, in the body and in a field', async () => {
  const answer = ownResponse('first-byte-timeout', downstream(), config(), null)
  assert.equal(answer.status, 504)
  assert.equal(answer.headers.get('hangup-reason'), 'first-byte-timeout')
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.equal(await answer.text(), '504 Gateway Timeout: the upstream did not begin its answer in time\n')
})

test('with the reason switched off nothing says more than the status', async () => {
  for (const accept of ['text/html', '*/*']) {
    const answer = ownResponse('connect', downstream({ accept }), config({ reasonHeader: false }), null)
    assert.equal(answer.headers.get('hangup-reason'), null)
    assert.ok(!(await answer.text()).includes('upstream'))
  }
})

test('a browser gets HTML, everything else text', async () => {
  assert.equal(typeFor('text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'), html)
  for (const accept of ['', '*/*', 'text/*', 'application/json', 'text/html;q=0', 'text/plain, text/html;q=0.5']) {
    assert.equal(typeFor(accept), plain, accept)
  }
  const text = await ownResponse('no-route', downstream({ accept: 'text/html' }), config(), null).text()
  assert.match(text, /<h1>404 Not Found<\/h1><p>nothing is served here<\/p>/)
})

test('a route’s page by status goes before its page by class, unless the client takes no HTML', async () => {
  const route = withPages({ '5xx': 'class', '502': 'status' })
  const bodyOf = (reason: OwnReason, accept: string) =>
    ownResponse(reason, downstream({ accept }), config(), route).text()
  assert.equal(await bodyOf('connect', ''), 'status')
  assert.equal(await bodyOf('no-upstream', '*/*'), 'class')
  assert.match(await bodyOf('no-route', '*/*'), /^404 Not Found/)
  assert.match(await bodyOf('connect', 'application/json'), /^502 Bad Gateway/)
  assert.match(await bodyOf('connect', 'text/html;q=0, */*'), /^502 Bad Gateway/)
  assert.equal(typeFor('*/*', route), html)
})

test('429 and 503 say when to come again, others don’t', () => {
  const said = (reason: OwnReason, sec?: number) =>
    ownResponse(reason, downstream(), config(), null, sec).headers.get('retry-after')
  assert.equal(said('too-many-requests', 7), '7')
  assert.equal(said('too-many-at-once'), '1')
  assert.equal(said('connect'), null)
})

test('over TLS HSTS is said too', () => {
  const said = (secure: boolean) =>
    ownResponse('tls', downstream({ secure }), config({ hsts: 'max-age=9' }), null).headers.get(
      'strict-transport-security',
    )
  assert.equal(said(true), 'max-age=9')
  assert.equal(said(false), null)
})

test('no text of a failure has room for an address', () => {
  for (const [name, { status, text }] of Object.entries(failures)) {
    assert.match(text, /^[a-z ’]+$/i, name)
    assert.equal(ownResponse(name as keyof typeof failures, downstream(), config(), null).status, status)
  }
})

test('plain HTTP is sent to the same host, path and query over TLS', () => {
  const to = (changes: Partial<Downstream>, port = 443) => redirectToTls(downstream(changes), config(), port)
  assert.equal(to({}).status, 308)
  assert.equal(to({}).headers.get('location'), 'https://example.com/x?y')
  assert.equal(to({}, 8443).headers.get('location'), 'https://example.com:8443/x?y')
  assert.equal(to({ host: '[::1]:80' }).headers.get('location'), 'https://[::1]/x?y')
  assert.equal(to({ path: '//evil.com/' }).headers.get('location'), 'https://example.com//evil.com/')
  assert.equal(to({ path: '*' }).headers.get('location'), 'https://example.com/')
})

test('what is no host is redirected nowhere', () => {
  for (const host of ['', ':80', 'a/b', 'a@b', 'a b', 'a"', '1.2.3.999']) {
    const answer = redirectToTls(downstream({ host }), config(), 443)
    assert.equal(answer.status, 400, host)
    assert.equal(answer.headers.get('location'), null)
    assert.equal(answer.headers.get('hangup-reason'), 'bad-host')
  }
})

test('Max-Forwards: 0 is answered with the methods, TRACE without an echo', async () => {
  const options = lastHopResponse(downstream({ method: 'OPTIONS' }))
  assert.equal(options.status, 200)
  assert.equal(options.headers.get('allow'), 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS')
  const trace = lastHopResponse(downstream({ method: 'TRACE', raw: ['Cookie', 'secret'] }))
  assert.equal(trace.status, 405)
  assert.ok(!(await trace.text()).includes('secret'))
})
