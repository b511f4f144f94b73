import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { atEndOfTurn } from './turn-writes.ts'

describe('what is written at the end of a turn', () => {
  test('is written once, in order, after what else happens in the turn', async () => {
    const done: string[] = []
    for (const name of ['a', 'b']) atEndOfTurn({ endTurn: () => void done.push(name) })
    process.nextTick(() => done.push('rest of the turn'))
    await turn()
    await turn()
    assert.deepEqual(done, ['rest of the turn', 'a', 'b'])
  })

  test('what is added meanwhile waits for the next turn, so that the loop goes on', async () => {
    const done: string[] = []
    const again = { endTurn: () => void done.push('second') }
    atEndOfTurn({
      endTurn() {
        done.push('first')
        atEndOfTurn(again)
        setImmediate(() => done.push('others'))
      },
    })
    atEndOfTurn({ endTurn: () => void done.push('with the first') })
    await turn()
    assert.deepEqual(done, ['first', 'with the first'])
    await turn()
    assert.deepEqual(done, ['first', 'with the first', 'second', 'others'])
  })

  test('one that throws does not keep the others', async (t) => {
    const done: string[] = []
    const thrown = new Promise((resolve) => process.once('uncaughtException', resolve))
    const before = process.listeners('uncaughtException').slice(0, -1)
    for (const listener of before) process.off('uncaughtException', listener)
    t.after(() => {
      for (const listener of before) process.on('uncaughtException', listener)
    })
    atEndOfTurn({
      endTurn() {
        throw new Error('a bug')
      },
    })
    atEndOfTurn({ endTurn: () => void done.push('next') })
    await thrown
    await turn()
    await turn()
    assert.deepEqual(done, ['next'])
  })
})
