/**
 * The few calls into the C library that show and end TCP connections, and what their numbers are on
 * Linux. What a runtime's FFI calls them is in `runtimes/<name>/libc.ts`; what the bytes mean is in
 * `layout.ts`.
 *
 * Numbers from the kernel's own headers: asm-generic/{socket,fcntl,poll,resource}.h,
 * linux/{in,tcp,sockios,stat,eventpoll}.h. x86-64 and arm64 share them, but for those in `arches`.
 * Tested on x86-64 with glibc; arm64, and musl, are written from the headers and untested.
 */

/** Memory that does not move, to be filled by a call. */
export interface Block {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly view: DataView
  /** What the runtime's FFI takes for a pointer to it. */
  readonly address: unknown
}

/** Each returns what C returns: -1 for a failure, and then `errno()` says which. */
export interface Libc {
  readonly arch: Arch
  allocate(size: number): Block
  getsockopt(fd: number, level: number, name: number, value: Block, length: Block): number
  setsockopt(fd: number, level: number, name: number, value: Block, length: number): number
  getsockname(fd: number, address: Block, length: Block): number
  getpeername(fd: number, address: Block, length: Block): number
  ioctl(fd: number, request: number, argument: Block): number
  shutdown(fd: number, how: number): number
  connect(fd: number, address: Block, length: number): number
  send(fd: number, bytes: Block, length: number, flags: number): number
  listen(fd: number, backlog: number): number
  poll(fds: Block, count: number, timeoutMs: number): number
  epollCreate(flags: number): number
  epollControl(epoll: number, operation: number, fd: number, event: Block): number
  epollWait(epoll: number, events: Block, most: number, timeoutMs: number): number
  socket(domain: number, type: number, protocol: number): number
  recv(fd: number, into: Block, length: number, flags: number): number
  /** Linux 5.3. */
  pidfdOpen(pid: number): number
  /** Linux 5.6: a duplicate of another process's descriptor. */
  pidfdGetfd(pidfd: number, fd: number): number
  dup(fd: number): number
  /** `fcntl` with `F_DUPFD_CLOEXEC`: a duplicate that no child process inherits. */
  duplicate(fd: number): number
  dup2(fd: number, onto: number): number
  fcntl(fd: number, command: number, argument: number): number
  bind(fd: number, address: Block, length: number): number
  close(fd: number): number
  open(path: Block, flags: number): number
  pread(fd: number, into: Block, length: number, offset: number): number
  lseek(fd: number, offset: number, whence: number): number
  getdents(fd: number, into: Block, length: number): number
  statx(dirfd: number, path: Block, flags: number, mask: number, into: Block): number
  getrlimit(resource: number, into: Block): number
  /**
   * Of this thread's last failed call. The runtime may make calls of its own between the two: good
   * enough to tell a person, never asked to decide.
   */
  errno(): number
}

/** What differs between the two architectures. */
export interface Arch {
  readonly name: 'x64' | 'arm64'
  /**
   * asm/unistd_64.h; asm-generic/unistd.h. glibc before 2.30 has no getdents64(), musl before 1.2.5
   * no statx().
   */
  readonly syscalls: { readonly getdents64: number; readonly statx: number }
  /** O_DIRECTORY: asm-generic/fcntl.h; arch/arm64/include/uapi/asm/fcntl.h. */
  readonly oDirectory: number
  /** linux/eventpoll.h packs struct epoll_event on x86-64 alone. */
  readonly epollEvent: { readonly size: number; readonly data: number }
}

const arches: Readonly<Record<Arch['name'], Arch>> = {
  x64: {
    name: 'x64',
    syscalls: { getdents64: 217, statx: 332 },
    oDirectory: 0o200000,
    epollEvent: { size: 12, data: 4 },
  },
  arm64: {
    name: 'arm64',
    syscalls: { getdents64: 61, statx: 291 },
    oDirectory: 0o40000,
    epollEvent: { size: 16, data: 8 },
  },
}

