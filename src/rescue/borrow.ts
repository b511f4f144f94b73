/**
 * Descriptors of another process, borrowed one at a time: looked at, ended in an orderly way, given
 * back.
 */

import { emptySnapshot, readAddress, readTcpInfo, type Snapshot, tcpInfo } from '../kernel/layout.ts'
import { type Block, IPPROTO_TCP, type Libc, SHUT_RDWR, SIOCINQ, TCP_INFO } from '../kernel/libc.ts'
import type { Coded } from '../policy/codes.ts'
import { isDue, judge, type Limits } from './judge.ts'

export const EPERM = 1
export const ESRCH = 3
const EBADF = 9
export const EINVAL = 22
export const ENOSYS = 38

/** The kernel did not lend a descriptor. */
export class BorrowError extends Error implements Coded {
  override readonly name = 'BorrowError'
  readonly code = 'RESCUE_BORROW'
  readonly errno: number
  readonly call: 'pidfd_open' | 'pidfd_getfd'
  constructor(call: BorrowError['call'], errno: number) {
    super(`${call} failed (errno ${errno})`)
    this.call = call
    this.errno = errno
  }
}

export type Ended =
  /** Ended between two requests. */
  | 'closed'
  /** The same, and a request came in that very moment: its client gets no response. */
  | 'raced'
  /** It is not due any more: it was left alone. */
  | 'spared'
  /** Its process had closed it already. */
  | 'gone'

const addressBytes = 28

/** One process that lends. `close()` it: it holds one descriptor. */
export class Lender {
  readonly #libc: Libc
  readonly #pidfd: number
  readonly #info: Block
  readonly #length: Block
  readonly #count: Block
  readonly #address: Block

  constructor(libc: Libc, pid: number) {
    this.#libc = libc
    this.#info = libc.allocate(tcpInfo.size)
    this.#length = libc.allocate(4)
    this.#count = libc.allocate(4)
    this.#address = libc.allocate(addressBytes)
    this.#pidfd = libc.pidfdOpen(pid)
    if (this.#pidfd < 0) throw new BorrowError('pidfd_open', libc.errno())
  }

  /**
   * Ends the connection to that port of its client if it is still due. Throws a `BorrowError` where
   * it may not be borrowed.
   */
  end(fd: number, remotePort: number, limits: Limits): Ended {
    const libc = this.#libc
    const own = libc.pidfdGetfd(this.#pidfd, fd)
    if (own < 0) {
      const errno = libc.errno()
      if (errno === EBADF || errno === ESRCH) return 'gone'
      throw new BorrowError('pidfd_getfd', errno)
    }
    try {
      // The number may be another's by now.
      if (this.#remotePort(own) !== remotePort) return 'gone'
      const info = this.#look(own)
      if (info === null) return 'gone'
      const seen = { state: info.state, info, receiveQueue: this.#waiting(own), sendQueue: 0 }
      if (!isDue(judge(seen), limits)) return 'spared'
      libc.shutdown(own, SHUT_RDWR)
      return this.#waiting(own) > 0 ? 'raced' : 'closed'
    } finally {
      libc.close(own)
    }
  }

  close(): void {
    this.#libc.close(this.#pidfd)
  }

  #remotePort(fd: number): number | null {
    this.#length.view.setUint32(0, addressBytes, true)
    if (this.#libc.getpeername(fd, this.#address, this.#length) < 0) return null
    return readAddress(this.#address.view)?.port ?? null
  }

  #look(fd: number): Snapshot | null {
    this.#length.view.setUint32(0, tcpInfo.size, true)
    if (this.#libc.getsockopt(fd, IPPROTO_TCP, TCP_INFO, this.#info, this.#length) < 0) return null
    const snapshot = emptySnapshot()
    return readTcpInfo(this.#info.view, this.#length.view.getUint32(0, true), snapshot) ? snapshot : null
  }

  /** Bytes that nobody has read. */
  #waiting(fd: number): number {
    return this.#libc.ioctl(fd, SIOCINQ, this.#count) < 0 ? 0 : this.#count.view.getInt32(0, true)
  }
}
