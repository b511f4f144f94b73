/** Frames of RFC 6455, right and wrong, and a client that reads those of a server. */
import { randomBytes } from 'node:crypto'
import { Client } from '../lib/client.ts'

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** Text stands for its bytes in UTF-8. */
export type Payload = string | Uint8Array

export interface Frame {
  readonly opcode: number
  readonly payload?: Payload
  /** Default: true. */
  readonly fin?: boolean
  /** RSV1 to RSV3 as a number of three bits. */
  readonly rsv?: number
  /** Default: a key of four random bytes; null: the payload is not masked. */
  readonly mask?: Uint8Array | null
  /** Instead of the payload's own. */
  readonly length?: bigint
  /** In so many bits, instead of as few as will do. */
  readonly lengthBits?: 7 | 16 | 64
}

const bytesOf = (payload: Payload): Buffer => Buffer.from(payload as string)

function lengthOf(length: bigint, bits: 7 | 16 | 64): Buffer {
  if (bits === 7) return Buffer.from([Number(length)])
  const field = Buffer.alloc(bits === 16 ? 3 : 9)
  field[0] = bits === 16 ? 126 : 127
  if (bits === 16) field.writeUInt16BE(Number(length), 1)
  else field.writeBigUInt64BE(length, 1)
  return field
}

export function encode({ opcode, payload = '', fin = true, rsv = 0, mask = randomBytes(4), ...more }: Frame): Buffer {
  const data = bytesOf(payload)
  const { length = BigInt(data.length) } = more
  const { lengthBits = length < 126n ? 7 : length < 65_536n ? 16 : 64 } = more
  const head = lengthOf(length, lengthBits)
  const first = Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode])
  if (mask === null) return Buffer.concat([first, head, data])
  head[0]! |= 0x80
  return Buffer.concat([first, head, mask, data.map((byte, i) => byte ^ mask[i % 4]!)])
}

/** `code`: null where there is none. */
export const close = (code: number | null, reason: Payload = ''): Frame => {
  if (code === null) return { opcode: opcodes.close }
  return { opcode: opcodes.close, payload: Buffer.concat([Buffer.from([code >> 8, code & 255]), bytesOf(reason)]) }
}

export interface Received {
  readonly opcode: number
  readonly payload: Buffer
}

export class WebSocketClient extends Client {
  /** Whole messages and control frames, in their order. */
  readonly frames: Received[] = []
  switched = false
  #rest = Buffer.alloc(0)
  #message: Received | null = null

  ask(path = '/ws'): this {
    const key = randomBytes(16).toString('base64')
    return this.send(
      `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    )
  }

  protected override received(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data])
    if (!this.switched) {
      const end = this.#rest.indexOf('\r\n\r\n')
      if (end === -1) return
      this.text = this.#rest.toString('latin1', 0, end)
      this.switched = this.text.startsWith('HTTP/1.1 101 ')
      this.#rest = this.#rest.subarray(end + 4)
    }
    while (this.switched && this.#next());
  }

  get closeFrame(): Received | undefined {
    return this.frames.find(({ opcode }) => opcode === opcodes.close)
  }

  /** Throws at what no server may send. */
  #next(): boolean {
    const rest = this.#rest
    if (rest.length < 2) return false
    const small = rest[1]! & 0x7f
    if ((rest[1]! & 0x80) !== 0) throw new Error('a server’s frame is masked')
    const headBytes = small === 127 ? 10 : small === 126 ? 4 : 2
    if (rest.length < headBytes) return false
    const length = small === 127 ? Number(rest.readBigUInt64BE(2)) : small === 126 ? rest.readUInt16BE(2) : small
    if (rest.length < headBytes + length) return false
    this.#rest = rest.subarray(headBytes + length)
    if ((rest[0]! & 0x70) !== 0) throw new Error('a reserved bit is set')
    this.#take(rest[0]! & 0x0f, Buffer.from(rest.subarray(headBytes, headBytes + length)), rest[0]! >= 0x80)
    return true
  }

  #take(opcode: number, payload: Buffer, fin: boolean): void {
    if (opcode >= opcodes.close) {
      this.frames.push({ opcode, payload })
      return
    }
    if ((opcode === opcodes.continuation) !== (this.#message !== null)) throw new Error('fragments out of order')
    const before = this.#message
    const message =
      before === null ? { opcode, payload } : { ...before, payload: Buffer.concat([before.payload, payload]) }
    this.#message = fin ? null : message
    if (fin) this.frames.push(message)
  }
}
