import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type FrameData, FrameReader, FrameWriter, preface } from './h2.ts'

const fill = (text: string) => text.replace('{host}', 'localhost').replace('{hello}', '/')

function framesOf(bytes: Buffer, piece = bytes.length) {
  const reader = new FrameReader()
  for (let at = 0; at < bytes.length; at += piece) reader.push(bytes.subarray(at, at + piece), at)
  return reader.frames
}

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex')

describe('what is written', () => {
  test('begins with the preface and empty SETTINGS', () => {
    const bytes = new FrameWriter().write(['preface'], fill)
    assert.deepEqual(bytes, Buffer.concat([preface, hex('000000 04 00 00000000')]))
  })

  test('opens a stream with each request, and means that one until the next', () => {
    const writer = new FrameWriter()
    const frames: FrameData[] = [{ request: 'GET', path: '{hello}' }, { reset: 'CANCEL' }]
    const seen = [...framesOf(writer.write(frames, fill)), ...framesOf(writer.write(frames, fill))]
    assert.deepEqual(
      seen.map(({ type, stream, endStream, error }) => [type, stream, endStream, error]),
      [
        ['headers', 1, true, null],
        ['rst_stream', 1, false, 'CANCEL'],
        ['headers', 3, true, null],
        ['rst_stream', 3, false, 'CANCEL'],
      ],
    )
  })

  test('has fields as literals, long ones too (RFC 7541 5.1, 6.2.2)', () => {
    const bytes = new FrameWriter().write([{ request: 'GET', path: '{hello}' }], fill)
    assert.ok(bytes.includes('\0\x07:method\x03GET', 'latin1'))
    assert.ok(bytes.includes('\0\x0a:authority\x09localhost', 'latin1'))
    const long = new FrameWriter().write([{ request: 'GET', path: '/' }, { continuation: 1_337 + 127 }], fill)
    assert.ok(long.includes(hex('00 05 782d706164 7f b90a')))
  })

  test('leaves out the flags that a case leaves out', () => {
    const flags = (frame: FrameData) => new FrameWriter().write([frame], fill)[4]
    assert.equal(flags({ request: 'GET', path: '/' }), 0x5)
    assert.equal(flags({ request: 'POST', path: '/', open: true }), 0x4)
    assert.equal(flags({ request: 'GET', path: '/', unfinished: true }), 0x1)
  })
})

describe('what is read', () => {
  const goaway = hex('000008 07 00 00000000 00000001 0000000b')

  test('is the same in pieces of any size', () => {
    const bytes = Buffer.concat([hex('000000 04 01 00000000'), hex('000003 00 01 00000001 616263'), goaway])
    const whole = framesOf(bytes).map(({ atMs: _, ...frame }) => frame)
    assert.deepEqual(
      whole.map(({ type, ack, endStream, error }) => [type, ack, endStream, error]),
      [
        ['settings', true, false, null],
        ['data', false, true, null],
        ['goaway', false, false, 'ENHANCE_YOUR_CALM'],
      ],
    )
    for (const piece of [1, 2, 8, 9, 10, 13]) {
      assert.deepEqual(
        framesOf(bytes, piece).map(({ atMs: _, ...frame }) => frame),
        whole,
      )
    }
  })

  test('has its status, however that is written (RFC 7541 6.1 to 6.3)', () => {
    const status = (block: string) => {
      const payload = hex(block)
      const head = hex('000000 01 04 00000001')
      head.writeUIntBE(payload.length, 0, 3)
      return framesOf(Buffer.concat([head, payload]))[0]?.status
    }
    assert.equal(status('88 c0'), 200)
    assert.equal(status('8d'), 404)
    assert.equal(status('3fe11f 8e'), 500) // After an update of the table's size.
    assert.equal(status('48 03 343133'), 413)
    assert.equal(status('48 82 6402'), 302) // Huffman: RFC 7541 C.6.1.
    assert.equal(status('08 03 353033'), 503)
    assert.equal(status('40 0a 637573746f6d2d6b6579 00'), null)
  })
})