export const SOL_SOCKET = 1
export const SO_REUSEADDR = 2
export const SO_ERROR = 4
export const SO_KEEPALIVE = 9
export const SO_LINGER = 13
export const SO_REUSEPORT = 15
/** Since Linux 4.12. */
export const SO_COOKIE = 57
export const IPPROTO_TCP = 6
export const TCP_NODELAY = 1
export const IPPROTO_IPV6 = 41
export const IPV6_V6ONLY = 26
export const TCP_KEEPIDLE = 4
export const TCP_KEEPINTVL = 5
export const TCP_KEEPCNT = 6
export const TCP_DEFER_ACCEPT = 9
export const TCP_INFO = 11
export const TCP_USER_TIMEOUT = 18
/** FIONREAD by another name: bytes in the receive queue. */
export const SIOCINQ = 0x541b
export const SHUT_WR = 1
export const SHUT_RDWR = 2
export const MSG_DONTWAIT = 0x40
export const MSG_NOSIGNAL = 0x4000
export const AF_UNSPEC = 0
export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10
export const O_RDONLY = 0
const F_DUPFD_CLOEXEC = 1030
export const F_DUPFD = 0
export const F_SETFD = 2
export const FD_CLOEXEC = 1
export const F_GETFL = 3
export const F_SETFL = 4
export const O_NONBLOCK = 0o4000
/** SOCK_STREAM with SOCK_NONBLOCK and SOCK_CLOEXEC. */
export const listenerType = 1 + O_NONBLOCK + 0o2000000
export const O_CLOEXEC = 0o2000000
export const SEEK_SET = 0
export const AT_EMPTY_PATH = 0x1000
export const STATX_SIZE = 0x200
export const RLIMIT_NOFILE = 7
export const POLLNVAL = 0x20
/** asm-generic/errno.h */
export const ECONNRESET = 104
export const EPOLL_CLOEXEC = 0o2000000
export const EPOLL_CTL_ADD = 1
export const EPOLL_CTL_DEL = 2
export const EPOLLIN = 1
export const EPOLLOUT = 4
export const EPOLLRDHUP = 0x2000
export const EPOLLET = 2 ** 31

/** asm-generic/unistd.h: newer calls have one number everywhere. */
export const PIDFD_OPEN = 434
export const PIDFD_GETFD = 438

/** What loading the C library came to. */
export type Loaded = { readonly libc: Libc } | { readonly libc: null; readonly why: string }

export type Kind = 'int' | 'uint' | 'long' | 'pointer'

interface Signature {
  readonly takes: readonly Kind[]
  readonly gives: Kind
}

const int = (...takes: Kind[]): Signature => ({ takes, gives: 'int' })
const long = (...takes: Kind[]): Signature => ({ takes, gives: 'long' })

/**
 * Every function that is called, as in C, where `size_t`, `off_t` and `long` are 64 bits. A runtime
 * says it in words of its FFI.
 */
export const signatures = {
  getsockopt: int('int', 'int', 'int', 'pointer', 'pointer'),
  setsockopt: int('int', 'int', 'int', 'pointer', 'uint'),
  getsockname: int('int', 'pointer', 'pointer'),
  getpeername: int('int', 'pointer', 'pointer'),
  ioctl: int('int', 'long', 'pointer'),
  shutdown: int('int', 'int'),
  connect: int('int', 'pointer', 'uint'),
  send: long('int', 'pointer', 'long', 'int'),
  recv: long('int', 'pointer', 'long', 'int'),
  socket: int('int', 'int', 'int'),
  listen: int('int', 'int'),
  poll: int('pointer', 'long', 'int'),
  epoll_create1: int('int'),
  epoll_ctl: int('int', 'int', 'int', 'pointer'),
  epoll_wait: int('int', 'pointer', 'int', 'int'),
  dup: int('int'),
  fcntl: int('int', 'int', 'long'),
  dup2: int('int', 'int'),
  bind: int('int', 'pointer', 'uint'),
  close: int('int'),
  open: int('pointer', 'int'),
  pread: long('int', 'pointer', 'long', 'long'),
  lseek: long('int', 'long', 'int'),
  getrlimit: int('int', 'pointer'),
  /** Pointers among its arguments go as numbers. */
  syscall: long('long', 'long', 'long', 'long', 'long', 'long', 'long'),
  __errno_location: { takes: [], gives: 'pointer' } as Signature,
} as const

export type FunctionName = keyof typeof signatures

/** The table in words of an FFI: what it calls each kind, and how it writes a declaration. */
export const declared = <Declaration>(
  declare: (signature: Signature) => Declaration,
): Readonly<Record<FunctionName, Declaration>> =>
  Object.fromEntries(
    Object.entries(signatures).map(([name, signature]) => [name, declare(signature)]),
  ) as unknown as Record<FunctionName, Declaration>

