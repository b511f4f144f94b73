import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Route } from '../config/config.ts'
import { firstRoute, isUnder } from './first-route.ts'

const segment = fc.constantFrom('a', 'b', 'ab', 'api')
const pathOf = fc
  .tuple(fc.array(segment, { maxLength: 4 }), fc.constantFrom('', '/', ';x', '/..'))
  .map(([segments, end]) => `/${segments.join('/')}${end}`)
const prefix = fc
  .tuple(fc.array(segment, { maxLength: 3 }), fc.boolean())
  .map(([segments, dir]) => `/${segments.join('/')}${dir && segments.length > 0 ? '/' : ''}`)
const routeOf = fc
  .record({ path: prefix, methods: fc.constantFrom(null, ['GET'], ['POST', 'PUT']) })
  .map((route) => route as unknown as Route)

test('among many routes the first in their order serves, as if each were compared in turn', () => {
  fc.assert(
    fc.property(
      fc.array(routeOf, { minLength: 12, maxLength: 40 }),
      fc.oneof(pathOf, fc.constant('*')),
      fc.constantFrom('GET', 'POST', 'DELETE'),
      (routes, path, method) => {
        const expected = routes.find(
          (route) => isUnder(path, route.path) && (route.methods === null || route.methods.includes(method)),
        )
        assert.equal(firstRoute(routes)(method, path), expected ?? null)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('one of two thousand routes is found without asking each', () => {
  const asked: string[] = []
  const routes = Array.from({ length: 2_000 }, (_, i) => {
    const path = `/api/v1/service-${i}`
    return {
      get path() {
        asked.push(path)
        return path
      },
      methods: null,
    } as unknown as Route
  })
  const first = firstRoute(routes)
  asked.length = 0
  assert.equal(first('GET', '/api/v1/service-1234/users/7'), routes[1234])
  assert.equal(first('GET', '/api/v1/service-12345'), null)
  assert.deepEqual(asked, [])
})
