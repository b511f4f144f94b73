import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../lifecycle/clock.fake.ts'
import type { Destination, WriteError } from './destination.ts'
import { LineOutput } from './line-output.ts'

type Done = Parameters<Destination['write']>[1]

function setUp(mostChars?: number, tellsElsewhere = false) {
  const clock = new FakeClock()
  let text = ''
  let waiting: { bytes: Uint8Array; done: Done } | null = null
  const lost: [number, string][] = []
  const stuck: string[] = []
  const output = new LineOutput({
    destination: {
      write(bytes, done) {
        assert.equal(waiting, null, 'one write at a time')
        waiting = { bytes, done }
      },
    },
    clock,
    onLost: (...what) => void lost.push(what),
    onStuck: (why) => void stuck.push(why),
    tellsElsewhere,
    ...(mostChars !== undefined && { mostChars }),
  })
  const answer = (error: WriteError | null, most: number) => {
    const { bytes, done } = waiting!
    const taken = bytes.subarray(0, most)
    text += Buffer.from(taken).toString()
    waiting = null
    done(error, taken.length)
  }
  return {
    clock,
    output,
    lost,
    stuck,
    get text() {
      return text
    },
    get waits() {
      return waiting !== null
    },
    take: (most = Number.POSITIVE_INFINITY) => answer(null, most),
    fail: (code: string) => answer({ code, message: code }, 0),
  }
}

test('lines come out whole and in order, however little is taken at a time', () => {
  const to = setUp()
  for (const line of ['one', 'two', 'three']) to.output.write(line)
  to.take(2)
  to.take()
  to.take(5)
  to.take()
  assert.equal(to.text, 'one\ntwo\nthree\n')
  assert.equal(to.waits, false)
})

test('what the destination does not take is kept up to a bound, and what is beyond it is counted once', () => {
  const to = setUp(19)
  for (let i = 0; i < 10; i++) to.output.write(`line ${i}`)
  assert.deepEqual(to.lost, [])
  to.take()
  to.take()
  assert.deepEqual(to.lost, [[7, 'its reader or its disk is too slow']])
  assert.equal(to.text, 'line 0\nline 1\nline 2\n')
})

test('a full pipe is tried again soon, a full disk after a second, and nothing of it is written twice', () => {
  const to = setUp()
  to.output.write('one')
  to.take(2)
  to.fail('EAGAIN')
  assert.equal(to.waits, false)
  to.clock.pass(20)
  to.fail('ENOSPC')
  to.clock.pass(900)
  assert.equal(to.waits, false)
  to.clock.pass(100)
  to.take()
  assert.equal(to.text, 'one\n')
  assert.deepEqual(to.lost, [])
  assert.deepEqual(to.stuck, ['ENOSPC'])
})

test('once its reader is gone nothing is written, and it says so once', () => {
  const to = setUp()
  to.output.write('one')
  to.output.write('two')
  to.fail('EPIPE')
  to.output.write('three')
  to.clock.pass(10_000)
  assert.equal(to.waits, false)
  assert.deepEqual(to.lost, [[2, 'EPIPE']])
})

test('flush() waits for what is not out, but not for ever, and counts what is lost then', async () => {
  const to = setUp()
  await to.output.flush(1_000)
  to.output.write('one')
  const flushed: string[] = []
  const first = to.output.flush(1_000).then(() => flushed.push('patient'))
  const second = to.output.flush(100).then(() => flushed.push('impatient'))
  to.clock.pass(150)
  await second
  assert.deepEqual(flushed, ['impatient'])
  assert.deepEqual(to.lost, [[1, 'its reader or its disk is too slow']])
  to.take()
  to.clock.pass(1_000)
  await first
  assert.deepEqual(flushed, ['impatient', 'patient'])
})

test('where the loss is told elsewhere it is told while it lasts, once a second', () => {
  const to = setUp(6, true)
  to.output.write('one')
  for (let i = 0; i < 3; i++) to.output.write('a line')
  to.clock.pass(1_000)
  to.fail('ENOSPC')
  to.output.write('a line')
  assert.deepEqual(to.lost, [
    [1, 'its reader or its disk is too slow'],
    [2, 'ENOSPC'],
  ])
})
