/** The C library through Node's own FFI (`node:ffi`, on by default since Node 26.9). */
import process from 'node:process'
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
  signatures,
} from '../../src/kernel/libc.ts'

type Native = (...values: (number | bigint)[]) => number | bigint
interface Ffi {
  dlopen(path: string, definitions: object): { readonly functions: Readonly<Record<FunctionName, Native>> }
  getRawPointer(bytes: Uint8Array): bigint
  getInt32(pointer: bigint, offset: number): number
}

const kinds: Readonly<Record<Kind, string>> = { int: 'int32', uint: 'uint32', long: 'int64', pointer: 'pointer' }
const symbols = declared(({ takes, gives }) => ({ arguments: takes.map((kind) => kinds[kind]), return: kinds[gives] }))

/** Null, and why, where there is none to be had. */
export async function loadLibc(): Promise<Loaded> {
  const arch = archOf({ os: process.platform, arch: process.arch, who: 'it' })
  if ('why' in arch) return arch
  let ffi: Ffi
  try {
    ffi = await withoutWarning(() => import('node:ffi' as string))
  } catch {
    return { libc: null, why: `Node ${process.version} has no node:ffi: it came with 26.9` }
  }
  return loadFrom(arch, (path) => bound(arch, ffi, path))
}

/**
 * Node warns whoever starts it that its FFI is experimental: that is ours to know, and in
 * docs/operate.md.
 */
async function withoutWarning<T>(load: () => Promise<T>): Promise<T> {
  const { emitWarning } = process
  process.emitWarning = ((warning: string | Error, ...rest: never[]) => {
    if (!String(warning).startsWith('FFI is an experimental')) emitWarning(warning, ...rest)
  }) as typeof emitWarning
  try {
    return await load()
  } finally {
    process.emitWarning = emitWarning
  }
}

function bound(arch: Arch, ffi: Ffi, path: string): Libc {
  const { functions } = ffi.dlopen(path, symbols)
  const call = Object.fromEntries(
    Object.entries(signatures).map(([name, { takes }]) => [name, withNumbers(functions[name as FunctionName], takes)]),
  ) as Record<FunctionName, (...values: unknown[]) => number>
  const { getdents64, statx } = arch.syscalls
  // This thread's; it does not move.
  const errno = functions.__errno_location() as bigint
  return libcOf(arch, call, {
    allocate(size): Block {
      const bytes = new Uint8Array(new ArrayBuffer(size))
      return { bytes, view: new DataView(bytes.buffer), address: ffi.getRawPointer(bytes) }
    },
    getdents: (fd, into, length) => call.syscall(getdents64, fd, into.address, length, 0, 0, 0),
    statx: (dirfd, file, flags, mask, into) => call.syscall(statx, dirfd, file.address, flags, mask, into.address, 0),
    pidfdOpen: (pid) => call.syscall(PIDFD_OPEN, pid, 0, 0, 0, 0, 0),
    pidfdGetfd: (pidfd, fd) => call.syscall(PIDFD_GETFD, pidfd, fd, 0, 0, 0, 0),
    errno: () => ffi.getInt32(errno, 0),
  })
}

/** Every 64-bit argument goes as a bigint, every result comes as a number. */
function withNumbers(native: Native, takes: readonly Kind[]) {
  const wide = takes.map((kind) => kind === 'long')
  return (...values: (number | bigint)[]): number =>
    Number(native(...values.map((value, at) => (wide[at] ? BigInt(value) : value))))
}
