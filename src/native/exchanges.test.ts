import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ledger } from '../kernel/ledger.ts'
import { backgroundClock } from '../lifecycle/clock.ts'
import { LongLived } from '../lifecycle/long-lived.ts'
import { resolveOptions } from '../policy/resolve.ts'
import { applicationOf } from '../serve/application.ts'
import { withHeader } from '../serve/responses.ts'
import { Exchanges } from './exchanges.ts'
import { Flights } from './flights.ts'
import type { LedgerServer } from './ledger-server.ts'

/**
 * A runtime's server on which nothing is long, upgraded or told at one look, and a ledger with
 * room.
 */
function exchangesFor(handler: () => Response | Promise<Response>, secure = false) {
  const resolved = resolveOptions({}, [])
  const ledger = {
    connections: { brimful: false, full: false, keepWithinBudget: () => Number.POSITIVE_INFINITY, count() {} },
  } as unknown as Ledger
  const server = {
    peerOf: () => null,
    upgradeOf: () => null,
    isLong: () => false,
    isSound: () => true,
    connectionOf: (answer) => answer.headers.get('connection'),
    forHead: (answer) => answer,
    withHeader,
  } as Partial<LedgerServer<null>> as LedgerServer<null>
  return new Exchanges<null>({
    server,
    resolved,
    secure,
    notesAll: false,
    ledger,
    flights: new Flights<null>({ ledger: () => ledger, peerOf: server.peerOf, now: () => 0 }),
    application: applicationOf(handler, {
      policy: resolved.policy,
      clock: backgroundClock,
      onError: undefined,
      log: { error() {} },
      onRefused() {},
    }),
    clock: backgroundClock,
    longLived: new LongLived(resolved.policy, Math.random),
  })
}

/**
 * A request that counts how often somebody asks for its fields, which the runtimes make for whoever
 * asks first.
 */
function requestOf() {
  let asked = 0
  const request = { method: 'GET', headers: null as unknown } as unknown as Request
  Object.defineProperty(request, 'headers', {
    get() {
      asked += 1
      return new Headers({ host: 'a' })
    },
  })
  return { request, asked: () => asked }
}

for (const [when, handler] of [
  ['at once', () => new Response('hello')],
  ['later', async () => new Response('hello')],
] as const) {
  test(`a request in the clear that is answered ${when} is not asked for its fields`, async () => {
    const { request, asked } = requestOf()
    const answer = await exchangesFor(handler).onRequest(request, null)
    assert.equal(await answer.text(), 'hello')
    assert.equal(answer.headers.get('keep-alive'), 'timeout=4')
    assert.equal(asked(), 0)
  })
}

test('under TLS its Host tells which version of HTTP a request speaks', async () => {
  const { request, asked } = requestOf()
  await exchangesFor(() => new Response('hello'), true).onRequest(request, null)
  assert.ok(asked() > 0)
})
