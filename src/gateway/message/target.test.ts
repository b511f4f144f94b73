import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Route } from '../config/config.ts'
import { compileRoutes, isPrefix, targetOf } from './target.ts'

const route = (name: string, changes: Partial<Route> = {}) =>
  ({ name, host: null, path: '/', methods: null, replacePath: null, ...changes }) as Route
function routed(routes: readonly Route[]) {
  const router = compileRoutes(routes)
  return (path: string, host = 'example.com', method = 'GET') => {
    const found = router.match(method, host, path)
    return typeof found === 'string' ? found : found.name
  }
}

test('the first that matches serves', () => {
  const to = routed([route('api', { path: '/api' }), route('post', { methods: ['POST'] }), route('rest')])
  assert.equal(to('/api'), 'api')
  assert.equal(to('/api/x?y=/..'), 'api')
  assert.equal(to('/api?x'), 'api')
  assert.equal(to('/apis'), 'rest')
  assert.equal(to('/API'), 'rest')
  assert.equal(to('/', 'a', 'POST'), 'post')
  assert.equal(to('*', 'a', 'OPTIONS'), 'rest')
})

test('a shorter path before a longer one wins: the order is the configuration’s', () => {
  assert.equal(routed([route('all'), route('api', { path: '/api' })])('/api'), 'all')
})

test('none is none', () => {
  const to = routed([route('api', { path: '/api', methods: ['GET'], host: 'a.example' })])
  assert.equal(to('/', 'a.example'), 'no-route')
  assert.equal(to('/api', 'b.example'), 'no-route')
  assert.equal(to('/api', 'a.example', 'POST'), 'no-route')
  assert.equal(to('*', 'a.example', 'OPTIONS'), 'no-route')
  assert.equal(routed([])('/'), 'no-route')
})

test('a path that ends in / matches what is in it', () => {
  const to = routed([route('dir', { path: '/dir/' })])
  assert.equal(to('/dir/x'), 'dir')
  assert.equal(to('/dir/'), 'dir')
  assert.equal(to('/dir'), 'no-route')
})

test('hosts are compared without case, port and the root’s dot; a wildcard is one label or more', () => {
  const to = routed([
    route('a', { host: 'a.example.com' }),
    route('any', { host: '*.example.com' }),
    route('v6', { host: '[::1]' }),
    route('v6 bare', { host: '2001:db8::1' }),
    route('rest', { path: '/rest' }),
  ])
  for (const host of [
    'a.example.com',
    'A.Example.COM',
    'a.example.com:8080',
    'a.example.com.',
    'a.example.com.:80',
    '%61.example.com',
  ]) {
    assert.equal(to('/', host), 'a', host)
  }
  assert.equal(to('/', 'b.example.com:1'), 'any')
  assert.equal(to('/', 'x.b.example.com'), 'any')
  assert.equal(to('/', '[::1]:80'), 'v6')
  assert.equal(to('/', '[0:0::1]'), 'v6')
  assert.equal(to('/', '[2001:DB8::1]:80'), 'v6 bare')
  for (const host of ['example.com', '.example.com', 'xexample.com', 'example.com.evil', '']) {
    assert.equal(to('/', host), 'no-route', host)
    assert.equal(to('/rest', host), 'rest', host)
  }
})

const guarded = [route('admin', { path: '/admin' }), route('app')]

test('what a rule guards is not had by another spelling', () => {
  const to = routed(guarded)
  const spellings = [
    '/x/../admin',
    '/x/%2e%2e/admin',
    '/x/.%2E/admin',
    '/x/..%2fadmin',
    '/x%2f../admin',
    '/%61dmin',
    '//admin',
    '/./admin',
    '/%2e/admin',
    '/x/..;/admin',
    '/x/..\\admin',
    '/x/..%5cadmin',
    '\\admin',
    '/;/admin',
    '/admin%2fx',
    '/x/%252e%252e/admin',
    '/admin/../x',
    '/admin/..',
    '/admin/..%2fx',
    '/..',
    '/../admin',
    '/x/../..',
    '/admin\\x',
    '/admin%3bx',
    '/admin%3f',
    '/admin%3Fx=/y',
    '/admin%23',
    '/admin%23x/y',
    '/admin%253f',
    '/admin%2500',
    '/admin%0a',
    '/admin%0d%0A',
    '/ad%09min',
    '/admin%20',
    '/x%2f..%2fadmin%3f/x',
  ]
  for (const path of spellings) assert.equal(to(path), 'ambiguous-path', path)
})

test('NUL in a path is refused wherever it leads; in a query it is nobody’s concern', () => {
  const to = routed([route('app')])
  for (const path of ['/admin%00', '/%00', '/x%00.png']) {
    assert.equal(routed(guarded)(path), 'ambiguous-path', path)
    assert.equal(to(path), 'ambiguous-path', path)
  }
  assert.equal(to('/x?y=%00'), 'app')
})

