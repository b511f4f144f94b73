import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../lifecycle/clock.ts'
import { withHandlerTimeout } from './handler-timeout.ts'

const ask = () => new Request('http://localhost/')

test('with no limit the handler is the very same function', () => {
  const handler = () => new Response()
  assert.equal(withHandlerTimeout(handler, { handlerTimeoutMs: 0, clock: systemClock, onTimeout: () => {} }), handler)
})

test('a handler in time is left alone, and so is one that throws', async () => {
  const guarded = withHandlerTimeout(
    async (request) => {
      if (request.url.endsWith('/bad')) throw new Error('of the app')
      await delay(5)
      return new Response('in time')
    },
    { handlerTimeoutMs: 200, clock: systemClock, onTimeout: () => assert.fail('not late') },
  )
  assert.equal(await (await guarded(ask())).text(), 'in time')
  await assert.rejects(async () => guarded(new Request('http://localhost/bad')), /of the app/)
})

test('a handler that is late gets its signal aborted, the client a 503, and the late answer is dropped', async () => {
  let reason: unknown
  const cancelled: true[] = []
  let timedOut = 0
  const guarded = withHandlerTimeout(
    async (request) => {
      request.signal.addEventListener('abort', () => {
        reason = request.signal.reason
      })
      await delay(60)
      return new Response(new ReadableStream({ cancel: () => void cancelled.push(true) }))
    },
    { handlerTimeoutMs: 20, clock: systemClock, onTimeout: () => (timedOut += 1) },
  )
  const response = await guarded(ask())
  assert.equal(response.status, 503)
  assert.equal(response.headers.get('retry-after'), '1')
  assert.equal((reason as { code?: string }).code, 'HANDLER_TIMEOUT')
  assert.equal(timedOut, 1)
  await delay(60)
  assert.equal(cancelled.length, 1)
})

test('what is only like a promise is held to the limit as well', async () => {
  // biome-ignore lint/suspicious/noThenProperty: that is what it is about
  const guarded = withHandlerTimeout(() => ({ then() {} }) as unknown as Promise<Response>, {
    handlerTimeoutMs: 5,
    clock: systemClock,
    onTimeout: () => {},
  })
  assert.equal((await guarded(ask())).status, 503)
})

test('a late handler may return anything', async () => {
  for (const returned of [undefined, null, 'text', {}, { body: 1 }]) {
    const guarded = withHandlerTimeout(
      async () => {
        await delay(10)
        return returned as unknown as Response
      },
      { handlerTimeoutMs: 1, clock: systemClock, onTimeout: () => {} },
    )
    assert.equal((await guarded(ask())).status, 503)
  }
  // An error after the answer would be an unhandled rejection, which fails this file.
  await delay(30)
})
