import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { sharedWords, Threads } from './threads.ts'

const memory = () => new BigInt64Array(new SharedArrayBuffer(sharedWords * 8))

function two() {
  const words = memory()
  return { words, one: new Threads(words, 0, 1_000), other: new Threads(words, 0, 1_000) }
}

test('alone it judges everybody', () => {
  const alone = new Threads(memory(), 0, 0)
  assert.ok(alone.alone)
  assert.ok(alone.isOurs('127.0.0.1|1'))
})

test('whom nobody has claimed is the first’s', () => {
  const { one, other } = two()
  assert.deepEqual([one.isOurs('a'), other.isOurs('a')], [true, false])
  other.claim('a')
  assert.deepEqual([one.isOurs('a'), other.isOurs('a')], [false, true])
  other.release('a')
  assert.deepEqual([one.isOurs('a'), other.isOurs('a')], [true, false])
})

test('a name that comes again is of the thread that claimed it last, and stays so when the earlier one lets go', () => {
  const { one, other } = two()
  one.claim('a')
  other.claim('a')
  one.release('a')
  assert.deepEqual([one.isOurs('a'), other.isOurs('a')], [false, true])
})

test('whatever is claimed and released, in any order, each name has the owner that the last of it says', () => {
  const act = fc.record({ thread: fc.nat(1), name: fc.nat(40), claims: fc.boolean() })
  fc.assert(
    fc.property(fc.array(act, { maxLength: 300 }), (acts) => {
      const { one, other } = two()
      const threads = [one, other]
      const owners = new Map<string, number>()
      for (const { thread, name, claims } of acts) {
        const peer = `10.0.0.${name}|${name}`
        if (claims) {
          threads[thread]!.claim(peer)
          owners.set(peer, thread)
        } else {
          threads[thread]!.release(peer)
          if (owners.get(peer) === thread) owners.delete(peer)
        }
      }
      for (let name = 0; name <= 40; name++) {
        const peer = `10.0.0.${name}|${name}`
        for (const thread of [0, 1]) assert.equal(threads[thread]!.isOurs(peer), (owners.get(peer) ?? 0) === thread)
      }
    }),
  )
})

test('with 30,000 claims each is still told', () => {
  const { one, other } = two()
  const names = Array.from({ length: 30_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}|${index}`)
  for (const name of names) other.claim(name)
  assert.equal(names.filter((name) => one.isOurs(name)).length, 0)
  other.beat(5_000, 0)
  assert.equal(one.notedUntil, 5_000)
})

test('when there is no room for another claim, nothing counts as noted', () => {
  const { one, other } = two()
  other.beat(5_000, 0)
  for (let index = 0; index < sharedWords; index++) other.claim(`10.0.0.1|${index}`)
  assert.equal(one.notedUntil, Number.NEGATIVE_INFINITY)
})

test('what all others have reached is told in the clock of the one who asks', () => {
  const words = memory()
  const one = new Threads(words, 10_000, 0)
  const other = new Threads(words, 10_400, 0)
  const third = new Threads(words, 10_500, 0)
  one.beat(2_000, 3)
  other.beat(1_000, 4)
  third.beat(700, 5)
  assert.equal(one.notedUntil, 1_200)
  assert.equal(other.notedUntil, 800)
  assert.deepEqual([one.openElsewhere, third.openElsewhere], [9, 7])
  third.leave()
  assert.equal(one.notedUntil, 1_400)
  assert.equal(one.openElsewhere, 4)
})

test('each thread hears once that it was asked, and that room is wanted but by itself', () => {
  const { one, other } = two()
  one.ask()
  assert.deepEqual([other.wasAsked(), other.wasAsked()], [true, false])
  other.wantRoom()
  assert.deepEqual([one.roomWanted(), one.roomWanted(), other.roomWanted()], [true, false, false])
})

test('an end waits for the connections of other threads, and for threads that have not heard of it', () => {
  const { one, other } = two()
  other.beat(1_000, 2)
  assert.equal(one.isOver, false)
  one.stopAccepting()
  one.stopAccepting()
  assert.ok(other.isOver)
  assert.deepEqual([one.leftElsewhere, other.leftElsewhere], [3, 0])
  other.stopAccepting()
  assert.equal(one.leftElsewhere, 2)
  other.leave()
  assert.equal(one.leftElsewhere, 0)
})

test('the last to end has the worst status of all', () => {
  const { one, other } = two()
  assert.equal(one.end(1), null)
  assert.equal(other.end(0), 1)
})

test('memory of somebody else is left alone', () => {
  const words = memory()
  words[0] = 7n
  assert.throws(() => new Threads(words, 0, 0), /in use/)
})

test('threads that claim at the same time lose none', async () => {
  const words = memory()
  const here = new Threads(words, 0, 0)
  const code = `
    const { parentPort, workerData: { words, from } } = require('node:worker_threads')
    import(${JSON.stringify(new URL('./threads.ts', import.meta.url).href)}).then(({ Threads }) => {
      const threads = new Threads(words, 0, 0)
      for (let index = 0; index < 5000; index++) threads.claim('10.0.' + from + '.1|' + index)
      let lost = 0
      for (let index = 0; index < 5000; index++) if (!threads.isClaimed('10.0.' + from + '.1|' + index)) lost++
      parentPort.postMessage(lost)
    })`
  const workers = [1, 2, 3].map((from) => new Worker(code, { eval: true, workerData: { words, from } }))
  const lost = workers.map((worker) => new Promise((resolve) => worker.once('message', resolve)))
  assert.deepEqual(await Promise.all(lost), [0, 0, 0])
  for (const from of [1, 2, 3]) assert.ok(!here.isOurs(`10.0.${from}.1|4999`))
})
