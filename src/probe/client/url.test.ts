import assert from 'node:assert/strict'
import { test } from 'node:test'
import { badPath, parseTarget } from './url.ts'

test('a target is a scheme, a host and a port, with a path if it likes', () => {
  assert.deepEqual(parseTarget('http://localhost:3000'), { host: 'localhost', port: 3000, tls: false, path: '/' })
  assert.deepEqual(parseTarget('https://[::1]/a?b=c'), { host: '::1', port: 443, tls: true, path: '/a?b=c' })
  assert.deepEqual(parseTarget('HTTP://127.0.0.1'), { host: '127.0.0.1', port: 80, tls: false, path: '/' })
})

test('what is no target says why', () => {
  assert.equal(parseTarget('localhost:3000'), 'localhost:3000 has no scheme; did you mean http://localhost:3000?')
  assert.equal(parseTarget('127.0.0.1:3000'), '127.0.0.1:3000 has no scheme; did you mean http://127.0.0.1:3000?')
  for (const path of ['/run/a.sock', './a.sock', 'unix:/run/a.sock', 'http+unix:///run/a.sock']) {
    assert.equal(parseTarget(path), `${path} is a Unix socket, and only --healthz can ask one`)
  }
  assert.equal(parseTarget('ftp://a'), 'ftp: is neither http: nor https:')
  assert.equal(parseTarget('http://'), 'http:// is not a URL')
  assert.equal(parseTarget('http://a:99999'), 'http://a:99999 is not a URL')
  assert.equal(parseTarget('http://me:secret@a'), 'credentials in it are not sent')
  assert.equal(parseTarget('http://a/#b'), 'a fragment is never sent')
})

test('a path can not break out of its request line', () => {
  assert.equal(badPath('/a?b=c&d=%20'), null)
  assert.equal(badPath('/wait/{ms}', ['ms']), null)
  assert.match(badPath('/wait/{sec}', ['ms']) ?? '', /\{sec\} in \/wait\/\{sec\} means nothing/)
  assert.match(badPath('a') ?? '', /does not begin with \//)
  for (const path of ['/a b', '/a\r\nX: y', '/é', '/a#b']) assert.match(badPath(path) ?? '', /percent-encoded/)
})
