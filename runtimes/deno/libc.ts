/** The C library through Deno's FFI: glibc, for Deno has no build for musl. */
import { type Arch, arches, type Block, type Libc, type Loaded } from '../../src/kernel/libc.ts'

type Call = (...values: unknown[]) => number
declare const Deno: {
  readonly build: { readonly os: string; readonly arch: string }
  readonly permissions: { querySync(what: { readonly name: 'ffi' }): { readonly state: string } }
  dlopen(path: string, symbols: object): { readonly symbols: Readonly<Record<string, Call>> }
  readonly UnsafePointer: { of(bytes: Uint8Array): unknown }
  readonly UnsafePointerView: new (pointer: unknown) => { getInt32(): number }
}

const i = 'i32'
const p = 'pointer'
/** As in C, where `size_t` and `long` are 64 bits; what is returned is small, and would come as a bigint if it were called long. */
const symbols = {
  getsockopt: { parameters: [i, i, i, p, p], result: i },
  setsockopt: { parameters: [i, i, i, p, 'u32'], result: i },
  getsockname: { parameters: [i, p, p], result: i },
  getpeername: { parameters: [i, p, p], result: i },
  ioctl: { parameters: [i, 'u64', p], result: i },
  shutdown: { parameters: [i, i], result: i },
  connect: { parameters: [i, p, 'u32'], result: i },
  send: { parameters: [i, p, 'u64', i], result: i },
  listen: { parameters: [i, i], result: i },
  poll: { parameters: [p, 'u64', i], result: i },
  epoll_create1: { parameters: [i], result: i },
  epoll_ctl: { parameters: [i, i, i, p], result: i },
  epoll_wait: { parameters: [i, p, i, i], result: i },
  dup: { parameters: [i], result: i },
  close: { parameters: [i], result: i },
  open: { parameters: [p, i], result: i },
  pread: { parameters: [i, p, 'u64', 'i64'], result: i },
  lseek: { parameters: [i, 'i64', i], result: i },
  getrlimit: { parameters: [i, p], result: i },
  getdents: { name: 'syscall', parameters: ['i64', 'i64', p, 'i64'], result: i },
  statx: { name: 'syscall', parameters: ['i64', 'i64', p, 'i64', 'i64', p], result: i },
  __errno_location: { parameters: [], result: p },
} as const

const archNames: Readonly<Record<string, Arch['name']>> = { x86_64: 'x64', aarch64: 'arm64' }

/** Null, and why, where there is none to be had: not Linux, or `--allow-ffi` was not given. */
export function loadLibc(): Loaded {
  if (Deno.build.os !== 'linux') return { libc: null, why: `the kernel ledger needs Linux, this is ${Deno.build.os}` }
  const name = archNames[Deno.build.arch]
  if (name === undefined) return { libc: null, why: `the kernel ledger does not know ${Deno.build.arch}` }
  if (Deno.permissions.querySync({ name: 'ffi' }).state !== 'granted') {
    return { libc: null, why: 'the kernel ledger needs --allow-ffi' }
  }
  try {
    return { libc: libcOf(arches[name]) }
  } catch (error) {
    return { libc: null, why: `the C library could not be loaded: ${(error as Error).message}` }
  }
}

function libcOf(arch: Arch): Libc {
  const { symbols: call } = Deno.dlopen('libc.so.6', symbols) as {
    readonly symbols: Record<keyof typeof symbols, Call>
  }
  // This thread's; it does not move.
  const errno = new Deno.UnsafePointerView(call.__errno_location())
  return {
    arch,
    allocate(size): Block {
      const bytes = new Uint8Array(new ArrayBuffer(size))
      return { bytes, view: new DataView(bytes.buffer), address: Deno.UnsafePointer.of(bytes) }
    },
    getsockopt: (fd, level, name, value, length) => call.getsockopt(fd, level, name, value.address, length.address),
    setsockopt: (fd, level, name, value, length) => call.setsockopt(fd, level, name, value.address, length),
    getsockname: (fd, address, length) => call.getsockname(fd, address.address, length.address),
    getpeername: (fd, address, length) => call.getpeername(fd, address.address, length.address),
    ioctl: (fd, request, argument) => call.ioctl(fd, request, argument.address),
    shutdown: (fd, how) => call.shutdown(fd, how),
    connect: (fd, address, length) => call.connect(fd, address.address, length),
    send: (fd, bytes, length, flags) => call.send(fd, bytes.address, length, flags),
    listen: (fd, backlog) => call.listen(fd, backlog),
    poll: (fds, count, timeoutMs) => call.poll(fds.address, count, timeoutMs),
    epollCreate: (flags) => call.epoll_create1(flags),
    epollControl: (epoll, operation, fd, event) => call.epoll_ctl(epoll, operation, fd, event.address),
    epollWait: (epoll, events, most, timeoutMs) => call.epoll_wait(epoll, events.address, most, timeoutMs),
    dup: (fd) => call.dup(fd),
    close: (fd) => call.close(fd),
    open: (path, flags) => call.open(path.address, flags),
    pread: (fd, into, length, offset) => call.pread(fd, into.address, length, offset),
    lseek: (fd, offset, whence) => call.lseek(fd, offset, whence),
    getdents: (fd, into, length) => call.getdents(arch.syscalls.getdents64, fd, into.address, length),
    statx: (dirfd, path, flags, mask, into) =>
      call.statx(arch.syscalls.statx, dirfd, path.address, flags, mask, into.address),
    getrlimit: (resource, into) => call.getrlimit(resource, into.address),
    errno: () => errno.getInt32(),
  }
}
