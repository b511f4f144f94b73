/** The C library through Deno's FFI. */
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
declare const Deno: {
  readonly build: { readonly os: string; readonly arch: string }
  readonly permissions: { querySync(what: { readonly name: 'ffi' }): { readonly state: string } }
  dlopen<Symbols extends object>(
    path: string,
    symbols: Symbols,
  ): { readonly symbols: Readonly<Record<keyof Symbols, Call>> }
  readonly UnsafePointer: { of(bytes: Uint8Array): unknown }
  readonly UnsafePointerView: new (pointer: unknown) => { getInt32(): number }
}

const kinds: Readonly<Record<Kind, string>> = { int: 'i32', uint: 'u32', long: 'i64', pointer: 'pointer' }
/** What is returned is small, and would come as a bigint if it were called long. */
const results: Readonly<Record<Kind, string>> = { ...kinds, long: 'i32' }
const { syscall: _, ...functions } = declared(({ takes, gives }) => ({
  parameters: takes.map((kind) => kinds[kind]),
  result: results[gives],
}))

/**
 * A pointer is no number here, so each call of `syscall` with another list of arguments is one of
 * its own.
 */
const syscall = (...takes: Kind[]) => ({ name: 'syscall', parameters: takes.map((kind) => kinds[kind]), result: 'i32' })
const symbols = {
  ...(functions satisfies Record<Exclude<FunctionName, 'syscall'>, object>),
  getdents: syscall('long', 'long', 'pointer', 'long'),
  statx: syscall('long', 'long', 'pointer', 'long', 'long', 'pointer'),
  pidfd: syscall('long', 'long', 'long', 'long'),
} as const

/** Null, and why, where there is none to be had: not Linux, or `--allow-ffi` was not given. */
export function loadLibc(): Loaded {
  const arch = archOf({ ...Deno.build, who: 'the kernel ledger' })
  if ('why' in arch) return arch
  if (Deno.permissions.querySync({ name: 'ffi' }).state !== 'granted') {
    return { libc: null, why: 'the kernel ledger needs --allow-ffi' }
  }
  return loadFrom(arch, (path) => bound(arch, path))
}

function bound(arch: Arch, path: string): Libc {
  const { symbols: call } = Deno.dlopen(path, symbols)
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
