import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { Tunnel } from './tunnel.ts'

/** One end of a tunnel, as the tunnel sees it. */
class End extends Duplex {
  written: number[] = []
  isEnded = false
  override _read(): void {}
  override _write(piece: Uint8Array, _: unknown, done: () => void): void {
    this.written.push(...piece)
    done()
  }
  override _final(done: () => void): void {
    this.isEnded = true
    done()
  }
  async says(...bytes: number[]): Promise<void> {
    this.push(new Uint8Array(bytes))
    await new Promise(setImmediate)
  }
}

function tunnel(isWebSocket = true) {
  const client = new End()
  const upstream = new End()
  let ended = 0
  const made = new Tunnel(client, upstream, { quietMs: 0, now: () => 0, onEnd: () => ended++, isWebSocket })
  return { client, upstream, made, ended: () => ended }
}

const turn = () => new Promise(setImmediate)
const goingAway = [0x88, 2, 0x03, 0xe9]
const answer = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]

test('a WebSocket is closed towards its client, whose answer closes it towards the upstream', async () => {
  const { client, upstream, made, ended } = tunnel()
  await upstream.says(0x81, 1, 97)
  made.close(1001)
  await turn()
  assert.deepEqual(client.written, [0x81, 1, 97, ...goingAway])
  // What its upstream says behind that reaches nobody.
  await upstream.says(0x81, 1, 98)
  await client.says(...answer)
  assert.deepEqual(upstream.written, answer)
  await upstream.says(0x88, 2, 0x03, 0xe9)
  upstream.push(null)
  await turn()
  assert.deepEqual(client.written, [0x81, 1, 97, ...goingAway])
  assert.equal(client.isEnded, true)
  client.push(null)
  for (let turns = 0; turns < 5; turns++) await turn()
  assert.equal(ended(), 1)
})

test('a frame that has begun is whole first, however it comes', async () => {
  const { client, upstream, made } = tunnel()
  await upstream.says(0x82)
  made.close(1001)
  await upstream.says(3, 1)
  assert.deepEqual(client.written, [0x82, 3, 1])
  await upstream.says(2, 3, 0x81, 1)
  await upstream.says(99)
  assert.deepEqual(client.written, [0x82, 3, 1, 2, 3, ...goingAway])
})

test('one that its upstream is closing, and another protocol, are left as they are', async () => {
  const closing = tunnel()
  await closing.upstream.says(0x88, 2, 0x03, 0xe8)
  closing.made.close(1001)
  const other = tunnel(false)
  await other.upstream.says(1, 2, 3)
  other.made.close(1001)
  await other.upstream.says(4)
  assert.deepEqual(
    [closing.client.written, other.client.written],
    [
      [0x88, 2, 0x03, 0xe8],
      [1, 2, 3, 4],
    ],
  )
})
