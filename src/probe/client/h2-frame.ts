/**
 * The bytes of an HTTP/2 frame (RFC 9113 section 4.1), as wrong as a case wants them. Fields are
 * HPACK literals (RFC 7541 6.2.2), never compressed, so no state is shared.
 */
import * as v from 'valibot'

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** RFC 9113 section 6; the place is the type's number. */
export const frameTypes = [
  'data',
  'headers',
  'priority',
  'rst_stream',
  'settings',
  'push_promise',
  'ping',
  'goaway',
  'window_update',
  'continuation',
] as const
export type FrameType = (typeof frameTypes)[number]

/** RFC 9113 section 7; the place is the code. */
export const errorCodes = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
] as const

export const endStream = 0x1
export const ack = 0x1
export const endHeaders = 0x4
export const padded = 0x8
export const priority = 0x20

const whole = v.pipe(v.number(), v.integer(), v.minValue(0))
const octet = v.pipe(whole, v.maxValue(0xff))
const word = v.pipe(whole, v.maxValue(0xffff_ffff))

/** A part of a frame's payload. */
const partSchema = v.union([
  v.strictObject({ hex: v.pipe(v.string(), v.regex(/^([0-9a-f]{2})*$/)) }),
  /** So many bytes `x`. */
  v.strictObject({ x: whole }),
  v.strictObject({ u32: word }),
  v.strictObject({ fields: v.array(v.tuple([v.string(), v.string()])) }),
  /** RFC 9113 6.5.1 */
  v.strictObject({ setting: v.tuple([v.pipe(whole, v.maxValue(0xffff)), word]) }),
  /** One byte more than the server takes in a frame. */
  v.strictObject({ beyond: v.literal('maxFrameSize') }),
])

/** A frame as it is written here, whatever the protocol says of it. */
export const rawFrameSchema = v.strictObject({
  frame: v.union([v.picklist(frameTypes), octet]),
  /** Default: none. */
  flags: v.optional(octet),
  /** Default: 0, the connection. The highest bit is the reserved one. */
  stream: v.optional(word),
  payload: v.optional(v.array(partSchema)),
})
export type RawFrame = v.InferOutput<typeof rawFrameSchema>

/** What the server has said of itself in SETTINGS; until then, RFC 9113 6.5.2. */
export interface PeerSettings {
  readonly maxFrameSize: number
  /** Null: no limit. */
  readonly maxConcurrentStreams: number | null
}

export function rawBytes(raw: RawFrame, fill: (text: string) => string, peer: PeerSettings): Buffer {
  const payload = (raw.payload ?? []).map((part): Buffer => {
    if ('hex' in part) return Buffer.from(part.hex, 'hex')
    if ('x' in part) return Buffer.alloc(part.x, 'x')
    if ('beyond' in part) return Buffer.alloc(peer.maxFrameSize + 1)
    if ('fields' in part) return Buffer.concat(part.fields.map(([name, value]) => literal(name, fill(value))))
    const bytes = Buffer.alloc('u32' in part ? 4 : 6)
    if ('u32' in part) bytes.writeUInt32BE(part.u32)
    else {
      bytes.writeUInt16BE(part.setting[0])
      bytes.writeUInt32BE(part.setting[1], 2)
    }
    return bytes
  })
  return encode(raw.frame, raw.flags ?? 0, raw.stream ?? 0, Buffer.concat(payload))
}

export function encode(
  type: FrameType | number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = typeof type === 'number' ? type : frameTypes.indexOf(type)
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** RFC 7541 6.2.2: a literal without indexing, its name too. */
export function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), text(name), text(value)])
}

function text(value: string): Buffer {
  return Buffer.concat([integer(value.length, 7), Buffer.from(value, 'latin1')])
}

/** RFC 7541 5.1 */
function integer(value: number, prefixBits: number): Buffer {
  const most = 2 ** prefixBits - 1
  if (value < most) return Buffer.from([value])
  const bytes = [most]
  let rest = value - most
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}
