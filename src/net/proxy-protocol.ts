/**
 * The PROXY protocol, both versions, without I/O: how a proxy in front announces its client, and
 * how we announce ours. After HAProxy's doc/proxy-protocol.txt, whose sections are cited by number.
 */
import { Buffer } from 'node:buffer'
import { addressOf, textOf } from './networks.ts'
import type { Peer } from './transport.ts'

export type ProxyProtocolVersion = 'v1' | 'v2'

/** What a header says. */
export interface ProxyHeader {
  readonly version: ProxyProtocolVersion
  /**
   * null: the connection is the proxy's own (LOCAL, UNKNOWN), or comes from no IP address: the real
   * peer counts.
   */
  readonly client: Peer | null
  /** Where the client thinks it is connected to. */
  readonly destination: Peer | null
}

export const proxyFaults = {
  'no-header': 'it does not begin with a PROXY protocol header',
  'v1-too-long': 'its v1 header has no CRLF within 107 bytes',
  'v1-syntax': 'its v1 header is malformed',
  'v2-version': 'its v2 header is of another version than 2',
  'v2-command': 'its v2 header has an unknown command',
  'v2-family': 'its v2 header has an unknown address family or transport',
  'v2-length': 'its v2 header is too short for its addresses',
  'v2-tlv': 'a TLV of its v2 header reaches over the end',
  'v2-checksum': 'the CRC32C of its v2 header does not match',
} as const
export type ProxyFault = keyof typeof proxyFaults

/** 2.2: `\r\n\r\n\0\r\nQUIT\n`. */
const signature = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a)
const v1Start = Uint8Array.from(Buffer.from('PROXY ', 'latin1'))
/** 2.1: the longest line there can be, with its CRLF. */
const v1Bytes = 107
/** Of v2 before its addresses. */
const v2Bytes = 16
const cr = 0x0d
const lf = 0x0a

/** Address family and transport, 2.2: the high and the low half of one byte. */
const family = { unspecified: 0, inet: 1, inet6: 2, unix: 3 } as const
const stream = 1
const datagram = 2
/** Bytes of the two addresses and ports. */
const addressBytes: Readonly<Record<number, number>> = {
  [family.unspecified]: 0,
  [family.inet]: 12,
  [family.inet6]: 36,
  [family.unix]: 216,
}
const crc32cType = 0x03

/**
 * Reads one header from the start of a connection. Whatever comes, it throws nothing; it holds on
 * to no more than the header, which is 107 bytes, or 16 and the 65,535 that version 2 can announce.
 */
export class ProxyHeaderReader {
  /** Once it is whole. */
  header: ProxyHeader | null = null
  /** Once it can't become one. */
  fault: ProxyFault | null = null
  #held = new Uint8Array(v1Bytes)
  #length = 0

  /**
   * Returns how many of these bytes are of the header; those behind them, once there is one, are
   * the client's.
   */
  feed(bytes: Uint8Array): number {
    let used = 0
    while (used < bytes.length && this.header === null && this.fault === null) {
      const byte = bytes[used]!
      used += 1
      this.#held[this.#length] = byte
      this.#length += 1
      this.#look(byte)
      // The rest of a v2 header, whose length is known, in one piece.
      const copied = this.#v2Rest(bytes.subarray(used))
      used += copied
    }
    return used
  }

  #look(byte: number): void {
    const held = this.#held
    const length = this.#length
    const start = held[0] === v1Start[0] ? v1Start : signature
    if (length <= start.length) {
      if (byte !== start[length - 1]) this.fault = 'no-header'
      return
    }
    if (start === v1Start) {
      if (byte === lf) {
        if (held[length - 2] === cr) this.#judgeV1(Buffer.from(held.buffer, 0, length - 2).toString('latin1'))
        else this.fault = 'v1-syntax'
      } else if (length === v1Bytes) this.fault = 'v1-too-long'
    } else if (length === v2Bytes) {
      const total = v2Bytes + this.#announced
      if (total > held.length) {
        this.#held = new Uint8Array(total)
        this.#held.set(held.subarray(0, v2Bytes))
      }
      this.fault = faultOfStart(held[12]!, held[13]!, this.#announced)
      if (this.fault === null && total === v2Bytes) this.#judgeV2()
    }
  }

  get #announced(): number {
    return (this.#held[14]! << 8) | this.#held[15]!
  }

  #v2Rest(bytes: Uint8Array): number {
    if (this.#length < v2Bytes || this.#held[0] !== signature[0] || this.header !== null || this.fault !== null)
      return 0
    const missing = v2Bytes + this.#announced - this.#length
    const piece = bytes.subarray(0, missing)
    this.#held.set(piece, this.#length)
    this.#length += piece.length
    if (piece.length === missing) this.#judgeV2()
    return piece.length
  }

  /** 2.1. */
  #judgeV1(line: string): void {
    if (/^PROXY UNKNOWN( |$)/.test(line)) {
      this.header = { version: 'v1', client: null, destination: null }
      return
    }
    const [, said, from, to, fromPort, toPort] =
      /^PROXY (TCP4|TCP6) ([\d.a-fA-F:]+) ([\d.a-fA-F:]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/.exec(line) ?? []
    const client = endpoint(from, fromPort, said === 'TCP4')
    const destination = endpoint(to, toPort, said === 'TCP4')
    if (client === null || destination === null) this.fault = 'v1-syntax'
    else this.header = { version: 'v1', client, destination }
  }

