import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../lifecycle/clock.fake.ts'
import { withLoopLag } from './loop-lag.ts'

function guarded(clock: FakeClock) {
  let refused = 0
  const fetch = withLoopLag(() => new Response('ok'), {
    maxLoopLagMs: 100,
    onOverload: () => {
      refused += 1
    },
    clock,
  })
  const ask = async () => {
    const response = await fetch(new Request('http://a/'))
    return response.status
  }
  return { ask, refused: () => refused }
}

const statuses = async (ask: () => Promise<number>, times: number): Promise<number[]> => {
  const all: number[] = []
  for (let time = 0; time < times; time++) all.push(await ask())
  return all
}

test('a loop that is on time refuses nobody', async () => {
  const clock = new FakeClock()
  const { ask, refused } = guarded(clock)
  for (let turn = 0; turn < 10; turn++) {
    assert.deepEqual(await statuses(ask, 5), [200, 200, 200, 200, 200])
    clock.pass(15)
  }
  assert.equal(refused(), 0)
})

test('what comes in a turn that has been going on for too long is refused, and what comes in the one after it', async () => {
  const clock = new FakeClock()
  const { ask, refused } = guarded(clock)
  assert.equal(await ask(), 200)
  clock.block(90)
  assert.equal(await ask(), 200)
  clock.block(60)
  assert.equal(await ask(), 503)
  clock.pass(0)
  assert.equal(await ask(), 503)
  clock.pass(20)
  assert.equal(await ask(), 200)
  assert.equal(refused(), 2)
})

test('what comes behind a turn that was too long is refused, though nobody came in it', async () => {
  const clock = new FakeClock()
  const { ask } = guarded(clock)
  assert.equal(await ask(), 200)
  clock.block(150)
  clock.pass(0)
  assert.equal(await ask(), 503)
  clock.pass(20)
  assert.equal(await ask(), 200)
})

test('a server that nobody asks has no timer, and forgets how late it was', async () => {
  const clock = new FakeClock()
  const { ask } = guarded(clock)
  await ask()
  clock.block(500)
  assert.equal(await ask(), 503)
  clock.pass(40)
  assert.equal(clock.pending, 0)
  assert.equal(await ask(), 200)
})

test('off, the handler is returned as it is', () => {
  const handler = () => new Response('ok')
  assert.equal(withLoopLag(handler, { maxLoopLagMs: 0, clock: new FakeClock(), onOverload: () => {} }), handler)
})
