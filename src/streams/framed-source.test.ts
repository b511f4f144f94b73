import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FramedSource } from './framed-source.ts'
import { eventEnds } from './frames.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (piece: Uint8Array | null) => (piece === null ? null : new TextDecoder().decode(piece))

/** A source whose pieces the test gives. */
function scene() {
  let give: (piece: string | null) => void = () => {}
  let fail: (error: Error) => void = () => {}
  const acts: string[] = []
  const source = {
    ofApplication: true,
    read: () =>
      new Promise<Uint8Array | null>((resolve, reject) => {
        acts.push('read')
        give = (piece) => resolve(piece === null ? null : bytes(piece))
        fail = reject
      }),
    cancel: (reason: unknown) => void acts.push(`cancelled: ${(reason as Error).message}`),
  }
  const framed = new FramedSource(source, eventEnds, () => void acts.push('over'))
  return {
    framed,
    acts,
    give: async (piece: string | null) => {
      give(piece)
      await new Promise(setImmediate)
    },
    fail: (error: Error) => fail(error),
    read: async () => text(await framed.read()),
  }
}

test('what is said reaches who waits, and the read of the source goes on', async () => {
  const { framed, acts, give, read } = scene()
  const first = read()
  assert.equal(framed.isQuiet, true)
  framed.say(bytes(':\n\n'))
  assert.equal(await first, ':\n\n')
  assert.equal(framed.isQuiet, false)
  const second = read()
  await give('data: a\n\n')
  assert.equal(await second, 'data: a\n\n')
  assert.deepEqual(acts, ['read'])
})

test('nothing can be said within an event', async () => {
  const { framed, give, read } = scene()
  const first = read()
  await give('data: a')
  await first
  const second = read()
  assert.equal(framed.isQuiet, false)
  await give('\n\n')
  await second
  void read()
  assert.equal(framed.isQuiet, true)
})

test('its end comes at once between two events, and the source is cancelled', async () => {
  const { framed, acts, read } = scene()
  const waiting = read()
  framed.endWith(bytes('retry: 1\n\n'))
  assert.deepEqual([await waiting, await read(), await read()], ['retry: 1\n\n', null, null])
  assert.deepEqual(acts, ['read', 'cancelled: the server is draining', 'over', 'over'])
})

test('within an event its end waits for the rest of it, and what begins behind that is dropped', async () => {
  const { framed, give, read } = scene()
  const first = read()
  await give('data: a\n')
  await first
  framed.endWith(bytes('retry: 1\n\n'))
  const second = read()
  await give('data: b\n')
  assert.equal(await second, 'data: b\n')
  const third = read()
  await give('\ndata: c\n\ndata: d')
  assert.deepEqual([await third, await read()], ['\ndata: c\n\nretry: 1\n\n', null])
})

test('a reader that does not read gets its end when it does', async () => {
  const { framed, acts, read } = scene()
  framed.endWith(bytes('retry: 1\n\n'))
  assert.deepEqual(acts, [])
  assert.deepEqual([await read(), await read()], ['retry: 1\n\n', null])
})

test('a source that ends or fails is told as it is', async () => {
  const ended = scene()
  const last = ended.read()
  await ended.give(null)
  assert.equal(await last, null)
  const failed = scene()
  const waiting = failed.read()
  failed.fail(new Error('broken'))
  await assert.rejects(waiting, /broken/)
  assert.deepEqual(
    [ended.acts, failed.acts],
    [
      ['read', 'over'],
      ['read', 'over'],
    ],
  )
})

test('who cancels it cancels the source', () => {
  const { framed, acts } = scene()
  framed.cancel(new Error('gone'))
  framed.endWith(bytes('x'))
  assert.deepEqual(acts, ['cancelled: gone', 'over'])
})