  /** 2.2. */
  #judgeV2(): void {
    const held = this.#held.subarray(0, this.#length)
    const command = held[12]! & 15
    // LOCAL: the rest is discarded, whatever it says.
    if (command === 0) {
      this.header = { version: 'v2', client: null, destination: null }
      return
    }
    const of = held[13]! >> 4
    // Without a family nothing says where TLVs would begin.
    this.fault = of === family.unspecified ? null : faultOfTlvs(held, v2Bytes + addressBytes[of]!)
    if (this.fault !== null) return
    const size = (held[13]! & 15) !== stream ? 0 : of === family.inet ? 4 : of === family.inet6 ? 16 : 0
    const ports = v2Bytes + 2 * size
    this.header = {
      version: 'v2',
      client: size === 0 ? null : peerOf(held.subarray(v2Bytes, v2Bytes + size), wordAt(held, ports)),
      destination: size === 0 ? null : peerOf(held.subarray(v2Bytes + size, ports), wordAt(held, ports + 2)),
    }
  }
}

function faultOfStart(versionAndCommand: number, familyAndTransport: number, announced: number): ProxyFault | null {
  if (versionAndCommand >> 4 !== 2) return 'v2-version'
  const command = versionAndCommand & 15
  if (command > 1) return 'v2-command'
  if (command === 0) return null
  const needed = addressBytes[familyAndTransport >> 4]
  if (needed === undefined || (familyAndTransport & 15) > datagram) return 'v2-family'
  return announced < needed ? 'v2-length' : null
}

/**
 * 2.2.1. Of what they say only the checksum concerns us, which must be looked at where it is there
 * (2.2.4).
 */
function faultOfTlvs(held: Uint8Array, from: number): ProxyFault | null {
  for (let at = from; at < held.length; ) {
    if (at + 3 > held.length) return 'v2-tlv'
    const value = at + 3
    const end = value + wordAt(held, at + 1)
    if (end > held.length) return 'v2-tlv'
    if (held[at] === crc32cType) {
      if (end - value !== 4) return 'v2-tlv'
      const said = (wordAt(held, value) * 0x10000 + wordAt(held, value + 2)) >>> 0
      const zeroed = held.slice()
      zeroed.fill(0, value, end)
      if (crc32c(zeroed) !== said) return 'v2-checksum'
    }
    at = end
  }
  return null
}

const wordAt = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!

function endpoint(address = '', port: string | undefined, dotted: boolean): Peer | null {
  const bytes = address.includes(':') === dotted ? null : addressOf(address)
  return bytes === null || Number(port) > 65_535 ? null : peerOf(bytes, Number(port))
}

/** An IPv4-mapped address is written as the IPv4 address that it is. */
function peerOf(bytes: Uint8Array, port: number): Peer {
  const mapped = bytes.length === 16 && !isMapped(bytes) ? null : bytes.subarray(-4)
  return mapped === null
    ? { address: textOf(bytes, false), port, family: 'IPv6' }
    : { address: mapped.join('.'), port, family: 'IPv4' }
}

/** RFC 4291 2.5.5.2. */
const isMapped = (bytes: Uint8Array): boolean => v4Prefix.every((byte, at) => bytes[at] === byte)
const v4Prefix = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255)
const unspecified4 = Uint8Array.of(...v4Prefix, 0, 0, 0, 0)
const unspecified6 = new Uint8Array(16)

/**
 * What announces a client to an upstream, ahead of everything else. Without a client (null: a
 * health check of our own), or where it has no IP address: LOCAL or UNKNOWN. A destination that
 * nobody knows is the unspecified address.
 */
export function proxyHeader(
  version: ProxyProtocolVersion,
  client: Pick<Peer, 'address' | 'port'> | null,
  destination: Pick<Peer, 'address' | 'port'> | null,
): Uint8Array {
  const from = client && addressOf(client.address)
  if (!client || !from) return version === 'v1' ? v1Unknown : v2Local
  const to = (destination && addressOf(destination.address)) ?? (isMapped(from) ? unspecified4 : unspecified6)
  const toPort = destination?.port ?? 0
  // Both in one family: else the IPv4 one goes as an IPv4-mapped address.
  const dotted = isMapped(from) && isMapped(to)
  if (version === 'v1') {
    const text = (bytes: Uint8Array) => textOf(bytes, dotted)
    return latin1(`PROXY ${dotted ? 'TCP4' : 'TCP6'} ${text(from)} ${text(to)} ${client.port} ${toPort}\r\n`)
  }
  const size = dotted ? 4 : 16
  const header = new Uint8Array(v2Bytes + 2 * size + 4)
  header.set(signature)
  header[12] = 0x21
  header[13] = ((dotted ? family.inet : family.inet6) << 4) | stream
  header[15] = 2 * size + 4
  header.set(from.subarray(-size), v2Bytes)
  header.set(to.subarray(-size), v2Bytes + size)
  const ports = new DataView(header.buffer, v2Bytes + 2 * size)
  ports.setUint16(0, client.port)
  ports.setUint16(2, toPort)
  return header
}

const latin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))
const v1Unknown = latin1('PROXY UNKNOWN\r\n')
const v2Local = Uint8Array.of(...signature, 0x20, 0, 0, 0)

/** RFC 3720 B.4 (Castagnoli), reflected; `node:zlib` has only the other one. */
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc >>> 0
})

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crc >>> 8) ^ crcTable[(crc ^ byte) & 255]!
  return (crc ^ 0xffffffff) >>> 0
}
