import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serveInMemory } from '../../serve/in-memory.fake.ts'
import { History, historyMs } from './history.ts'

test('the last five minutes are kept, the oldest first, until the server is closed', async (t) => {
  const { clock, connect, running } = await serveInMemory(t, () => new Response('hello'), { headTimeoutMs: 0 })
  const before = clock.pending
  const history = new History(running, clock)
  assert.equal(history.read().length, 1)
  connect()
  clock.pass(2_000)
  assert.deepEqual(history.read().at(-1), { at: 2_000, states: { accepted: 1 }, opened: 1, requests: 0 })
  clock.pass(historyMs * 2)
  const moments = history.read()
  assert.equal(moments.at(-1)?.at, historyMs * 2 + 2_000)
  assert.equal(moments.at(-1)!.at - moments[0]!.at, historyMs - 2_000)
  await running.kill()
  clock.pass(2_000)
  assert.equal(clock.pending, before)
})

test('where to count takes long, it is done less often', async (t) => {
  const { clock, running } = await serveInMemory(t, () => new Response('hello'))
  let counted = 0
  const slow = {
    ...running,
    connections() {
      counted += 1
      clock.pass(100)
      return running.connections()
    },
  }
  new History(slow, clock)
  clock.pass(99_000)
  assert.equal(counted, 1)
  clock.pass(2_000)
  assert.equal(counted, 2)
})