/** The machine, as `uname -m` and as JavaScript call it. */
const machines: Readonly<Record<string, Arch['name']>> = { x64: 'x64', x86_64: 'x64', arm64: 'arm64', aarch64: 'arm64' }
const unames: Readonly<Record<Arch['name'], string>> = { x64: 'x86_64', arm64: 'aarch64' }

export interface Machine {
  readonly os: string
  readonly arch: string
  /** Who needs the library, for a sentence. */
  readonly who: string
}

/** The architecture, or why there is no C library to be had on this machine. */
export function archOf({ os, arch, who }: Machine): Arch | { readonly libc: null; readonly why: string } {
  if (os !== 'linux') return { libc: null, why: `${who} needs Linux, this is ${os}` }
  const name = machines[arch]
  return name === undefined ? { libc: null, why: `${who} does not know ${arch}` } : arches[name]
}

/**
 * The C library where it is: glibc's, or musl's on Alpine (untested there). `bind` throws for a
 * path that has none.
 */
export function loadFrom({ name }: Arch, bind: (path: string) => Libc): Loaded {
  let last: unknown
  for (const path of ['libc.so.6', `libc.musl-${unames[name]}.so.1`]) {
    try {
      return { libc: bind(path) }
    } catch (error) {
      last = error
    }
  }
  return { libc: null, why: `the C library could not be loaded: ${(last as Error).message}` }
}

/**
 * The functions whose arguments are the same to every FFI. A result may come as a bigint where it
 * is a `long`.
 */
type Calls = Readonly<Record<Exclude<FunctionName, 'syscall' | '__errno_location'>, (...values: unknown[]) => number>>

/**
 * What is left to an FFI: memory, `errno`, and the calls that have no function of their own in
 * every C library.
 */
export type OfFfi = Pick<Libc, 'allocate' | 'getdents' | 'statx' | 'pidfdOpen' | 'pidfdGetfd' | 'errno'>

export const libcOf = (arch: Arch, call: Calls, own: OfFfi): Libc => ({
  ...own,
  arch,
  getsockopt: (fd, level, name, value, length) => call.getsockopt(fd, level, name, value.address, length.address),
  setsockopt: (fd, level, name, value, length) => call.setsockopt(fd, level, name, value.address, length),
  getsockname: (fd, address, length) => call.getsockname(fd, address.address, length.address),
  getpeername: (fd, address, length) => call.getpeername(fd, address.address, length.address),
  ioctl: (fd, request, argument) => call.ioctl(fd, request, argument.address),
  shutdown: (fd, how) => call.shutdown(fd, how),
  connect: (fd, address, length) => call.connect(fd, address.address, length),
  send: (fd, bytes, length, flags) => Number(call.send(fd, bytes.address, length, flags)),
  listen: (fd, backlog) => call.listen(fd, backlog),
  poll: (fds, count, timeoutMs) => call.poll(fds.address, count, timeoutMs),
  epollCreate: (flags) => call.epoll_create1(flags),
  epollControl: (epoll, operation, fd, event) => call.epoll_ctl(epoll, operation, fd, event.address),
  epollWait: (epoll, events, most, timeoutMs) => call.epoll_wait(epoll, events.address, most, timeoutMs),
  socket: (domain, type, protocol) => call.socket(domain, type, protocol),
  recv: (fd, into, length, flags) => Number(call.recv(fd, into.address, length, flags)),
  dup: (fd) => call.dup(fd),
  duplicate: (fd) => call.fcntl(fd, F_DUPFD_CLOEXEC, 0),
  dup2: (fd, onto) => call.dup2(fd, onto),
  fcntl: (fd, command, argument) => call.fcntl(fd, command, argument),
  bind: (fd, address, length) => call.bind(fd, address.address, length),
  close: (fd) => call.close(fd),
  open: (path, flags) => call.open(path.address, flags),
  pread: (fd, into, length, offset) => Number(call.pread(fd, into.address, length, offset)),
  lseek: (fd, offset, whence) => Number(call.lseek(fd, offset, whence)),
  getrlimit: (resource, into) => call.getrlimit(resource, into.address),
})
