/**
 * HTTP/2 without a library's opinions: frames are written from data, as wrong as a case wants them,
 * and read as far as a verdict needs.
 */
import * as v from 'valibot'
import { CaseError } from '../judge/verdict.ts'
import {
  ack,
  encode,
  endHeaders,
  endStream,
  errorCodes,
  type FrameType,
  frameTypes,
  literal,
  type PeerSettings,
  preface,
  rawBytes,
  rawFrameSchema,
} from './h2-frame.ts'

/**
 * What a case may send. A request opens the next stream; what has no stream of its own belongs to
 * the last one opened.
 */
export const frameSchema = v.union([
  v.literal('preface'),
  v.strictObject({ settings: v.literal('ack') }),
  v.strictObject({
    request: v.picklist(['GET', 'POST']),
    path: v.string(),
    /** The client has more to send: no END_STREAM. */
    open: v.optional(v.literal(true)),
    /** The head goes on in CONTINUATION: no END_HEADERS. */
    unfinished: v.optional(v.literal(true)),
  }),
  /** One more field of an unfinished head, of so many bytes. */
  v.strictObject({ continuation: v.pipe(v.number(), v.integer(), v.minValue(1)) }),
  v.strictObject({ data: v.pipe(v.number(), v.integer(), v.minValue(0)), end: v.optional(v.literal(true)) }),
  v.strictObject({ reset: v.picklist(errorCodes) }),
  v.strictObject({ ping: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)) }),
  /** One open request more than the server takes at once. */
  v.strictObject({ requests: v.literal('beyond-limit'), path: v.string() }),
  rawFrameSchema,
])
export type FrameData = v.InferOutput<typeof frameSchema>

/** What a server takes that has not said otherwise (RFC 9113 6.5.2). */
const unsaid: PeerSettings = { maxFrameSize: 16_384, maxConcurrentStreams: null }
/** A server that takes more requests at once than this is not asked for one more. */
const mostRequests = 1_000

export class FrameWriter {
  #stream = -1

