import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FairQueue } from './fair-queue.ts'

const waiting = (client: string, name = client) => ({ want: { client }, name })
const names = (queue: FairQueue<ReturnType<typeof waiting>>) => {
  const all: string[] = []
  for (let one = queue.take(); one !== null; one = queue.take()) all.push(one.name)
  return all
}

test('clients are served in turn, each in its own order', () => {
  const queue = new FairQueue<ReturnType<typeof waiting>>()
  for (const name of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) queue.push(waiting(name[0]!, name), 10)
  assert.equal(queue.length, 6)
  assert.deepEqual(names(queue), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
  assert.equal(queue.length, 0)
})

test('without room the last of the longest line goes, unless the newcomer’s own is as long', () => {
  const queue = new FairQueue<ReturnType<typeof waiting>>()
  for (let i = 0; i < 4; i++) queue.push(waiting('a', `a${i}`), 4)
  const pushed = (client: string, name: string) => queue.push(waiting(client, name), 4)?.name ?? null
  assert.equal(pushed('a', 'a4'), 'a4')
  assert.equal(pushed('b', 'b0'), 'a3')
  assert.equal(pushed('b', 'b1'), 'a2')
  assert.equal(pushed('b', 'b2'), 'b2')
  assert.equal(pushed('c', 'c0'), 'a1')
  assert.equal(pushed('d', 'd0'), 'b1')
  assert.equal(pushed('e', 'e0'), 'e0')
  assert.deepEqual(names(queue), ['a0', 'b0', 'c0', 'd0'])
  assert.equal(queue.push(waiting('a'), 0)?.name, 'a')
})

test('one that will not do keeps its place', () => {
  const queue = new FairQueue<ReturnType<typeof waiting>>()
  for (const name of ['a1', 'a2', 'b1']) queue.push(waiting(name[0]!, name), 10)
  assert.equal(queue.take(({ name }) => name === 'a2')?.name, 'a2')
  assert.equal(
    queue.take(({ name }) => name === 'x'),
    null,
  )
  queue.putBack(waiting('a', 'a0'))
  assert.deepEqual(
    queue.takeAll(({ name }) => name.endsWith('1')).map(({ name }) => name),
    ['b1', 'a1'],
  )
  assert.deepEqual([names(queue), queue.length], [['a0'], 0])
})