test('a spelling that leads nowhere else passes', () => {
  const to = routed(guarded)
  for (const path of [
    '/a%20b',
    '/a%2fb',
    '/a//b',
    '/a/../b',
    '/a/./b',
    '/.well-known/x',
    '/...',
    '/a;b=c',
    '/docs/C%23',
    '/what%3f',
    '/a%0ab',
    '/100%',
    '/?q=/../admin',
  ]) {
    assert.equal(to(path), 'app', path)
  }
  for (const path of ['/admin/a%2fb', '/admin/x/..', '/admin/%61', '/admin;jsessionid=1', '/admin//']) {
    assert.equal(to(path), 'admin', path)
  }
})

test('where every path is served alike, none is refused', () => {
  const to = routed([route('app')])
  for (const path of ['/x/../..', '//x', '/%2e%2e/', '/..;/']) assert.equal(to(path), 'app', path)
})

test('a prefix that is written with escapes matches itself', () => {
  const to = routed([route('odd', { path: '/a%20b' }), route('app')])
  assert.equal(to('/a%20b/c'), 'odd')
  assert.equal(to('/a%20bc'), 'app')
})

test('a prefix that no request could have unambiguously is none', () => {
  for (const path of ['/', '/api', '/a%20b', '/.well-known', '/a.b', '/api/']) assert.equal(isPrefix(path), true, path)
  for (const path of [
    'api',
    '/a//b',
    '/..',
    '/a/./b',
    '/a%2f%2e%2e',
    '/a;b',
    '/a\\b',
    '/%2e%2e',
    '/%5cx',
    '/a%3f',
    '/a%23',
    '/a%20',
  ]) {
    assert.equal(isPrefix(path), false, path)
  }
})

test('no path climbs out of what its prefix is replaced by', () => {
  const to = routed([route('api', { path: '/api', replacePath: '/base' })])
  assert.equal(to('/api/x/../y'), 'api')
  for (const path of ['/api/../api/x', '/api/x/../../api/y', '/api/..%2fapi/x', '/api/%2e%2e/api']) {
    assert.equal(to(path), 'ambiguous-path', path)
  }
  assert.equal(routed([route('all', { replacePath: '/base' })])('/../secret'), 'ambiguous-path')
})

test('no spelling of a lenient backend’s comes past a guard', () => {
  const piece = fc.constantFrom(
    'admin',
    'x',
    '..',
    '.',
    '%2e',
    '%2E%2e',
    '%2f',
    '/',
    '//',
    ';a',
    '\\',
    '%5c',
    '%61dmin',
    'admin/',
    'admin%3f',
    'x%23',
    'admin%0a',
    '',
  )
  const to = routed(guarded)
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 7 }), (pieces) => {
      const path = `/${pieces.join('/')}`
      const decoded = decodeURIComponent(path)
      const readers = [
        path,
        decoded,
        decoded.replaceAll('\\', '/'),
        decoded.replace(/;[^/]*/g, ''),
        decoded.replace(/[?#].*/s, ''),
        decodeURIComponent(new URL(`http://a${decoded}`).pathname),
      ].map((text) => posix.normalize(text.replace(/^\/+/, '/')))
      const found = to(path)
      for (const read of readers) {
        const isAdmin = /^\/admin(?:[/;]|$)/.test(read)
        if (isAdmin && found === 'app') assert.fail(`${path} is ${read} to some and served as ${found}`)
        if (!isAdmin && found === 'admin') assert.fail(`${path} is ${read} to some and served as ${found}`)
      }
    }),
    { numRuns: 3_000 },
  )
})

test('the prefix is replaced and the rest goes on byte for byte', () => {
  const replaced = (path: string, prefix: string, replacePath: string | null) =>
    targetOf(path, { path: prefix, replacePath })
  assert.equal(replaced('/api/x?a=%2F..#', '/api', null), '/api/x?a=%2F..#')
  assert.equal(replaced('/api/x//y/%2f?a=/api', '/api', ''), '/x//y/%2f?a=/api')
  assert.equal(replaced('/api', '/api', ''), '/')
  assert.equal(replaced('/api?x', '/api', ''), '/?x')
  assert.equal(replaced('/api;v=1', '/api', '/v2'), '/v2;v=1')
  assert.equal(replaced('/api/x', '/api', '/v2'), '/v2/x')
  assert.equal(replaced('/api/x', '/api', '/v2/'), '/v2/x')
  assert.equal(replaced('/api', '/api', '/v2/'), '/v2/')
  assert.equal(replaced('/api/x', '/api/', '/v2'), '/v2/x')
  assert.equal(replaced('/x', '/', '/base'), '/base/x')
  assert.equal(replaced('/x', '/', '/'), '/x')
  assert.equal(replaced('/api/x', '/api', '/'), '/x')
  assert.equal(replaced('*', '/', '/base'), '*')
})
