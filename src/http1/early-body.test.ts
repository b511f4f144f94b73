import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backgroundClock } from '../lifecycle/clock.ts'
import { readEarly as readEarlyBy } from './early-body.ts'
import type { Streamed } from './web/response.ts'

const readEarly = (stream: Streamed, length: number | null) => readEarlyBy(stream, length, backgroundClock.afterTurn)

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

type Piece = string | number | Error

/** Pieces in order; a number is a wait in ms. */
function streamOf(pieces: readonly Piece[], more: Partial<Streamed> = {}) {
  const left = [...pieces]
  const made = {
    reads: 0,
    cancelled: false,
    length: null,
    ofApplication: true,
    async read(): Promise<Uint8Array | null> {
      made.reads += 1
      let piece = left.shift()
      while (typeof piece === 'number') {
        await wait(piece)
        piece = left.shift()
      }
      if (piece instanceof Error) throw piece
      return piece === undefined ? null : bytes(piece)
    },
    cancel() {
      made.cancelled = true
    },
    ...more,
  }
  return made
}

async function textOf(body: Uint8Array | Streamed): Promise<string> {
  if (body instanceof Uint8Array) return new TextDecoder().decode(body)
  let text = ''
  for (let piece = await body.read(); piece !== null; piece = await body.read()) text += new TextDecoder().decode(piece)
  return text
}

test('a body that is there whole comes as bytes, however many pieces it has', async () => {
  for (const pieces of [[], [''], ['a'], ['a', 'b', 'c'], Array.from({ length: 60 }, () => 'x')]) {
    const early = await readEarly(streamOf(pieces), null)
    assert.ok(early instanceof Uint8Array)
    assert.equal(await textOf(early), pieces.join(''))
  }
})

test('the parts of a native Blob are there', async () => {
  for (const parts of [['ab'], ['ab', 'cd'], Array.from({ length: 10 }, () => 'ab'), ['x'.repeat(1_000_000)]]) {
    const reader = new Response(new Blob(parts)).body!.getReader()
    const read = async () => (await reader.read()).value ?? null
    const early = await readEarly({ length: null, read, cancel() {} }, null)
    assert.ok(early instanceof Uint8Array, `${parts.length} parts`)
    assert.equal(await textOf(early), parts.join(''))
  }
})

test('one that makes its reader wait stays a stream, and nothing of it is lost or read twice', async () => {
  for (const pieces of [[50, 'a'], ['a', 50, 'b'], ['a', 'b', 50, 'c', 50, 'd'], [50], ['a', 50]] as Piece[][]) {
    const stream = streamOf(pieces)
    const early = await readEarly(stream, null)
    assert.ok(!(early instanceof Uint8Array))
    assert.equal(await textOf(early), pieces.filter((piece) => typeof piece === 'string').join(''))
    assert.equal(stream.reads, pieces.filter((piece) => typeof piece === 'string').length + 1)
  }
})

test('a stream that never waits and never ends is not gathered for ever', async () => {
  const endless = streamOf([])
  endless.read = async () => bytes('x')
  const early = await readEarly(endless, null)
  assert.ok(!(early instanceof Uint8Array))
  assert.deepEqual(await early.read(), bytes('x'))
})

test('one that fails before it has given anything rejects; later the failure is its reader’s', async () => {
  await assert.rejects(readEarly(streamOf([new Error('first')]), null), /first/)
  for (const pieces of [
    ['a', new Error('late')],
    ['a', 50, new Error('late')],
  ]) {
    const early = (await readEarly(streamOf(pieces), null)) as Streamed
    assert.deepEqual(await early.read(), bytes('a'))
    await assert.rejects(early.read(), /late/)
  }
})

test('one that does not keep to the length that was said stays a stream', async () => {
  assert.ok((await readEarly(streamOf(['abc']), 3)) instanceof Uint8Array)
  for (const length of [2, 4]) {
    const early = await readEarly(streamOf(['abc']), length)
    assert.ok(!(early instanceof Uint8Array))
    assert.equal(await textOf(early), 'abc')
  }
})

test('a file’s first bytes are waited for, and a small one is there with them', async () => {
  const blob = new Blob(['abc'])
  const small = streamOf([20, 'abc'], { blob, length: 3 })
  assert.deepEqual(await readEarly(small, 3), bytes('abc'))
  assert.equal(small.cancelled, true)
  const large = await readEarly(streamOf([20, 'ab', 'c'], { blob, length: 3 }), 3)
  assert.ok(!(large instanceof Uint8Array))
  assert.equal(await textOf(large), 'abc')
  await assert.rejects(readEarly(streamOf([20, new Error('ENOENT')], { blob }), null), /ENOENT/)
})

test('what has begun is cancelled at its source', async () => {
  const stream = streamOf(['a', 1_000])
  const early = (await readEarly(stream, null)) as Streamed
  early.cancel(null)
  assert.equal(stream.cancelled, true)
})
