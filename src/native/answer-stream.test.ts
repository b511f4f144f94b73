import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerStream, ContentLengthError } from './answer-stream.ts'

function served(pieces: readonly unknown[], length: number | null, failure?: unknown) {
  const left = [...pieces]
  const told: unknown[] = []
  const ends: string[] = []
  const source = new ReadableStream({
    pull(controller) {
      const piece = left.shift()
      if (piece !== undefined) controller.enqueue(piece)
      else if (failure !== undefined) throw failure
      else controller.close()
    },
    cancel: () => void ends.push('cancelled'),
  })
  const stream = answerStream(source, {
    length,
    report: (error) => told.push(error),
    done: () => ends.push('done'),
  })
  return { stream, told, ends }
}

async function read(stream: ReadableStream<Uint8Array>): Promise<{ text: string; whole: boolean; failed?: unknown }> {
  let text = ''
  try {
    for await (const piece of stream) text += new TextDecoder().decode(piece)
    return { text, whole: true }
  } catch (failed) {
    return { text, whole: false, failed }
  }
}

test('what keeps to its length, and what promises none, goes through as it is', async () => {
  const bytes = [new Uint8Array([97, 98]), 'cd', new Uint8Array([101]).buffer, new Uint8Array()]
  for (const length of [5, null]) {
    const { stream, told, ends } = served(bytes, length)
    assert.deepEqual(await read(stream), { text: 'abcde', whole: true })
    assert.deepEqual([told, ends], [[], ['done']])
  }
})

test('not a byte goes beyond the length, and the application is told', async () => {
  for (const pieces of [['abcdef'], ['abc', 'def'], ['abcd', 'ef']]) {
    const { stream, told, ends } = served(pieces, 4)
    assert.deepEqual(await read(stream), { text: 'abcd', whole: true })
    await new Promise(setImmediate)
    assert.ok(told.length === 1 && told[0] instanceof ContentLengthError)
    assert.equal(ends[0], 'done')
  }
})

test('with too few bytes it never looks whole', async () => {
  const { stream, told, ends } = served(['ab'], 4)
  assert.deepEqual(await read(stream), { text: 'ab', whole: false, failed: undefined })
  assert.match(String(told), /Content-Length is 4, but the body's stream gave 2 bytes/)
  assert.deepEqual(ends, ['done'])
})

test('what fails inside is told of once, whatever it is, and the runtime gets no word of it', async () => {
  for (const failure of [new Error('secret'), 'secret', null]) {
    const { stream, told } = served(['ab'], null, failure)
    assert.deepEqual(await read(stream), { text: 'ab', whole: false, failed: undefined })
    assert.deepEqual(told, [failure])
  }
  const { stream, told } = served([7], null)
  assert.equal((await read(stream)).whole, false)
  assert.match(String(told), /a number, not bytes/)
})

test('a client that goes cancels the source, and is no failure', async () => {
  const { stream, told, ends } = served(['ab', 'cd'], 9)
  const reader = stream.getReader()
  await reader.read()
  await reader.cancel('gone')
  assert.deepEqual([told, ends], [[], ['done', 'cancelled']])
})

test('a surplus is told of though the client asks for no more than its length', async () => {
  const { stream, told } = served(['abcd', 'ef'], 4)
  await stream.getReader().read()
  await new Promise(setImmediate)
  assert.ok(told[0] instanceof ContentLengthError)
})
