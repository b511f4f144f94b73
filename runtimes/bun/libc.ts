/** The C library through Bun's FFI. */
import {
  type Arch,
  archOf,
  type Block,
  declared,
  type FunctionName,
  type Kind,
  type Libc,
  type Loaded,
  libcOf,
  loadFrom,
  PIDFD_GETFD,
  PIDFD_OPEN,
} from '../../src/kernel/libc.ts'

type Call = (...values: unknown[]) => number
interface Ffi {
  dlopen(path: string, symbols: object): { readonly symbols: Readonly<Record<FunctionName, Call>> }
  ptr(bytes: Uint8Array): number
  readonly read: { i32(pointer: number, offset: number): number }
}

/** `i64_fast` is a number where it fits in one. */
const kinds: Readonly<Record<Kind, string>> = { int: 'i32', uint: 'u32', long: 'i64_fast', pointer: 'ptr' }
const symbols = declared(({ takes, gives }) => ({ args: takes.map((kind) => kinds[kind]), returns: kinds[gives] }))

/** Null, and why, where there is none to be had. */
export async function loadLibc(): Promise<Loaded> {
  const arch = archOf({ os: process.platform, arch: process.arch, who: 'the kernel ledger' })
  if ('why' in arch) return arch
  // Known to Bun alone.
  const ffi: Ffi = await import('bun:ffi' as string)
  return loadFrom(arch, (path) => bound(arch, ffi, path))
}

function bound(arch: Arch, { dlopen, ptr, read }: Ffi, path: string): Libc {
  const { symbols: call } = dlopen(path, symbols)
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
