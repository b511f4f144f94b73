import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventEnds, FrameWatch } from './frames.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

function after(...pieces: string[]): FrameWatch {
  const watch = new FrameWatch(eventEnds)
  for (const piece of pieces) watch.pass(bytes(piece))
  return watch
}

test('a stream is between two events at its start and behind a blank line, however its lines end', () => {
  for (const pieces of [
    [],
    [''],
    ['data: a\n\n'],
    ['data: a\r\n\r\n'],
    ['data: a\r\r'],
    ['data: a\n\r\n'],
    [': c\n\n'],
  ]) {
    assert.equal(after(...pieces).between, true, JSON.stringify(pieces))
  }
})

test('it is within an event everywhere else', () => {
  // Behind CR it is not known yet whether LF follows.
  for (const pieces of [['d'], ['data: a\n'], ['data: a\r\n'], ['data: a\r\n\r'], ['data: a\n\ndata: b'], ['\n\na']]) {
    assert.equal(after(...pieces).between, false, JSON.stringify(pieces))
  }
})

test('the end of an event may come in pieces of any size', () => {
  const text = 'data: a\r\n\r\ndata: b\n\n: c\n\nevent: x\ndata: y\n\n'
  for (let size = 1; size < text.length; size++) {
    const pieces: string[] = []
    for (let at = 0; at < text.length; at += size) pieces.push(text.slice(at, at + size))
    assert.equal(after(...pieces).between, true, `pieces of ${size}`)
    assert.equal(after(...pieces, 'd').between, false, `pieces of ${size}`)
  }
})

test('it says how much of a piece is whole events, also where an end began in the piece before', () => {
  assert.equal(after().lengthOfFrames(bytes('data: a\n\ndata: b\n\ndata')), 18)
  assert.equal(after('data: a\n').lengthOfFrames(bytes('\ndata: b')), 1)
  assert.equal(after('data: a\r\n').lengthOfFrames(bytes('\r\ndata: b')), 2)
  assert.equal(after('data: a').lengthOfFrames(bytes('\ndata: b\n')), 0)
})
