import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BodyRefusedError } from './body-refused.ts'
import { IncomingBody } from './incoming-body.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (piece: Uint8Array | null) => (piece === null ? null : new TextDecoder().decode(piece))

test('pieces are read in order, before and after they come, and then the end', async () => {
  const body = new IncomingBody(() => {})
  body.push(bytes('a'))
  body.push(bytes('b'))
  assert.equal(text(await body.read()), 'a')
  assert.equal(text(await body.read()), 'b')
  const waiting = body.read()
  assert.equal(body.wanted, true)
  body.push(bytes('c'))
  assert.equal(text(await waiting), 'c')
  assert.equal(body.wanted, false)
  const last = body.read()
  body.end()
  assert.equal(await last, null)
  assert.equal(await body.read(), null)
})

test('a view that changes after the call does not change what is read', async () => {
  const body = new IncomingBody(() => {})
  const view = bytes('abc')
  body.push(view)
  view.fill(0)
  assert.equal(text(await body.read()), 'abc')
})

test('it pauses the client when 64 KiB are kept, and says when there is room', async () => {
  let room = 0
  const body = new IncomingBody(() => {
    room += 1
  })
  assert.equal(body.push(new Uint8Array(64 * 1024 - 1)), true)
  assert.equal(body.push(new Uint8Array(1)), false)
  await body.read()
  assert.equal(room, 1)
})

test('a refused body rejects the read under way and every later one, and what was kept is gone', async () => {
  const body = new IncomingBody(() => {})
  const waiting = body.read()
  body.fail(new BodyRefusedError('bodyTooLarge'))
  await assert.rejects(waiting, { code: 'BODY_REFUSED' })
  body.push(bytes('more'))
  await assert.rejects(body.read(), { code: 'BODY_REFUSED' })
  assert.equal(new BodyRefusedError('bodyTooLarge').getResponse().status, 413)
})

test('a body that was read to its end can’t fail any more', async () => {
  const body = new IncomingBody(() => {})
  body.end()
  body.fail(new Error('late'))
  assert.equal(await body.read(), null)
})

test('pieces of one byte are joined: 64 KiB of them are a few reads, in order, and take little more than their bytes', async () => {
  const body = new IncomingBody(() => {})
  const view = new Uint8Array(1)
  let sent = 0
  do view[0] = sent++ % 251
  while (body.push(view))
  body.end()
  const pieces: Uint8Array[] = []
  for (let piece = await body.read(); piece !== null; piece = await body.read()) pieces.push(piece)
  assert.equal(sent, 64 * 1024)
  assert.ok(pieces.length <= 17, `${pieces.length} pieces`)
  const held = new Set(pieces.map(({ buffer }) => buffer))
  assert.ok([...held].reduce((sum, { byteLength }) => sum + byteLength, 0) <= 2 * sent)
  const read = pieces.flatMap((piece) => [...piece])
  assert.deepEqual(
    read,
    Array.from({ length: sent }, (_, i) => i % 251),
  )
})

test('what was kept of a body that ended is gone when it fails before it is read', async () => {
  const body = new IncomingBody(() => {})
  for (let i = 0; i < 40; i++) body.push(new Uint8Array(1))
  body.end()
  body.fail(new Error('late'))
  await assert.rejects(body.read(), /late/)
})
