/**
 * Duplicates of sockets, over the C library: they show what comes on a connection after its owner
 * has closed it. No child process inherits one.
 */
import { readUint64, TCP_CLOSE, tcpInfo } from './layout.ts'
import * as c from './libc.ts'

/** Each takes a duplicate, but for `duplicate`, which takes its owner's descriptor. */
export interface SocketDuplicates {
  /** RLIMIT_NOFILE. */
  readonly soft: number
  /** -1: there is none to be had. */
  duplicate(fd: number): number
  /** Null: no TCP socket, or a kernel older than 4.6. */
  look(duplicate: number): Arrivals | null
  /**
   * Whether it was reset, by either side. The kernel says so once, and it may have told the owner.
   */
  wasReset(duplicate: number): boolean
  /**
   * Ends both sides at once, in an orderly way: a close by its owner alone does not, while there is
   * a duplicate.
   */
  end(duplicate: number): void
  /** Bytes that came and that nobody has read. */
  unread(duplicate: number): number
  close(duplicate: number): void
}

export interface Arrivals {
  /** Both sides have ended, or one has reset. */
  readonly isOver: boolean
  /** Bytes that were taken; the peer's FIN counts for one. */
  readonly received: number
  /** Segments with data in them, taken or not. */
  readonly segmentsIn: number
  /** Since the last segment that said anything, or since the reset that it was answered by. */
  readonly heardAgoMs: number
}

export function openDuplicates(libc: c.Libc): SocketDuplicates {
  const value = libc.allocate(tcpInfo.size)
  const length = libc.allocate(4)
  const limit = libc.allocate(16)
  if (libc.getrlimit(c.RLIMIT_NOFILE, limit) !== 0) throw new Error(`getrlimit failed (errno ${libc.errno()})`)
  // RLIM_INFINITY, and whatever else is more than there can be, is as good as any large number.
  const soft = Number(limit.view.getBigUint64(0, true))

  return {
    soft,
    duplicate: (fd) => libc.duplicate(fd),
    look(duplicate) {
      length.view.setUint32(0, tcpInfo.size, true)
      if (libc.getsockopt(duplicate, c.IPPROTO_TCP, c.TCP_INFO, value, length) !== 0) return null
      if (length.view.getUint32(0, true) < tcpInfo.dataSegsIn + 4) return null
      return {
        isOver: value.view.getUint8(tcpInfo.state) === TCP_CLOSE,
        received: readUint64(value.view, tcpInfo.bytesReceived),
        segmentsIn: value.view.getUint32(tcpInfo.dataSegsIn, true),
        heardAgoMs: value.view.getUint32(tcpInfo.lastAckRecv, true),
      }
    },
    wasReset(duplicate) {
      length.view.setUint32(0, 4, true)
      if (libc.getsockopt(duplicate, c.SOL_SOCKET, c.SO_ERROR, value, length) !== 0) return false
      return value.view.getInt32(0, true) === c.ECONNRESET
    },
    end: (duplicate) => void libc.shutdown(duplicate, c.SHUT_RDWR),
    unread: (duplicate) => (libc.ioctl(duplicate, c.SIOCINQ, value) === 0 ? value.view.getInt32(0, true) : 0),
    close: (duplicate) => void libc.close(duplicate),
  }
}
