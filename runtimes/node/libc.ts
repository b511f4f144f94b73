/** The C library through Node's own FFI (`node:ffi`, on by default since Node 26.9): glibc, or musl on Alpine (untested there). */
import process from 'node:process'
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

type Native = (...values: (number | bigint)[]) => number | bigint
interface Ffi {
  dlopen(path: string, definitions: object): { readonly functions: Readonly<Record<string, Native>> }
  getRawPointer(bytes: Uint8Array): bigint
  getInt32(pointer: bigint, offset: number): number
}

const i = 'int32'
const p = 'pointer'
/** As in C, where `size_t` and `long` are 64 bits; they are bigints here. */
const n = 'int64'
const symbols: Readonly<Record<string, { readonly arguments: readonly string[]; readonly return: string }>> = {
  getsockopt: { arguments: [i, i, i, p, p], return: i },
  setsockopt: { arguments: [i, i, i, p, 'uint32'], return: i },
  getsockname: { arguments: [i, p, p], return: i },
  getpeername: { arguments: [i, p, p], return: i },
  ioctl: { arguments: [i, n, p], return: i },
  shutdown: { arguments: [i, i], return: i },
  connect: { arguments: [i, p, 'uint32'], return: i },
  send: { arguments: [i, p, n, i], return: n },
  recv: { arguments: [i, p, n, i], return: n },
  socket: { arguments: [i, i, i], return: i },
  listen: { arguments: [i, i], return: i },
  poll: { arguments: [p, n, i], return: i },
  epoll_create1: { arguments: [i], return: i },
  epoll_ctl: { arguments: [i, i, i, p], return: i },
  epoll_wait: { arguments: [i, p, i, i], return: i },
  dup: { arguments: [i], return: i },
  dup2: { arguments: [i, i], return: i },
  close: { arguments: [i], return: i },
  open: { arguments: [p, i], return: i },
  pread: { arguments: [i, p, n, n], return: n },
  lseek: { arguments: [i, n, i], return: n },
  getrlimit: { arguments: [i, p], return: i },
  syscall: { arguments: [n, n, n, n, n, n, n], return: n },
  __errno_location: { arguments: [], return: p },
}

const muslNames: Readonly<Record<Arch['name'], string>> = { x64: 'x86_64', arm64: 'aarch64' }

/** Null, and why, where there is none to be had. */
export async function loadLibc(): Promise<Loaded> {
  const { platform, arch, version } = process
  if (platform !== 'linux') return { libc: null, why: `it needs Linux, this is ${platform}` }
  if (arch !== 'x64' && arch !== 'arm64') return { libc: null, why: `it does not know ${arch}` }
  let ffi: Ffi
  try {
    ffi = await import('node:ffi' as string)
  } catch {
    return { libc: null, why: `Node ${version} has no node:ffi: it came with 26.9` }
  }
  let last: unknown
  for (const path of ['libc.so.6', `libc.musl-${muslNames[arch]}.so.1`]) {
    try {
      return { libc: bound(arches[arch], ffi, path) }
    } catch (error) {
      last = error
    }
  }
  return { libc: null, why: `the C library could not be loaded: ${(last as Error).message}` }
}

function bound(arch: Arch, ffi: Ffi, path: string): Libc {
  const { functions } = ffi.dlopen(path, symbols)
  /** Every 64-bit argument as a bigint, every result as a number. */
  const calls = Object.fromEntries(
    Object.entries(symbols).map(([name, { arguments: kinds }]) => {
      const native = functions[name]!
      const wide = kinds.map((kind) => kind === n)
      return [
        name,
        (...values: (number | bigint)[]) =>
          Number(native(...values.map((value, at) => (wide[at] ? BigInt(value) : value)))),
      ]
    }),
  ) as Record<string, (...values: unknown[]) => number>
  const { getdents64, statx } = arch.syscalls
  const syscall = calls['syscall']!
  // This thread's; it does not move.
  const errno = functions['__errno_location']!() as bigint
  return libcOf(arch, calls as Parameters<typeof libcOf>[1], {
    allocate(size): Block {
      const bytes = new Uint8Array(new ArrayBuffer(size))
      return { bytes, view: new DataView(bytes.buffer), address: ffi.getRawPointer(bytes) }
    },
    getdents: (fd, into, length) => syscall(getdents64, fd, into.address, length, 0, 0, 0),
    statx: (dirfd, file, flags, mask, into) => syscall(statx, dirfd, file.address, flags, mask, into.address, 0),
    pidfdOpen: (pid) => syscall(PIDFD_OPEN, pid, 0, 0, 0, 0, 0),
    pidfdGetfd: (pidfd, fd) => syscall(PIDFD_GETFD, pidfd, fd, 0, 0, 0, 0),
    errno: () => ffi.getInt32(errno, 0),
  })
}
