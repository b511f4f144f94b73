import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settlesOnce } from './settles-once.ts'

class Own extends Promise<unknown> {
  // biome-ignore lint/suspicious/noThenProperty: that is what it is about
  override then(settle: any, fail: any): any {
    settle('first')
    settle('second')
    fail(new Error('third'))
  }
}

test('a value and a promise of the runtime’s own go through untouched', () => {
  const value = { status: 200 }
  assert.equal(settlesOnce(value), value)
  const promise = Promise.resolve(1)
  assert.equal(settlesOnce(promise), promise)
})

test('whatever an application’s then() calls, it settles once', async () => {
  const withOwnThen = (value: object): object => Object.defineProperty(value, 'then', { value: Own.prototype.then })
  for (const given of [
    Own.resolve(),
    withOwnThen(Promise.resolve()),
    withOwnThen({}),
    Object.assign(Own.resolve(), { constructor: Promise }),
  ]) {
    const heard: unknown[] = []
    const returned = settlesOnce(given as Promise<unknown>)
    assert.ok(returned instanceof Promise)
    returned.then(
      (settled) => heard.push(settled),
      (error) => heard.push(error),
    )
    await new Promise((resolve) => setTimeout(resolve, 5))
    assert.deepEqual(heard, ['first'])
  }
})

test('what only looks like a promise is one that rejects', async () => {
  for (const given of [new Proxy(Promise.resolve(), {}), Object.create(Promise.prototype)]) {
    await assert.rejects(async () => settlesOnce(given), TypeError)
  }
})
