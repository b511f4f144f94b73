import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type FrameData, FrameReader, FrameWriter } from './h2.ts'
import { type PeerSettings, preface, type RawFrame } from './h2-frame.ts'

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

describe('a raw frame', () => {
  const bytes = (frame: FrameData, peer?: PeerSettings) => new FrameWriter().write([frame], fill, peer)

  test('has the type, flags and stream that the case says, known or not', () => {
    assert.deepEqual(bytes({ frame: 0xaa, flags: 0xff, stream: 0x8000_0001 }), hex('000000 aa ff 80000001'))
    assert.deepEqual(bytes({ frame: 'ping', payload: [{ x: 3 }] }), hex('000003 06 00 00000000 787878'))
  })

  test('has its payload in parts', () => {
    const payload: RawFrame['payload'] = [{ hex: '82' }, { fields: [[':path', '{hello}']] }, { u32: 258 }]
    assert.deepEqual(
      bytes({ frame: 'headers', stream: 1, payload }),
      hex('00000e 01 00 00000001 82 00 05 3a70617468 01 2f 00000102'),
    )
    assert.deepEqual(bytes({ frame: 'settings', payload: [{ setting: [4, 1] }] }).subarray(9), hex('0004 00000001'))
  })

  test('goes beyond what the server has said in its SETTINGS', () => {
    const reader = new FrameReader()
    reader.push(hex('00000c 04 00 00000000 0005 00004001 0003 00000002'), 0)
    assert.deepEqual(reader.settings, { maxFrameSize: 16_385, maxConcurrentStreams: 2 })
    assert.equal(bytes({ frame: 'data', payload: [{ beyond: 'maxFrameSize' }] }, reader.settings).length, 9 + 16_386)
    const requests = framesOf(bytes({ requests: 'beyond-limit', path: '/' }, reader.settings))
    assert.deepEqual(
      requests.map(({ type, stream }) => `${type} ${stream}`),
      ['headers 1', 'headers 3', 'headers 5'],
    )
  })

  test('is not asked of a server that takes any number of requests', () => {
    assert.throws(() => bytes({ requests: 'beyond-limit', path: '/' }), /takes any number of requests at once/)
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
