/**
 * TCP sockets of this network namespace as the kernel lists them (NETLINK_SOCK_DIAG): any user may
 * read the `tcp_info` of every socket. The layouts are those of
 * linux/{netlink,sock_diag,inet_diag}.h, little-endian as everywhere in `kernel/`.
 */

import { emptySnapshot, readTcpInfo, type Snapshot, tcpInfo } from '../kernel/layout.ts'
import { AF_INET, AF_INET6, type Block, IPPROTO_TCP, type Libc, O_CLOEXEC } from '../kernel/libc.ts'
import type { Coded } from '../policy/codes.ts'

const AF_NETLINK = 16
const SOCK_RAW = 3
const NETLINK_SOCK_DIAG = 4
const SOCK_DIAG_BY_FAMILY = 20
const SOCK_DESTROY = 21
const NLM_F_REQUEST = 1
const NLM_F_ACK = 4
const NLM_F_DUMP = 0x300
const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const INET_DIAG_INFO = 2

const headerBytes = 16
const requestBytes = headerBytes + 56
/** Where `struct inet_diag_sockid` lies in a request and in an answer. */
const idInRequest = headerBytes + 8
const idInAnswer = headerBytes + 4
const idBytes = 48
const answerBytes = 72
const receiveBytes = 256 * 1024

export interface TcpSocket {
  readonly state: number
  readonly localPort: number
  readonly remotePort: number
  /** As the kernel has it: 4 or 16 bytes, an IPv4 client of an IPv6 listener mapped. */
  readonly remoteAddress: Uint8Array
  readonly uid: number
  /** 0: no process has it (not accepted yet, or orphaned). */
  readonly inode: number
  /** Bytes that nobody has read; of a listener the connections that wait to be accepted. */
  readonly receiveQueue: number
  /** Bytes that the peer has not acknowledged; of a listener its backlog. */
  readonly sendQueue: number
  /** Null where the kernel is too old for it, and of listeners. */
  readonly info: Snapshot | null
  /** `struct inet_diag_sockid` with the cookie: what SOCK_DESTROY takes. */
  readonly id: Uint8Array
  readonly family: number
}

class NetlinkError extends Error implements Coded {
  override readonly name = 'NetlinkError'
  readonly code = 'RESCUE_NETLINK'
  readonly errno: number
  constructor(what: string, errno: number) {
    super(`${what} failed (errno ${errno})`)
    this.errno = errno
  }
}

export class SockDiag {
  readonly #libc: Libc
  readonly #fd: number
  readonly #request: Block
  readonly #answer: Block

  constructor(libc: Libc) {
    this.#libc = libc
    this.#request = libc.allocate(requestBytes)
    this.#answer = libc.allocate(receiveBytes)
    this.#fd = libc.socket(AF_NETLINK, SOCK_RAW | O_CLOEXEC, NETLINK_SOCK_DIAG)
    if (this.#fd < 0) throw new NetlinkError('socket(AF_NETLINK)', libc.errno())
  }

  /** Of both families. `localPort` 0: every port. */
  list(states: readonly number[], localPort = 0): TcpSocket[] {
    return [AF_INET, AF_INET6].flatMap((family) => this.#dump(family, states, localPort))
  }

  /**
   * Ends a connection by RST, whoever has it. Needs CAP_NET_ADMIN and a kernel that can. Returns 0,
   * or an errno.
   */
  destroy({ id, family }: TcpSocket): number {
    this.#ask(SOCK_DESTROY, NLM_F_REQUEST | NLM_F_ACK, family, 0xfff, id)
    const { view } = this.#answer
    const length = this.#receive()
    return length >= headerBytes + 4 && view.getUint16(4, true) === NLMSG_ERROR ? -view.getInt32(headerBytes, true) : 0
  }

  close(): void {
    this.#libc.close(this.#fd)
  }

  #dump(family: number, states: readonly number[], localPort: number): TcpSocket[] {
    const id = new Uint8Array(idBytes)
    new DataView(id.buffer).setUint16(0, localPort)
    const mask = states.reduce((bits, state) => bits | (1 << state), 0)
    this.#ask(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, family, mask, id)
    const found: TcpSocket[] = []
    const { view } = this.#answer
    for (;;) {
      const length = this.#receive()
      for (let at = 0; at + headerBytes <= length; ) {
        const size = view.getUint32(at, true)
        const type = view.getUint16(at + 4, true)
        if (type === NLMSG_DONE) return found
        if (type === NLMSG_ERROR) throw new NetlinkError('SOCK_DIAG', -view.getInt32(at + headerBytes, true))
        found.push(this.#read(at, size, family))
        at += aligned(size)
      }
    }
  }

  #ask(type: number, flags: number, family: number, states: number, id: Uint8Array): void {
    const { bytes, view } = this.#request
    bytes.fill(0)
    view.setUint32(0, requestBytes, true)
    view.setUint16(4, type, true)
    view.setUint16(6, flags, true)
    view.setUint8(headerBytes, family)
    view.setUint8(headerBytes + 1, IPPROTO_TCP)
    view.setUint8(headerBytes + 2, 1 << (INET_DIAG_INFO - 1))
    view.setUint32(headerBytes + 4, states, true)
    bytes.set(id, idInRequest)
    if (this.#libc.send(this.#fd, this.#request, requestBytes, 0) < 0) {
      throw new NetlinkError('send(AF_NETLINK)', this.#libc.errno())
    }
  }

  #receive(): number {
    const length = this.#libc.recv(this.#fd, this.#answer, receiveBytes, 0)
    if (length < 0) throw new NetlinkError('recv(AF_NETLINK)', this.#libc.errno())
    return length
  }

  #read(at: number, size: number, family: number): TcpSocket {
    const { bytes, view } = this.#answer
    const id = at + idInAnswer
    const tail = id + idBytes
    const addressBytes = family === AF_INET ? 4 : 16
    let info: Snapshot | null = null
    for (let attribute = at + headerBytes + answerBytes; attribute + 4 <= at + size; ) {
      const length = view.getUint16(attribute, true)
      if (length < 4) break
      if (view.getUint16(attribute + 2, true) === INET_DIAG_INFO) {
        const held = Math.min(length - 4, tcpInfo.size)
        const snapshot = emptySnapshot()
        const part = new DataView(bytes.buffer, attribute + 4, held)
        if (readTcpInfo(part, held, snapshot)) info = snapshot
      }
      attribute += aligned(length)
    }
    return {
      state: view.getUint8(at + headerBytes + 1),
      localPort: view.getUint16(id),
      remotePort: view.getUint16(id + 2),
      remoteAddress: bytes.slice(id + 20, id + 20 + addressBytes),
      receiveQueue: view.getUint32(tail + 4, true),
      sendQueue: view.getUint32(tail + 8, true),
      uid: view.getUint32(tail + 12, true),
      inode: view.getUint32(tail + 16, true),
      info,
      id: bytes.slice(id, id + idBytes),
      family,
    }
  }
}

const aligned = (size: number): number => (size + 3) & ~3