  /** `fill` writes host and paths into what the case left open. */
  write(frames: readonly FrameData[], fill: (text: string) => string, peer: PeerSettings = unsaid): Buffer {
    return Buffer.concat(frames.map((frame) => this.#bytes(frame, fill, peer)))
  }

  #bytes(frame: FrameData, fill: (text: string) => string, peer: PeerSettings): Buffer {
    if (frame === 'preface') return Buffer.concat([preface, encode('settings', 0, 0)])
    if ('settings' in frame) return encode('settings', ack, 0)
    if ('frame' in frame) return rawBytes(frame, fill, peer)
    if ('requests' in frame) {
      const { maxConcurrentStreams: most } = peer
      if (most === null || most > mostRequests) {
        throw new CaseError('not-judged', `the server takes ${most ?? 'any number of'} requests at once`)
      }
      const open: FrameData = { request: 'POST', path: frame.path, open: true }
      return this.write(new Array<FrameData>(most + 1).fill(open), fill, peer)
    }
    if ('ping' in frame) return encode('ping', 0, 0, Buffer.from(frame.ping, 'hex'))
    if ('request' in frame) {
      this.#stream += 2
      const fields = Buffer.concat([
        literal(':method', frame.request),
        literal(':scheme', 'https'),
        literal(':path', fill(frame.path)),
        literal(':authority', fill('{host}')),
      ])
      return encode('headers', (frame.open ? 0 : endStream) | (frame.unfinished ? 0 : endHeaders), this.#stream, fields)
    }
    if ('continuation' in frame)
      return encode('continuation', 0, this.#stream, literal('x-pad', 'x'.repeat(frame.continuation)))
    if ('data' in frame) return encode('data', frame.end ? endStream : 0, this.#stream, Buffer.alloc(frame.data, 'x'))
    const code = Buffer.alloc(4)
    code.writeUInt32BE(errorCodes.indexOf(frame.reset))
    return encode('rst_stream', 0, this.#stream, code)
  }
}

export interface Frame {
  readonly type: FrameType | 'unknown'
  readonly stream: number
  readonly bytes: number
  /** SETTINGS and PING. */
  readonly ack: boolean
  readonly endStream: boolean
  /** GOAWAY and RST_STREAM. */
  readonly error: string | null
  /** GOAWAY: the last request that the server may still answer. */
  readonly lastStream: number | null
  /** HEADERS that begin an answer. */
  readonly status: number | null
  readonly atMs: number
}

/** More than a flood of a case brings back. */
const keptFrames = 10_000
/** Of a payload: what is looked into is at its beginning. */
const keptBytes = 64

export class FrameReader {
  readonly frames: Frame[] = []
  settings: PeerSettings = unsaid
  #head: Buffer = Buffer.alloc(0)
  #payload: Buffer = Buffer.alloc(0)
  #left = 0

  push(chunk: Buffer, nowMs: number): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#head.length < 9) {
        const more = chunk.subarray(at, at + 9 - this.#head.length)
        at += more.length
        this.#head = Buffer.concat([this.#head, more])
        if (this.#head.length < 9) return
        this.#left = this.#head.readUIntBE(0, 3)
      }
      const part = chunk.subarray(at, at + this.#left)
      at += part.length
      this.#left -= part.length
      if (this.#payload.length < keptBytes) {
        this.#payload = Buffer.concat([this.#payload, part.subarray(0, keptBytes - this.#payload.length)])
      }
      if (this.#left > 0) return
      this.#learn()
      if (this.frames.length < keptFrames) this.frames.push(frameOf(this.#head, this.#payload, nowMs))
      this.#head = Buffer.alloc(0)
      this.#payload = Buffer.alloc(0)
    }
  }

  #learn(): void {
    if (this.#head[3] !== frameTypes.indexOf('settings')) return
    for (let at = 0; at + 6 <= this.#payload.length; at += 6) {
      const value = this.#payload.readUInt32BE(at + 2)
      const id = this.#payload.readUInt16BE(at)
      if (id === 3) this.settings = { ...this.settings, maxConcurrentStreams: value }
      if (id === 5) this.settings = { ...this.settings, maxFrameSize: value }
    }
  }
}

function frameOf(head: Buffer, payload: Buffer, atMs: number): Frame {
  const type = frameTypes[head[3] as number] ?? 'unknown'
  const flags = head[4] as number
  const errorAt = type === 'goaway' ? 4 : type === 'rst_stream' ? 0 : null
  const code = errorAt !== null && payload.length >= errorAt + 4 ? payload.readUInt32BE(errorAt) : null
  return {
    type,
    stream: head.readUInt32BE(5) & 0x7fff_ffff,
    bytes: head.readUIntBE(0, 3),
    ack: (type === 'settings' || type === 'ping') && (flags & ack) !== 0,
    endStream: (type === 'data' || type === 'headers') && (flags & endStream) !== 0,
    error: code === null ? null : (errorCodes[code] ?? `error ${code}`),
    lastStream: type === 'goaway' && payload.length >= 4 ? payload.readUInt32BE(0) & 0x7fff_ffff : null,
    status: type === 'headers' ? statusOf(payload) : null,
    atMs,
  }
}

/** RFC 7541 appendix A, entries 8 to 14. */
const indexedStatus = [200, 204, 206, 304, 400, 404, 500]

/**
 * `:status`, which is the first field (RFC 9113 8.3), by its index or as a literal; null if it is
 * neither.
 */
function statusOf(block: Buffer): number | null {
  let at = 0
  // RFC 7541 6.3: updates of the table's size come first.
  while (((block[at] ?? 0) & 0xe0) === 0x20) {
    const long = ((block[at] ?? 0) & 0x1f) === 0x1f
    at += 1
    if (long) while ((block[at++] ?? 0) >= 128);
  }
  const first = block[at] ?? 0
  if (first >= 0x88 && first <= 0x8e) return indexedStatus[first - 0x88] ?? null
  // 6.2.1 to 6.2.3: a literal whose name has the index of one of those entries.
  const index = (first & 0xc0) === 0x40 ? first & 0x3f : first & 0x0f
  if (first >= 0x80 || index < 8 || index > 14) return null
  const length = block[at + 1] ?? 0
  const value = block.subarray(at + 2, at + 2 + (length & 0x7f))
  const digits = length >= 128 ? huffmanDigits(value) : value.toString('latin1')
  return /^\d{3}$/.test(digits) ? Number(digits) : null
}

/** RFC 7541 appendix B: `0` to `2` have five bits (0 to 2), `3` to `9` six (25 to 31). */
function huffmanDigits(bytes: Buffer): string {
  let bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  let digits = ''
  while (bits.length >= 5) {
    const five = Number.parseInt(bits.slice(0, 5), 2)
    const six = Number.parseInt(bits.slice(0, 6), 2)
    if (five <= 2) digits += five
    else if (bits.length >= 6 && six >= 25 && six <= 31) digits += six - 22
    else break
    bits = bits.slice(five <= 2 ? 5 : 6)
  }
  return digits
}
