/** The C library through Deno's FFI: glibc, for Deno has no build for musl. */
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
  recv: { parameters: [i, p, 'u64', i], result: i },
  socket: { parameters: [i, i, i], result: i },
  listen: { parameters: [i, i], result: i },
  poll: { parameters: [p, 'u64', i], result: i },
  epoll_create1: { parameters: [i], result: i },
  epoll_ctl: { parameters: [i, i, i, p], result: i },
  epoll_wait: { parameters: [i, p, i, i], result: i },
  dup: { parameters: [i], result: i },
  dup2: { parameters: [i, i], result: i },
  close: { parameters: [i], result: i },
  open: { parameters: [p, i], result: i },
  pread: { parameters: [i, p, 'u64', 'i64'], result: i },
  lseek: { parameters: [i, 'i64', i], result: i },
  getrlimit: { parameters: [i, p], result: i },
  getdents: { name: 'syscall', parameters: ['i64', 'i64', p, 'i64'], result: i },
  statx: { name: 'syscall', parameters: ['i64', 'i64', p, 'i64', 'i64', p], result: i },
  pidfd: { name: 'syscall', parameters: ['i64', 'i64', 'i64', 'i64'], result: i },
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
    return { libc: bound(arches[name]) }
  } catch (error) {
    return { libc: null, why: `the C library could not be loaded: ${(error as Error).message}` }
  }
}

function bound(arch: Arch): Libc {
  const { symbols: call } = Deno.dlopen('libc.so.6', symbols) as {
    readonly symbols: Record<keyof typeof symbols, Call>
  }
  // This thread's; it does not move.
  const errno = new Deno.UnsafePointerView(call.__errno_location())
  return libcOf(arch, call, {
    allocate(size): Block {
      const bytes = new Uint8Array(new ArrayBuffer(size))
      return { bytes, view: new DataView(bytes.buffer), address: Deno.UnsafePointer.of(bytes) }
    },
    getdents: (fd, into, length) => call.getdents(arch.syscalls.getdents64, fd, into.address, length),
    statx: (dirfd, path, flags, mask, into) =>
      call.statx(arch.syscalls.statx, dirfd, path.address, flags, mask, into.address),
    pidfdOpen: (pid) => call.pidfd(PIDFD_OPEN, pid, 0, 0),
    pidfdGetfd: (pidfd, fd) => call.pidfd(PIDFD_GETFD, pidfd, fd, 0),
    errno: () => errno.getInt32(),
  })
}
