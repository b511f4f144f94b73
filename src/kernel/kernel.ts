/**
 * What the ledger asks of the kernel, over the C library. Every descriptor stays its runtime's:
 * nothing is closed here that was not opened here, and all that is needed later, when no descriptor
 * is free, is opened at the beginning.
 */
import type { Descriptors } from '../lifecycle/descriptor-budget.ts'
import {
  type Address,
  readAddress,
  readCounter,
  readDescriptors,
  readTcpInfo,
  readUint64,
  type Snapshot,
  tcpInfo,
} from './layout.ts'
import * as c from './libc.ts'

interface DescriptorLimit {
  readonly soft: number
  readonly hard: number
}

interface KeepAlive {
  /** Quiet time before the first probe. */
  readonly afterMs: number
  readonly everyMs: number
  readonly probes: number
  /** Unacknowledged bytes end the connection after that; 0: the kernel's own retries. */
  readonly userTimeoutMs: number
}

/**
 * All take what a descriptor is now: between two calls it may have become another socket, which
 * `cookie` tells.
 */
export interface Kernel {
  /** The socket's own number, never given to another while the machine is up; 0: no socket. */
  cookie(fd: number): number
  local(fd: number): Address | null
  remote(fd: number): Address | null
  /** Fills in what the kernel says; false: no TCP socket, or a kernel older than 4.1. */
  look(fd: number, into: Snapshot): boolean
  /** Bytes in the receive queue: the runtime has not read them. -1: gone. */
  queued(fd: number): number
  /**
   * An orderly end. The runtime sees it and closes the descriptor itself; what still comes is
   * answered by RST.
   */
  shut(fd: number): boolean
  /** An orderly end of what we send; what comes is still taken. */
  finish(fd: number): boolean
  /** The peer sees RST at once; the runtime an error, and closes the descriptor. */
  reset(fd: number): boolean
  /**
   * Writes past the runtime: only where it has nothing to write, and speaks no TLS. Returns whether
   * all of it was taken.
   */
  say(fd: number, text: string): boolean
  /** Descriptors in use; null: the kernel does not say cheaply (before Linux 6.2). */
  count(): number | null
  /** All descriptors in use, in one go: 0.8 µs each. */
  list(): number[]
  /**
   * Those in use from `from` on, of the next `most` numbers: 50 ns each. At most 1,024, and no more
   * than the soft limit.
   */
  used(from: number, most: number): readonly number[]
  /** The lowest free descriptor, and so how full the table is; null: none is free. */
  lowestFree(): number | null
  limit(): DescriptorLimit
  /**
   * `events()` tells of bytes and ends on the socket from now on, under `id`, and once at first. It
   * ends with the socket.
   */
  watch(fd: number, id: number): boolean
  /** The ids that something happened to since the last call, at most `eventsAtMost`. */
  events(): readonly number[]
  /** Inherited by what a listener accepts from now on. */
  keepAlive(fd: number, how: KeepAlive): boolean
  /**
   * Clients that say nothing are accepted too, and not a second later (Bun sets TCP_DEFER_ACCEPT on
   * its listeners).
   */
  acceptSilent(fd: number): boolean
  /**
   * What a listener accepts from now on sends each piece at once (TCP_NODELAY): else the first
   * response behind a TLS handshake waits for its acknowledgement, which a client delays by 40 ms.
   */
  sendAtOnce(fd: number): boolean
  listen(fd: number, backlog: number): boolean
  /**
   * Closes the socket and leaves its number taken, by what never stirs, until its runtime closes
   * that: for a listener, where the runtime's loop would spin on one that is only shut.
   */
  vacate(fd: number): boolean
  /**
   * `PassiveOpens`: connections that this network namespace has taken from others so far; null:
   * unknown.
   */
  passiveOpens(): number | null
  /**
   * `TCPAbortOnData`: connections of this network namespace whose peer sent what nobody was left to
   * read; null: unknown.
   */
  abortsOnData(): number | null
  /**
   * A file as it is now, opened beforehand or by this call; null: it can't be read. For what
   * `/proc` says.
   */
  read(path: string): string | null
  close(): void
}

/** As a budget needs them. */
export const kernelDescriptors = (kernel: Kernel): Descriptors => ({
  soft: kernel.limit().soft,
  atStart: kernel.list().length,
  used: () => kernel.count(),
})

