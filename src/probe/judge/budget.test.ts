import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Budget } from './budget.ts'

describe('Budget', () => {
  test('never gives out more than it has', async () => {
    const budget = new Budget(5)
    let open = 0
    let most = 0
    const use = async (count: number) => {
      const release = await budget.take(count, 0)
      open += count
      most = Math.max(most, open)
      await sleep(2)
      open -= count
      release()
    }
    await Promise.all([1, 2, 3, 1, 5, 2, 2, 1].map(use))
    assert.equal(most, 5)
    assert.equal(open, 0)
  })

  test('the longest goes first, and a crowd is not passed over', async () => {
    const budget = new Budget(4)
    const order: string[] = []
    const take = (name: string, count: number, priority: number) =>
      budget.take(count, priority).then((release) => {
        order.push(name)
        release()
      })
    const first = await budget.take(3, 0)
    // One is free, and would do for the short one.
    const all = [take('crowd', 4, 9), take('short', 1, 1), take('long', 1, 5)]
    await sleep(5)
    assert.deepEqual(order, [])
    first()
    await Promise.all(all)
    assert.deepEqual(order, ['crowd', 'long', 'short'])
  })

  test('giving back twice gives back once', async () => {
    const budget = new Budget(1)
    const release = await budget.take(1, 0)
    release()
    release()
    await budget.take(1, 0)
    const second = budget.take(1, 0).then(() => 'given')
    assert.equal(await Promise.race([second, sleep(20, 'kept')]), 'kept')
  })
})
