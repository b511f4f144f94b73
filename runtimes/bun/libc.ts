/** The C library through Bun's FFI: glibc, or musl on Alpine (untested there). */
import {
  type Arch,
  arches,
  type Block,
  type Libc,
  type Loaded,
  libcOf,
  PIDFD_GETFD,
  PIDFD_OPEN,
} from '../../src/kernel/libc.ts'

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
  recv: { args: [i, p, n, i], returns: n },
  socket: { args: [i, i, i], returns: i },
  listen: { args: [i, i], returns: i },
  poll: { args: [p, n, i], returns: i },
  epoll_create1: { args: [i], returns: i },
  epoll_ctl: { args: [i, i, i, p], returns: i },
  epoll_wait: { args: [i, p, i, i], returns: i },
  dup: { args: [i], returns: i },
  dup2: { args: [i, i], returns: i },
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
      return { libc: bound(arches[name], ffi, path) }
    } catch (error) {
      last = error
    }
  }
  return { libc: null, why: `the C library could not be loaded: ${(last as Error).message}` }
}

function bound(arch: Arch, { dlopen, ptr, read }: Ffi, path: string): Libc {
  const { symbols: call } = dlopen(path, symbols) as { readonly symbols: Record<keyof typeof symbols, Call> }
  const { getdents64, statx } = arch.syscalls
  // This thread's; it does not move.
  const errno = call.__errno_location()
  return libcOf(arch, call, {
    allocate(size): Block {
      const bytes = new Uint8Array(new ArrayBuffer(size))
      return { bytes, view: new DataView(bytes.buffer), address: ptr(bytes) }
    },
    getdents: (fd, into, length) => Number(call.syscall(getdents64, fd, into.address, length, 0, 0, 0)),
    statx: (dirfd, path, flags, mask, into) =>
      Number(call.syscall(statx, dirfd, path.address, flags, mask, into.address, 0)),
    pidfdOpen: (pid) => Number(call.syscall(PIDFD_OPEN, pid, 0, 0, 0, 0, 0)),
    pidfdGetfd: (pidfd, fd) => Number(call.syscall(PIDFD_GETFD, pidfd, fd, 0, 0, 0, 0)),
    errno: () => read.i32(errno, 0),
  })
}