const batch = 1_024
/** As many as are told, and woken, within a third of a millisecond. */
export const eventsAtMost = 256
const latin1 = new TextDecoder('latin1')

export function openKernel(libc: c.Libc): Kernel {
  const { epollEvent } = libc.arch
  const value = libc.allocate(Math.max(tcpInfo.size, 256))
  const length = libc.allocate(4)
  const address = libc.allocate(28)
  const polled = libc.allocate(batch * 8)
  /** struct pollfd of asm-generic/poll.h, eight bytes: fd, events, revents. */
  const polledFds = new Int32Array(polled.bytes.buffer)
  const polledEvents = new Int16Array(polled.bytes.buffer)
  const event = libc.allocate(epollEvent.size)
  const happened = libc.allocate(eventsAtMost * epollEvent.size)
  const text = libc.allocate(64 * 1024)
  const empty = libc.allocate(1)
  const opened: number[] = []

  function open(path: string, flags: number): number {
    const name = libc.allocate(path.length * 3 + 1)
    new TextEncoder().encodeInto(path, name.bytes)
    const fd = libc.open(name, flags | c.O_CLOEXEC)
    if (fd >= 0) opened.push(fd)
    return fd
  }
  function need(fd: number, what: string): number {
    if (fd < 0) throw new Error(`kernel ledger: ${what} failed (errno ${libc.errno()})`)
    return fd
  }

  const directory = open('/proc/self/fd', c.O_RDONLY | libc.arch.oDirectory)
  const netstat = open('/proc/net/netstat', c.O_RDONLY)
  const snmp = open('/proc/net/snmp', c.O_RDONLY)
  const epoll = need(libc.epollCreate(c.EPOLL_CLOEXEC), 'epoll_create1')
  opened.push(epoll)

  function readOpen(fd: number): string | null {
    let whole = ''
    for (;;) {
      const got = libc.pread(fd, text, text.bytes.length, whole.length)
      if (got < 0) return null
      if (got === 0) return whole
      // As many characters as bytes, for the next offset.
      whole += latin1.decode(text.bytes.subarray(0, got))
    }
  }
  function counter(fd: number, group: string, name: string): number | null {
    const said = fd < 0 ? null : readOpen(fd)
    return said === null ? null : readCounter(said, group, name)
  }
  function option(fd: number, level: number, name: number, number: number): boolean {
    value.view.setInt32(0, number, true)
    return libc.setsockopt(fd, level, name, value, 4) === 0
  }
  function control(operation: number, fd: number, events: number, id: number): boolean {
    event.view.setUint32(0, events, true)
    event.view.setUint32(epollEvent.data, id, true)
    event.view.setUint32(epollEvent.data + 4, 0, true)
    return libc.epollControl(epoll, operation, fd, event) === 0
  }
  // Whoever reads first leaves nothing to be told of: epoll looks again before it tells. So it is
  // asked to tell of room for writing as well, which is there as a rule, and edge-triggered it
  // looks only when something came.
  const stir = c.EPOLLIN + c.EPOLLOUT + c.EPOLLRDHUP + c.EPOLLET
  const seconds = (ms: number) => Math.max(1, Math.round(ms / 1000))

  return {
    cookie(fd) {
      length.view.setUint32(0, 8, true)
      return libc.getsockopt(fd, c.SOL_SOCKET, c.SO_COOKIE, value, length) === 0 ? readUint64(value.view, 0) : 0
    },
    local(fd) {
      length.view.setUint32(0, 28, true)
      return libc.getsockname(fd, address, length) === 0 ? readAddress(address.view) : null
    },
    remote(fd) {
      length.view.setUint32(0, 28, true)
      return libc.getpeername(fd, address, length) === 0 ? readAddress(address.view) : null
    },
    look(fd, into) {
      length.view.setUint32(0, tcpInfo.size, true)
      if (libc.getsockopt(fd, c.IPPROTO_TCP, c.TCP_INFO, value, length) !== 0) return false
      return readTcpInfo(value.view, length.view.getUint32(0, true), into)
    },
    queued: (fd) => (libc.ioctl(fd, c.SIOCINQ, value) === 0 ? value.view.getInt32(0, true) : -1),
    shut: (fd) => libc.shutdown(fd, c.SHUT_RDWR) === 0,
    finish: (fd) => libc.shutdown(fd, c.SHUT_WR) === 0,
    reset(fd) {
      // What is closed then sends RST, should the next call be refused.
      value.view.setInt32(0, 1, true)
      value.view.setInt32(4, 0, true)
      libc.setsockopt(fd, c.SOL_SOCKET, c.SO_LINGER, value, 8)
      // connect(2): AF_UNSPEC dissolves the association, which tcp_disconnect() does by RST
      // (net/ipv4/tcp.c).
      address.bytes.fill(0)
      address.view.setUint16(0, c.AF_UNSPEC, true)
      if (libc.connect(fd, address, 16) === 0) return true
      return libc.shutdown(fd, c.SHUT_RDWR) === 0
    },
    say(fd, words) {
      const { written } = new TextEncoder().encodeInto(words, text.bytes)
      return libc.send(fd, text, written, c.MSG_DONTWAIT | c.MSG_NOSIGNAL) === written
    },
    count() {
      if (directory < 0) return null
      if (libc.statx(directory, empty, c.AT_EMPTY_PATH, c.STATX_SIZE, value) !== 0) return null
      // struct statx of linux/stat.h: stx_size at 40. Linux before 6.2 says 0.
      return readUint64(value.view, 40) || null
    },
    list() {
      const found: number[] = []
      if (directory < 0 || libc.lseek(directory, 0, c.SEEK_SET) !== 0) return found
      for (;;) {
        const got = libc.getdents(directory, text, text.bytes.length)
        if (got <= 0) return found
        for (const fd of readDescriptors(text.view, got)) found.push(fd)
      }
    },
    used(from, most) {
      const found: number[] = []
      const count = Math.min(most, batch)
      for (let index = 0; index < count; index++) {
        polledFds[index * 2] = from + index
        polledFds[index * 2 + 1] = 0
      }
      if (libc.poll(polled, count, 0) < 0) return found
      for (let index = 0; index < count; index++) {
        if ((polledEvents[index * 4 + 3]! & c.POLLNVAL) === 0) found.push(from + index)
      }
      return found
    },
    lowestFree() {
      const fd = libc.dup(epoll)
      if (fd < 0) return null
      libc.close(fd)
      return fd
    },
    limit() {
      need(libc.getrlimit(c.RLIMIT_NOFILE, value), 'getrlimit')
      return { soft: readUint64(value.view, 0), hard: readUint64(value.view, 8) }
    },
    watch: (fd, id) => control(c.EPOLL_CTL_ADD, fd, stir, id),
    events() {
      const ids: number[] = []
      const got = libc.epollWait(epoll, happened, eventsAtMost, 0)
      for (let index = 0; index < got; index++) {
        ids.push(happened.view.getUint32(index * epollEvent.size + epollEvent.data, true))
      }
      return ids
    },
    keepAlive: (fd, { afterMs, everyMs, probes, userTimeoutMs }) =>
      option(fd, c.SOL_SOCKET, c.SO_KEEPALIVE, 1) &&
      option(fd, c.IPPROTO_TCP, c.TCP_KEEPIDLE, seconds(afterMs)) &&
      option(fd, c.IPPROTO_TCP, c.TCP_KEEPINTVL, seconds(everyMs)) &&
      option(fd, c.IPPROTO_TCP, c.TCP_KEEPCNT, probes) &&
      (userTimeoutMs === 0 || option(fd, c.IPPROTO_TCP, c.TCP_USER_TIMEOUT, userTimeoutMs)),
    acceptSilent: (fd) => option(fd, c.IPPROTO_TCP, c.TCP_DEFER_ACCEPT, 0),
    sendAtOnce: (fd) => option(fd, c.IPPROTO_TCP, c.TCP_NODELAY, 1),
    listen: (fd, backlog) => libc.listen(fd, backlog) === 0,
    vacate: (fd) => libc.dup2(epoll, fd) === fd,
    passiveOpens: () => counter(snmp, 'Tcp', 'PassiveOpens'),
    abortsOnData: () => counter(netstat, 'TcpExt', 'TCPAbortOnData'),
    read(path) {
      const fd = open(path, c.O_RDONLY)
      if (fd < 0) return null
      const said = readOpen(fd)
      opened.pop()
      libc.close(fd)
      return said
    },
    close() {
      for (const fd of opened.splice(0)) libc.close(fd)
    },
  }
}
