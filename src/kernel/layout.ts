/** What the bytes mean that the kernel fills in. Little-endian, as Linux is on x86-64 and arm64. */
import { AF_INET, AF_INET6 } from './libc.ts'

/** include/net/tcp_states.h */
export const TCP_ESTABLISHED = 1
export const TCP_FIN_WAIT1 = 4
export const TCP_FIN_WAIT2 = 5
export const TCP_CLOSE = 7
export const TCP_CLOSE_WAIT = 8
export const TCP_LISTEN = 10

/**
 * `struct tcp_info` of linux/tcp.h: where the fields are that we read. It only ever grows at its
 * end.
 */
export const tcpInfo = {
  state: 0,
  sndMss: 16,
  unacked: 24,
  lastDataSent: 44,
  lastDataRecv: 52,
  lastAckRecv: 56,
  /** Linux 4.1 */
  bytesAcked: 120,
  bytesReceived: 128,
  /** Linux 4.6 */
  notsentBytes: 144,
  dataSegsIn: 152,
  dataSegsOut: 156,
  /** What is asked for; what is not returned is not there. */
  size: 160,
} as const

/** One connection as the kernel sees it, at one instant. */
export interface Snapshot {
  state: number
  /** ms since data went out, or since the connection was established if none did. */
  sentAgoMs: number
  /** The same for data that came. */
  receivedAgoMs: number
  received: number
  acked: number
  /**
   * Bytes written by the runtime that the peer has not acknowledged: those on their way are counted
   * in whole segments.
   */
  unsent: number
  /** Segments with data in them that came, and that went out. */
  segmentsIn: number
  segmentsOut: number
}

export const emptySnapshot = (): Snapshot => ({
  state: TCP_CLOSE,
  sentAgoMs: 0,
  receivedAgoMs: 0,
  received: 0,
  acked: 0,
  unsent: 0,
  segmentsIn: 0,
  segmentsOut: 0,
})

/** The oldest struct that a ledger can be kept by; a shorter one does not do. */
export const leastTcpInfo = tcpInfo.bytesReceived + 8

/** `length`: how much of it the kernel filled in. Returns whether it was enough. */
export function readTcpInfo(view: DataView, length: number, into: Snapshot): boolean {
  if (length < leastTcpInfo) return false
  into.state = view.getUint8(tcpInfo.state)
  into.sentAgoMs = view.getUint32(tcpInfo.lastDataSent, true)
  into.receivedAgoMs = view.getUint32(tcpInfo.lastDataRecv, true)
  into.acked = readUint64(view, tcpInfo.bytesAcked)
  into.received = readUint64(view, tcpInfo.bytesReceived)
  const notsent = length >= tcpInfo.notsentBytes + 4 ? view.getUint32(tcpInfo.notsentBytes, true) : 0
  into.unsent = notsent + view.getUint32(tcpInfo.unacked, true) * view.getUint32(tcpInfo.sndMss, true)
  into.segmentsOut = length >= tcpInfo.dataSegsOut + 4 ? view.getUint32(tcpInfo.dataSegsOut, true) : 0
  into.segmentsIn = length >= tcpInfo.dataSegsIn + 4 ? view.getUint32(tcpInfo.dataSegsIn, true) : 0
  return true
}

/** Exact to 2^53: cookies, inodes and byte counts do not get there. */
export const readUint64 = (view: DataView, at: number): number =>
  view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32

export interface Address {
  readonly host: string
  readonly port: number
}

/**
 * `struct sockaddr_in`, `sockaddr_in6`; null: another family. An IPv4 client of an IPv6 listener is
 * an IPv4 client.
 */
export function readAddress(view: DataView): Address | null {
  const family = view.getUint16(0, true)
  const port = view.getUint16(2)
  if (family === AF_INET) return { host: ipv4(view, 4), port }
  if (family !== AF_INET6) return null
  const mapped = view.getUint32(8) === 0 && view.getUint32(12) === 0 && view.getUint32(16) === 0xffff
  return { host: mapped ? ipv4(view, 20) : ipv6(view, 8), port }
}

const ipv4 = (view: DataView, at: number): string =>
  `${view.getUint8(at)}.${view.getUint8(at + 1)}.${view.getUint8(at + 2)}.${view.getUint8(at + 3)}`

/** As RFC 5952 4 wants it, which is what Deno and Bun say. */
function ipv6(view: DataView, at: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(at + index * 2))
  let [from, length] = [0, 0]
  for (let start = 0; start < 8; start++) {
    let end = start
    while (end < 8 && groups[end] === 0) end++
    if (end - start > length) [from, length] = [start, end - start]
    if (end > start) start = end
  }
  const hex = (some: readonly number[]) => some.map((group) => group.toString(16)).join(':')
  if (length < 2) return hex(groups)
  return `${hex(groups.slice(0, from))}::${hex(groups.slice(from + length))}`
}

/**
 * Whether a socket with this local address is the listener's own, or one that it has accepted:
 * another listener of the process may have the same port of another address.
 */
export function isAt({ host, port }: Address, local: Address): boolean {
  if (local.port !== port) return false
  const [at] = host.split('%')
  // Those of IPv6 take what comes by IPv4 as well.
  return at === '::' || (at === '0.0.0.0' ? !local.host.includes(':') : at === local.host)
}

/** How a client is named in the ledger, from what a runtime says of it. */
export function peerName(host: string, port: number): string {
  return `${host.startsWith('::ffff:') && host.includes('.') ? host.slice(7) : host}|${port}`
}

/**
 * Of `struct linux_dirent64` records: the names that are numbers, as those of `/proc/self/fd` are.
 */
export function readDescriptors(view: DataView, length: number): number[] {
  const found: number[] = []
  for (let at = 0; at + 19 <= length; ) {
    const size = view.getUint16(at + 16, true)
    if (size === 0) break
    let number = 0
    let digits = 0
    for (let character = at + 19; character < at + size; character++) {
      const digit = view.getUint8(character) - 48
      if (digit < 0 || digit > 9) break
      number = number * 10 + digit
      digits += 1
    }
    if (digits > 0) found.push(number)
    at += size
  }
  return found
}

/** A counter of `/proc/net/netstat` or `/proc/net/snmp`: a line of names, a line of values. */
export function readCounter(text: string, group: string, name: string): number | null {
  const [names, values] = text.split('\n').filter((line) => line.startsWith(`${group}:`))
  const index = names?.split(' ').indexOf(name) ?? -1
  const value = index < 0 ? undefined : values?.split(' ')[index]
  return value === undefined ? null : Number(value)
}
