import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeFrame, WebSocketFrames } from './web-socket-frames.ts'

/** An unmasked frame, or a masked one. */
function frame(length: number, { opcode = 2, masked = false } = {}): number[] {
  const mask = masked ? 0x80 : 0
  const size =
    length < 126
      ? [mask | length]
      : length < 65_536
        ? [mask | 126, length >> 8, length & 255]
        : [mask | 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255]
  return [0x80 | opcode, ...size, ...(masked ? [1, 2, 3, 4] : []), ...new Array(length).fill(7)]
}

test('the end of a frame is found whatever its length, masked or not, and in pieces of any size', () => {
  for (const bytes of [[0, 1], [125, 126], [65_535], [65_536, 0]].map((lengths) =>
    lengths.flatMap((length, index) => frame(length, { masked: index === 1 })),
  )) {
    for (const size of [1, 2, 3, 7, 1_000, bytes.length]) {
      const frames = new WebSocketFrames()
      for (let at = 0; at < bytes.length; at += size) {
        assert.equal(frames.between, at === 0 || undefined || frames.between)
        frames.pass(new Uint8Array(bytes.slice(at, at + size)))
      }
      assert.equal(frames.between, true)
      frames.pass(new Uint8Array([0x82]))
      assert.equal(frames.between, false)
    }
  }
})

test('it says how much of a piece is whole frames', () => {
  const frames = new WebSocketFrames()
  assert.equal(frames.pass(new Uint8Array([...frame(3), ...frame(200), 0x82])), 5 + 204)
  assert.equal(frames.pass(new Uint8Array([2, 1])), 0)
  const copy = new WebSocketFrames(frames)
  assert.deepEqual([frames.pass(new Uint8Array([1, 0x82])), copy.pass(new Uint8Array([1]))], [1, 1])
})

test('a close frame is seen, and made', () => {
  const frames = new WebSocketFrames()
  assert.equal(frames.hasClosed, false)
  frames.pass(closeFrame(1001))
  assert.deepEqual([frames.hasClosed, frames.between, [...closeFrame(1001)]], [true, true, [0x88, 2, 0x03, 0xe9]])
})
