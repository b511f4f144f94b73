/** The C library through Bun's FFI: glibc, or musl on Alpine (untested there). */
import { type Arch, arches, type Block, type Libc, type Loaded } from '../../src/kernel/libc.ts'

type Call = (...values: unknown[]) => number
interface Ffi {
  dlopen(path: string, symbols: object): { readonly symbols: Readonly<Record<string, Call>> }
  ptr(bytes: Uint8Array): number
  readonly read: { i32(pointer: number, offset: number): number }
}

const i = 'i32'
const p = 'ptr'
/** As in C, where `size_t` and `long` are 64 bits; `i64_fast` is a number where it fits in one. */
const n = 'i64_fast'
const symbols = {
  getsockopt: { args: [i, i, i, p, p], returns: i },
  setsockopt: { args: [i, i, i, p, 'u32'], returns: i },
  getsockname: { args: [i, p, p], returns: i },
  getpeername: { args: [i, p, p], returns: i },
  ioctl: { args: [i, n, p], returns: i },
  shutdown: { args: [i, i], returns: i },
  connect: { args: [i, p, 'u32'], returns: i },
  send: { args: [i, p, n, i], returns: n },
  listen: { args: [i, i], returns: i },
  poll: { args: [p, n, i], returns: i },
  epoll_create1: { args: [i], returns: i },
  epoll_ctl: { args: [i, i, i, p], returns: i },
  epoll_wait: { args: [i, p, i, i], returns: i },
  dup: { args: [i], returns: i },
  close: { args: [i], returns: i },
  open: { args: [p, i], returns: i },
  pread: { args: [i, p, n, n], returns: n },
  lseek: { args: [i, n, i], returns: n },
  getrlimit: { args: [i, p], returns: i },
  syscall: { args: [n, n, n, n, n, n, n], returns: n },
  __errno_location: { args: [], returns: p },
} as const

const archNames: Readonly<Record<string, Arch['name']>> = { x64: 'x64', arm64: 'arm64' }
const muslNames: Readonly<Record<Arch['name'], string>> = { x64: 'x86_64', arm64: 'aarch64' }

/** Null, and why, where there is none to be had. */
export async function loadLibc(): Promise<Loaded> {
  const { platform, arch } = process
  if (platform !== 'linux') return { libc: null, why: `the kernel ledger needs Linux, this is ${platform}` }
  const name = archNames[arch]
  if (name === undefined) return { libc: null, why: `the kernel ledger does not know ${arch}` }
  // Known to Bun alone.
  const ffi: Ffi = await import('bun:ffi' as string)
  let last: unknown
  for (const path of ['libc.so.6', `libc.musl-${muslNames[name]}.so.1`]) {
    try {
      return { libc: libcOf(arches[name], ffi, path) }
    } catch (error) {
      last = error
    }
  }
  return { libc: null, why: `the C library could not be loaded: ${(last as Error).message}` }
}

function libcOf(arch: Arch, { dlopen, ptr, read }: Ffi, path: string): Libc {
  const { symbols: call } = dlopen(path, symbols) as { readonly symbols: Record<keyof typeof symbols, Call> }
  const { getdents64, statx } = arch.syscalls
  // This thread's; it does not move.
  const errno = call.__errno_location()
  return {
    arch,
    allocate(size): Block {
      const bytes = new Uint8Array(new ArrayBuffer(size))
      return { bytes, view: new DataView(bytes.buffer), address: ptr(bytes) }
    },
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
    dup: (fd) => call.dup(fd),
    close: (fd) => call.close(fd),
    open: (path, flags) => call.open(path.address, flags),
    pread: (fd, into, length, offset) => Number(call.pread(fd, into.address, length, offset)),
    lseek: (fd, offset, whence) => Number(call.lseek(fd, offset, whence)),
    getdents: (fd, into, length) => Number(call.syscall(getdents64, fd, into.address, length, 0, 0, 0)),
    statx: (dirfd, path, flags, mask, into) =>
      Number(call.syscall(statx, dirfd, path.address, flags, mask, into.address, 0)),
    getrlimit: (resource, into) => call.getrlimit(resource, into.address),
    errno: () => read.i32(errno, 0),
  }
}
