import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { Body } from './body.ts'
import { HeldIncoming } from './held-incoming.ts'

/** A request as the parser makes it: its head is there, its body comes when the test says so. */
function requestOf({ length = '10', maxBytes = 0 }: { length?: string; maxBytes?: number } = {}) {
  const incoming = new HeldIncoming(new Socket())
  incoming.headers['content-length'] = length
  let tooLarge = 0
  const body = new Body(incoming, maxBytes, () => (tooLarge += 1))
  let asked = 0
  const held = incoming.hold(() => (asked += 1))
  return {
    incoming,
    body,
    held,
    raw: () => incoming.rawBody?.toString(),
    asked: () => asked,
    tooLarge: () => tooLarge,
    send: (text: string) => incoming.push(Buffer.from(text)),
    end() {
      incoming.complete = true
      incoming.push(null)
    },
  }
}

test('a body that came with its head is there whole when the application is asked', () => {
  const { incoming, raw, asked, send, end } = requestOf()
  send('hello')
  send(' body')
  assert.equal(asked(), 0)
  assert.equal(raw(), undefined)
  end()
  assert.equal(asked(), 1)
  assert.equal(raw(), 'hello body')
  assert.equal(raw(), 'hello body')
  assert.equal(incoming.readableEnded, true)
  incoming.askNow()
  assert.equal(asked(), 1)
})

test('whoever reads the stream gets what was held', async () => {
  const { incoming, raw, send, end } = requestOf()
  send('hello')
  send(' body')
  end()
  assert.equal((await buffer(incoming)).toString(), 'hello body')
  assert.equal(raw(), undefined)
})

test('a body that takes longer comes through the stream', async () => {
  const { incoming, raw, asked, send, end } = requestOf()
  send('hello')
  incoming.askNow()
  assert.equal(asked(), 1)
  assert.equal(raw(), undefined)
  const read = buffer(incoming)
  send(' body')
  end()
  assert.equal(asked(), 1)
  assert.equal((await read).toString(), 'hello body')
})

test('whoever listens hears the end of a body that was not read as a stream', async () => {
  const { incoming, raw, send, end } = requestOf()
  const told: string[] = []
  for (const event of ['end', 'close']) incoming.on(event, () => told.push(event))
  send('hello')
  end()
  assert.equal(raw(), 'hello')
  await new Promise(setImmediate)
  assert.deepEqual(told, ['end', 'close'])
})

test('a long body, and one of unknown length, is not held', () => {
  for (const length of ['65537', 'x']) {
    const { incoming, held, send } = requestOf({ length })
    assert.equal(held, false)
    send('hello')
    assert.equal(incoming.readableLength, 5)
  }
})

test('a body of which some was refused is never taken for the whole', () => {
  const { raw, body, send, end } = requestOf()
  send('hello')
  body.refuse('malformed')
  send(' body')
  end()
  assert.equal(raw(), undefined)
})

test('a body is counted as it comes', () => {
  const { tooLarge, send } = requestOf({ length: '5', maxBytes: 8 })
  send('hello')
  assert.equal(tooLarge(), 0)
  send(' body')
  assert.equal(tooLarge(), 1)
})

test('a body in one piece is given away once, in the turn it is read in, and copied for all others', async () => {
  const { incoming, end } = requestOf()
  incoming.push(Buffer.from(new TextEncoder().encode('hello body').buffer))
  end()
  const { buffer } = incoming.rawBody!
  assert.equal(buffer.slice(0, 10), buffer)
  assert.notEqual(buffer.slice(0, 10), buffer)

  const later = requestOf()
  later.incoming.push(Buffer.from(new TextEncoder().encode('hello body').buffer))
  later.end()
  const read = later.incoming.rawBody!.buffer
  await null
  assert.equal(Object.hasOwn(read, 'slice'), false)
  assert.notEqual(read.slice(0, 10), read)

  const part = requestOf()
  part.incoming.push(Buffer.from(new TextEncoder().encode('hello body').buffer))
  part.end()
  assert.equal(Buffer.from(part.incoming.rawBody!.buffer.slice(6)).toString(), 'body')
})
